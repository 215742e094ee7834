/** The folder in which batches are kept: their jobs, checkpoints, progress and locks, a handful of files each. */
import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import {
  BatchBusyError,
  BatchNotFoundError,
  BatchRefusedError,
  ConfigurationError,
  type ErrorDetails,
} from '../errors.ts';
import { tryLockFile, type FileLock } from '../store/sqlite/file-lock.ts';
import { digestOf, jobText, type BatchJob } from './job.ts';
import { replaceFile } from './replace-file.ts';

const ENDINGS = ['checkpoint-0.json', 'checkpoint-1.json', 'progress.json', 'cancel', 'lock', 'job.json'];
/** What a service keeps of a batch beside these, by its id: what it reads and what it writes. */
export const INPUTS_ENDING = '.inputs';
export const OUTPUT_ENDING = '.output.ndjson';
const ID = /^[a-z0-9][a-z0-9_-]{0,63}$/;
/** A lock is looked at for a moment by whoever asks for a batch's status. */
const LOCK_TRIES = 10;
const LOCK_PAUSE_MS = 20;

let lastIdMs = 0;

/** The locks of this process, so that it does not blame another. */
const HELD = new Set<string>();

export class BatchFolder {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  /** `20261126-013000-2161a2b3c`: sorted by name is sorted by time, to the millisecond, and of one process always. */
  static newId(): string {
    lastIdMs = Math.max(Date.now(), lastIdMs + 1);
    const [day = '', time = ''] = new Date(lastIdMs).toISOString().split('T');
    const ms = (lastIdMs % 1_000).toString(16).padStart(3, '0');
    return `${day.replaceAll('-', '')}-${time.slice(0, 8).replaceAll(':', '')}-${ms}${randomBytes(3).toString('hex')}`;
  }

  base(id: string): string {
    return join(this.path, id);
  }

  /** The one thing in this folder that a batch reads or writes as its data. */
  isDataOf(id: string, path: string): boolean {
    return [INPUTS_ENDING, OUTPUT_ENDING].some((ending) => resolve(this.base(id) + ending) === path);
  }

  async create(): Promise<void> {
    await mkdir(this.path, { recursive: true, mode: 0o700 }).catch((cause: unknown) => {
      throw new ConfigurationError(`the folder of batches ${this.path} cannot be made`, { cause });
    });
  }

  /** Of all batches, the latest first. */
  async ids(): Promise<string[]> {
    const names = await readdir(this.path).catch(() => []);
    return names
      .filter((name) => name.endsWith('.job.json'))
      .map((name) => name.slice(0, -'.job.json'.length))
      .filter((id) => ID.test(id))
      .toSorted()
      .toReversed();
  }

  async save(job: BatchJob): Promise<void> {
    await replaceFile(`${this.base(job.id)}.job.json`, jobText(job), { isDurable: true });
  }

  /** @throws {BatchNotFoundError}, {BatchRefusedError} for one that is damaged. */
  async load(id: string): Promise<{ job: BatchJob; digest: string }> {
    const text = ID.test(id) ? await textAt(`${this.base(id)}.job.json`) : undefined;
    if (text === undefined)
      throw new BatchNotFoundError(`no batch ${id} in ${this.path}`, { details: { id } });
    const job = jsonOf(text);
    if (isJob(job, id)) return { job, digest: digestOf(text) };
    throw new BatchRefusedError(`the job of batch ${id} is damaged`, { details: { id } });
  }

  /** @throws {BatchBusyError} where another holds it. */
  async lock(id: string): Promise<FileLock> {
    return this.#lock(`${this.base(id)}.lock`, `batch ${id} is being run`, { id });
  }

  /** @throws {BatchBusyError} where another batch writes to it. */
  async lockOutput(path: string): Promise<FileLock> {
    const name = `output-${digestOf(path).slice(0, 16)}.lock`;
    return this.#lock(join(this.path, name), `${path} is being written`, { path });
  }

  isRunning(id: string): boolean {
    const lock = tryLockFile(`${this.base(id)}.lock`);
    lock?.release();
    return lock === undefined;
  }

  /** Undefined also where it cannot be read: it is told anew, and what counts is in the checkpoints. */
  async progressOf(id: string): Promise<Record<string, unknown> | undefined> {
    const text = await textAt(`${this.base(id)}.progress.json`).catch(() => undefined);
    const progress = text === undefined ? undefined : jsonOf(text);
    return isRecord(progress) ? progress : undefined;
  }

  async askToCancel(id: string): Promise<void> {
    await replaceFile(`${this.base(id)}.cancel`, '', { isDurable: false });
  }

  async forgetCancel(id: string): Promise<void> {
    await rm(`${this.base(id)}.cancel`, { force: true });
  }

  /** Its files; the job last, so that a half is still known. */
  async remove(id: string): Promise<void> {
    for (const ending of ENDINGS) await rm(`${this.base(id)}.${ending}`, { force: true });
  }

  async #lock(path: string, busy: string, details: ErrorDetails): Promise<FileLock> {
    const place = resolve(path);
    for (let tries = 1; ; tries += 1) {
      const lock = tryLockFile(path);
      if (lock) return noted(place, lock);
      if (tries === LOCK_TRIES) {
        const who = HELD.has(place) ? 'this process already' : 'another process';
        throw new BatchBusyError(`${busy} by ${who}`, { details });
      }
      await new Promise((resolve) => setTimeout(resolve, LOCK_PAUSE_MS));
    }
  }
}

function noted(place: string, lock: FileLock): FileLock {
  HELD.add(place);
  let isHeld = true;
  const release = (): void => {
    // By then somebody else may hold it.
    if (isHeld) HELD.delete(place);
    isHeld = false;
    lock.release();
  };
  return { release, [Symbol.dispose]: release };
}

async function textAt(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    // Cut off, or never whole: whoever asks says what that means.
    return undefined;
  }
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** As far as it is needed to tell of it: whatever else was changed in it no checkpoint agrees with. */
function isJob(value: unknown, id: string): value is BatchJob {
  if (!isRecord(value) || value['id'] !== id) return false;
  const { skill, input, output, options, run } = value;
  return (
    [skill, input, output, options, run].every(isRecord) &&
    typeof (skill as Record<string, unknown>)['name'] === 'string' &&
    [input, output].every((place) => typeof (place as Record<string, unknown>)['path'] === 'string')
  );
}
