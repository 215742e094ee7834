/**
 * Lets answers that are known leave together at the end of a turn of the event loop, where many requests are read in
 * one: what is written without a pause wakes the client once. The first alone takes as long as before.
 */
import { HeldAnswers } from './held-answers.ts';

/** For each answer of a group that had to be run: what is known takes a fraction of the time. */
const KNOWN_EACH = 4;
/** Answers that follow each other within this, in ms, were asked for together. */
const APART_MS = 0.1;
/** After so many of them in a row the next are held. */
const BURST = 3;
/** A burst is over after so many turns in a row with fewer, */
const SMALL_TURNS_MAX = 4;
/** and when no answer came for so long, in ms. */
const IDLE_MS = 2;
/** After such turns so many answers go at once. */
const PAUSE = 1000;

export class AnswerBursts {
  readonly #sizeMax: number;
  readonly #now: () => number;
  readonly #held = new HeldAnswers();
  /** How many came in this turn. */
  #count = 0;
  #lastMs = -Infinity;
  /** How many have come one close after the other; below 0 while bursts are not looked for. */
  #row = 0;
  #isBurst = false;
  #smallTurns = 0;

  /** `together`: most answers that leave together, of those that had to be run; 1: each by itself. */
  constructor(together: number, now: () => number = () => performance.now()) {
    this.#sizeMax = together === 1 ? 1 : KNOWN_EACH * together;
    this.#now = now;
  }

  /** Undefined: answer now. */
  next(): Promise<void> | undefined {
    if (this.#sizeMax === 1 || !this.#isInBurst()) return undefined;
    if (this.#count === 0) setImmediate(() => this.#turned());
    this.#count += 1;
    return this.#held.hold(this.#sizeMax);
  }

  #isInBurst(): boolean {
    if (this.#isBurst && this.#count > 0) return true;
    const now = this.#now();
    if (this.#isBurst && now - this.#lastMs < IDLE_MS) return true;
    const isClose = now - this.#lastMs < APART_MS;
    this.#lastMs = now;
    this.#row = isClose || this.#row < 0 ? this.#row + 1 : 0;
    this.#isBurst = this.#row >= BURST;
    this.#smallTurns = 0;
    return this.#isBurst;
  }

  #turned(): void {
    this.#smallTurns = this.#count < BURST ? this.#smallTurns + 1 : 0;
    if (this.#smallTurns === SMALL_TURNS_MAX) {
      this.#isBurst = false;
      this.#row = -PAUSE;
    }
    this.#count = 0;
    this.#lastMs = this.#now();
    this.#held.release();
  }
}
