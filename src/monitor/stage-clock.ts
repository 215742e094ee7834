/** Times the parts of one run, one after the other. */
import type { RunCounters } from './run-counters.ts';
import type { RunStage } from './metrics.ts';

/** Of one run, beside the counts of all. */
export type StageListener = (
  stage: Exclude<RunStage, 'execute'>,
  durationMs: number,
  endedAgoMs: number,
) => void;

export class StageClock {
  readonly #counters: RunCounters;
  readonly #told: StageListener | undefined;
  #sinceMs: number;

  constructor(counters: RunCounters, told?: StageListener) {
    this.#counters = counters;
    this.#told = told;
    this.#sinceMs = performance.now();
  }

  /** The part that began when the one before it ended is over. */
  lap(stage: RunStage): void {
    const nowMs = performance.now();
    const durationMs = nowMs - this.#sinceMs;
    this.#sinceMs = nowMs;
    this.#counters.stage(stage, durationMs);
    // Its parts are told by who knows them.
    if (this.#told !== undefined && stage !== 'execute') this.#told(stage, durationMs, 0);
  }
}
