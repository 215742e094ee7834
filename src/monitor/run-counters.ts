/** Counts runs by outcome and times their stages. */
import type { ErrorCode } from '../errors.ts';
import { DurationHistogram } from './histogram.ts';
import { RUN_STAGES } from './metrics.ts';
import type { RunNumbers, RunStage } from './metrics.ts';

export interface RunOutcome {
  readonly durationMs: number;
  /** Absent for a run that went well. */
  readonly errorCode?: ErrorCode;
  readonly cached?: boolean;
}

export class RunCounters {
  #ok = 0;
  #cached = 0;
  #inFlight = 0;
  readonly #errors = new Map<ErrorCode, number>();
  readonly #durations = new DurationHistogram();
  readonly #stages = new Map(RUN_STAGES.map((stage) => [stage, new DurationHistogram()]));

  started(): void {
    this.#inFlight += 1;
  }

  /** Ends what `started` began: once for each. */
  ended({ durationMs, errorCode, cached }: RunOutcome): void {
    this.#inFlight -= 1;
    this.#durations.record(durationMs);
    if (errorCode !== undefined) {
      this.#errors.set(errorCode, (this.#errors.get(errorCode) ?? 0) + 1);
      return;
    }
    this.#ok += 1;
    if (cached) this.#cached += 1;
  }

  stage(stage: RunStage, durationMs: number): void {
    this.#stages.get(stage)?.record(durationMs);
  }

  snapshot(): RunNumbers {
    const errors = Object.fromEntries(this.#errors);
    const stages = [...this.#stages].map(([stage, histogram]) => [stage, histogram.snapshot()]);
    return {
      total: this.#ok + Object.values(errors).reduce((sum, count) => sum + count, 0),
      ok: this.#ok,
      errors,
      cached: this.#cached,
      inFlight: this.#inFlight,
      durationMs: this.#durations.snapshot(),
      stagesMs: Object.fromEntries(stages) as RunNumbers['stagesMs'],
    };
  }
}
