/** What a batch is to do: fixed when it begins, and the same in each resumption. */
import { createHash } from 'node:crypto';
import type { BatchCallOptions, BatchFormat } from '../batch-options.ts';
import type { RunOptions } from '../run-options.ts';

export interface JobInput {
  /** `file`: read again from where it was left. `stream`: to be given again from its beginning. */
  readonly kind: 'file' | 'stream';
  /** Absolute; of a stream what it is called. */
  readonly path: string;
  readonly format: BatchFormat;
  /** Of a file, when the batch began. */
  readonly bytes?: number;
  readonly modifiedAtMs?: number;
}

export interface JobOutput {
  readonly kind: 'file' | 'stream';
  readonly path: string;
}

/** Run options that are the same for every item, and can be written down. */
export type BatchRunOptions = Pick<
  RunOptions,
  | 'context'
  | 'parameters'
  | 'timeoutMs'
  | 'memoryBytesMax'
  | 'outputBytesMax'
  | 'logBytesMax'
  | 'cache'
  | 'seed'
  | 'now'
  | 'grants'
>;

export interface BatchJob {
  readonly id: string;
  readonly createdAtMs: number;
  readonly skill: { readonly name: string; readonly version: number; readonly digest: string };
  readonly input: JobInput;
  readonly output: JobOutput;
  readonly options: BatchCallOptions;
  readonly run: BatchRunOptions;
}

/** How the skill is named to the library: the version that was current when the batch began. */
export const referenceOf = ({ skill }: BatchJob): string => `${skill.name}@${skill.version}`;

export const digestOf = (text: string): string => createHash('sha256').update(text).digest('hex');

export const jobText = (job: BatchJob): string => `${JSON.stringify(job)}\n`;
