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
  #sinceMs = performance.now();

  constructor(counters: RunCounters, told?: StageListener) {
    this.#counters = counters;
    this.#told = told;
  }

  /** The part that began when the one before it ended is over. */
  lap(stage: RunStage): void {
    const nowMs = performance.now();
    this.#counters.stage(stage, nowMs - this.#sinceMs);
    // Its parts are told by who knows them.
    if (stage !== 'execute') this.#told?.(stage, nowMs - this.#sinceMs, 0);
    this.#sinceMs = nowMs;
  }
}
