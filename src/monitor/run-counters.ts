/** Counts runs by outcome and times their stages. */
import type { ErrorCode } from '../errors.ts';
import { DurationHistogram } from './histogram.ts';
import { RUN_STAGES } from './metrics.ts';
import type { RunNumbers, RunStage } from './metrics.ts';

export class RunCounters {
  #ok = 0;
  #cached = 0;
  #inFlight = 0;
  readonly #errors = new Map<ErrorCode, number>();
  readonly #durations = new DurationHistogram();
  readonly #stages = Object.fromEntries(
    RUN_STAGES.map((stage) => [stage, new DurationHistogram()]),
  ) as Record<RunStage, DurationHistogram>;

  started(): void {
    this.#inFlight += 1;
  }

  /** A run that went well; each `started` has one end. */
  ended(durationMs: number, isCached: boolean): void {
    this.#inFlight -= 1;
    this.#durations.record(durationMs);
    this.#ok += 1;
    if (isCached) this.#cached += 1;
  }

  failed(durationMs: number, code: ErrorCode): void {
    this.#inFlight -= 1;
    this.#durations.record(durationMs);
    this.#errors.set(code, (this.#errors.get(code) ?? 0) + 1);
  }

  stage(stage: RunStage, durationMs: number): void {
    this.#stages[stage].record(durationMs);
  }

  snapshot(): RunNumbers {
    const errors = Object.fromEntries(this.#errors);
    const stages = Object.entries(this.#stages).map(([stage, histogram]) => [stage, histogram.snapshot()]);
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
