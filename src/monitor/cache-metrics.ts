/** The metrics of the caches. */
import { counter, each, gauge, one } from './metric-family.ts';
import type { MetricFamily, Read } from './metric-family.ts';
import type { CacheNumbers, StoredResultNumbers } from './metrics.ts';

/** Of the caches in memory. */
const caches =
  (value: (cache: CacheNumbers) => number): Read =>
  ({ caches: { skills, inline, results } }) => [
    { labels: { cache: 'skills' }, value: value(skills) },
    { labels: { cache: 'inline' }, value: value(inline) },
    { labels: { cache: 'results' }, value: value(results) },
  ];

/** The same, and of the results on disk, which are known as `stored`. */
const tiers =
  (value: (cache: CacheNumbers | StoredResultNumbers) => number): Read =>
  (snapshot) => {
    const { stored } = snapshot.caches;
    const samples = caches(value)(snapshot);
    return stored ? [...samples, { labels: { cache: 'stored' }, value: value(stored) }] : samples;
  };

export const CACHE_FAMILIES: readonly MetricFamily[] = [
  gauge(
    'cache_entries',
    'Entries held.',
    tiers((c) => c.entries),
  ),
  gauge(
    'cache_entries_limit',
    'Most entries held.',
    tiers((c) => c.entriesMax),
  ),
  gauge(
    'cache_size_bytes',
    'Bytes held, by estimate.',
    tiers((c) => c.bytes),
  ),
  gauge(
    'cache_limit_bytes',
    'Most bytes held.',
    tiers((c) => c.bytesMax),
  ),
  gauge(
    'cache_utilization_ratio',
    'The fuller of the two bounds, 0 to 1.',
    tiers((c) => c.utilization),
  ),
  counter(
    'cache_hits',
    'Lookups that were answered.',
    tiers((c) => c.hits),
  ),
  counter(
    'cache_misses',
    'Lookups that were not answered.',
    tiers((c) => c.misses),
  ),
  counter(
    'cache_shared',
    'Misses that waited for the load or run of another.',
    caches((c) => c.shared),
  ),
  counter(
    'cache_overflows',
    'Entries larger than the whole cache, never held.',
    caches((c) => c.overflows),
  ),
  counter('cache_evictions', 'Entries that left, by reason.', ({ caches }) =>
    Object.entries(caches).flatMap(([cache, { evictions }]) => each('reason', evictions, { cache })),
  ),
  gauge('cache_pinned', 'Compiled skills that cannot be evicted.', (s) => one(s.caches.skills.pinned)),
  gauge(
    'cache_share_ratio',
    'Share of their bounds the caches may use; below 1 while memory is short.',
    (s) => one(s.cacheShare),
  ),
  counter('result_stale', 'Results past their age that were served while they were renewed.', (s) =>
    one(s.caches.results.stale),
  ),
  counter('result_renewal_failures', 'Renewals of results that failed.', (s) =>
    one(s.caches.results.renewalFailures),
  ),
  counter('purity_checks', 'Hits that were run again to see whether the skill is pure.', (s) =>
    one(s.purity.checks),
  ),
  counter('purity_differing', 'Checked hits whose answer differed.', (s) => one(s.purity.differing)),
  counter('purity_inconclusive', 'Checked hits whose second run failed for reasons of its own.', (s) =>
    one(s.purity.inconclusive),
  ),
  counter('result_store_hits', 'Result lookups that the store answered.', (s) =>
    one(s.caches.results.storeHits),
  ),
  counter('result_store_failures', 'Results the store failed to give or take.', (s) =>
    one(s.caches.results.storeFailures),
  ),
  counter('result_store_skipped', 'Results not stored because too many writes were under way.', (s) =>
    one(s.caches.results.storeSkipped),
  ),
];
