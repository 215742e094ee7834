/** Lets the event loop look around while many runs are begun: who is refused, or asks for less, is answered meanwhile. */

/** Between two turns of the loop, in ms. Runs that were begun within it are begun at once. */
const BUDGET_MS = 3;

export class RunTurns {
  readonly #now: () => number;
  /** In the order in which they came; the bound of runs let in bounds them. */
  readonly #waiting: (() => void)[] = [];
  /** When the loop had turned for certain. To know of each turn would cost one more turn for each run. */
  #turnedMs: number;
  #isTurning = false;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
    this.#turnedMs = now();
  }

  /** Undefined: begin now. */
  next(): Promise<void> | undefined {
    if (this.#waiting.length === 0 && this.#hasTime()) return undefined;
    this.#turn();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #hasTime(): boolean {
    return this.#now() - this.#turnedMs < BUDGET_MS;
  }

  #turn(): void {
    if (this.#isTurning) return;
    this.#isTurning = true;
    setImmediate(() => void this.#turned());
  }

  async #turned(): Promise<void> {
    this.#isTurning = false;
    this.#turnedMs = this.#now();
    while (this.#waiting.length > 0 && this.#hasTime()) {
      this.#waiting.shift()?.();
      // It begins in the microtasks that follow.
      await Promise.resolve();
    }
    if (this.#waiting.length > 0) this.#turn();
  }
}
