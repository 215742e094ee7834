/** Lets runs in while there is room, and refuses at once where there is none: nobody waits to be refused. */
import { SkillCacheError } from '../errors.ts';
import type { Caller } from './caller.ts';

export interface AdmissionLimits {
  /** Most runs under way and in line. */
  readonly runsMax: number;
  /** The same of one caller. */
  readonly callerRunsMax: number;
}

const RETRY_AFTER_SECONDS = 1;

export class Admission {
  #limits: AdmissionLimits;
  readonly #what: string;
  readonly #byCaller = new Map<string, number>();
  #running = 0;
  #refused = 0;

  /** `what` is let in, as messages call it. */
  constructor(limits: AdmissionLimits, what = 'runs') {
    this.#limits = limits;
    this.#what = what;
  }

  get running(): number {
    return this.#running;
  }

  get refused(): number {
    return this.#refused;
  }

  set limits(limits: AdmissionLimits) {
    this.#limits = limits;
  }

  /** `leave` with the same caller, once, when the run has ended. @throws {SkillCacheError} OVERLOADED, RATE_LIMITED */
  enter({ id }: Caller): void {
    const { runsMax, callerRunsMax } = this.#limits;
    if (this.#running >= runsMax)
      this.#refuse('OVERLOADED', `${this.#running} ${this.#what} are under way or in line`);
    const own = this.#byCaller.get(id) ?? 0;
    if (own >= callerRunsMax)
      this.#refuse('RATE_LIMITED', `${own} ${this.#what} of this caller are under way or in line`);
    this.#running += 1;
    this.#byCaller.set(id, own + 1);
  }

  leave({ id }: Caller): void {
    this.#running -= 1;
    const own = (this.#byCaller.get(id) ?? 1) - 1;
    if (own > 0) this.#byCaller.set(id, own);
    else this.#byCaller.delete(id);
  }

  #refuse(code: 'OVERLOADED' | 'RATE_LIMITED', message: string): never {
    this.#refused += 1;
    throw new SkillCacheError(code, `${message}: try again later`, {
      details: { retryAfterSeconds: RETRY_AFTER_SECONDS },
    });
  }
}
