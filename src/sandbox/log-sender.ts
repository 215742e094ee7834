/** Console output of one run on its way to the parent. */
import type { ChildChannel } from './channel.ts';

/** Lines sent at once, so that they survive a kill; later ones are gathered. */
const EAGER_LINES = 64;
const LOG_CHUNK = 8_192;

export class LogSender {
  readonly #task: number;
  readonly #bytesMax: number;
  readonly #send: ChildChannel['send'];
  #waiting = '';
  #lines = 0;
  bytes = 0;

  constructor(task: number, bytesMax: number, send: ChildChannel['send']) {
    this.#task = task;
    this.#bytesMax = bytesMax;
    this.#send = send;
  }

  add(text: string): void {
    if (this.bytes > this.#bytesMax) return;
    this.bytes += Buffer.byteLength(text) + 1;
    this.#waiting += `${text}\n`;
    this.#lines += 1;
    if (this.#lines <= EAGER_LINES || this.#waiting.length > LOG_CHUNK) this.flush();
  }

  flush(): void {
    if (this.#waiting === '') return;
    this.#send('log', this.#task, this.#waiting);
    this.#waiting = '';
  }
}
