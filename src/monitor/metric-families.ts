/** Every metric that is exposed. */
import type { HistogramSnapshot, PoolStats } from '../pool/pool-stats.ts';
import { BATCH_FAMILIES } from './batch-metrics.ts';
import { CACHE_FAMILIES } from './cache-metrics.ts';
import { counter, each, gauge, histogram, one } from './metric-family.ts';
import type { HistogramSample, MetricFamily, Read, Sample } from './metric-family.ts';
import type { MetricsSnapshot, StoreNumbers } from './metrics.ts';

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
  gauge(
    'pool_longest_lease_seconds',
    'How long the resource that is lent for longest is lent.',
    pools((p) => (p.longestHeld[0]?.heldMs ?? 0) / 1_000),
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
  counter('alerts_suppressed', 'Alerts not told because their rule had told too many.', (s) =>
    one(s.alertsSuppressed),
  ),
  counter('webhook_messages', 'Alerts that left the queue of the webhook, by outcome.', ({ webhook }) =>
    webhook
      ? each('outcome', {
          delivered: webhook.delivered,
          failed: webhook.failed,
          dropped: webhook.dropped,
        })
      : [],
  ),
  counter('webhook_tries', 'Requests made to the webhook.', ({ webhook }) =>
    webhook ? one(webhook.tries) : [],
  ),
  gauge('webhook_waiting', 'Alerts waiting for the webhook.', ({ webhook }) =>
    webhook ? one(webhook.waiting) : [],
  ),
];

/** In the order in which they are exposed. */
export const METRIC_FAMILIES: readonly MetricFamily[] = [
  ...RUN_FAMILIES,
  ...BATCH_FAMILIES,
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
