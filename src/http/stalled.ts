/** Cuts off clients that take nothing of their answer: one look at every socket, none at any request. */
import type { Server } from 'node:http';
import type { Socket } from 'node:net';

export class StalledClients {
  readonly #stallTimeoutMs: number;
  /** What each had been sent at which look. */
  readonly #sockets = new Map<Socket, { taken: number; sinceMs: number }>();
  readonly #timer: NodeJS.Timeout;

  constructor(server: Server, stallTimeoutMs: number) {
    this.#stallTimeoutMs = stallTimeoutMs;
    server.on('connection', (socket: Socket) => {
      this.#sockets.set(socket, { taken: 0, sinceMs: performance.now() });
      socket.once('close', () => this.#sockets.delete(socket));
    });
    this.#timer = setInterval(() => this.#look(), Math.min(5_000, Math.max(50, stallTimeoutMs / 4)));
    this.#timer.unref();
  }

  get open(): number {
    return this.#sockets.size;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    const nowMs = performance.now();
    for (const [socket, seen] of this.#sockets) {
      const taken = socket.bytesWritten - socket.writableLength;
      if (socket.writableLength === 0 || taken !== seen.taken) {
        seen.taken = taken;
        seen.sinceMs = nowMs;
      } else if (nowMs - seen.sinceMs > this.#stallTimeoutMs) {
        socket.destroy();
      }
    }
  }
}
