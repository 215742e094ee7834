/** The batches of a library: started, resumed, looked at, cancelled, compared. */
import { batchTuning, checkBatchOptions, checkResumeBounds } from '../batch-options.ts';
import { BatchNotFoundError, BatchRefusedError, ConfigurationError } from '../errors.ts';
import type { SkillLibrary } from '../library.ts';
import type { FileLock } from '../store/sqlite/file-lock.ts';
import { Batch } from './batch.ts';
import type {
  BatchListOptions,
  BatchStatus,
  ResumeBounds,
  ResumeOptions,
  StartOptions,
} from './batch-types.ts';
import { BatchFolder } from './batch-folder.ts';
import type { ByteSource } from './byte-source.ts';
import { loadCheckpoint, saveCheckpoint } from './checkpoint.ts';
import { compareVersions, type CompareOptions, type Comparison } from './compare.ts';
import { framesOf } from './frames.ts';
import { InputReader } from './input-reader.ts';
import { ItemReader, type JsonSchema } from './item.ts';
import { jobText, digestOf, referenceOf, type BatchJob } from './job.ts';
import { openOutput, openSource, type Streams } from './open-streams.ts';
import type { OutputFile } from './output-file.ts';
import { plainRun } from './plain-run.ts';
import { isOwnFile, type LibraryPlace } from './own-files.ts';
import { inputPlace, outputPlace, type IsOwn } from './places.ts';
import { refuseOthers, reopened } from './resumable.ts';

export interface BatchesOptions {
  /** Default: the option `batch.folder`. */
  folder?: string;
  /** Batches that are over of which the files are kept. Default: the option `batch.keptMax`. */
  keptMax?: number;
}

type Watching = { [Key in 'signal' | 'killSignal' | 'onProgress']?: ResumeOptions[Key] | undefined };

/** What is to be opened, and whether it is new. */
interface Opening {
  readonly job: BatchJob;
  readonly isNew: boolean;
  /** What a resumption says otherwise than the job. */
  readonly bounds: ResumeBounds;
  readonly watching: Watching;
  readonly streams: Streams;
}

/** What is closed again where a batch cannot be opened. */
interface Opened {
  readonly locks: FileLock[];
  source?: ByteSource;
  output?: OutputFile;
}

const LIST_MAX = 1_000;

export class Batches {
  readonly #library: SkillLibrary;
  readonly #folder: BatchFolder;
  readonly #keptMax: number;
  readonly #place: LibraryPlace;

  /** @throws {ConfigurationError} for a library in memory without a folder. */
  constructor(library: SkillLibrary, { folder, keptMax }: BatchesOptions = {}) {
    const { path, batch } = library.options;
    const named = folder ?? batch.folder;
    if (named === '' && path === ':memory:') {
      throw new ConfigurationError(
        'a library in memory has no place for batches: set the option batch.folder',
      );
    }
    this.#library = library;
    this.#folder = new BatchFolder(named || `${path}-batches`);
    this.#keptMax = keptMax ?? batch.keptMax;
    const folders = [this.#folder.path, ...(batch.folder === '' ? [] : [batch.folder])];
    this.#place = { path: path === ':memory:' ? undefined : path, folders };
  }

  /**
   * Makes a batch ready: nothing runs before it is read or finished.
   * @throws {ConfigurationError}, {FileNotFoundError}, {SkillNotFoundError}, {BatchBusyError}, {BatchRefusedError}.
   */
  async start(skill: string, options: StartOptions): Promise<Batch> {
    const { inputs, output, overwrite, run = {}, signal, killSignal, onProgress, ...said } = options;
    const call = checkBatchOptions(said);
    const stored = await this.#library.get(skill);
    const id = call.id ?? BatchFolder.newId();
    const isOwn = this.#isOwn(id);
    const input = await inputPlace(inputs, call.format, isOwn);
    const job: BatchJob = {
      id,
      createdAtMs: Date.now(),
      skill: { name: stored.name, version: stored.version, digest: stored.digest },
      input,
      output: await outputPlace(output, input, isOwn),
      options: call,
      run: plainRun(run),
    };
    await this.#folder.create();
    await this.#makeRoom(job);
    const streams = {
      inputs: typeof inputs === 'string' ? undefined : inputs,
      output: typeof output === 'string' ? undefined : output,
      overwrite,
    };
    const watching = { signal, killSignal, onProgress };
    return this.#open({ job, isNew: true, bounds: {}, watching, streams });
  }

  /**
   * Goes on from the last good checkpoint. What it says of failures, time and items holds for this attempt; a batch
   * that was complete at its `itemsMax` goes on to a larger one.
   * @throws {ConfigurationError}; {BatchNotFoundError}; {BatchBusyError} where it is being run; {BatchRefusedError} where skill, inputs,
   * output or checkpoints are not what they were.
   */
  async resume(id: string, options: ResumeOptions = {}): Promise<Batch> {
    const { inputs, signal, killSignal, onProgress, ...said } = options;
    const bounds = checkResumeBounds(said);
    const { job } = await this.#folder.load(id);
    const watching = { signal, killSignal, onProgress };
    return this.#open({ job, isNew: false, bounds, watching, streams: { inputs } });
  }

  /** @throws {BatchNotFoundError}, {BatchRefusedError}. */
  async status(id: string): Promise<BatchStatus> {
    const { job, digest } = await this.#folder.load(id);
    const isRunning = this.#folder.isRunning(id);
    const { checkpoint, refused } = await loadCheckpoint(this.#folder.base(id), id, digest);
    const { done = 0, failed = 0, cached = 0 } = checkpoint?.counts ?? {};
    const progress = await this.#folder.progressOf(id);
    const kept = checkpoint?.state ?? 'open';
    return {
      id,
      skill: referenceOf(job),
      state: isRunning ? 'running' : kept === 'open' ? 'interrupted' : kept,
      createdAtMs: job.createdAtMs,
      inputs: job.input.path,
      output: job.output.path,
      done,
      failed,
      cached,
      outputBytes: checkpoint?.output.bytes ?? 0,
      refused,
      ...(progress && { progress }),
    };
  }

  /** The latest first. One that cannot be read hides no other: `onDamaged` is told of it. */
  async list({ limit = 100, onDamaged }: BatchListOptions = {}): Promise<BatchStatus[]> {
    const ids = await this.#folder.ids();
    const found: BatchStatus[] = [];
    for (const id of ids.slice(0, Math.min(limit, LIST_MAX))) {
      try {
        found.push(await this.status(id));
      } catch (error) {
        // Removed since.
        if (error instanceof BatchNotFoundError) continue;
        // What neither we nor the system throw is a fault of this program.
        if (!(error instanceof Error && 'code' in error)) throw error;
        onDamaged?.({ id, reason: error.message });
      }
    }
    return found;
  }

  /**
   * Ends a batch for good. One that runs, here or in another process, finishes what runs first.
   * @throws {BatchNotFoundError}, {BatchRefusedError} for one that is complete.
   */
  async cancel(id: string): Promise<'cancelled' | 'asked'> {
    const { digest } = await this.#folder.load(id);
    if (this.#folder.isRunning(id)) {
      await this.#folder.askToCancel(id);
      return 'asked';
    }
    using _lock = await this.#folder.lock(id);
    const base = this.#folder.base(id);
    const { checkpoint } = await loadCheckpoint(base, id, digest);
    if (checkpoint?.state === 'completed')
      throw new BatchRefusedError(`batch ${id} is complete`, { details: { id } });
    if (!checkpoint) await this.#folder.remove(id);
    else await saveCheckpoint(base, { ...checkpoint, sequence: checkpoint.sequence + 1, state: 'cancelled' });
    return 'cancelled';
  }

  /**
   * Forgets a batch: what it did is not known any more, and it cannot be resumed. Inputs and output stay.
   * @throws {BatchNotFoundError}; {BatchBusyError} while it is run.
   */
  async remove(id: string): Promise<void> {
    await this.#folder.load(id);
    using _lock = await this.#folder.lock(id);
    await this.#folder.remove(id);
  }

  /** Runs two versions over the same inputs, and tells where they differ. */
  compare(before: string, after: string, options: CompareOptions): Promise<Comparison> {
    return compareVersions(this.#library, before, after, options, this.#isOwn());
  }

  #isOwn(id?: string): IsOwn {
    return async (path) =>
      !(id !== undefined && this.#folder.isDataOf(id, path)) && isOwnFile(this.#place, path);
  }

  async #open(opening: Opening): Promise<Batch> {
    const opened: Opened = { locks: [] };
    try {
      return await this.#openParts(opening, opened);
    } catch (error) {
      await Promise.allSettled([opened.source?.close(), opened.output?.close()]);
      for (const lock of opened.locks) lock.release();
      throw error;
    }
  }

  async #openParts({ job, isNew, bounds, watching, streams }: Opening, opened: Opened): Promise<Batch> {
    const { locks } = opened;
    const options = { ...job.options, ...bounds };
    locks.push(await this.#folder.lock(job.id));
    if (job.output.kind === 'file') locks.push(await this.#folder.lockOutput(job.output.path));
    const base = this.#folder.base(job.id);
    const { checkpoint: last, refused } = await loadCheckpoint(base, job.id, digestOf(jobText(job)));
    const checkpoint = last && reopened(last, job, bounds);
    if (!isNew) await refuseOthers(this.#library, job, checkpoint, streams, this.#isOwn(job.id));
    await this.#folder.forgetCancel(job.id);
    const { inputSchema } = (await this.#library.get(referenceOf(job))).definition;
    const tuning = batchTuning(this.#library.options.batch, options);
    const source = (opened.source = await openSource(job, streams));
    if (checkpoint && checkpoint.state !== 'completed') {
      await source.resume(checkpoint.input.position, checkpoint.input);
    }
    const output = (opened.output = await openOutput(job, streams, checkpoint, tuning));
    if (isNew) await this.#folder.save(job);
    const items = new ItemReader({
      format: job.input.format,
      schema: inputSchema as JsonSchema | undefined,
      bytesMax: tuning.itemBytesMax,
      index: checkpoint?.counts.done ?? 0,
      columns: checkpoint?.input.columns,
    });
    const from = checkpoint?.input ?? { position: 0, lines: 0 };
    const reader = new InputReader(source, framesOf(job.input.format, from, tuning.itemBytesMax), items);
    const kept = { job, base, checkpoint, source, reader, output };
    return new Batch(
      { library: this.#library, locks, tuning, options, ...kept, ...given(watching) },
      refused,
    );
  }

  /** Refuses an output that an unfinished batch still needs, and drops what is over and too old. */
  async #makeRoom(job: BatchJob): Promise<void> {
    const ids = await this.#folder.ids();
    if (ids.includes(job.id))
      throw new BatchRefusedError(`there is a batch ${job.id} already`, { details: { id: job.id } });
    let over = 0;
    for (const id of ids) {
      const status = await this.status(id).catch(() => undefined);
      if (!status) continue;
      if (status.state === 'completed' || status.state === 'cancelled') {
        over += 1;
        if (over > this.#keptMax) await this.#folder.remove(id);
      } else if (job.output.kind === 'file' && status.output === job.output.path) {
        const message = `${job.output.path} is the output of batch ${id}, which is ${status.state}: resume or cancel that one, or name another file`;
        throw new BatchRefusedError(message, { details: { id } });
      }
    }
  }
}

function given<Parts extends object>(parts: Parts): { [Key in keyof Parts]: Exclude<Parts[Key], undefined> } {
  return Object.fromEntries(Object.entries(parts).filter(([, value]) => value !== undefined)) as never;
}
