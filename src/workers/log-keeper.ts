/** The console output of one run, as far as it is kept. */

/** Keeps the first `bytesMax` bytes. */
export class LogKeeper {
  readonly #bytesMax: number;
  #chunks: Buffer[] = [];
  #bytes = 0;
  isCut = false;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  add(chunk: Buffer): void {
    const room = this.#bytesMax - this.#bytes;
    if (chunk.length > room) this.isCut = true;
    const kept = chunk.subarray(0, Math.max(0, room));
    this.#chunks.push(kept);
    this.#bytes += kept.length;
  }

  get text(): string {
    const text = Buffer.concat(this.#chunks).toString('utf8');
    return this.isCut ? `${text.replace(/\uFFFD+$/, '')}\n… cut at ${this.#bytesMax} bytes\n` : text;
  }
}
