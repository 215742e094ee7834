/** The library watching itself: counters, snapshots, and alerts that look at them while there is work. */
import { readFileSync } from 'node:fs';
import type { CompiledSkill } from '../cache/compile.ts';
import type { InlineCache } from '../cache/inline-cache.ts';
import type { PurityCheck } from '../cache/purity-check.ts';
import type { ResultCache } from '../cache/result-cache.ts';
import type { SkillCache } from '../cache/skill-cache.ts';
import { ConfigurationError, ERROR_KINDS, SkillCacheError, toError, type ErrorCode } from '../errors.ts';
import { sweepMemory } from './caches.ts';
import type { RunFound } from './execution.ts';
import { runRecord, typedError, type RunRequest } from './run.ts';
import type { LogEntry } from './types.ts';
import { defaultRules } from '../monitor/alert-rules.ts';
import { AlertEngine, type Alert } from '../monitor/alerts.ts';
import type { BatchCounters } from '../monitor/batch-counters.ts';
import { CachePressure } from '../monitor/cache-pressure.ts';
import { MemoryMonitor } from '../monitor/memory.ts';
import { memoryReport, type MemoryReport } from '../monitor/memory-report.ts';
import type { MetricsSnapshot } from '../monitor/metrics.ts';
import { RunCounters } from '../monitor/run-counters.ts';
import { StageClock, type StageListener } from '../monitor/stage-clock.ts';
import { snapshotOf, storeStatsOf } from './snapshot.ts';
import { Webhook } from '../monitor/webhook.ts';
import type { ResolvedOptions } from '../options.ts';
import type { RunRecord, Store, StoreStats } from '../store/store.ts';
import type { Dispatcher } from '../workers/dispatch.ts';

export interface WatchedParts {
  readonly skills: SkillCache;
  readonly inline: InlineCache;
  readonly results: ResultCache;
  readonly purity: PurityCheck;
  readonly workers: Dispatcher;
  readonly store: Store;
  readonly batches: BatchCounters;
}

/** Whoever is to be told. None of them may throw, and none is waited for. */
export interface WatchListeners {
  alert?(alert: Alert): void;
  report?(report: MemoryReport): void;
  log?(entry: LogEntry): void;
}

/** One in this many memory hits is timed in its parts. */
const TIMED_HITS = 64;
/** How many more looks an idle library takes at an alert that is active: it must cost nothing after that. */
const IDLE_LOOKS_MAX = 2;
const WEBHOOK_GRACE_MS = 2_000;

export class LibraryWatch {
  readonly #options: ResolvedOptions;
  readonly #parts: WatchedParts;
  readonly #counters = new RunCounters();
  readonly #alerts: AlertEngine;
  readonly #memory: MemoryMonitor;
  readonly #pressure: CachePressure;
  readonly #webhook: Webhook | undefined;
  readonly #openedMs = performance.now();
  #listeners: WatchListeners = {};
  #storeStats: StoreStats | undefined;
  #timer: NodeJS.Timeout | undefined;
  #runsAtLastLook = -1;
  #idleLooks = 0;
  #reportedMs = performance.now();
  #sweptMs = performance.now();
  #hitsUntimed = 0;

  constructor(options: ResolvedOptions, parts: WatchedParts, webhook: Webhook | undefined) {
    const { monitor } = options;
    this.#options = options;
    this.#parts = parts;
    this.#webhook = webhook;
    this.#pressure = new CachePressure(monitor.memoryShareMax);
    this.#alerts = new AlertEngine({
      rules: defaultRules(monitor),
      repeatMs: monitor.repeatMs,
      perRuleMax: monitor.alertsPerRuleMax,
    });
    this.#memory = new MemoryMonitor({
      pids: () => [...parts.workers.pids(), ...parts.workers.serverPids()],
      onFailure: (error) => this.#log('warn', 'sampling-failed', `memory: ${toError(error).message}`),
    });
  }

  listen(listeners: WatchListeners): void {
    this.#listeners = listeners;
  }

  runStarted(): void {
    this.#counters.started();
    this.noticeWork();
  }

  /** Something is done with the library: it is looked at while that goes on. */
  noticeWork(): void {
    if (!this.#timer) this.#watchWhileBusy();
  }

  /** Times the parts of a run that goes to a worker. */
  stages(told?: StageListener): StageClock | undefined {
    return told || this.#options.monitor.enabled ? new StageClock(this.#counters, told) : undefined;
  }

  /** The same for a run that may yet be a hit, which costs less than the clocks: one in 64. */
  hitStages(told?: StageListener): StageClock | undefined {
    if (told) return this.stages(told);
    this.#hitsUntimed += 1;
    if (this.#hitsUntimed < TIMED_HITS) return undefined;
    this.#hitsUntimed = 0;
    return this.stages();
  }

  runEnded(request: RunRequest, skill: CompiledSkill, found: RunFound, durationMs: number): void {
    const { cached } = found.result;
    this.#counters.ended(durationMs, cached === 'memory' || cached === 'store');
    if (found.dispatched) this.#record(runRecord(request, skill, { dispatched: found.dispatched }));
  }

  /** Counts and records a failed run; the error its caller gets. */
  runFailed(request: RunRequest, skill: CompiledSkill | undefined, thrown: unknown): Error {
    const error = typedError(thrown, request.signal);
    this.#counters.failed(performance.now() - request.startMs, errorCode(error));
    if (skill) this.#record(runRecord(request, skill, { error }));
    return error;
  }

  /** Every number at this moment; those of the store and of memory are of the last sample. */
  snapshot(): MetricsSnapshot {
    return snapshotOf(this.#options, this.#parts, this.#storeStats, {
      uptimeMs: performance.now() - this.#openedMs,
      runs: this.#counters.snapshot(),
      memory: this.#memory.last,
      cacheShare: this.#pressure.share,
      alerts: this.#alerts.active(),
      alertsSuppressed: this.#alerts.suppressed,
      webhook: this.#webhook?.numbers(),
    });
  }

  /** Asks the store and the system for their numbers, then takes a snapshot. */
  async sample(): Promise<MetricsSnapshot> {
    const [storeStats] = await Promise.all([storeStatsOf(this.#parts.store), this.#memory.sample()]);
    this.#storeStats = storeStats;
    return this.snapshot();
  }

  /** Resolves when what was to be told is told, or could not be. */
  async close(graceMs: number): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#memory.stop();
    await this.#webhook?.close(Math.min(graceMs, WEBHOOK_GRACE_MS));
  }

  #record(record: RunRecord): void {
    if (this.#options.readonly) return;
    this.#parts.store.recordRun(record).catch(() => {
      // A record that is lost never fails its run; the store counts its own failures.
    });
  }

  /** One look per interval for as long as there is work; an idle library has no timer. */
  #watchWhileBusy(): void {
    const { enabled, sampleIntervalMs } = this.#options.monitor;
    if (this.#timer || !enabled) return;
    this.#timer = setTimeout(() => void this.#look(), sampleIntervalMs);
    this.#timer.unref();
  }

  async #look(): Promise<void> {
    this.#sweep();
    const snapshot = await this.sample();
    if (!this.#timer) return;
    this.#timer = undefined;
    this.#giveWay(snapshot);
    for (const alert of this.#alerts.evaluate(snapshot, Date.now())) this.#tell(alert);
    this.#report(snapshot);
    const { total, inFlight } = snapshot.runs;
    const isLent = snapshot.pools.some(({ inUse }) => inUse > 0);
    const isBusy = inFlight > 0 || isLent || total !== this.#runsAtLastLook;
    this.#runsAtLastLook = total;
    this.#idleLooks = isBusy ? 0 : this.#idleLooks + 1;
    const isWaiting = this.#alerts.active().length > 0 || this.#pressure.share < 1;
    if (isBusy || (isWaiting && this.#idleLooks <= IDLE_LOOKS_MAX)) this.#watchWhileBusy();
  }

  /** Looks at every entry, so not at every look. */
  #sweep(): void {
    const { resultTtlMs, skillTtlMs } = this.#options.cache;
    const nowMs = performance.now();
    if (nowMs - this.#sweptMs < Math.min(resultTtlMs, skillTtlMs) / 10) return;
    this.#sweptMs = nowMs;
    sweepMemory({ ...this.#parts, options: this.#options });
    if (this.#options.readonly) return;
    this.#parts.results.evictExpiredStored().catch(() => {
      // What is not dropped now is not served either, and goes at the next sweep.
    });
  }

  /** The caches shrink while memory is short, and grow back. */
  #giveWay({ memory }: MetricsSnapshot): void {
    if (!memory || !this.#pressure.look(memory.share)) return;
    const { share } = this.#pressure;
    for (const cache of [this.#parts.results, this.#parts.skills, this.#parts.inline]) cache.setShare(share);
    const percent = (ratio: number): string => `${(ratio * 100).toFixed(1)} %`;
    const message = `memory is at ${percent(memory.share)}: the caches may use ${percent(share)} of their bounds`;
    this.#log(share < 1 ? 'warn' : 'info', 'cache-share', message);
  }

  #tell(alert: Alert): void {
    this.#listeners.alert?.(alert);
    this.#webhook?.send(alert);
    const level = alert.state === 'resolved' ? 'info' : alert.severity === 'critical' ? 'error' : 'warn';
    this.#log(level, 'alert', `${alert.type} ${alert.state}: ${alert.message}`, { alert });
  }

  #report(snapshot: MetricsSnapshot): void {
    const nowMs = performance.now();
    if (nowMs - this.#reportedMs < this.#options.monitor.reportIntervalMs) return;
    const report = memoryReport(snapshot);
    if (!report) return;
    this.#reportedMs = nowMs;
    this.#listeners.report?.(report);
    this.#log('info', 'memory-report', report.message, { report });
  }

  #log(level: LogEntry['level'], event: LogEntry['event'], message: string, details: object = {}): void {
    this.#listeners.log?.({ level, event, message, ...details });
  }
}

/** @throws {ConfigurationError} for a URL without the secret that signs what is sent there. */
export function alertWebhook(options: ResolvedOptions['monitor']['webhook']): Webhook | undefined {
  const { url, secretEnv, ...bounds } = options;
  if (url === '') return undefined;
  const file = process.env[`${secretEnv}_FILE`];
  const secret = process.env[secretEnv] || (file && readFileSync(file, 'utf8').trim());
  if (secret) return new Webhook({ url, secret, ...bounds });
  throw new ConfigurationError(
    `monitor.webhook.url is set, the environment variable ${secretEnv} with the secret of its signature is not`,
    { details: { issues: [{ path: 'monitor.webhook.secretEnv', message: `${secretEnv} is not set` }] } },
  );
}

function errorCode(error: Error): ErrorCode {
  return error instanceof SkillCacheError && error.code in ERROR_KINDS ? error.code : 'INTERNAL';
}
