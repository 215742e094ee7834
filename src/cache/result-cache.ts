/**
 * Answers of pure skills: memory over the store. Answers are opaque codec text, so what is kept
 * is never the object that a caller holds. A cache in trouble never fails a run.
 */
import { abortError } from '../errors.ts';
import { BoundedLru, textBytes } from './bounded-lru.ts';
import type { CacheBounds, EvictReason } from './bounded-lru.ts';
import { cacheStats } from './cache-stats.ts';
import type { CacheStats } from './cache-stats.ts';
import { Flight } from './flight.ts';
import { GoneKeys } from './gone-keys.ts';
import type { GoneReason } from './gone-keys.ts';
import { StoredResults } from './stored-results.ts';
import type { ResultStore, ResultStoreObserver } from './stored-results.ts';

/** `use`: kept answers are served. `bypass`: nothing is read or kept. `refresh`: run, and keep. */
export type CacheMode = 'use' | 'bypass' | 'refresh';

/** Where an answer came from; `shared` is the run of another caller that was under way. */
export type CachedFrom = 'memory' | 'store' | 'shared' | false;

/** Why, for a caller that wants it explained. */
export type CacheReason =
  | 'hit'
  | 'shared'
  | 'never-seen'
  | GoneReason
  | 'bypassed'
  | 'refreshed'
  | `not-pure: ${string}`;

export interface CachedResult {
  readonly text: string;
  readonly cached: CachedFrom;
  readonly why: CacheReason;
}

export interface GetOrRunOptions {
  /** The version that the answer belongs to: what `drop` goes by. */
  readonly digest: string;
  /** Default `use`. */
  readonly mode?: CacheMode;
  /** Why the answer must not be kept. Where present the cache is passed by. */
  readonly notPure?: readonly string[];
  /** What else must be equal for callers to share one run, as the text of its limits. Default ''. */
  readonly shareIf?: string;
  readonly signal?: AbortSignal;
}

export interface ResultCacheObserver extends ResultStoreObserver {
  /** An entry left, or, as `overflow`, was too large to be kept at all. */
  evicted?(event: { key: string; bytes: number; reason: EvictReason | 'overflow' }): void;
}

export interface ResultCacheOptions extends CacheBounds {
  /** Age at which an answer is no longer served, in ms. */
  readonly ttlMs: number;
  /** Keeps answers beyond this process. */
  readonly store?: ResultStore;
  /** Most writes to the store under way; an answer beyond that is kept in memory alone. Default 1000. */
  readonly storeWritesMax?: number;
  readonly observer?: ResultCacheObserver;
  /** Wall time in ms, as stored answers outlive the process. Default `Date.now`. */
  readonly clock?: () => number;
}

export interface ResultCacheStats extends CacheStats {
  /** Of the hits, those that the store answered. */
  readonly storeHits: number;
  readonly storeFailures: number;
  /** Answers not written to the store because too many writes were under way. */
  readonly storeSkipped: number;
  readonly bypassed: number;
  readonly refreshed: number;
  /** Runs under way that others may share. */
  readonly inFlight: number;
}

/** Runs the skill; the signal fires when nobody waits for the answer any more. */
export type RunSkill = (signal: AbortSignal) => Promise<string>;

interface Entry {
  readonly text: string;
  readonly digest: string;
  readonly bytes: number;
  readonly expiresAtMs: number;
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
  readonly #memory: BoundedLru<Entry>;
  readonly #stored: StoredResults;
  readonly #gone = new GoneKeys();
  readonly #tasks = new Set<Task>();
  readonly #flights = new Map<string, { readonly flight: Flight<CachedResult>; readonly task: Task }>();
  readonly #counts = { hits: 0, misses: 0, shared: 0 };
  #storeHits = 0;
  #bypassed = 0;
  #refreshed = 0;

  constructor(options: ResultCacheOptions) {
    this.#options = options;
    this.#clock = options.clock ?? Date.now;
    this.#stored = new StoredResults(
      options.store,
      options.storeWritesMax ?? STORE_WRITES_MAX,
      options.observer,
    );
    this.#memory = new BoundedLru(options, (key, { bytes }, reason) => {
      this.#gone.add(key, reason);
      options.observer?.evicted?.({ key, bytes, reason });
    });
  }

  /** The answer kept in memory, at once. Counts as a hit, or not at all: `getOrRun` follows. */
  getNow(key: string): CachedResult | undefined {
    const entry = this.#memory.get(key);
    if (!entry) return undefined;
    if (entry.expiresAtMs <= this.#clock()) {
      this.#memory.delete(key, 'expired');
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
    return this.getNow(key) ?? this.#share(key, run, options);
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
    return this.#memory.deleteWhere((entry) => entry.expiresAtMs <= nowMs, 'expired');
  }

  /** Empties memory; the store keeps what it has. How many there were. */
  clear(): number {
    return this.#memory.clear();
  }

  /** Resolves when all that was to be stored is stored, or has failed to be. */
  async flush(): Promise<void> {
    await this.#stored.flush();
  }

  stats(): ResultCacheStats {
    return {
      ...cacheStats(this.#memory, this.#counts),
      storeHits: this.#storeHits,
      storeFailures: this.#stored.failures,
      storeSkipped: this.#stored.skipped,
      bypassed: this.#bypassed,
      refreshed: this.#refreshed,
      inFlight: this.#flights.size,
    };
  }

  async #alone(run: RunSkill, options: GetOrRunOptions, why: CacheReason): Promise<CachedResult> {
    const text = await new Flight(run).join(options.signal);
    return { text, cached: false, why };
  }

  async #refresh(key: string, run: RunSkill, options: GetOrRunOptions): Promise<CachedResult> {
    this.#refreshed += 1;
    const task: Task = { key, digest: options.digest, mayKeep: true };
    const flight = new Flight((signal) => this.#track(task, () => this.#runAndKeep(task, run, signal)));
    return { text: await flight.join(options.signal), cached: false, why: 'refreshed' };
  }

  async #share(key: string, run: RunSkill, options: GetOrRunOptions): Promise<CachedResult> {
    const flightKey = `${key}\n${options.shareIf ?? ''}`;
    const under = this.#flights.get(flightKey);
    const isShared = under !== undefined && !under.flight.isAbandoned;
    const flight = isShared ? under.flight : this.#takeOff(flightKey, key, run, options.digest);
    try {
      const result = await flight.join(options.signal);
      if (result.cached === 'store') {
        this.#counts.hits += 1;
        this.#storeHits += 1;
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

  #takeOff(flightKey: string, key: string, run: RunSkill, digest: string): Flight<CachedResult> {
    const task: Task = { key, digest, mayKeep: true };
    const flight = new Flight((signal) => this.#track(task, () => this.#storedOrRun(task, run, signal)));
    this.#flights.set(flightKey, { flight, task });
    void flight.settled.finally(() => {
      // A drop, or the abort of all who waited, may have put another flight in its place.
      if (this.#flights.get(flightKey)?.flight === flight) this.#flights.delete(flightKey);
    });
    return flight;
  }

  async #storedOrRun(task: Task, run: RunSkill, signal: AbortSignal): Promise<CachedResult> {
    const { key, digest } = task;
    const stored = await this.#stored.get(key);
    if (stored && stored.expiresAtMs > this.#clock() && task.mayKeep) {
      this.#keepInMemory({ key, digest, text: stored.output, expiresAtMs: stored.expiresAtMs });
      return { text: stored.output, cached: 'store', why: 'hit' };
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
    this.#stored.put({ key, digest, output: text, createdAtMs, expiresAtMs });
    return text;
  }

  #keepInMemory(kept: { key: string; digest: string; text: string; expiresAtMs: number }): void {
    const { key, digest, text, expiresAtMs } = kept;
    const bytes = textBytes(text) + ENTRY_BYTES;
    if (this.#memory.set(key, { text, digest, bytes, expiresAtMs }, bytes)) this.#gone.delete(key);
    else this.#options.observer?.evicted?.({ key, bytes, reason: 'overflow' });
  }
}
