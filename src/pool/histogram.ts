/** Durations counted in fixed buckets: constant memory, a few nanoseconds to record. */
import type { HistogramSnapshot } from './pool-stats.ts';

const BOUNDS_MS = [
  0.1, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000,
];

export class Histogram {
  readonly #counts: number[] = Array.from({ length: BOUNDS_MS.length + 1 }, () => 0);
  #sumMs = 0;
  #count = 0;

  record(durationMs: number): void {
    let bucket = 0;
    while (bucket < BOUNDS_MS.length && durationMs > (BOUNDS_MS[bucket] as number)) bucket += 1;
    this.#counts[bucket] = (this.#counts[bucket] as number) + 1;
    this.#sumMs += durationMs;
    this.#count += 1;
  }

  snapshot(): HistogramSnapshot {
    return { boundsMs: [...BOUNDS_MS], counts: [...this.#counts], sumMs: this.#sumMs, count: this.#count };
  }
}
