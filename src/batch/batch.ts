/**
 * One batch at work. Lines are written in the order of the inputs; a checkpoint says how far output and inputs
 * belong together, and only after both are on disk. Whatever happens between two checkpoints is done again, from
 * the earlier one, on an output that is cut back to it: each line is there once.
 */
import { existsSync } from 'node:fs';
import type { BatchCallOptions, BatchTuning } from '../batch-options.ts';
import { AbortedError, abortError, BatchRefusedError, InputsBrokenError, toError } from '../errors.ts';
import type { SkillLibrary } from '../library.ts';
import type { FileLock } from '../store/sqlite/file-lock.ts';
import { boundOfFailures } from './failure-bounds.ts';
import { referenceOf } from './job.ts';
import { Ledger, type LedgerParts } from './ledger.ts';
import type { Item } from './item.ts';
import { runItem, type ItemResult } from './item-run.ts';
import { OrderedRuns, type Settled } from './ordered-runs.ts';
import type { BatchEnd, BatchItem, BatchReport, BatchSignals } from './batch-types.ts';
import { ProgressFile, Rate, type BatchProgress, type BatchStatusState, type StoppedAt } from './progress.ts';

export interface BatchParts extends BatchSignals, LedgerParts {
  readonly library: SkillLibrary;
  readonly locks: readonly FileLock[];
  readonly tuning: BatchTuning;
  /** The job's, but for what a resumption says otherwise. */
  readonly options: BatchCallOptions;
  readonly onProgress?: (progress: BatchProgress) => void;
}

const TICK_MS = 200;

type Stop =
  | { readonly kind: 'ended'; readonly by: BatchEnd }
  | { readonly kind: 'failed'; readonly error: Error };

export class Batch implements AsyncIterable<BatchItem>, AsyncDisposable {
  readonly id: string;
  /** Why checkpoints were not taken, where some were not. */
  readonly refused: readonly string[];
  readonly #parts: BatchParts;
  readonly #runs: OrderedRuns<ItemResult>;
  readonly #file: ProgressFile;
  readonly #rate = new Rate();
  readonly #ledger: Ledger;
  #itemsPerSecond = 0;
  #stop: Stop | undefined;
  #state: BatchStatusState = 'running';
  #stoppedAt: StoppedAt | undefined;
  #isCounted = false;
  #work: AsyncGenerator<readonly BatchItem[]> | undefined;

  constructor(parts: BatchParts, refused: readonly string[] = []) {
    const { job, tuning, library, options } = parts;
    this.id = job.id;
    this.refused = refused;
    this.#parts = parts;
    this.#ledger = new Ledger(parts, parts.library.batches);
    this.#file = new ProgressFile(`${parts.base}.progress.json`, {
      items: tuning.progressItems,
      everyMs: tuning.progressMs,
    });
    const how = {
      library,
      reference: referenceOf(job),
      run: job.run,
      onError: options.onError ?? 'skip',
      outputBytesMax: 4 * (job.run.outputBytesMax ?? library.options.run.outputBytesMax),
    };
    this.#runs = new OrderedRuns({
      source: parts.reader,
      run: (item: Item, signal) => runItem(how, item, signal),
      sizeOf: ({ line }) => line.length,
      concurrency: options.concurrency ?? library.options.workers.concurrency,
      windowMax: tuning.windowMax,
      windowBytesMax: tuning.windowBytesMax,
      itemsMax: (options.itemsMax ?? Infinity) - this.#ledger.counts.done,
      position: this.#ledger.position,
    });
  }

  /** Does all that is left to do. @throws as the iteration does. */
  async finish(): Promise<BatchReport> {
    const work = this.#begin();
    for (;;) if ((await work.next()).done) return this.report();
  }

  /** Each item once its line is written, in the order of the inputs; who is slow holds up the batch. */
  async *[Symbol.asyncIterator](): AsyncGenerator<BatchItem> {
    for await (const items of this.#begin()) yield* items;
  }

  report(): BatchReport {
    const endedBy = this.#stop?.kind === 'ended' ? this.#stop.by : 'inputs';
    const { skill, state, done, failed, cached, output, workedMs } = this.progress();
    return { id: this.id, skill, state, endedBy, done, failed, cached, output, workedMs };
  }

  progress(): BatchProgress {
    const { job } = this.#parts;
    const share = job.input.bytes ? this.#ledger.position / job.input.bytes : undefined;
    const left = share ? this.#ledger.counts.done / share - this.#ledger.counts.done : undefined;
    const isKnown = left !== undefined && this.#itemsPerSecond > 0;
    return {
      id: this.id,
      skill: referenceOf(job),
      state: this.#state,
      ...this.#ledger.counts,
      itemsPerSecond: Math.round(this.#itemsPerSecond * 10) / 10,
      ...(share !== undefined && { share: Math.min(1, share) }),
      ...(isKnown && { remainingMs: Math.round((left / this.#itemsPerSecond) * 1_000) }),
      workedMs: Math.round(this.#ledger.workedMs),
      memoryBytes: process.memoryUsage.rss(),
      pid: process.pid,
      atMs: Date.now(),
      output: job.output.path,
      ...(this.#stoppedAt && { stoppedAt: this.#stoppedAt }),
    };
  }

  /** Ends it as its signal does; where it was never begun, gives back what it holds. */
  async close(): Promise<void> {
    if (this.#work) {
      this.#end({ kind: 'failed', error: new AbortedError('the batch was closed') });
      await this.#work.return(undefined);
    } else {
      this.#work = this.#items();
      await this.#release();
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #begin(): AsyncGenerator<readonly BatchItem[]> {
    if (this.#work)
      throw new BatchRefusedError(`batch ${this.id} is run or read already`, { details: { id: this.id } });
    this.#work = this.#items();
    return this.#work;
  }

  async *#items(): AsyncGenerator<readonly BatchItem[]> {
    const unlisten = this.#listen();
    const { checkpoint, output } = this.#parts;
    try {
      if (checkpoint?.state === 'completed') {
        this.#state = 'completed';
        return;
      }
      this.#isCounted = true;
      this.#parts.library.batches.began({ isResumed: checkpoint !== undefined });
      // From here on there is something to resume.
      await this.#ledger.commit('open');
      for (;;) {
        const settled = await this.#runs.next();
        if (!settled) break;
        for (const each of settled) await this.#keep(each);
        if (this.#ledger.uncommitted > 0 && this.#isChunkOver()) await this.#endChunk();
        if (output.isFull) await output.room();
        if (settled.length > 0) yield settled.map(itemOf);
      }
      await this.#complete();
    } catch (error) {
      if (error instanceof InputsBrokenError) {
        const { line } = error.details as { line: number };
        this.#stoppedAt = { by: 'inputs', index: this.#ledger.counts.done, line };
      }
      this.#end({ kind: 'failed', error: toError(error) });
      throw error;
    } finally {
      unlisten();
      await this.#leave();
    }
  }

  async #keep({ item, result }: Settled<ItemResult>): Promise<void> {
    const { tuning, options } = this.#parts;
    const { thrown } = result;
    const failure = thrown && { id: this.id, index: item.index, line: item.line, thrown };
    const bound = failure && boundOfFailures(options, this.#ledger.counts, failure);
    this.#stoppedAt = bound?.stoppedAt;
    if (bound) throw bound.error;
    this.#ledger.add(item, result);
    this.#parts.library.batches.item({ isFailed: result.error !== undefined, isCached: result.cached });
    if (this.#ledger.uncommitted >= tuning.chunkSize) await this.#endChunk();
  }

  #isChunkOver(): boolean {
    return this.#ledger.chunkMs >= this.#parts.tuning.chunkMs;
  }

  async #endChunk(): Promise<void> {
    await this.#ledger.commit('open');
    // Not waited for: fresh workers take over as they come.
    this.#parts.library.clearWorkers({ replace: true }).catch(() => {
      // What keeps workers from starting is met, and told, by the next run.
    });
  }

  /** The output first: a checkpoint never tells of what is not there. */
  async #complete(): Promise<void> {
    if (this.#stop?.kind === 'failed') throw this.#stop.error;
    const { by } = this.#stop ?? { by: this.#hasAll() ? ('items-max' as const) : ('inputs' as const) };
    this.#stop = { kind: 'ended', by };
    this.#state = by === 'time-budget' ? 'interrupted' : by === 'cancelled' ? 'cancelled' : 'completed';
    await this.#ledger.commit(this.#state === 'interrupted' ? 'open' : this.#state);
  }

  #hasAll(): boolean {
    const { itemsMax } = this.#parts.options;
    return itemsMax !== undefined && this.#ledger.counts.done >= itemsMax;
  }

  #end(stop: Stop): void {
    this.#stop ??= stop;
    this.#runs.stop();
  }

  async #leave(): Promise<void> {
    if (this.#state === 'running') {
      this.#state = 'interrupted';
      this.#runs.stop();
      // As far as it can be: what is not committed now is done again.
      if (this.#ledger.uncommitted > 0) await this.#ledger.commit('open').catch(() => {});
    }
    if (this.#isCounted) this.#parts.library.batches.ended(this.#state);
    this.#runs.kill(new AbortedError('the batch has ended'));
    await this.#runs.ended();
    await this.#file.last(this.progress());
    this.#parts.onProgress?.(this.progress());
    await this.#release();
  }

  async #release(): Promise<void> {
    const { source, output, locks } = this.#parts;
    await Promise.allSettled([source.close(), output.close()]);
    for (const lock of locks) lock.release();
  }

  /** Signals, the clock, and the word of another process that it is to be cancelled. */
  #listen(): () => void {
    const { signal, killSignal, options } = this.#parts;
    const abort = (): void => this.#end({ kind: 'failed', error: abortError(signal as AbortSignal) });
    const kill = (): void => {
      const error = abortError(killSignal as AbortSignal);
      this.#end({ kind: 'failed', error });
      this.#runs.kill(error);
    };
    if (signal?.aborted) abort();
    if (killSignal?.aborted) kill();
    signal?.addEventListener('abort', abort);
    killSignal?.addEventListener('abort', kill);
    const tick = setInterval(() => this.#tick(), TICK_MS);
    const { timeBudgetMs } = options;
    const budget =
      timeBudgetMs === undefined
        ? undefined
        : setTimeout(
            () => this.#end({ kind: 'ended', by: 'time-budget' }),
            Math.min(timeBudgetMs, 2 ** 31 - 1),
          );
    return () => {
      signal?.removeEventListener('abort', abort);
      killSignal?.removeEventListener('abort', kill);
      clearInterval(tick);
      clearTimeout(budget);
    };
  }

  #tick(): void {
    const nowMs = performance.now();
    this.#itemsPerSecond = this.#rate.add(nowMs, this.#ledger.counts.done);
    if (this.#file.isDue(this.#ledger.counts.done, nowMs)) {
      const progress = this.progress();
      this.#file.write(progress, nowMs);
    }
    this.#parts.onProgress?.(this.progress());
    if (existsSync(`${this.#parts.base}.cancel`)) this.#end({ kind: 'ended', by: 'cancelled' });
    if (this.#ledger.uncommitted > 0 && this.#isChunkOver()) this.#runs.nudge();
  }
}

function itemOf({ item, result }: Settled<ItemResult>): BatchItem {
  const { output, error, cached } = result;
  return error ? { index: item.index, error, cached } : { index: item.index, output, cached };
}
