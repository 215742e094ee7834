/** Times the parts of one run, one after the other. */
import type { RunCounters } from './run-counters.ts';
import type { RunStage } from './metrics.ts';

export class StageClock {
  readonly #counters: RunCounters;
  #sinceMs = performance.now();

  constructor(counters: RunCounters) {
    this.#counters = counters;
  }

  /** The part that began when the one before it ended is over. */
  lap(stage: RunStage): void {
    const nowMs = performance.now();
    this.#counters.stage(stage, nowMs - this.#sinceMs);
    this.#sinceMs = nowMs;
  }
}
