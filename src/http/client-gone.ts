/** Signals of the clients: each fires when its client hangs up, and all when the service cannot wait. */
import type { Socket } from 'node:net';
import type { FastifyRequest } from 'fastify';
import { AbortedError, ClosedError } from '../errors.ts';

export class Clients {
  /** One for each connection, not for each request: to make one costs more than to answer out of the cache. */
  readonly #connected = new Map<Socket, AbortController>();

  /** Fires when the client hangs up. */
  signalOf({ raw: { socket } }: FastifyRequest): AbortSignal {
    return (this.#connected.get(socket) ?? this.#meet(socket)).signal;
  }

  /** Ends the work of all; each client is told why. */
  stopAll(reason: string): void {
    for (const controller of this.#connected.values()) controller.abort(new ClosedError(reason));
  }

  #meet(socket: Socket): AbortController {
    const controller = new AbortController();
    const hangUp = (): void => controller.abort(new AbortedError('the client hung up'));
    if (socket.destroyed) {
      hangUp();
      return controller;
    }
    this.#connected.set(socket, controller);
    socket.once('close', () => {
      this.#connected.delete(socket);
      hangUp();
    });
    return controller;
  }
}
