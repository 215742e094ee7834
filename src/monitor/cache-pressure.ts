/**
 * How much of their bounds the caches may use, by how much memory is taken: halved while it is
 * short, given back in steps when it is not. They give way before the memory alert fires.
 */

/** Of the share that alerts: above the first the caches shrink, below the second they grow. */
const SHRINK_AT = 0.9;
const GROW_AT = 0.75;
const LEAST = 1 / 16;
const GROWTH = 1.5;

export class CachePressure {
  readonly #memoryShareMax: number;
  #share = 1;

  constructor(memoryShareMax: number) {
    this.#memoryShareMax = memoryShareMax;
  }

  /** The share in force: 1 as long as memory is not short. */
  get share(): number {
    return this.#share;
  }

  /** Looks at a sample; whether the share changed. */
  look(memoryShare: number): boolean {
    const before = this.#share;
    if (memoryShare > this.#memoryShareMax * SHRINK_AT) this.#share = Math.max(LEAST, before / 2);
    else if (memoryShare < this.#memoryShareMax * GROW_AT) this.#share = Math.min(1, before * GROWTH);
    return this.#share !== before;
  }
}
