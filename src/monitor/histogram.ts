/** Counts durations into fixed buckets: one search of 18 bounds and two additions each. */
import type { HistogramSnapshot } from '../pool/pool-stats.ts';

/** Upper bounds in ms: from a cached answer to the default deadline. */
export const DURATION_BOUNDS_MS: readonly number[] = [
  0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000,
];

export class DurationHistogram {
  readonly #counts: number[] = Array.from({ length: DURATION_BOUNDS_MS.length + 1 }, () => 0);
  #sumMs = 0;
  #count = 0;

  /** Counts a duration; one that is negative, as after a step of the clock, counts as 0. */
  record(durationMs: number): void {
    const ms = Math.max(0, durationMs);
    let bucket = 0;
    while (bucket < DURATION_BOUNDS_MS.length && ms > (DURATION_BOUNDS_MS[bucket] as number)) bucket += 1;
    this.#counts[bucket] = (this.#counts[bucket] as number) + 1;
    this.#sumMs += ms;
    this.#count += 1;
  }

  snapshot(): HistogramSnapshot {
    return {
      boundsMs: DURATION_BOUNDS_MS,
      counts: [...this.#counts],
      sumMs: this.#sumMs,
      count: this.#count,
    };
  }
}
