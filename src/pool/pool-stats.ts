/** Numbers and events of a pool. An observer that is absent costs nothing. */

export type DestroyReason =
  | 'closed'
  | 'idle'
  | 'uses'
  | 'age'
  | 'overflow'
  | 'invalid'
  | 'broken'
  | 'timeout'
  | 'aborted'
  | 'memory'
  | 'evicted'
  | 'cleared'
  /** Its lease was held too long and was taken back. */
  | 'revoked';

export interface PoolStats {
  readonly name: string;
  readonly state: 'open' | 'draining' | 'closed';
  readonly min: number;
  readonly max: number;
  readonly overflowMax: number;
  readonly inUse: number;
  readonly idle: number;
  readonly creating: number;
  readonly destroying: number;
  readonly overflowInUse: number;
  readonly waiting: number;
  readonly waitingPeak: number;
  readonly requests: number;
  readonly timeouts: number;
  /** Acquires that found neither an idle resource nor room to create one. */
  readonly exhaustionEvents: number;
  /** `exhaustionEvents / requests`, 0 to 1. */
  readonly exhaustionRate: number;
  /** `inUse / max`, 0 to 1 and above while in overflow. */
  readonly utilization: number;
  /** `overflowInUse / overflowMax`, 0 where there is no overflow. */
  readonly overflowUtilization: number;
  readonly created: number;
  readonly createFailures: number;
  readonly destroyed: Readonly<Partial<Record<DestroyReason, number>>>;
  readonly leaks: number;
  /** From when on a lease is a leak; absent: never. */
  readonly leakThresholdMs?: number | undefined;
  /** The leases that are out longest, longest first, five at most. */
  readonly longestHeld: readonly HeldLease[];
  readonly acquireMs: HistogramSnapshot;
  readonly useMs: HistogramSnapshot;
}

/** A lease that is out: the label or the place of its acquire, and for how long. */
export interface HeldLease {
  readonly holder: string;
  readonly heldMs: number;
}

/** Counts per bucket (upper bounds in ms, the last is unbounded), with sum and count. */
export interface HistogramSnapshot {
  readonly boundsMs: readonly number[];
  readonly counts: readonly number[];
  readonly sumMs: number;
  readonly count: number;
}

export interface PoolObserver {
  created?(event: { pool: string; durationMs: number }): void;
  createFailed?(event: { pool: string; error: unknown }): void;
  destroyed?(event: { pool: string; reason: DestroyReason; ageMs: number; uses: number }): void;
  exhausted?(event: { pool: string; waiting: number; inUse: number }): void;
  destroyFailed?(event: { pool: string; reason: DestroyReason; error: unknown }): void;
  /** `revoke` takes the resource back by destroying it; the holder's release then does nothing. */
  leaked?(event: { pool: string; heldMs: number; acquiredAt: string; revoke: () => Promise<void> }): void;
}
