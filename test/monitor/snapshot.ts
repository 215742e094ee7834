/** A snapshot in which every metric has a value. */
import type { MetricsSnapshot } from '../../src/monitor/metrics.ts';
import { RunCounters } from '../../src/monitor/run-counters.ts';
import type { PoolStats } from '../../src/pool/pool-stats.ts';

const TIMES = { boundsMs: [1, 10, 100], counts: [1, 2, 3, 4], sumMs: 5_000, count: 10 };

export function poolStats(changes: Partial<PoolStats> = {}): PoolStats {
  return {
    name: 'workers',
    state: 'open',
    min: 1,
    max: 8,
    overflowMax: 2,
    inUse: 2,
    idle: 1,
    creating: 0,
    destroying: 0,
    overflowInUse: 0,
    waiting: 0,
    waitingPeak: 3,
    requests: 1_000,
    timeouts: 1,
    exhaustionEvents: 5,
    exhaustionRate: 0.005,
    utilization: 0.25,
    overflowUtilization: 0,
    created: 12,
    createFailures: 0,
    destroyed: { idle: 4, timeout: 1 },
    leaks: 0,
    longestHeld: [],
    acquireMs: TIMES,
    useMs: TIMES,
    ...changes,
  };
}

export function snapshotOf(changes: Partial<MetricsSnapshot> = {}): MetricsSnapshot {
  const counters = new RunCounters();
  for (const durationMs of [0.01, 3, 40_000]) {
    counters.started();
    counters.ended(durationMs, durationMs < 1);
  }
  counters.started();
  counters.failed(5, 'SKILL_RUNTIME');
  counters.started();
  counters.stage('execute', 2);
  const cache = {
    entries: 10,
    entriesMax: 100,
    bytes: 1_000,
    bytesMax: 100_000,
    hits: 30,
    misses: 10,
    hitRate: 0.75,
    utilization: 0.1,
    evictions: { entries: 2 },
    overflows: 1,
    shared: 4,
  };
  return {
    takenAtMs: 1_700_000_000_000,
    uptimeMs: 12_500,
    runs: counters.snapshot(),
    batches: {
      running: 1,
      begun: 5,
      resumed: 2,
      ended: { completed: 3, interrupted: 2, cancelled: 1 },
      items: { ok: 900, failed: 100 },
      cached: 40,
      outputBytes: 12_345,
      checkpointMs: TIMES,
    },
    caches: {
      skills: { ...cache, pinned: 1 },
      inline: cache,
      results: {
        ...cache,
        stale: 2,
        renewalFailures: 1,
        storeHits: 3,
        storeMisses: 4,
        storeDropped: 5,
        storeExpired: 1,
        storeFailures: 1,
        storeSkipped: 2,
      },
      stored: {
        entries: 20,
        entriesMax: 1_000,
        bytes: 5_000,
        bytesMax: 100_000,
        utilization: 0.05,
        hits: 3,
        misses: 4,
        hitRate: 3 / 7,
        evictions: { dropped: 5, expired: 1 },
      },
    },
    cacheShare: 1,
    purity: { checks: 3, differing: 1, inconclusive: 1, found: [] },
    pools: [poolStats(), poolStats({ name: 'readers' })],
    workers: {
      tier: 'kernel',
      running: 1,
      concurrency: 4,
      waiting: 0,
      pids: [11, 12],
      starts: 2,
      boundHits: 3,
      warmHits: 2,
      coldStarts: 0,
      each: [],
    },
    store: {
      kind: 'sqlite',
      skills: 7,
      versions: 9,
      results: 20,
      runs: 100,
      fileBytes: 40_960,
      walBytes: 8_192,
      schemaVersion: 1,
      commits: 50,
      writes: 200,
      writesWaiting: 0,
    },
    memory: {
      sampledAtMs: 1_700_000_000_000,
      limitBytes: 1_000_000_000,
      selfBytes: 100_000_000,
      workerBytes: 50_000_000,
      share: 0.15,
      cpuCores: 0.5,
      processes: 3,
    },
    alerts: [],
    alertsSuppressed: 2,
    webhook: { delivered: 4, failed: 1, dropped: 0, tries: 7, waiting: 2 },
    ...changes,
  };
}
