/**
 * Lets answers leave together while many runs wait in line: the clients' next requests come together too, and the
 * event loop wakes once where it would have woken for each of them. Nobody waits who is one of few.
 */
import { HeldAnswers } from './held-answers.ts';

/** So many runs under way and in line for each answer of a group: what is held back keeps no worker waiting. */
const RUNS_EACH = 4;
/** An answer that comes later than this after the one before is not one of many. In ms, as is the longest wait. */
const APART_MS = 1;

export class AnswerGroups {
  readonly #size: number;
  readonly #now: () => number;
  readonly #held = new HeldAnswers();
  #timer: NodeJS.Timeout | undefined;
  #lastMs = -Infinity;

  /** `size`: most answers that leave together; 1: each by itself. */
  constructor(size: number, now: () => number = () => performance.now()) {
    this.#size = size;
    this.#now = now;
  }

  /** `running`: other runs under way and in line. Undefined: answer now. */
  next(running: number): Promise<void> | undefined {
    if (this.#size === 1 || running < RUNS_EACH * this.#size) return undefined;
    const now = this.#now();
    const isApart = now - this.#lastMs > APART_MS;
    this.#lastMs = now;
    if (isApart) return undefined;
    const wait = this.#held.hold(this.#size);
    if (this.#held.isEmpty) this.#stopTimer();
    else this.#timer ??= setTimeout(() => this.#late(), APART_MS);
    return wait;
  }

  #late(): void {
    this.#stopTimer();
    this.#held.release();
  }

  #stopTimer(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
