/**
 * The snapshot: every number of the library at one moment, as JSON. Times are milliseconds and
 * sizes bytes; counts are since the library was opened.
 */
import type { HistogramSnapshot, PoolStats } from '../pool/pool-stats.ts';
import type { Alert } from './alerts.ts';

export interface MetricsSnapshot {
  /** Wall time. */
  readonly takenAtMs: number;
  readonly uptimeMs: number;
  readonly runs: RunNumbers;
  readonly caches: { readonly skills: CacheNumbers; readonly results: ResultCacheNumbers };
  readonly pools: readonly PoolStats[];
  readonly workers: WorkerNumbers;
  /** Absent where the store does not answer. */
  readonly store?: StoreNumbers;
  /** Absent before the first sample, and where sampling fails. */
  readonly memory?: MemoryNumbers;
  /** Pending and firing. */
  readonly alerts: readonly Alert[];
}

export interface RunNumbers {
  /** Runs that ended: `ok` and all errors. */
  readonly total: number;
  readonly ok: number;
  /** By error code. */
  readonly errors: Readonly<Record<string, number>>;
  /** Of `ok`, those answered without running. */
  readonly cached: number;
  readonly inFlight: number;
  /** Whole runs, cached ones included. */
  readonly durationMs: HistogramSnapshot;
  readonly stagesMs: Readonly<Record<RunStage, HistogramSnapshot>>;
}

/** The parts of a run that are timed. */
export type RunStage = (typeof RUN_STAGES)[number];
export const RUN_STAGES = ['load', 'validate', 'lookup', 'encode', 'execute', 'check'] as const;

/** Structurally the `CacheStats` of `cache/`. */
export interface CacheNumbers {
  readonly entries: number;
  readonly entriesMax: number;
  readonly bytes: number;
  readonly bytesMax: number;
  readonly hits: number;
  readonly misses: number;
  readonly hitRate: number;
  readonly utilization: number;
  readonly evictions: Readonly<Record<string, number | undefined>>;
  readonly overflows: number;
  readonly shared: number;
}

export interface ResultCacheNumbers extends CacheNumbers {
  readonly storeHits: number;
  readonly storeFailures: number;
  readonly storeSkipped: number;
}

/** What of the store's own numbers is told here. Structurally part of `StoreStats` of `store/`. */
export interface StoreNumbers {
  readonly kind: string;
  readonly skills: number;
  readonly versions: number;
  readonly results: number;
  readonly runs: number;
  readonly fileBytes: number;
  readonly walBytes: number;
  readonly schemaVersion: number;
  readonly commits: number;
  readonly writes: number;
  readonly writesWaiting: number;
}

export interface WorkerNumbers {
  /** What confines workers here; absent before the first one is ready. */
  readonly tier?: string;
  /** Runs under way in workers, and the most there may be. */
  readonly running: number;
  readonly concurrency: number;
  /** Runs waiting for their turn. */
  readonly waiting: number;
  readonly pids: readonly number[];
}

export interface MemoryNumbers {
  readonly sampledAtMs: number;
  /** The machine's memory or the container's limit, whichever is smaller. */
  readonly limitBytes: number;
  /** Resident set of this process, and of all its workers together. */
  readonly selfBytes: number;
  readonly workerBytes: number;
  /** Of `limitBytes`, what all take: 0 to 1. */
  readonly share: number;
  /** Cores in use, all processes together: 1 is one core. */
  readonly cpuCores: number;
  /** Processes that were sampled. */
  readonly processes: number;
}
