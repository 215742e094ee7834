/**
 * What is kept by its place in an order, for as long as few places are in use at once. A `Map` does the same, but makes
 * tables all the time; those that are old keep what they held alive until the next full collection.
 */

const SLOTS_MIN = 128;

export class Slots<T> {
  /** The value of place `n` is at `n` modulo the length, a power of two. */
  #slots: (T | undefined)[] = Array.from({ length: SLOTS_MIN });

  get(place: number): T | undefined {
    return this.#slots[place % this.#slots.length];
  }

  /** `first` is the first place that is in use, and all that are in use lie behind it. */
  set(place: number, value: T, first: number): void {
    while (place - first >= this.#slots.length) this.#grow(first);
    this.#slots[place % this.#slots.length] = value;
  }

  delete(place: number): void {
    this.#slots[place % this.#slots.length] = undefined;
  }

  #grow(first: number): void {
    const old = this.#slots;
    const slots: (T | undefined)[] = Array.from({ length: old.length * 2 });
    for (let place = first; place < first + old.length; place += 1)
      slots[place % slots.length] = old[place % old.length];
    this.#slots = slots;
  }
}
