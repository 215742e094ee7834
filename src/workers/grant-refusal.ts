/** A request of a skill that its grants do not cover: an error inside the skill, and an event in the run's record. */
export class GrantRefusal extends Error {
  override readonly name = 'GrantRefusal';
}

/** Bytes that one run may still move. */
export class ByteBudget {
  readonly #bytesMax: number;
  used = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get left(): number {
    return this.#bytesMax - this.used;
  }

  /** @throws {GrantRefusal} when it does not suffice; nothing is spent then. */
  spend(bytes: number): void {
    if (bytes > this.left)
      throw new GrantRefusal(
        `more than ${this.#bytesMax} bytes in one run (${this.used} used, ${bytes} more)`,
      );
    this.used += bytes;
  }
}
