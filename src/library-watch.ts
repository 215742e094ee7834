/** The library watching itself: counters, snapshots, and alerts that look at them while there is work. */
import type { CompiledSkill } from './cache/compile.ts';
import type { InlineCache } from './cache/inline-cache.ts';
import type { ResultCache } from './cache/result-cache.ts';
import type { SkillCache } from './cache/skill-cache.ts';
import { ERROR_KINDS, SkillCacheError, type ErrorCode } from './errors.ts';
import { runRecord, typedError, type RunFound, type RunRequest } from './library-run.ts';
import { defaultRules } from './monitor/alert-rules.ts';
import { AlertEngine, type Alert } from './monitor/alerts.ts';
import { MemoryMonitor } from './monitor/memory.ts';
import type { MetricsSnapshot } from './monitor/metrics.ts';
import { RunCounters } from './monitor/run-counters.ts';
import type { ResolvedOptions } from './options.ts';
import type { RunRecord, Store } from './store/store.ts';
import type { Dispatcher } from './workers/dispatch.ts';

export interface WatchedParts {
  readonly skills: SkillCache;
  readonly inline: InlineCache;
  readonly results: ResultCache;
  readonly workers: Dispatcher;
  readonly store: Store;
}

export class LibraryWatch {
  readonly #options: ResolvedOptions['monitor'];
  readonly #parts: WatchedParts;
  readonly #keepsRecords: boolean;
  readonly #concurrency: number;
  readonly #counters = new RunCounters();
  readonly #alerts: AlertEngine;
  readonly #memory: MemoryMonitor;
  readonly #openedMs = performance.now();
  #listener: (alert: Alert) => void = () => undefined;
  #timer: NodeJS.Timeout | undefined;
  #runsAtLastLook = -1;

  constructor(options: ResolvedOptions, parts: WatchedParts) {
    this.#options = options.monitor;
    this.#parts = parts;
    this.#keepsRecords = !options.readonly;
    this.#concurrency = options.workers.concurrency;
    this.#alerts = new AlertEngine({
      rules: defaultRules(options.monitor),
      repeatMs: options.monitor.repeatMs,
    });
    this.#memory = new MemoryMonitor({ pids: () => parts.workers.pids() });
  }

  onAlert(listener: (alert: Alert) => void): void {
    this.#listener = listener;
  }

  runStarted(): void {
    this.#counters.started();
    this.#watchWhileBusy();
  }

  runEnded(request: RunRequest, skill: CompiledSkill, found: RunFound): void {
    const durationMs = performance.now() - request.startMs;
    const { cached } = found.result;
    this.#counters.ended({ durationMs, cached: cached === 'memory' || cached === 'store' });
    if (found.dispatched) this.#record(runRecord(request, skill, { dispatched: found.dispatched }));
  }

  /** Counts and records a failed run; the error its caller gets. */
  runFailed(request: RunRequest, skill: CompiledSkill | undefined, thrown: unknown): Error {
    const error = typedError(thrown, request.signal);
    this.#counters.ended({ durationMs: performance.now() - request.startMs, errorCode: errorCode(error) });
    if (skill) this.#record(runRecord(request, skill, { error }));
    return error;
  }

  async snapshot(): Promise<MetricsSnapshot> {
    const { skills, results, workers, store } = this.#parts;
    const [memory, storeStats] = await Promise.all([this.#memory.sample(), this.#storeStats(store)]);
    const stats = workers.stats();
    return {
      takenAtMs: Date.now(),
      uptimeMs: performance.now() - this.#openedMs,
      runs: this.#counters.snapshot(),
      caches: { skills: skills.stats(), results: results.stats() },
      pools: [stats.pool, ...(storeStats?.pools ?? [])],
      workers: {
        ...(stats.tier && { tier: stats.tier }),
        running: stats.running,
        concurrency: this.#concurrency,
        waiting: stats.pool.waiting,
        pids: workers.pids(),
      },
      ...(storeStats && { store: storeStats }),
      ...(memory && { memory }),
      alerts: this.#alerts.active(),
    };
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#memory.stop();
  }

  async #storeStats(store: Store): Promise<Awaited<ReturnType<Store['stats']>> | undefined> {
    try {
      return await store.stats();
    } catch (error) {
      // Numbers must be had while the store is in trouble, too: they are then without the store's own.
      if (error instanceof SkillCacheError) return undefined;
      throw error;
    }
  }

  #record(record: RunRecord): void {
    if (!this.#keepsRecords) return;
    this.#parts.store.recordRun(record).catch(() => {
      // A record that is lost never fails its run; the store counts its own failures.
    });
  }

  /** One look per interval for as long as runs come in or an alert is active; an idle library has no timer. */
  #watchWhileBusy(): void {
    if (this.#timer) return;
    this.#timer = setTimeout(() => void this.#look(), this.#options.sampleIntervalMs);
    this.#timer.unref();
  }

  async #look(): Promise<void> {
    const snapshot = await this.snapshot();
    if (!this.#timer) return;
    this.#timer = undefined;
    for (const alert of this.#alerts.evaluate(snapshot, Date.now())) this.#listener(alert);
    const { total, inFlight } = snapshot.runs;
    const isBusy = inFlight > 0 || total !== this.#runsAtLastLook;
    this.#runsAtLastLook = total;
    if (isBusy || this.#alerts.active().length > 0) this.#watchWhileBusy();
  }
}

function errorCode(error: Error): ErrorCode {
  return error instanceof SkillCacheError && error.code in ERROR_KINDS ? error.code : 'INTERNAL';
}
