/** What a child writes past its channel: the first words say why it ends, the last ones where. */
const KEPT = 8_192;
const BYTES_MAX = 4 * 1024 * 1024;

export class LastWords {
  text = '';
  #bytes = 0;

  /** False once it was more than any honest child writes. */
  add(chunk: Buffer): boolean {
    this.#bytes += chunk.length;
    const text = this.text + chunk.toString('utf8');
    this.text = text.length > 2 * KEPT ? `${text.slice(0, KEPT)}${text.slice(-KEPT)}` : text;
    return this.#bytes <= BYTES_MAX;
  }
}
