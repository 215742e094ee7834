/** What a batch is told, and what it tells. */
import type { Readable, Writable } from 'node:stream';
import type { BatchCallOptions } from '../batch-options.ts';
import type { BatchCounts } from './checkpoint.ts';
import type { ItemError } from './item-run.ts';
import type { BatchRunOptions } from './job.ts';
import type { BatchProgress, BatchStatusState } from './progress.ts';

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

export interface StartOptions extends BatchCallOptions, BatchSignals {
  /** A file of NDJSON, a JSON array or CSV, or a stream of such bytes. */
  inputs: string | Readable;
  /** A file, or a stream; NDJSON, one line an input. */
  output: string | Writable;
  /** Whether an output file that holds something is emptied first; else it is refused. Default false. */
  overwrite?: boolean;
  /** The same for every item. */
  run?: BatchRunOptions;
  onProgress?: (progress: BatchProgress) => void;
}

/** Bounds that an attempt may have other than the batch was begun with; each counts from the batch's beginning. */
export type ResumeBounds = Pick<BatchCallOptions, 'onError' | 'failuresMax' | 'timeBudgetMs' | 'itemsMax'>;

export interface ResumeOptions extends BatchSignals, ResumeBounds {
  /** Of a batch whose inputs were a stream: the same stream, from its beginning. */
  inputs?: Readable;
  onProgress?: (progress: BatchProgress) => void;
}

export interface BatchStatus {
  readonly id: string;
  readonly skill: string;
  readonly state: BatchStatusState;
  readonly createdAtMs: number;
  readonly inputs: string;
  readonly output: string;
  /** As the last checkpoint has it. */
  readonly done: number;
  readonly failed: number;
  readonly cached: number;
  /** Of the output, as far as they are on disk for good. */
  readonly outputBytes: number;
  /** Checkpoints that were not taken, and why. */
  readonly refused: readonly string[];
  /** The last progress that was told, where there is some. */
  readonly progress?: Readonly<Record<string, unknown>>;
}

export interface DamagedBatch {
  readonly id: string;
  readonly reason: string;
}

export interface BatchListOptions {
  /** Default 100, at most 1,000. */
  limit?: number;
  onDamaged?: (damaged: DamagedBatch) => void;
}
