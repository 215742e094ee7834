/** The console output of one run, as far as it is kept. */
import { StringDecoder } from 'node:string_decoder';

/** Keeps the first `bytesMax` bytes. */
export class LogKeeper {
  readonly #bytesMax: number;
  readonly #tell: ((text: string) => void) | undefined;
  #decoder: StringDecoder | undefined;
  #chunks: Buffer[] = [];
  #bytes = 0;
  isCut = false;

  /** `tell` hears of what is kept, as it comes, in whole characters. */
  constructor(bytesMax: number, tell?: (text: string) => void) {
    this.#bytesMax = bytesMax;
    this.#tell = tell;
  }

  add(chunk: Buffer): void {
    const room = this.#bytesMax - this.#bytes;
    if (chunk.length > room) this.isCut = true;
    const kept = chunk.subarray(0, Math.max(0, room));
    this.#chunks.push(kept);
    this.#bytes += kept.length;
    if (!this.#tell || kept.length === 0) return;
    this.#decoder ??= new StringDecoder('utf8');
    const text = this.#decoder.write(kept);
    if (text !== '') this.#tell(text);
  }

  get text(): string {
    const text = Buffer.concat(this.#chunks).toString('utf8');
    return this.isCut ? `${text.replace(/\uFFFD+$/, '')}\n… cut at ${this.#bytesMax} bytes\n` : text;
  }
}
