/**
 * How far a batch has come, as far as it is on disk. Two files take turns, so that the one before stays whole
 * until the next is; each carries a digest of itself.
 */
import { readFile } from 'node:fs/promises';
import { BatchRefusedError } from '../errors.ts';
import { digestOf } from './job.ts';
import { replaceFile } from './replace-file.ts';

export type BatchState = 'open' | 'completed' | 'cancelled';

export interface BatchCounts {
  /** Items whose lines are in the output, failed ones included. */
  readonly done: number;
  readonly failed: number;
  /** Of `done`, those answered without running. */
  readonly cached: number;
}

export interface Checkpoint {
  readonly batch: string;
  /** SHA-256 of the job's text: skill, options, inputs. */
  readonly job: string;
  /** The skill's. */
  readonly digest: string;
  readonly sequence: number;
  readonly state: BatchState;
  readonly input: {
    /** Behind the last item that is in the output. */
    readonly position: number;
    /** Lines before that. */
    readonly lines: number;
    /** The first `hashedBytes` bytes have this SHA-256. */
    readonly hashedBytes: number;
    readonly sha256: string;
    /** Of a file. */
    readonly bytes?: number;
    readonly modifiedAtMs?: number;
    /** The header of a CSV. */
    readonly columns?: readonly string[];
  };
  readonly output: { readonly bytes: number; readonly sha256: string };
  readonly counts: BatchCounts;
  /** Time that was worked, in ms. */
  readonly workedMs: number;
  readonly savedAtMs: number;
}

export interface LoadedCheckpoint {
  /** The last good one; undefined where none was ever written. */
  readonly checkpoint: Checkpoint | undefined;
  /** Why others were not taken. */
  readonly refused: readonly string[];
}

const pathOf = (base: string, slot: number): string => `${base}.checkpoint-${slot}.json`;

/** Resolves when it is on disk. */
export async function saveCheckpoint(base: string, checkpoint: Checkpoint): Promise<void> {
  const body = JSON.stringify(checkpoint);
  const text = `{"version":1,"sha256":"${digestOf(body)}","checkpoint":${body}}\n`;
  await replaceFile(pathOf(base, checkpoint.sequence % 2), text, { isDurable: true });
}

/** @throws {BatchRefusedError} where there are checkpoints and none of them is good. */
export async function loadCheckpoint(base: string, batch: string, job: string): Promise<LoadedCheckpoint> {
  const refused: string[] = [];
  const good: Checkpoint[] = [];
  for (const slot of [0, 1]) {
    const path = pathOf(base, slot);
    const text = await textAt(path);
    if (text === undefined) continue;
    const found = parse(text, batch, job);
    if (typeof found === 'string') refused.push(`${path}: ${found}`);
    else good.push(found);
  }
  const checkpoint = good.toSorted((left, right) => right.sequence - left.sequence)[0];
  if (!checkpoint && refused.length > 0) {
    const message = `no checkpoint of batch ${batch} can be used: ${refused.join('; ')}`;
    throw new BatchRefusedError(message, { details: { id: batch, reasons: refused } });
  }
  return { checkpoint, refused };
}

async function textAt(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function parse(text: string, batch: string, job: string): Checkpoint | string {
  const [, sha256, body = ''] =
    /^\{"version":1,"sha256":"([0-9a-f]{64})","checkpoint":(.*)\}\n$/s.exec(text) ?? [];
  if (sha256 === undefined) return `it is incomplete, or no checkpoint (${text.length} characters)`;
  if (digestOf(body) !== sha256) return 'it is damaged: its digest is another';
  const checkpoint = JSON.parse(body) as Checkpoint;
  if (checkpoint.batch !== batch) return `it is of the batch ${checkpoint.batch}`;
  return checkpoint.job === job ? checkpoint : 'it is of another job: skill, inputs or options differ';
}
