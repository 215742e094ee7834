/** Reads every part's numbers into one snapshot. */
import type { WatchedParts } from './watch.ts';
import { SkillCacheError } from '../errors.ts';
import type { MemoryNumbers, MetricsSnapshot, StoredResultNumbers } from '../monitor/metrics.ts';
import type { ResolvedOptions } from '../options.ts';
import type { ResultCacheStats } from '../cache/result-cache-types.ts';
import type { Store, StoreStats } from '../store/store.ts';

/** What the watch itself knows. */
type WatchNumbers = Pick<
  MetricsSnapshot,
  'uptimeMs' | 'runs' | 'cacheShare' | 'alerts' | 'alertsSuppressed'
> & {
  readonly memory: MemoryNumbers | undefined;
  readonly webhook: MetricsSnapshot['webhook'] | undefined;
};

/** `storeStats`: what the store last said of itself; its pools are read now. */
export function snapshotOf(
  options: ResolvedOptions,
  parts: WatchedParts,
  storeStats: StoreStats | undefined,
  { memory, webhook, ...watched }: WatchNumbers,
): MetricsSnapshot {
  const { skills, inline, results, purity, workers, store } = parts;
  const stats = workers.stats();
  const resultStats = results.stats();
  const keepsStored = options.cache.storeResults && !options.readonly;
  const stored = keepsStored && storeStats ? storedOf(resultStats, storeStats, options) : undefined;
  return {
    takenAtMs: Date.now(),
    ...watched,
    batches: parts.batches.snapshot(),
    caches: {
      skills: skills.stats(),
      inline: inline.stats(),
      results: resultStats,
      ...(stored && { stored }),
    },
    purity: purity.numbers(),
    pools: [stats.pool, ...store.pools()],
    workers: {
      ...(stats.tier && { tier: stats.tier }),
      running: stats.running,
      concurrency: options.workers.concurrency,
      waiting: stats.waiting + stats.pool.waiting,
      pids: workers.pids(),
      starts: stats.starts,
      boundHits: stats.boundHits,
      warmHits: stats.warmHits,
      coldStarts: stats.coldStarts,
      each: stats.workers,
    },
    ...(storeStats && { store: storeStats }),
    ...(memory && { memory }),
    ...(webhook && { webhook }),
  };
}

function storedOf(
  results: ResultCacheStats,
  store: StoreStats,
  options: ResolvedOptions,
): StoredResultNumbers {
  const { storeHits: hits, storeMisses: misses } = results;
  const bytes = store.resultBytes ?? 0;
  const { resultBytesMax: bytesMax, resultsMax: entriesMax } = options.store;
  return {
    entries: store.results,
    entriesMax,
    bytes,
    bytesMax,
    utilization: Math.max(store.results / entriesMax, bytes / bytesMax),
    hits,
    misses,
    hitRate: hits + misses === 0 ? 0 : hits / (hits + misses),
    evictions: { dropped: results.storeDropped, expired: results.storeExpired },
  };
}

export async function storeStatsOf(store: Store): Promise<StoreStats | undefined> {
  try {
    return await store.stats();
  } catch (error) {
    // Numbers must be had while the store is in trouble, too: they are then without the store's own.
    if (error instanceof SkillCacheError) return undefined;
    throw error;
  }
}
