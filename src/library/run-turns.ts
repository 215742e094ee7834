/** Lets the event loop look around while many runs are begun: who is refused, or asks for less, is answered meanwhile. */

/** Between two turns of the loop, in ms. Runs that were begun within it are begun at once. */
const BUDGET_MS = 3;
/** What waits for its turn waits no longer than this for newcomers, in ms. */
const PATIENCE_MS = 50;

interface Waiting {
  readonly sinceMs: number;
  readonly begin: () => void;
}

export class RunTurns {
  readonly #now: () => number;
  /** In the order in which they came; the bound of runs let in bounds them. */
  readonly #waiting: Waiting[] = [];
  /** When the loop had turned for certain. To know of each turn would cost one more turn for each run. */
  #turnedMs: number;
  #isTurning = false;
  #hasNewcomer = false;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
    this.#turnedMs = now();
  }

  /**
   * Somebody is at the door: what waits lets one more turn pass. The loop lets in one connection a turn, so that the
   * last of a hundred would be heard only after the runs of all others were begun.
   */
  newcomer(): void {
    this.#hasNewcomer = true;
  }

  /** Undefined: begin now. */
  next(): Promise<void> | undefined {
    if (this.#waiting.length === 0 && this.#hasTime()) return undefined;
    this.#turn();
    const sinceMs = this.#now();
    return new Promise((begin) => this.#waiting.push({ sinceMs, begin }));
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
    const mayWait = this.#hasNewcomer && this.#isPatient();
    this.#hasNewcomer = false;
    if (mayWait) return this.#turn();
    while (this.#waiting.length > 0 && this.#hasTime()) {
      this.#waiting.shift()?.begin();
      // It begins in the microtasks that follow.
      await Promise.resolve();
    }
    if (this.#waiting.length > 0) this.#turn();
  }

  #isPatient(): boolean {
    const [first] = this.#waiting;
    return first !== undefined && this.#turnedMs - first.sinceMs < PATIENCE_MS;
  }
}
