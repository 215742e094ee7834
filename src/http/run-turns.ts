/** Lets the event loop look around while many runs are begun: who is refused, or asks for less, is answered meanwhile. */

/** Of one turn of the loop, in ms. Runs that were begun within it are begun at once. */
const BUDGET_MS = 10;

export class RunTurns {
  readonly #now: () => number;
  /** In the order in which they came; the bound of runs let in bounds them. */
  readonly #waiting: (() => void)[] = [];
  #isTurn = false;
  #startMs = 0;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Undefined: begin now. */
  next(): Promise<void> | undefined {
    if (!this.#isTurn) this.#begin();
    if (this.#waiting.length === 0 && this.#hasTime()) return undefined;
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #hasTime(): boolean {
    return this.#now() - this.#startMs < BUDGET_MS;
  }

  #begin(): void {
    this.#isTurn = true;
    this.#startMs = this.#now();
    setImmediate(() => void this.#end());
  }

  async #end(): Promise<void> {
    this.#isTurn = false;
    if (this.#waiting.length === 0) return;
    this.#begin();
    while (this.#waiting.length > 0 && this.#hasTime()) {
      this.#waiting.shift()?.();
      // It begins in the microtasks that follow.
      await Promise.resolve();
    }
  }
}
