/** What a batch is told, and what it tells. */
import type { BatchCounts } from './checkpoint.ts';
import type { ItemError } from './item-run.ts';
import type { BatchStatusState } from './progress.ts';

/** What became of one input. `error` is absent where it went well. */
export interface BatchItem {
  /** From 0. */
  readonly index: number;
  readonly output?: unknown;
  readonly error?: ItemError;
  readonly cached: boolean;
}

export type BatchEnd = 'inputs' | 'items-max' | 'time-budget' | 'cancelled';

export interface BatchReport extends BatchCounts {
  readonly id: string;
  readonly skill: string;
  readonly state: BatchStatusState;
  readonly endedBy: BatchEnd;
  readonly output: string;
  /** In this process and those before. */
  readonly workedMs: number;
}

export interface BatchSignals {
  /** Finish what runs, commit a checkpoint, and end with an `AbortedError`. */
  readonly signal?: AbortSignal;
  /** The same, without finishing what runs. */
  readonly killSignal?: AbortSignal;
}
