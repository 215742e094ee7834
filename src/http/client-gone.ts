/** Signals of the requests under way: each fires when its client hangs up, and all when the service cannot wait. */
import type { Socket } from 'node:net';
import type { FastifyRequest } from 'fastify';
import { AbortedError, ClosedError } from '../errors.ts';

/** Signals that nobody listened to, to be used again: to make one costs more than to answer out of the cache. */
const SPARE_MAX = 64;

export class Clients {
  /** Those of each connection, which is listened to once. */
  readonly #waiting = new Map<Socket, Set<AbortController>>();
  readonly #spare: AbortController[] = [];

  /** Aborts when the client hangs up. `done` with it when the answer is there. */
  wait({ raw: { socket } }: FastifyRequest): AbortController {
    const controller = this.#spare.pop() ?? new AbortController();
    if (socket.destroyed) controller.abort(new AbortedError('the client hung up'));
    else this.#of(socket).add(controller);
    return controller;
  }

  /** `isUnheard`: nothing was done with the signal but to look at it. */
  done({ raw: { socket } }: FastifyRequest, controller: AbortController, isUnheard = false): void {
    this.#waiting.get(socket)?.delete(controller);
    const isSpare = isUnheard && !controller.signal.aborted && this.#spare.length < SPARE_MAX;
    if (isSpare) this.#spare.push(controller);
  }

  /** Does work that ends when its client hangs up. */
  async during<T>(request: FastifyRequest, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const controller = this.wait(request);
    try {
      return await work(controller.signal);
    } finally {
      this.done(request, controller);
    }
  }

  /** Ends the work of all; each client is told why. */
  stopAll(reason: string): void {
    for (const waiting of this.#waiting.values())
      for (const controller of waiting) controller.abort(new ClosedError(reason));
  }

  #of(socket: Socket): Set<AbortController> {
    const known = this.#waiting.get(socket);
    if (known) return known;
    const waiting = new Set<AbortController>();
    this.#waiting.set(socket, waiting);
    socket.once('close', () => {
      this.#waiting.delete(socket);
      for (const controller of waiting) controller.abort(new AbortedError('the client hung up'));
    });
    return waiting;
  }
}
