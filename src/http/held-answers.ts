/** Answers that wait for others, to leave together in the order in which they came. */
export class HeldAnswers {
  #held: (() => void)[] = [];

  /** The last of `size` releases those before it: they go first, in the microtasks that follow. */
  hold(size: number): Promise<void> {
    if (this.#held.length + 1 < size) return new Promise((resolve) => this.#held.push(resolve));
    this.release();
    return Promise.resolve();
  }

  get isEmpty(): boolean {
    return this.#held.length === 0;
  }

  release(): void {
    const held = this.#held;
    this.#held = [];
    for (const release of held) release();
  }
}
