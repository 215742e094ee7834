/** What a store in a SQLite file is told. */
import type { StoreLimits } from './retention.ts';

export interface SqliteStoreOptions extends StoreLimits {
  /** A file, or `:memory:` for a private one that is removed by `close()`. */
  path: string;
  readonly: boolean;
  /** Bounds of the pool of reader connections. */
  readers: {
    min: number;
    max: number;
    overflowMax: number;
    acquireTimeoutMs: number;
    waitingMax: number;
    idleTimeoutMs: number;
    usesMax: number;
    ageMaxMs: number;
    leakThresholdMs: number;
    /** A connection that is lent for longer than that is taken back. */
    revokeLeaks: boolean;
  };
  busyTimeoutMs: number;
  writesWaitingMax: number;
}
