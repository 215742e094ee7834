/** Signals of the requests under way: each fires when its client hangs up, and all when the service cannot wait. */
import type { FastifyReply } from 'fastify';
import { AbortedError, ClosedError } from '../errors.ts';

export class Clients {
  readonly #waiting = new Set<AbortController>();

  /** Fires when the client hangs up before it has its answer. */
  gone({ raw }: FastifyReply): AbortSignal {
    const controller = new AbortController();
    this.#waiting.add(controller);
    const gone = (): void => {
      this.#waiting.delete(controller);
      if (!raw.writableFinished) controller.abort(new AbortedError('the client hung up'));
    };
    if (raw.destroyed) gone();
    else raw.once('close', gone);
    return controller.signal;
  }

  /** Ends the work of all; each client is told why. */
  stopAll(reason: string): void {
    for (const controller of this.#waiting) controller.abort(new ClosedError(reason));
  }
}
