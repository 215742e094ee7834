/**
 * Memory for frames on their way, lent to one at a time and used again: to be given new pages costs more than to
 * write to them.
 */

/** Below it the allocator has pages at hand. */
const LENGTH_MIN = 64 * 1024;
/** What is larger gets memory of its own: so much is kept, and no more. */
const LENGTH_MAX = 2 * 1024 * 1024;

export interface Loan {
  /** `length` bytes, of whatever was in them before. */
  readonly bytes: Buffer;
  /** Once nobody looks at them any longer; one that is never given back costs later ones memory of their own. */
  giveBack(): void;
}

const keep = () => {
  // It was never kept.
};

export class LentBytes {
  #kept: Buffer | undefined;
  #isOut = false;

  take(length: number): Loan {
    if (this.#isOut || length < LENGTH_MIN || length > LENGTH_MAX)
      return { bytes: Buffer.allocUnsafe(length), giveBack: keep };
    if (this.#kept === undefined || this.#kept.length < length)
      this.#kept = Buffer.allocUnsafeSlow(Math.min(LENGTH_MAX, length + length / 4));
    this.#isOut = true;
    return { bytes: this.#kept.subarray(0, length), giveBack: () => (this.#isOut = false) };
  }
}
