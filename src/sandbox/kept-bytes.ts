/** Memory that is used again: to be given new pages costs more than to write to them. */

const LENGTH_FIRST = 16 * 1024;
/** Of each of a child's two; what is larger gets memory of its own. */
const LENGTH_MAX = 2 * 1024 * 1024;

export class KeptBytes {
  #bytes = Buffer.allocUnsafeSlow(LENGTH_FIRST);

  /** So many bytes, which are good until the next call. */
  take(length: number): Buffer {
    if (length > LENGTH_MAX) return Buffer.allocUnsafeSlow(length);
    if (length > this.#bytes.length)
      this.#bytes = Buffer.allocUnsafeSlow(Math.min(LENGTH_MAX, Math.max(length, 2 * this.#bytes.length)));
    return this.#bytes.subarray(0, length);
  }
}
