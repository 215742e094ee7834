/** The runs that are answered later, within a bound of number, bytes and age. */
import { ClosedError, SkillCacheError } from '../errors.ts';
import type { SkillRun } from '../library/types.ts';
import { KeptRun } from './kept-run.ts';
import { knownError, problemOf } from './problem.ts';

export interface KeptRunsLimits {
  readonly keptRunsMax: number;
  readonly keptRunBytesMax: number;
  readonly keptRunAgeMaxMs: number;
}

export class KeptRuns {
  readonly #limits: KeptRunsLimits;
  /** In the order of their beginning. */
  readonly #runs = new Map<string, KeptRun>();
  readonly #working = new Set<Promise<void>>();

  constructor(limits: KeptRunsLimits) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#runs.size;
  }

  /** Resolves when none is running. */
  async settled(): Promise<void> {
    await Promise.all(this.#working);
  }

  /** Whose run it is, is part of its name: another's is not found. */
  get(owner: string, id: string): KeptRun | undefined {
    this.#tidy(0);
    const run = this.#runs.get(id);
    return run?.owner === owner ? run : undefined;
  }

  /** @throws {SkillCacheError} OVERLOADED when as many are running as are kept. */
  start(
    given: { id: string; owner: string; skill: string | undefined },
    work: (run: KeptRun) => Promise<{ run: SkillRun; text: string }>,
  ): KeptRun {
    this.#tidy(1);
    if (this.#runs.size >= this.#limits.keptRunsMax) {
      throw new SkillCacheError('OVERLOADED', `${this.#runs.size} runs are under way: try again later`, {
        details: { retryAfterSeconds: 1 },
      });
    }
    const run = new KeptRun(given);
    this.#runs.set(run.id, run);
    const working = this.#work(run, work).finally(() => this.#working.delete(working));
    this.#working.add(working);
    return run;
  }

  /** Stops what still runs, and says why. */
  cancelAll(reason: string): void {
    for (const run of this.#runs.values()) run.cancel(new ClosedError(reason));
  }

  async #work(run: KeptRun, work: (run: KeptRun) => Promise<{ run: SkillRun; text: string }>): Promise<void> {
    try {
      run.end({ kind: 'succeeded', ...(await work(run)) });
    } catch (thrown) {
      const kind = run.signal.aborted && knownError(thrown).code === 'ABORTED' ? 'cancelled' : 'failed';
      run.end({ kind, problem: problemOf(thrown) });
    }
    this.#tidy(0);
  }

  /** Lets go of the oldest that ended, until there is room for `more`. */
  #tidy(more: number): void {
    const { keptRunsMax, keptRunBytesMax, keptRunAgeMaxMs } = this.#limits;
    let bytes = 0;
    for (const run of this.#runs.values()) bytes += run.bytes;
    for (const run of this.#runs.values()) {
      if (run.state.kind === 'running') continue;
      const endedMs = run.startedAtMs + (run.durationMs ?? 0);
      const isOld = Date.now() - endedMs > keptRunAgeMaxMs;
      if (!isOld && bytes <= keptRunBytesMax && this.#runs.size + more <= keptRunsMax) continue;
      bytes -= run.bytes;
      this.#runs.delete(run.id);
    }
  }
}
