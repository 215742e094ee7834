/**
 * The snapshot: every number of the library at one moment, as JSON. Times are milliseconds and
 * sizes bytes; counts are since the library was opened.
 */
import type { HistogramSnapshot, PoolStats } from '../pool/pool-stats.ts';
import type { Alert } from './alerts.ts';
import type { WebhookNumbers } from './webhook.ts';

export interface MetricsSnapshot {
  /** Wall time. */
  readonly takenAtMs: number;
  readonly uptimeMs: number;
  readonly runs: RunNumbers;
  readonly batches: BatchNumbers;
  readonly caches: {
    readonly skills: SkillCacheNumbers;
    readonly inline: CacheNumbers;
    readonly results: ResultCacheNumbers;
    /** Results on disk. Absent where the store does not answer, or keeps none. */
    readonly stored?: StoredResultNumbers;
  };
  /** Share of their bounds the caches in memory may use; below 1 while memory is short. */
  readonly cacheShare: number;
  readonly purity: PurityNumbers;
  readonly pools: readonly PoolStats[];
  readonly workers: WorkerNumbers;
  /** Absent where the store does not answer. */
  readonly store?: StoreNumbers;
  /** Absent before the first sample, and where sampling fails. */
  readonly memory?: MemoryNumbers;
  /** Pending and firing. */
  readonly alerts: readonly Alert[];
  /** Alerts that were not told because their rule had told too many. */
  readonly alertsSuppressed: number;
  /** Absent where there is none. */
  readonly webhook?: WebhookNumbers;
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

/** Batches of this process: those of another one count there. */
export interface BatchNumbers {
  readonly running: number;
  readonly begun: number;
  readonly resumed: number;
  readonly ended: { readonly completed: number; readonly interrupted: number; readonly cancelled: number };
  /** Whose lines were written; what a kill undid and a resumption did again counts twice. */
  readonly items: { readonly ok: number; readonly failed: number };
  /** Of `items`, those answered without running. */
  readonly cached: number;
  /** Output that is on disk for good. */
  readonly outputBytes: number;
  /** To sync the output and to write a checkpoint. */
  readonly checkpointMs: HistogramSnapshot;
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

export interface SkillCacheNumbers extends CacheNumbers {
  readonly pinned: number;
}

/** Results on disk: those of all processes are held, those of this one are counted. */
export interface StoredResultNumbers {
  readonly entries: number;
  readonly entriesMax: number;
  readonly bytes: number;
  readonly bytesMax: number;
  readonly utilization: number;
  readonly hits: number;
  readonly misses: number;
  readonly hitRate: number;
  /** Taken out by this process, by reason. */
  readonly evictions: Readonly<Record<string, number | undefined>>;
}

/** Structurally the `PurityNumbers` of `cache/`. */
export interface PurityNumbers {
  readonly checks: number;
  readonly differing: number;
  readonly inconclusive: number;
  readonly found: readonly {
    readonly name: string;
    readonly version: number;
    readonly digest: string;
    readonly foundAtMs: number;
  }[];
}

export interface ResultCacheNumbers extends CacheNumbers {
  readonly stale: number;
  readonly renewalFailures: number;
  readonly storeHits: number;
  readonly storeMisses: number;
  readonly storeDropped: number;
  readonly storeExpired: number;
  readonly storeFailures: number;
  readonly storeSkipped: number;
}

/** What of the store's own numbers is told here. Structurally part of `StoreStats` of `store/`. */
export interface StoreNumbers {
  readonly kind: string;
  readonly skills: number;
  readonly versions: number;
  readonly results: number;
  /** Size of the stored results; absent where the store does not count it. */
  readonly resultBytes?: number;
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
  /** Processes started; runs whose worker had their version already, was started ahead, or was started for them. */
  readonly starts: number;
  readonly boundHits: number;
  readonly warmHits: number;
  readonly coldStarts: number;
  readonly each: readonly WorkerNumber[];
}

/** One worker: what it served last, and what its runs used. */
export interface WorkerNumber {
  readonly processId: number;
  readonly isBusy: boolean;
  readonly skill?: string;
  readonly tenant?: string;
  readonly uses: number;
  readonly ageMs: number;
  readonly cpuMs: number;
  readonly memoryPeakBytes: number;
  readonly memoryBytesMax: number;
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
