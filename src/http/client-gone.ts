/** Signals of the clients: each fires when its client hangs up, and all when the service cannot wait. */
import type { Socket } from 'node:net';
import type { FastifyRequest } from 'fastify';
import { CancelSignal } from '../cancel-signal.ts';
import { AbortedError, ClosedError } from '../errors.ts';

export class Clients {
  /** One for each connection, not for each request: to make one costs more than to answer out of the cache. */
  readonly #connected = new Map<Socket, CancelSignal>();

  /** Fires when the client hangs up. */
  signalOf({ raw: { socket } }: FastifyRequest): AbortSignal {
    return this.#connected.get(socket) ?? this.#meet(socket);
  }

  /** Ends the work of all; each client is told why. */
  stopAll(reason: string): void {
    for (const signal of this.#connected.values()) signal.abort(new ClosedError(reason));
  }

  #meet(socket: Socket): CancelSignal {
    const signal = new CancelSignal();
    const hangUp = (): void => signal.abort(new AbortedError('the client hung up'));
    if (socket.destroyed) {
      hangUp();
      return signal;
    }
    this.#connected.set(socket, signal);
    socket.once('close', () => {
      this.#connected.delete(socket);
      hangUp();
    });
    return signal;
  }
}
