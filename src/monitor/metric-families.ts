/** Every metric that is exposed: its name, type, labels and meaning, and where its values are in a snapshot. */
import type { HistogramSnapshot, PoolStats } from '../pool/pool-stats.ts';
import type { CacheNumbers, MetricsSnapshot, StoreNumbers } from './metrics.ts';

export type Labels = Readonly<Record<string, string>>;

export interface Sample {
  readonly labels: Labels;
  readonly value: number;
}

export interface HistogramSample {
  readonly labels: Labels;
  readonly histogram: HistogramSnapshot;
}

interface Described {
  readonly name: string;
  readonly help: string;
}

export type MetricFamily = Described &
  (
    | { readonly type: 'counter' | 'gauge'; readonly read: (snapshot: MetricsSnapshot) => readonly Sample[] }
    | { readonly type: 'histogram'; readonly read: (snapshot: MetricsSnapshot) => readonly HistogramSample[] }
  );

type Read = (snapshot: MetricsSnapshot) => readonly Sample[];

const counter = (name: string, help: string, read: Read): MetricFamily => ({
  name: `skillcache_${name}_total`,
  help,
  type: 'counter',
  read,
});

const gauge = (name: string, help: string, read: Read): MetricFamily => ({
  name: `skillcache_${name}`,
  help,
  type: 'gauge',
  read,
});

const histogram = (
  name: string,
  help: string,
  read: (snapshot: MetricsSnapshot) => readonly HistogramSample[],
): MetricFamily => ({ name: `skillcache_${name}_seconds`, help, type: 'histogram', read });

const one = (value: number): readonly Sample[] => [{ labels: {}, value }];

/** A sample of each member; the label's values are names of ours, and bounded. */
const each = (
  label: string,
  counts: Readonly<Record<string, number | undefined>>,
  more: Labels = {},
): Sample[] =>
  Object.entries(counts).map(([key, value]) => ({ labels: { ...more, [label]: key }, value: value ?? 0 }));

const caches =
  (value: (cache: CacheNumbers) => number): Read =>
  ({ caches: { skills, results } }) => [
    { labels: { cache: 'skills' }, value: value(skills) },
    { labels: { cache: 'results' }, value: value(results) },
  ];

const pools =
  (value: (pool: PoolStats) => number): Read =>
  (snapshot) =>
    snapshot.pools.map((pool) => ({ labels: { pool: pool.name }, value: value(pool) }));

const poolTimes =
  (value: (pool: PoolStats) => HistogramSnapshot) =>
  (snapshot: MetricsSnapshot): HistogramSample[] =>
    snapshot.pools.map((pool) => ({ labels: { pool: pool.name }, histogram: value(pool) }));

const store =
  (value: (store: StoreNumbers) => number): Read =>
  (snapshot) =>
    snapshot.store ? one(value(snapshot.store)) : [];

const RUN_FAMILIES: readonly MetricFamily[] = [
  gauge('uptime_seconds', 'Time since the library was opened.', (s) => one(s.uptimeMs / 1_000)),
  counter('runs', 'Runs that ended, by outcome.', ({ runs }) =>
    each('outcome', { ok: runs.ok, error: runs.total - runs.ok }),
  ),
  counter('run_errors', 'Runs that failed, by error code.', (s) => each('code', s.runs.errors)),
  counter('runs_cached', 'Runs that were answered without running.', (s) => one(s.runs.cached)),
  gauge('runs_in_flight', 'Runs under way.', (s) => one(s.runs.inFlight)),
  histogram('run_duration', 'Duration of whole runs, cached ones included.', (s) => [
    { labels: {}, histogram: s.runs.durationMs },
  ]),
  histogram('run_stage_duration', 'Duration of the parts of runs.', (s) =>
    Object.entries(s.runs.stagesMs).map(([stage, times]) => ({ labels: { stage }, histogram: times })),
  ),
];

const CACHE_FAMILIES: readonly MetricFamily[] = [
  gauge(
    'cache_entries',
    'Entries held.',
    caches((c) => c.entries),
  ),
  gauge(
    'cache_entries_limit',
    'Most entries held.',
    caches((c) => c.entriesMax),
  ),
  gauge(
    'cache_size_bytes',
    'Bytes held, by estimate.',
    caches((c) => c.bytes),
  ),
  gauge(
    'cache_limit_bytes',
    'Most bytes held.',
    caches((c) => c.bytesMax),
  ),
  gauge(
    'cache_utilization_ratio',
    'The fuller of the two bounds, 0 to 1.',
    caches((c) => c.utilization),
  ),
  counter(
    'cache_hits',
    'Lookups that were answered.',
    caches((c) => c.hits),
  ),
  counter(
    'cache_misses',
    'Lookups that were not answered.',
    caches((c) => c.misses),
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
  counter('cache_evictions', 'Entries that left, by reason.', ({ caches: { skills, results } }) => [
    ...each('reason', skills.evictions, { cache: 'skills' }),
    ...each('reason', results.evictions, { cache: 'results' }),
  ]),
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

const POOL_FAMILIES: readonly MetricFamily[] = [
  gauge(
    'pool_limit',
    'Most resources alive at once, overflow aside.',
    pools((p) => p.max),
  ),
  gauge(
    'pool_overflow_limit',
    'Most resources in overflow.',
    pools((p) => p.overflowMax),
  ),
  gauge(
    'pool_in_use',
    'Resources lent out.',
    pools((p) => p.inUse),
  ),
  gauge(
    'pool_idle',
    'Resources waiting to be lent.',
    pools((p) => p.idle),
  ),
  gauge(
    'pool_creating',
    'Resources being created.',
    pools((p) => p.creating),
  ),
  gauge(
    'pool_destroying',
    'Resources being destroyed.',
    pools((p) => p.destroying),
  ),
  gauge(
    'pool_overflow_in_use',
    'Overflow resources lent out.',
    pools((p) => p.overflowInUse),
  ),
  gauge(
    'pool_waiting',
    'Callers in the waiting line.',
    pools((p) => p.waiting),
  ),
  gauge(
    'pool_waiting_peak',
    'Longest waiting line so far.',
    pools((p) => p.waitingPeak),
  ),
  gauge(
    'pool_utilization_ratio',
    'Resources in use of the most there may be.',
    pools((p) => p.utilization),
  ),
  gauge(
    'pool_overflow_utilization_ratio',
    'Overflow in use, 0 to 1.',
    pools((p) => p.overflowUtilization),
  ),
  gauge(
    'pool_exhaustion_ratio',
    'Exhaustion events of all requests, 0 to 1.',
    pools((p) => p.exhaustionRate),
  ),
  counter(
    'pool_requests',
    'Acquires asked for.',
    pools((p) => p.requests),
  ),
  counter(
    'pool_timeouts',
    'Acquires that waited too long.',
    pools((p) => p.timeouts),
  ),
  counter(
    'pool_exhaustions',
    'Acquires that found nothing idle and no room.',
    pools((p) => p.exhaustionEvents),
  ),
  counter(
    'pool_created',
    'Resources created.',
    pools((p) => p.created),
  ),
  counter(
    'pool_create_failures',
    'Resources that could not be created.',
    pools((p) => p.createFailures),
  ),
  counter('pool_destroyed', 'Resources destroyed, by reason.', (s) =>
    s.pools.flatMap((pool) => each('reason', pool.destroyed, { pool: pool.name })),
  ),
  counter(
    'pool_leaks',
    'Leases held longer than the leak threshold.',
    pools((p) => p.leaks),
  ),
  histogram(
    'pool_acquire',
    'Time from the request to the lease.',
    poolTimes((p) => p.acquireMs),
  ),
  histogram(
    'pool_use',
    'Time from the lease to its end.',
    poolTimes((p) => p.useMs),
  ),
];

const STORE_FAMILIES: readonly MetricFamily[] = [
  gauge(
    'store_skills',
    'Skills stored.',
    store((s) => s.skills),
  ),
  gauge(
    'store_versions',
    'Versions stored.',
    store((s) => s.versions),
  ),
  gauge(
    'store_results',
    'Results stored.',
    store((s) => s.results),
  ),
  gauge(
    'store_runs',
    'Run records stored.',
    store((s) => s.runs),
  ),
  gauge(
    'store_file_bytes',
    'Size of the database file.',
    store((s) => s.fileBytes),
  ),
  gauge(
    'store_wal_bytes',
    'Size of the write-ahead log.',
    store((s) => s.walBytes),
  ),
  gauge(
    'store_schema_version',
    'Version of the database schema.',
    store((s) => s.schemaVersion),
  ),
  gauge(
    'store_writes_waiting',
    'Writes waiting for the next commit.',
    store((s) => s.writesWaiting),
  ),
  counter(
    'store_commits',
    'Transactions committed.',
    store((s) => s.commits),
  ),
  counter(
    'store_writes',
    'Writes that commits carried.',
    store((s) => s.writes),
  ),
];

const PROCESS_FAMILIES: readonly MetricFamily[] = [
  gauge('workers_running', 'Runs under way in workers.', (s) => one(s.workers.running)),
  gauge('workers_waiting', 'Runs waiting for their turn.', (s) => one(s.workers.waiting)),
  gauge('workers_concurrency_limit', 'Most runs at once.', (s) => one(s.workers.concurrency)),
  gauge('workers_processes', 'Worker processes alive.', (s) => one(s.workers.pids.length)),
  gauge('sandbox_info', 'Always 1; the label says what confines workers.', ({ workers: { tier } }) =>
    tier === undefined ? [] : [{ labels: { tier }, value: 1 }],
  ),
  gauge('memory_resident_bytes', 'Resident set of this process and of its workers.', ({ memory }) =>
    memory ? each('process', { self: memory.selfBytes, workers: memory.workerBytes }) : [],
  ),
  gauge('memory_limit_bytes', 'Memory of the machine or the container.', ({ memory }) =>
    memory ? one(memory.limitBytes) : [],
  ),
  gauge('memory_share_ratio', 'Resident set of the limit, 0 to 1.', ({ memory }) =>
    memory ? one(memory.share) : [],
  ),
  gauge('cpu_cores', 'Cores in use by this process and its workers.', ({ memory }) =>
    memory ? one(memory.cpuCores) : [],
  ),
  gauge('alerts', 'Subjects with an alert, by type and state.', alerts),
];

/** In the order in which they are exposed. */
export const METRIC_FAMILIES: readonly MetricFamily[] = [
  ...RUN_FAMILIES,
  ...CACHE_FAMILIES,
  ...POOL_FAMILIES,
  ...STORE_FAMILIES,
  ...PROCESS_FAMILIES,
];

function alerts(snapshot: MetricsSnapshot): Sample[] {
  const counts = new Map<string, Sample>();
  for (const { type, state } of snapshot.alerts) {
    const key = `${type} ${state}`;
    counts.set(key, { labels: { type, state }, value: (counts.get(key)?.value ?? 0) + 1 });
  }
  return [...counts.values()];
}
