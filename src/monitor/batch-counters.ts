/** Counts batches, their items and their checkpoints. */
import { DurationHistogram } from './histogram.ts';
import type { BatchNumbers } from './metrics.ts';

export type BatchOutcome = keyof BatchNumbers['ended'];

export class BatchCounters {
  #running = 0;
  #begun = 0;
  #resumed = 0;
  #ok = 0;
  #failed = 0;
  #cached = 0;
  #outputBytes = 0;
  readonly #ended = { completed: 0, interrupted: 0, cancelled: 0 };
  readonly #checkpoints = new DurationHistogram();

  /** Each has one end. */
  began({ isResumed }: { isResumed: boolean }): void {
    this.#running += 1;
    if (isResumed) this.#resumed += 1;
    else this.#begun += 1;
  }

  ended(outcome: BatchOutcome): void {
    this.#running -= 1;
    this.#ended[outcome] += 1;
  }

  item({ isFailed, isCached }: { isFailed: boolean; isCached: boolean }): void {
    if (isFailed) this.#failed += 1;
    else this.#ok += 1;
    if (isCached) this.#cached += 1;
  }

  /** `bytes`: of output, since the checkpoint before. */
  checkpoint(durationMs: number, bytes: number): void {
    this.#checkpoints.record(durationMs);
    this.#outputBytes += bytes;
  }

  snapshot(): BatchNumbers {
    return {
      running: this.#running,
      begun: this.#begun,
      resumed: this.#resumed,
      ended: { ...this.#ended },
      items: { ok: this.#ok, failed: this.#failed },
      cached: this.#cached,
      outputBytes: this.#outputBytes,
      checkpointMs: this.#checkpoints.snapshot(),
    };
  }
}
