/**
 * Answers of pure skills: memory over the store. Answers are opaque codec text, so what is kept
 * is never the object that a caller holds. A cache in trouble never fails a run.
 */
import { abortError } from '../errors.ts';
import { BoundedCache, textBytes } from './bounded-cache.ts';
import { cacheStats } from './cache-stats.ts';
import { Flight } from './flight.ts';
import { GoneKeys } from './gone-keys.ts';
import type {
  CachedResult,
  CacheReason,
  GetOrRunOptions,
  ResultCacheOptions,
  ResultCacheStats,
  RunSkill,
} from './result-cache-types.ts';
import { StoredResults } from './stored-results.ts';

interface Entry {
  readonly text: string;
  readonly digest: string;
  readonly bytes: number;
  /** Until then it is fresh, and until `staleUntilMs` it is better than waiting. */
  readonly expiresAtMs: number;
  readonly staleUntilMs: number;
}

/** A run under way. A drop of its version takes away its right to be kept. */
interface Task {
  readonly key: string;
  readonly digest: string;
  mayKeep: boolean;
}

const STORE_WRITES_MAX = 1_000;
/** Two keys, the entry's object, and the map's own share. */
const ENTRY_BYTES = 320;

export class ResultCache {
  readonly #options: ResultCacheOptions;
  readonly #clock: () => number;
  readonly #staleMs: number;
  readonly #memory: BoundedCache<Entry>;
  readonly #stored: StoredResults;
  readonly #gone = new GoneKeys();
  readonly #tasks = new Set<Task>();
  readonly #flights = new Map<string, { readonly flight: Flight<CachedResult>; readonly task: Task }>();
  readonly #counts = { hits: 0, misses: 0, shared: 0 };
  #storeHits = 0;
  #bypassed = 0;
  #refreshed = 0;
  #stale = 0;
  #renewalFailures = 0;
  readonly #renewals = new Set<Promise<void>>();

  constructor(options: ResultCacheOptions) {
    this.#options = options;
    this.#clock = options.clock ?? Date.now;
    this.#staleMs = options.staleMs ?? 0;
    this.#stored = new StoredResults(
      options.store,
      options.storeWritesMax ?? STORE_WRITES_MAX,
      options.observer,
    );
    this.#memory = new BoundedCache(options, (key, { bytes }, reason) => {
      this.#gone.add(key, reason);
      options.observer?.evicted?.({ key, bytes, reason });
    });
  }

  /** The fresh answer kept in memory, at once. Counts as a hit, or not at all: `getOrRun` follows. */
  getNow(key: string): CachedResult | undefined {
    const entry = this.#memory.get(key);
    if (!entry) return undefined;
    if (entry.expiresAtMs <= this.#clock()) {
      if (entry.staleUntilMs <= this.#clock()) this.#memory.delete(key, 'expired');
      return undefined;
    }
    this.#counts.hits += 1;
    return { text: entry.text, cached: 'memory', why: 'hit' };
  }

  /**
   * The kept answer, or that of a run. Callers with one key share one run, and its failure too:
   * nothing is kept of that. One who aborts leaves alone; the last one to leave aborts the run.
   * Without a key, as for data that has none, the skill is run and nothing is kept.
   */
  async getOrRun(key: string | undefined, run: RunSkill, options: GetOrRunOptions): Promise<CachedResult> {
    const { mode = 'use', notPure, signal } = options;
    if (signal?.aborted) throw abortError(signal);
    if (notPure) return this.#alone(run, options, `not-pure: ${notPure.join('; ') || 'declared'}`);
    if (mode === 'bypass' || key === undefined) {
      this.#bypassed += 1;
      return this.#alone(run, options, 'bypassed');
    }
    if (mode === 'refresh') return this.#refresh(key, run, options);
    return this.getNow(key) ?? this.#getStale(key, run, options) ?? this.#share(key, run, options);
  }

  /** The answer kept in memory, its place in the order and all counts unchanged. */
  peek(key: string): string | undefined {
    const entry = this.#memory.peek(key);
    return entry && entry.expiresAtMs > this.#clock() ? entry.text : undefined;
  }

  /**
   * Drops the answers of one version, or all, from memory and store; how many there were. What is
   * being run at this moment is answered, and not kept.
   */
  async drop(digest?: string): Promise<number> {
    const isDropped = (owner: { readonly digest: string }): boolean =>
      digest === undefined || owner.digest === digest;
    for (const task of this.#tasks) if (isDropped(task)) task.mayKeep = false;
    for (const [key, { task }] of this.#flights) if (isDropped(task)) this.#flights.delete(key);
    const inMemory = this.#memory.deleteWhere(isDropped, 'dropped');
    return (await this.#stored.drop(digest)) ?? inMemory;
  }

  /** Drops what has expired from memory; how many there were. */
  evictExpired(): number {
    const nowMs = this.#clock();
    return this.#memory.deleteWhere((entry) => entry.staleUntilMs <= nowMs, 'expired');
  }

  /** Drops what has expired from the store; how many there were. */
  evictExpiredStored(): Promise<number> {
    return this.#stored.evictExpired();
  }

  /** Lowers the bounds of memory to a share of what they are, 0 to 1, or gives them back. */
  setShare(share: number): void {
    this.#memory.setShare(share);
  }

  /** Empties memory; the store keeps what it has. How many there were. */
  clear(): number {
    return this.#memory.clear();
  }

  /** Resolves when all that was to be stored is stored, or has failed to be. */
  async flush(): Promise<void> {
    await Promise.all(this.#renewals);
    await this.#stored.flush();
  }

  stats(): ResultCacheStats {
    return {
      ...cacheStats(this.#memory, this.#counts),
      storeHits: this.#storeHits,
      storeMisses: this.#stored.counts.misses,
      storeDropped: this.#stored.counts.dropped,
      storeExpired: this.#stored.counts.expired,
      storeFailures: this.#stored.failures,
      storeSkipped: this.#stored.skipped,
      bypassed: this.#bypassed,
      refreshed: this.#refreshed,
      stale: this.#stale,
      renewalFailures: this.#renewalFailures,
      inFlight: this.#flights.size,
    };
  }

  async #alone(run: RunSkill, options: GetOrRunOptions, why: CacheReason): Promise<CachedResult> {
    // Nobody else can join it, so the caller's leaving is all that can stop it.
    return { text: await run(options.signal ?? new AbortController().signal), cached: false, why };
  }

  async #refresh(key: string, run: RunSkill, options: GetOrRunOptions): Promise<CachedResult> {
    this.#refreshed += 1;
    const task: Task = { key, digest: options.digest, mayKeep: true };
    const flight = new Flight((signal) => this.#track(task, () => this.#runAndKeep(task, run, signal)));
    return { text: await flight.join(options.signal), cached: false, why: 'refreshed' };
  }

  /** An answer past its age, and the start of a run that renews it. */
  #getStale(key: string, run: RunSkill, options: GetOrRunOptions): CachedResult | undefined {
    if (this.#staleMs === 0) return undefined;
    const entry = this.#memory.peek(key);
    if (!entry || entry.staleUntilMs <= this.#clock()) return undefined;
    this.#counts.hits += 1;
    this.#stale += 1;
    this.#renew(key, run, options);
    return { text: entry.text, cached: 'memory', why: 'stale' };
  }

  #renew(key: string, run: RunSkill, options: GetOrRunOptions): void {
    const flightKey = `${key}\n${options.shareIf ?? ''}`;
    if (this.#flights.has(flightKey)) return;
    const task: Task = { key, digest: options.digest, mayKeep: true };
    const flight = this.#fly(flightKey, task, async (signal) => ({
      text: await this.#runAndKeep(task, run, signal),
      cached: false,
      why: 'refreshed',
    }));
    const renewal = flight.join().then(
      () => undefined,
      () => {
        this.#renewalFailures += 1;
      },
    );
    this.#renewals.add(renewal);
    void renewal.then(() => this.#renewals.delete(renewal));
  }

  async #share(key: string, run: RunSkill, options: GetOrRunOptions): Promise<CachedResult> {
    const flightKey = `${key}\n${options.shareIf ?? ''}`;
    const under = this.#flights.get(flightKey);
    const isShared = under !== undefined && !under.flight.isAbandoned;
    const flight = isShared ? under.flight : this.#takeOff(flightKey, key, run, options);
    try {
      const result = await flight.join(options.signal);
      if (result.cached === 'store') {
        this.#counts.hits += 1;
        this.#storeHits += 1;
        if (result.why === 'stale' && !isShared) this.#stale += 1;
        return result;
      }
      this.#miss(isShared);
      return isShared ? { text: result.text, cached: 'shared', why: 'shared' } : result;
    } catch (error) {
      this.#miss(isShared);
      throw error;
    }
  }

  #miss(isShared: boolean): void {
    this.#counts.misses += 1;
    if (isShared) this.#counts.shared += 1;
  }

  #takeOff(flightKey: string, key: string, run: RunSkill, options: GetOrRunOptions): Flight<CachedResult> {
    const task: Task = { key, digest: options.digest, mayKeep: true };
    return this.#fly(flightKey, task, (signal) => this.#storedOrRun(task, run, signal, options));
  }

  #fly(
    flightKey: string,
    task: Task,
    work: (signal: AbortSignal) => Promise<CachedResult>,
  ): Flight<CachedResult> {
    const flight = new Flight((signal) => this.#track(task, () => work(signal)));
    this.#flights.set(flightKey, { flight, task });
    void flight.settled.finally(() => {
      // A drop, or the abort of all who waited, may have put another flight in its place.
      if (this.#flights.get(flightKey)?.flight === flight) this.#flights.delete(flightKey);
    });
    return flight;
  }

  async #storedOrRun(
    task: Task,
    run: RunSkill,
    signal: AbortSignal,
    options: GetOrRunOptions,
  ): Promise<CachedResult> {
    const { key, digest } = task;
    const stored = await this.#stored.get(key);
    const nowMs = this.#clock();
    if (stored && stored.expiresAtMs > nowMs && task.mayKeep) {
      const expiresAtMs = stored.expiresAtMs - this.#staleMs;
      this.#keepInMemory({ key, digest, text: stored.output, expiresAtMs });
      if (expiresAtMs > nowMs) return { text: stored.output, cached: 'store', why: 'hit' };
      // After this flight, so that the renewal is one of its own.
      setImmediate(() => this.#renew(key, run, options));
      return { text: stored.output, cached: 'store', why: 'stale' };
    }
    if (stored) this.#gone.add(key, task.mayKeep ? 'expired' : 'dropped');
    const why = this.#gone.why(key) ?? 'never-seen';
    if (signal.aborted) throw abortError(signal);
    return { text: await this.#runAndKeep(task, run, signal), cached: false, why };
  }

  async #track<Value>(task: Task, work: () => Promise<Value>): Promise<Value> {
    this.#tasks.add(task);
    try {
      return await work();
    } finally {
      this.#tasks.delete(task);
    }
  }

  async #runAndKeep(task: Task, run: RunSkill, signal: AbortSignal): Promise<string> {
    const text = await run(signal);
    if (!task.mayKeep) return text;
    const { key, digest } = task;
    const createdAtMs = this.#clock();
    const expiresAtMs = createdAtMs + this.#options.ttlMs;
    this.#keepInMemory({ key, digest, text, expiresAtMs });
    this.#stored.put({ key, digest, output: text, createdAtMs, expiresAtMs: expiresAtMs + this.#staleMs });
    return text;
  }

  #keepInMemory(kept: { key: string; digest: string; text: string; expiresAtMs: number }): void {
    const { key, digest, text, expiresAtMs } = kept;
    const bytes = textBytes(text) + ENTRY_BYTES;
    const staleUntilMs = expiresAtMs + this.#staleMs;
    if (this.#memory.set(key, { text, digest, bytes, expiresAtMs, staleUntilMs })) this.#gone.delete(key);
    else this.#options.observer?.evicted?.({ key, bytes, reason: 'overflow' });
  }
}
