/** The rules every library starts with, from the thresholds of its options. */
import type { PoolStats } from '../pool/pool-stats.ts';
import type { AlertRule, Reading } from './alerts.ts';
import type { CacheNumbers, MetricsSnapshot, StoredResultNumbers } from './metrics.ts';

export interface AlertThresholds {
  readonly poolUtilizationMax: number;
  readonly overflowUtilizationMax: number;
  readonly exhaustionRateMax: number;
  readonly cacheUtilizationMax: number;
  readonly memoryShareMax: number;
  readonly walBytesMax: number;
}

export function defaultRules(thresholds: AlertThresholds): AlertRule[] {
  return [
    {
      type: 'pool-utilization',
      severity: 'warning',
      threshold: thresholds.poolUtilizationMax,
      read: ({ pools }) => pools.map(utilization),
    },
    {
      type: 'pool-overflow',
      severity: 'warning',
      threshold: thresholds.overflowUtilizationMax,
      read: ({ pools }) => pools.map(overflow),
    },
    {
      type: 'pool-exhaustion',
      severity: 'critical',
      threshold: thresholds.exhaustionRateMax,
      read: ({ pools }, previous) => pools.map((pool) => exhaustion(pool, previous)),
    },
    {
      type: 'cache-utilization',
      severity: 'warning',
      threshold: thresholds.cacheUtilizationMax,
      read: ({ caches }) => [
        cache('skills', caches.skills),
        cache('results', caches.results),
        ...(caches.stored ? [stored(caches.stored)] : []),
      ],
    },
    { type: 'pool-leak', severity: 'critical', threshold: 1, read: ({ pools }) => pools.flatMap(leaks) },
    { type: 'wal-size', severity: 'critical', threshold: thresholds.walBytesMax, read: log },
    { type: 'impure-skill', severity: 'critical', threshold: 0, read: impure },
    {
      type: 'memory-share',
      severity: 'critical',
      threshold: thresholds.memoryShareMax,
      read: memory,
    },
  ];
}

function utilization(pool: PoolStats): Reading {
  const { name, inUse, max, waiting } = pool;
  const message = `pool ${name}: ${inUse} of ${max} in use (${percent(pool.utilization)}), ${waiting} waiting`;
  return { subject: name, value: pool.utilization, message };
}

function overflow(pool: PoolStats): Reading {
  const { name, overflowInUse, overflowMax } = pool;
  const message = `pool ${name}: ${overflowInUse} of ${overflowMax} overflow resources in use`;
  return { subject: name, value: pool.overflowUtilization, message };
}

/** Since the snapshot before, so that it falls again when the rush is over; else since the start. */
function exhaustion(pool: PoolStats, previous: MetricsSnapshot | undefined): Reading {
  const before = previous?.pools.find((one) => one.name === pool.name);
  const requests = pool.requests - (before?.requests ?? 0);
  const events = pool.exhaustionEvents - (before?.exhaustionEvents ?? 0);
  const value = requests > 0 ? events / requests : 0;
  const since = before ? 'since the last look' : 'since the start';
  const message = `pool ${pool.name}: ${events} of ${requests} requests (${percent(value)}) found it exhausted ${since}`;
  return { subject: pool.name, value, message };
}

/** How many times the threshold a lease is held; of leases of one holder, the longest. */
function leaks({ name, leakThresholdMs, longestHeld }: PoolStats): Reading[] {
  if (leakThresholdMs === undefined) return [];
  const longest = new Map<string, Reading>();
  for (const { holder, heldMs } of longestHeld) {
    const subject = `${name}: ${holder}`;
    if (longest.has(subject)) continue;
    const message = `pool ${name}: a lease is held for ${seconds(heldMs)} (${seconds(leakThresholdMs)} allowed) by ${holder}`;
    longest.set(subject, { subject, value: heldMs / leakThresholdMs, message });
  }
  return [...longest.values()];
}

/** A reader that is lent for long keeps the log from being moved into the file. */
function log({ store, pools }: MetricsSnapshot): Reading[] {
  if (!store) return [];
  const held = pools.flatMap((pool) =>
    pool.leakThresholdMs === undefined ? [] : pool.longestHeld.slice(0, 1),
  );
  const holders = held.map(({ holder, heldMs }) => `${holder} for ${seconds(heldMs)}`).join(', ') || 'nobody';
  const message =
    `the store's log has ${store.walBytes} bytes beside ${store.fileBytes} of the file; ` +
    `a connection is held by ${holders}`;
  return [{ subject: 'store', value: store.walBytes, message }];
}

function cache(name: string, numbers: CacheNumbers): Reading {
  const { entries, entriesMax, bytes, bytesMax, hitRate } = numbers;
  const message =
    `cache ${name}: ${entries} of ${entriesMax} entries, ${bytes} of ${bytesMax} bytes ` +
    `(${percent(numbers.utilization)}), hit rate ${percent(hitRate)}`;
  return { subject: name, value: numbers.utilization, message };
}

function stored(numbers: StoredResultNumbers): Reading {
  const { entries, entriesMax, bytes, bytesMax, utilization, hitRate } = numbers;
  const message =
    `cache stored: ${entries} of ${entriesMax} results, ${bytes} of ${bytesMax} bytes (${percent(utilization)}), ` +
    `hit rate ${percent(hitRate)}`;
  return { subject: 'stored', value: utilization, message };
}

/** Found since the look before: what was found is contained, so that the alert is over at the next look. */
function impure({ purity }: MetricsSnapshot, previous: MetricsSnapshot | undefined): Reading[] {
  const fresh = purity.found.filter(({ foundAtMs }) => foundAtMs >= (previous?.takenAtMs ?? 0));
  return fresh.map(({ name, version }) => {
    const subject = `${name}@${version}`;
    const message = `${subject} gave two answers to the same data: its results were dropped, it is run each time`;
    return { subject, value: 1, message };
  });
}

function memory(snapshot: MetricsSnapshot): Reading[] {
  if (!snapshot.memory) return [];
  const { share, selfBytes, workerBytes, limitBytes, processes } = snapshot.memory;
  const message =
    `memory: ${selfBytes + workerBytes} of ${limitBytes} bytes (${percent(share)}) ` +
    `in ${processes} processes, ${workerBytes} of them in workers`;
  return [{ subject: 'memory', value: share, message }];
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}

function percent(ratio: number): string {
  return `${(ratio * 100).toFixed(1)} %`;
}
