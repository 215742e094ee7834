/** Numbers of a cache. Counts are since it was opened; `hits + misses` is every answer it was asked for. */
import type { CacheBounds, EvictReason } from './bounded-cache.ts';

export interface CacheStats {
  readonly entries: number;
  readonly entriesMax: number;
  readonly bytes: number;
  readonly bytesMax: number;
  readonly hits: number;
  readonly misses: number;
  /** `hits / (hits + misses)`, 0 before the first. */
  readonly hitRate: number;
  /** The fuller of the two bounds, 0 to 1. */
  readonly utilization: number;
  readonly evictions: Readonly<Partial<Record<EvictReason, number>>>;
  /** Entries larger than the cache: served, never kept. */
  readonly overflows: number;
  /** Misses that waited for a load or run already under way. */
  readonly shared: number;
}

interface HitCounts {
  hits: number;
  misses: number;
  shared: number;
}

/** What a cache knows of its own filling: a `BoundedCache` of anything. */
interface CacheFilling {
  readonly bounds: CacheBounds;
  readonly entries: number;
  readonly bytes: number;
  readonly evictions: CacheStats['evictions'];
  readonly overflows: number;
}

export function cacheStats(lru: CacheFilling, counts: HitCounts): CacheStats {
  const { entries, bytes, evictions, overflows } = lru;
  const { entriesMax, bytesMax } = lru.bounds;
  const asked = counts.hits + counts.misses;
  return {
    entries,
    entriesMax,
    bytes,
    bytesMax,
    hits: counts.hits,
    misses: counts.misses,
    hitRate: asked === 0 ? 0 : counts.hits / asked,
    utilization: Math.max(entries / entriesMax, bytes / bytesMax),
    evictions,
    overflows,
    shared: counts.shared,
  };
}
