/** What a pool is told: its bounds, how to make and unmake a resource, and the clock it lives by. */
import { ConfigurationError, toError } from '../errors.ts';
import type { DestroyReason, PoolObserver } from './pool-stats.ts';

/** The pool's only source of time, so that a test can hold it still. */
export interface PoolClock {
  now(): number;
  /** `isBackground` timers must not keep the process alive. */
  setTimeout(callback: () => void, ms: number, isBackground: boolean): unknown;
  clearTimeout(timer: unknown): void;
}

export interface PoolOptions<T> {
  /** Shown in stats, events and errors. */
  name: string;
  /** Makes a resource. Must honour `signal`, which fires when the pool closes. */
  create(signal: AbortSignal): Promise<T>;
  /** Unmakes it; settles when it is gone. Until then it counts towards `max`. Called once for each resource. */
  destroy(resource: T, reason: DestroyReason): Promise<void>;
  /** Asked before an idle resource is lent; `false` or a throw destroys it (`invalid`) and the next is tried. */
  validate?: ((resource: T) => boolean | Promise<boolean>) | undefined;
  /**
   * Which idle resources count towards `min`. With it, `min` such resources are kept idle beside
   * those in use; without it, `min` resources are kept alive. Default: without.
   */
  isReady?: ((resource: T) => boolean) | undefined;
  /** Resources kept once the pool was first used or warmed up: a new pool creates nothing. Default 0. */
  min?: number;
  /** Most resources alive at once, dying ones included. No default: only the caller knows what the host can bear. */
  max: number;
  /** Extra resources in a rush. While more than `max` live and nobody waits, what returns is destroyed. Default 0. */
  overflowMax?: number;
  /** Longest wait of a caller before `PoolExhaustedError`. Default 5000. */
  acquireTimeoutMs?: number;
  /** Most callers in line for whom nothing is being created; one more is refused at once. Default 1000. */
  waitingMax?: number;
  /** An idle resource above `min` is destroyed after this. Default 300000. */
  idleTimeoutMs?: number;
  /** A resource is destroyed on its return after this many uses. Default unbounded. */
  usesMax?: number;
  /** A resource is destroyed at this age: when idle at once, when in use on its return. Default unbounded. */
  ageMaxMs?: number;
  /** A lease held longer than this is reported once, with the place of its acquire. Default never. */
  leakThresholdMs?: number | undefined;
  /** First pause after a failed creation; doubles with each further one. Default 100. */
  backoffMinMs?: number;
  /** Longest such pause. Default 10000. */
  backoffMaxMs?: number;
  observer?: PoolObserver | undefined;
  clock?: PoolClock | undefined;
}

export type ResolvedPoolOptions<T> = Required<Omit<PoolOptions<T>, 'clock'>> & { clock: PoolClock };

export interface AcquireOptions<T> {
  /** Leaves the waiting line when it fires. */
  signal?: AbortSignal | undefined;
  /** Longest wait of this call. Default `acquireTimeoutMs`. */
  timeoutMs?: number | undefined;
  /** Who holds the lease, for leak reports. Default the place of the call. */
  label?: string | undefined;
  /** Idle resources for which this is true are taken first. Ignored beside `rank`. */
  prefer?: ((resource: T) => boolean) | undefined;
  /**
   * The idle resource of the highest rank is taken, the last used of equals. A negative rank means
   * unsuitable: one such is destroyed (`evicted`, the least recently used) if there is no room
   * for another. A resource that was just created goes to the first in line unranked.
   */
  rank?: ((resource: T) => number) | undefined;
}

const systemClock: PoolClock = {
  now: () => performance.now(),
  setTimeout(callback, ms, isBackground) {
    // A wait longer than a timer can hold is cut to the longest it can, 24 days.
    const timer = setTimeout(callback, Math.min(ms, 2 ** 31 - 1));
    if (isBackground) timer.unref();
    return timer;
  },
  clearTimeout: (timer) => clearTimeout(timer as NodeJS.Timeout),
};

const DEFAULTS = {
  validate: undefined,
  isReady: undefined,
  min: 0,
  overflowMax: 0,
  acquireTimeoutMs: 5_000,
  waitingMax: 1_000,
  idleTimeoutMs: 300_000,
  usesMax: Number.POSITIVE_INFINITY,
  ageMaxMs: Number.POSITIVE_INFINITY,
  leakThresholdMs: undefined,
  backoffMinMs: 100,
  backoffMaxMs: 10_000,
  observer: undefined,
  clock: systemClock,
} satisfies Partial<PoolOptions<never>>;

/** @throws {ConfigurationError} naming the number that is out of its bounds. */
export function resolvePoolOptions<T>(options: PoolOptions<T>): ResolvedPoolOptions<T> {
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  const resolved = { ...DEFAULTS, ...given } as ResolvedPoolOptions<T>;
  const least = {
    max: 1,
    min: 0,
    overflowMax: 0,
    acquireTimeoutMs: 0,
    waitingMax: 0,
    idleTimeoutMs: 0,
    usesMax: 1,
    ageMaxMs: 1,
    backoffMinMs: 0,
    backoffMaxMs: 0,
  } as const;
  for (const key of Object.keys(least) as (keyof typeof least)[]) {
    const value = resolved[key];
    if (typeof value === 'number' && value >= least[key]) continue;
    throw new ConfigurationError(`pool ${options.name}: ${key} must be at least ${least[key]}, got ${value}`);
  }
  if (resolved.min > resolved.max) {
    throw new ConfigurationError(`pool ${options.name}: min ${resolved.min} is above max ${resolved.max}`);
  }
  return { ...resolved, observer: guarded(resolved.observer) };
}

// An observer's fault must not leave the pool half-way through a step: it is reported, and the pool goes on.
function guarded(observer: PoolObserver | undefined): PoolObserver | undefined {
  if (observer === undefined) return undefined;
  const guard = <Event>(tell: ((event: Event) => void) | undefined) => {
    if (tell === undefined) return undefined;
    return (event: Event) => {
      try {
        tell.call(observer, event);
      } catch (error) {
        process.emitWarning(toError(error));
      }
    };
  };
  const events = ['created', 'createFailed', 'destroyed', 'destroyFailed', 'exhausted', 'leaked'] as const;
  return Object.fromEntries(
    events.map((event) => [event, guard(observer[event] as (event: unknown) => void)]),
  );
}
