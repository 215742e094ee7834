/**
 * Holds back runs while callers are still coming in. The event loop lets in one connection a turn: the last of a hundred
 * would be heard, and refused, only after all that the others' runs begin with.
 */

/** No run is held back for longer than this, in ms: one that a worker is free for, and one that would wait for one. */
const PATIENCE_MS = { free: 50, busy: 200 };
/** Who came longer ago than this, in ms, came in another turn of the loop. */
const RECENT_MS = 20;

interface Held {
  readonly sinceMs: number;
  readonly begin: () => void;
}

export class Doorway {
  /** Of this process, which has one loop: how many came in at whatever door, and when the last did. */
  static #came = 0;
  static #cameMs = -Infinity;
  readonly #runsMax: number;
  readonly #now: () => number;
  /** In the order in which they came; the bound of runs let in bounds them. */
  readonly #held: Held[] = [];
  #underWay = 0;
  /** How many had come by the last turn. */
  #seen = 0;
  #isTurning = false;

  /** Of `runsMax` runs each finds a worker free. */
  constructor(runsMax: number, now: () => number = () => performance.now()) {
    this.#runsMax = runsMax;
    this.#now = now;
  }

  /** Somebody was let in, and others may be behind. */
  static newcomer(nowMs: number = performance.now()): void {
    Doorway.#came += 1;
    Doorway.#cameMs = nowMs;
  }

  /** Undefined: begin now. Nobody is held back who has left. `leave` when the run has ended. */
  enter(signal?: AbortSignal): Promise<void> | undefined {
    if (this.#held.length === 0 && !this.#isMet()) {
      this.#underWay += 1;
      return undefined;
    }
    this.#turn();
    return new Promise((resolve) => this.#hold(resolve, signal));
  }

  leave(): void {
    this.#underWay -= 1;
  }

  #hold(resolve: () => void, signal: AbortSignal | undefined): void {
    const goOut = (): void => {
      this.#held.splice(this.#held.indexOf(held), 1);
      held.begin();
    };
    const begin = (): void => {
      signal?.removeEventListener('abort', goOut);
      this.#underWay += 1;
      resolve();
    };
    const held: Held = { sinceMs: this.#now(), begin };
    this.#held.push(held);
    signal?.addEventListener('abort', goOut, { once: true });
  }

  #isMet(): boolean {
    if (this.#seen === Doorway.#came) return false;
    if (this.#now() - Doorway.#cameMs < RECENT_MS) return true;
    this.#seen = Doorway.#came;
    return false;
  }

  #turn(): void {
    if (this.#isTurning) return;
    this.#isTurning = true;
    setImmediate(() => this.#turned());
  }

  #turned(): void {
    this.#isTurning = false;
    const isMet = this.#seen !== Doorway.#came;
    this.#seen = Doorway.#came;
    const nowMs = this.#now();
    for (let held = this.#held[0]; held !== undefined; held = this.#held[0]) {
      const patienceMs = this.#underWay < this.#runsMax ? PATIENCE_MS.free : PATIENCE_MS.busy;
      if (isMet && nowMs - held.sinceMs < patienceMs) return this.#turn();
      this.#held.shift();
      held.begin();
    }
  }
}
