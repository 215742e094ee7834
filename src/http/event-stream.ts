/** One Server-Sent Events answer: numbered events, heartbeats, and an end to clients that do not read. */
import type { FastifyReply } from 'fastify';

export interface StreamEvent {
  /** Counts from 1; what `Last-Event-ID` names. */
  readonly id: number;
  readonly event: string;
  /** JSON text on one line. */
  readonly data: string;
}

/** What a client has not taken yet; with more than this it is cut off, and may resume. */
const UNREAD_BYTES_MAX = 4 * 2 ** 20;

export class EventStream {
  readonly #reply: FastifyReply;
  readonly #heartbeat: NodeJS.Timeout;
  readonly #onClose: () => void;
  #isOpen = true;

  /** Takes the answer over from Fastify. `onClose` is called once, however it ends. */
  constructor(reply: FastifyReply, { heartbeatMs, onClose }: { heartbeatMs: number; onClose: () => void }) {
    this.#reply = reply;
    this.#onClose = onClose;
    reply.hijack();
    const { raw } = reply;
    raw.writeHead(200, {
      ...(reply.getHeaders() as Record<string, string>),
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    });
    raw.flushHeaders();
    raw.once('close', () => this.#closed());
    raw.once('error', () => this.#closed());
    this.#heartbeat = setInterval(() => this.#write(': alive\n\n'), heartbeatMs);
    this.#heartbeat.unref();
  }

  send({ id, event, data }: StreamEvent): void {
    this.#write(`id: ${id}\nevent: ${event}\ndata: ${data}\n\n`);
  }

  /** After the last event. */
  end(): void {
    if (!this.#isOpen) return;
    this.#reply.raw.end();
    this.#closed();
  }

  #write(text: string): void {
    if (!this.#isOpen) return;
    const { raw } = this.#reply;
    if (raw.writableLength > UNREAD_BYTES_MAX) {
      raw.destroy();
      this.#closed();
    } else {
      raw.write(text);
    }
  }

  #closed(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    clearInterval(this.#heartbeat);
    this.#onClose();
  }
}

/** `Last-Event-ID`, 0 where there is none that we gave. */
export function lastEventId(header: unknown): number {
  return typeof header === 'string' && /^\d{1,15}$/.test(header) ? Number(header) : 0;
}
