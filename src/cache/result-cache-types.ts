/** What goes into the result cache and comes out of it. */
import type { CacheBounds, EvictReason } from './bounded-cache.ts';
import type { CacheStats } from './cache-stats.ts';
import type { GoneReason } from './gone-keys.ts';
import type { ResultStore, ResultStoreObserver } from './stored-results.ts';

/** `use`: kept answers are served. `bypass`: nothing is read or kept. `refresh`: run, and keep. */
export type CacheMode = 'use' | 'bypass' | 'refresh';

/** Where an answer came from; `shared` is the run of another caller that was under way. */
export type CachedFrom = 'memory' | 'store' | 'shared' | false;

/** Why, for a caller that wants it explained. */
export type CacheReason =
  | 'hit'
  | 'stale'
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
  /** For so long after that it is served once more, while a run in the background renews it, in ms. Default 0. */
  readonly staleMs?: number;
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
  /** Lookups that the store did not answer either. */
  readonly storeMisses: number;
  /** Answers taken out of the store by `drop`. */
  readonly storeDropped: number;
  /** Answers taken out of the store because they were past their age. */
  readonly storeExpired: number;
  readonly storeFailures: number;
  /** Answers not written to the store because too many writes were under way. */
  readonly storeSkipped: number;
  readonly bypassed: number;
  readonly refreshed: number;
  /** Of the hits, answers past their age that were served while they were renewed. */
  readonly stale: number;
  /** Renewals in the background that failed; the old answer then stays for what is left of its time. */
  readonly renewalFailures: number;
  /** Runs under way that others may share. */
  readonly inFlight: number;
}

/** Runs the skill; the signal fires when nobody waits for the answer any more. */
export type RunSkill = (signal: AbortSignal) => Promise<string>;
