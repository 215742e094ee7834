/**
 * The batches of a service. Each tenant has a folder with the inputs, outputs and checkpoints of its own; what a
 * caller says never becomes a path. They outlive the service: what was running when it stopped is resumed when
 * somebody asks for it.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Batch } from '../batch/batch.ts';
import { BatchFolder } from '../batch/batch-folder.ts';
import type { BatchSignals, BatchStatus, ResumeBounds, StartOptions } from '../batch/batch-types.ts';
import { Batches } from '../batch/batches.ts';
import type { BatchProgress } from '../batch/progress.ts';
import { ClosedError, ConfigurationError } from '../errors.ts';
import type { HttpOptions } from '../http-options.ts';
import type { SkillLibrary } from '../library.ts';
import { Admission } from './admission.ts';
import { notFound, told, withoutPaths } from './batch-errors.ts';
import { BatchFiles, fileOf } from './batch-files.ts';
import { makeRoom } from './batch-room.ts';
import { maySee, type Caller } from './caller.ts';
import { problemOf } from './problem.ts';
import { ServedBatch } from './served-batch.ts';

export interface BatchParts {
  readonly options: HttpOptions;
  /** Undefined where there is no place for batches: the service has none then. */
  readonly folder: string | undefined;
  readonly libraryOf: (caller: Caller) => Promise<SkillLibrary> | SkillLibrary;
}

export interface BatchRequest extends Omit<
  StartOptions,
  'inputs' | 'output' | 'overwrite' | keyof BatchSignals
> {
  readonly skill: string;
  /** Text to be kept, or the name of a file in the folder of inputs. */
  readonly inputs: { readonly text: string } | { readonly file: string };
}

export interface BatchView extends Omit<BatchStatus, 'state' | 'inputs' | 'output' | 'refused' | 'progress'> {
  readonly status: BatchStatus['state'];
  readonly problem?: object;
}

/** Told once for each attempt. */
export type BatchEnded = (id: string, thrown: unknown) => void;

/** Those that ended here of which the events are still told. */
const ENDED_MAX = 200;

export class ServedBatches {
  readonly #parts: BatchParts;
  readonly #admission: Admission;
  readonly #served = new Map<string, ServedBatch>();
  readonly #working = new Set<Promise<void>>();
  readonly #stop = new AbortController();
  readonly #kill = new AbortController();

  constructor(parts: BatchParts) {
    this.#parts = parts;
    this.#admission = new Admission(limitsOf(parts.options), 'batches');
  }

  get running(): number {
    return this.#working.size;
  }

  set limits(options: HttpOptions) {
    this.#admission.limits = limitsOf(options);
  }

  /** @throws {SkillCacheError} OVERLOADED, RATE_LIMITED; as `Batches.start` does. */
  async start(caller: Caller, request: BatchRequest, ended: BatchEnded): Promise<BatchView> {
    const { skill, inputs, ...options } = request;
    const place = this.#placeOf(caller);
    if (!place)
      throw new ConfigurationError('a library in memory has no place for batches: http.batchesFolder');
    const { files, folder } = place;
    const id = BatchFolder.newId();
    return this.#admitted(caller, async (library) => {
      const batches = batchesOf(library, folder);
      await mkdir(folder, { recursive: true, mode: 0o700 });
      await makeRoom(batches, files, this.#parts.options, 'text' in inputs ? inputs.text.length : 0);
      const { batchInputsFolder, batchOutputBytesMax } = this.#parts.options;
      const path =
        'file' in inputs ? await fileOf(batchInputsFolder, caller.tenant, inputs.file) : files.inputs(id);
      const served = new ServedBatch();
      try {
        if ('text' in inputs) await files.saveInputs(id, inputs.text);
        const batch = await batches.start(skill, {
          ...options,
          id,
          inputs: path,
          output: files.output(id),
          concurrency: lanesOf(library, options.concurrency),
          outputFileBytesMax: batchOutputBytesMax,
          ...this.#watching(caller, served),
        });
        return { batch, served, ended };
      } catch (error) {
        await files.remove(id);
        throw error;
      }
    });
  }

  /**
   * One that is complete stays so, unless more of its items are asked for.
   * @throws {BatchNotFoundError}, {BatchBusyError}, {BatchRefusedError}; {SkillCacheError} OVERLOADED, RATE_LIMITED.
   */
  async resume(caller: Caller, id: string, bounds: ResumeBounds, ended: BatchEnded): Promise<BatchView> {
    const view = await this.view(caller, id);
    if (view.status === 'completed' && bounds.itemsMax === undefined) return view;
    const { folder } = this.#expectPlace(caller, id);
    return this.#admitted(caller, async (library) => {
      const served = this.#served.get(keyOf(caller, id)) ?? new ServedBatch();
      const batch = await batchesOf(library, folder).resume(id, {
        ...bounds,
        ...this.#watching(caller, served),
      });
      return { batch, served, ended };
    });
  }

  /** @throws {BatchNotFoundError} also for one that the caller may not know of. */
  async view(caller: Caller, id: string): Promise<BatchView> {
    const { folder } = this.#expectPlace(caller, id);
    const library = await this.#parts.libraryOf(caller);
    const status = await told(folder, () => batchesOf(library, folder).status(id), id);
    if (!maySee(caller, nameOf(status))) throw notFound(id);
    return this.#viewOf(caller, status);
  }

  /** The latest first, those behind `after`. */
  async list(
    caller: Caller,
    { limit, after }: { limit: number; after?: string | undefined },
  ): Promise<BatchView[]> {
    const place = this.#placeOf(caller);
    if (!place) return [];
    const all = await batchesOf(await this.#parts.libraryOf(caller), place.folder).list({ limit: 1_000 });
    return all
      .filter((status) => maySee(caller, nameOf(status)) && (after === undefined || status.id < after))
      .slice(0, limit)
      .map((status) => this.#viewOf(caller, status));
  }

  /** For good. @throws {BatchNotFoundError}, {BatchRefusedError} for one that is complete. */
  async cancel(caller: Caller, id: string): Promise<BatchView> {
    const view = await this.view(caller, id);
    const { folder } = this.#expectPlace(caller, id);
    const library = await this.#parts.libraryOf(caller);
    const how = await told(folder, () => batchesOf(library, folder).cancel(id), id);
    return how === 'asked' ? view : { ...view, status: 'cancelled' };
  }

  /** With its inputs and output. @throws {BatchNotFoundError}, {BatchBusyError} while it runs. */
  async remove(caller: Caller, id: string): Promise<void> {
    await this.view(caller, id);
    const { folder, files } = this.#expectPlace(caller, id);
    const library = await this.#parts.libraryOf(caller);
    await told(folder, () => batchesOf(library, folder).remove(id), id);
    await files.remove(id);
    this.#served.delete(keyOf(caller, id));
  }

  /** Where its output is, and how much of it no resumption will change. @throws {BatchNotFoundError} */
  async output(caller: Caller, id: string): Promise<{ path: string; bytes: number }> {
    const { outputBytes } = await this.view(caller, id);
    return { path: this.#expectPlace(caller, id).files.output(id), bytes: outputBytes };
  }

  /** Undefined where this process did not run it. */
  served(caller: Caller, id: string): ServedBatch | undefined {
    return this.#served.get(keyOf(caller, id));
  }

  /** Finishes the items that run, and leaves the rest for a resumption; after `graceMs` stops those, too. */
  async close(graceMs: number): Promise<void> {
    this.#stop.abort(new ClosedError('the service is stopping; the batch can be resumed'));
    const timer = setTimeout(
      () =>
        this.#kill.abort(new ClosedError(`the service is stopping; items did not end within ${graceMs} ms`)),
      graceMs,
    );
    await Promise.all(this.#working);
    clearTimeout(timer);
  }

  async #admitted(
    caller: Caller,
    open: (library: SkillLibrary) => Promise<{ batch: Batch; served: ServedBatch; ended: BatchEnded }>,
  ): Promise<BatchView> {
    if (this.#stop.signal.aborted) throw new ClosedError('the service is stopping');
    this.#admission.enter(caller);
    let isWorking = false;
    const { folder } = this.#expectPlace(caller, '');
    try {
      const { batch, served, ended } = await told(
        folder,
        async () => open(await this.#parts.libraryOf(caller)),
        '',
      );
      this.#keep(keyOf(caller, batch.id), served);
      served.begin(batch);
      const working = this.#work(batch, served, folder, ended).finally(() => {
        this.#working.delete(working);
        this.#admission.leave(caller);
      });
      this.#working.add(working);
      isWorking = true;
      return await this.view(caller, batch.id);
    } finally {
      if (!isWorking) this.#admission.leave(caller);
    }
  }

  async #work(batch: Batch, served: ServedBatch, folder: string, ended: BatchEnded): Promise<void> {
    try {
      await batch.finish();
      served.end(undefined);
      ended(batch.id, undefined);
    } catch (thrown) {
      served.end(problemOf(withoutPaths(thrown, folder)));
      ended(batch.id, thrown);
    }
  }

  #watching(
    caller: Caller,
    served: ServedBatch,
  ): Required<BatchSignals> & { onProgress: (progress: BatchProgress) => void } {
    return {
      signal: this.#stop.signal,
      killSignal: this.#kill.signal,
      onProgress: (progress) => {
        // A library that is asked for is not closed for another tenant's.
        void this.#parts.libraryOf(caller);
        served.progress(progress);
      },
    };
  }

  #keep(key: string, served: ServedBatch): void {
    this.#served.delete(key);
    this.#served.set(key, served);
    const ended = [...this.#served].filter(([, one]) => !one.isRunning && one !== served);
    for (const [old] of ended.slice(0, Math.max(0, ended.length - ENDED_MAX))) this.#served.delete(old);
  }

  #viewOf(caller: Caller, status: BatchStatus): BatchView {
    const {
      state,
      inputs: _inputs,
      output: _output,
      refused: _refused,
      progress: _progress,
      ...rest
    } = status;
    const served = this.#served.get(keyOf(caller, status.id));
    const problem = state === 'interrupted' ? served?.problem : undefined;
    return { ...rest, status: state, ...served?.numbers(), ...(problem && { problem }) };
  }

  #placeOf({ tenant }: Caller): { folder: string; files: BatchFiles } | undefined {
    if (this.#parts.folder === undefined) return undefined;
    const folder = join(this.#parts.folder, tenant);
    return { folder, files: new BatchFiles(folder) };
  }

  #expectPlace(caller: Caller, id: string): { folder: string; files: BatchFiles } {
    const place = this.#placeOf(caller);
    if (place) return place;
    throw notFound(id);
  }
}

const keyOf = ({ tenant }: Caller, id: string): string => `${tenant}/${id}`;

const nameOf = ({ skill }: BatchStatus): string => skill.split('@')[0] ?? skill;

const limitsOf = (options: HttpOptions): { runsMax: number; callerRunsMax: number } => ({
  runsMax: options.batchesRunningMax,
  callerRunsMax: options.callerBatchesRunningMax,
});

/** Which are kept, and how many, is decided here. */
const batchesOf = (library: SkillLibrary, folder: string): Batches =>
  new Batches(library, { folder, keptMax: Number.MAX_SAFE_INTEGER });

/** Half of the workers, unless the caller asks for more: runs that somebody waits for need some, too. */
function lanesOf(library: SkillLibrary, asked: number | undefined): number {
  const { concurrency } = library.options.workers;
  return Math.min(concurrency, asked ?? Math.max(1, Math.floor(concurrency / 2)));
}
