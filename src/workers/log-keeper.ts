/** The console output of one run, as far as it is kept. */
import { StringDecoder } from 'node:string_decoder';

/** What a decoder puts for bytes that are no character. */
const REPLACEMENT = 0xfffd;

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
    return this.isCut ? `${withoutTorn(text)}\n… cut at ${this.#bytesMax} bytes\n` : text;
  }
}

/** Without what a cut inside a character leaves at the end. By hand: a pattern looks at each of a million again. */
function withoutTorn(text: string): string {
  let end = text.length;
  while (text.charCodeAt(end - 1) === REPLACEMENT) end -= 1;
  return text.slice(0, end);
}
