/**
 * A pool of anything expensive: it creates, lends, watches, retires. First come, first served.
 *
 * Invariants, held after every step:
 * - at most `max + overflowMax` resources exist, those being created or dying included;
 * - nobody waits while a suitable resource is idle, or while there is room and creation works;
 * - a resource is in one caller's hands at most, and is destroyed exactly once.
 */
import { abortError, SkillCacheError, toError } from '../errors.ts';
import { Histogram } from './histogram.ts';
import { Inventory } from './inventory.ts';
import { createLease, type Lease } from './lease.ts';
import type { Member } from './pool-member.ts';
import { closedError, fullLineError, lateError, placeOfCall } from './pool-errors.ts';
import { resolvePoolOptions } from './pool-options.ts';
import type { AcquireOptions, PoolOptions, ResolvedPoolOptions } from './pool-options.ts';
import type { DestroyReason, PoolStats } from './pool-stats.ts';
import { WaitingLine, type Waiter } from './waiting-line.ts';

type PoolState =
  | { readonly kind: 'open' }
  | { readonly kind: 'draining'; readonly closed: Promise<void>; readonly finish: () => void }
  | { readonly kind: 'closed' };

export class ResourcePool<T> {
  readonly #options: ResolvedPoolOptions<T>;
  readonly #inventory: Inventory<T>;
  readonly #line: WaitingLine<T>;
  readonly #acquireMs = new Histogram();
  readonly #totals = { requests: 0, timeouts: 0, exhaustionEvents: 0 };
  #state: PoolState = { kind: 'open' };
  /** The `min` in force: 0 until the pool is first used. */
  #min = 0;
  /** When `drain()` takes away what is still in use. */
  #takeAway: { readonly atMs: number; readonly timer: unknown } | undefined;

  /** @throws {ConfigurationError} for a number out of its bounds. */
  constructor(options: PoolOptions<T>) {
    this.#options = resolvePoolOptions(options);
    this.#line = new WaitingLine(this.#options.clock);
    this.#inventory = new Inventory(this.#options, {
      isOpen: () => this.#state.kind === 'open',
      unserved: () => this.#line.unserved,
      arrived: (member) => this.#arrived(member),
      notCreated: (error) => this.#notCreated(error),
      changed: () => this.#pump(),
    });
  }

  /**
   * Lends a resource: an idle one, else a new one, else the first that returns.
   * @throws {PoolExhaustedError} when the wait runs out (`cause`: why creation failed) or the line is full.
   * @throws {ClosedError} after `drain()` or `close()`; an abort rejects with the signal's error.
   */
  async acquire(options: AcquireOptions<T> = {}): Promise<Lease<T>> {
    const { signal, prefer, timeoutMs = this.#options.acquireTimeoutMs } = options;
    if (this.#state.kind !== 'open') throw closedError(this.stats());
    if (signal?.aborted) throw abortError(signal);
    this.#totals.requests += 1;
    this.#min = this.#options.min;
    const waiter: Waiter<T> = {
      rank: options.rank ?? (prefer && ((resource) => (prefer(resource) ? 1 : 0))),
      holder: options.label ?? (this.#options.leakThresholdMs === undefined ? '' : placeOfCall(this.acquire)),
      sinceMs: this.#options.clock.now(),
      isChecking: false,
      creationError: undefined,
      place: undefined,
    };
    const lease = this.#line.join(waiter);
    this.#pump();
    this.#admit(waiter);
    this.#line.wait(waiter, timeoutMs, signal, () => this.#late(waiter));
    return lease;
  }

  /** Runs `fn` with a resource and gives it back, whatever `fn` does. */
  async use<R>(
    fn: (resource: T, lease: Lease<T>) => R | Promise<R>,
    options?: AcquireOptions<T>,
  ): Promise<R> {
    const lease = await this.acquire(options);
    try {
      return await fn(lease.value, lease);
    } finally {
      lease.release();
    }
  }

  /** Creates until `count` resources are kept (see `isReady`), `max` at most. Rejects as the first failed creation. */
  async warmUp(count: number = this.#options.min): Promise<void> {
    if (this.#state.kind !== 'open') throw closedError(this.stats());
    this.#min = this.#options.min;
    this.#inventory.fillTo(count);
    const errors = (await this.#inventory.creations.all()).filter((error) => error !== undefined);
    if (errors.length > 0) throw toError(errors[0]);
  }

  /** Destroys the idle resources for which `matches` is true; settles when they are gone, with their number. */
  async evict(
    matches: (resource: T) => boolean = () => true,
    reason: DestroyReason = 'evicted',
  ): Promise<number> {
    const chosen = this.#inventory.members.idle.filter((member) => matches(member.value));
    await Promise.all(chosen.map((member) => this.#inventory.destroy(member, reason)));
    return chosen.length;
  }

  /** Destroys every resource, or those that match: the idle ones now, those in use (or being created) on return. */
  async clear(matches?: (resource: T) => boolean): Promise<void> {
    this.#inventory.outdate(matches);
    await this.evict(matches, 'cleared');
  }

  /**
   * Refuses new callers and those in line, destroys what is idle, lets what is in use return for
   * `graceMs` and takes it away then; settles when nothing is left. A later call may shorten the grace.
   */
  drain(graceMs: number): Promise<void> {
    if (this.#state.kind === 'closed') return Promise.resolve();
    if (this.#state.kind === 'open') this.#beginDraining();
    const { closed } = this.#state as PoolState & { kind: 'draining' };
    this.#takeAwayAfter(graceMs);
    return closed;
  }

  /** `drain` without grace. May be called at any moment, and again. */
  close(): Promise<void> {
    return this.drain(0);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  stats(): PoolStats {
    const { name, min, max, overflowMax } = this.#options;
    const inUse = this.#inventory.members.count('leased') + this.#inventory.members.count('checking');
    const overflowInUse = Math.max(0, inUse - max);
    return {
      name,
      state: this.#state.kind,
      min,
      max,
      overflowMax,
      inUse,
      idle: this.#inventory.members.count('idle'),
      creating: this.#inventory.creations.count,
      destroying: this.#inventory.members.count('destroying'),
      overflowInUse,
      waiting: this.#line.length,
      waitingPeak: this.#line.peak,
      ...this.#totals,
      ...this.#inventory.stats,
      exhaustionRate: this.#totals.exhaustionEvents / Math.max(1, this.#totals.requests),
      utilization: inUse / max,
      overflowUtilization: overflowMax === 0 ? 0 : overflowInUse / overflowMax,
      acquireMs: this.#acquireMs.snapshot(),
    };
  }

  // Every change ends here: whoever can be served is served, then what is missing is set going.
  #pump(): void {
    if (this.#state.kind !== 'open') return this.#finishIfEmpty();
    for (const waiter of this.#line) {
      if (this.#inventory.members.idle.length === 0) break;
      if (!waiter.isChecking) this.#serveIdle(waiter);
    }
    this.#inventory.createForWaiting();
    this.#inventory.fillTo(this.#min);
    this.#inventory.retireSurplus();
  }

  #serveIdle(waiter: Waiter<T>): void {
    for (;;) {
      const member = this.#rankIdle(waiter);
      if (member === undefined) return;
      if (this.#inventory.isTooOld(member)) void this.#inventory.destroy(member, 'age');
      else if (this.#options.validate === undefined) return this.#lend(member, waiter);
      else {
        this.#inventory.members.step(member, { kind: 'checking' });
        this.#line.setChecking(waiter, true);
        return void this.#check(member, waiter, this.#options.validate);
      }
    }
  }

  #rankIdle(waiter: Waiter<T>): Member<T> | undefined {
    try {
      return this.#inventory.members.best(waiter.rank);
    } catch (error) {
      this.#line.refuse(waiter, toError(error));
      return undefined;
    }
  }

  async #check(
    member: Member<T>,
    waiter: Waiter<T>,
    validate: (resource: T) => boolean | Promise<boolean>,
  ): Promise<void> {
    let isValid: boolean;
    try {
      isValid = await validate(member.value);
    } catch {
      // A check that fails says what a check that answers no says.
      isValid = false;
    }
    this.#line.setChecking(waiter, false);
    if (member.state.kind !== 'checking') return;
    if (!isValid) void this.#inventory.destroy(member, 'invalid');
    else if (this.#line.has(waiter)) this.#lend(member, waiter);
    else this.#inventory.settle(member);
    this.#pump();
  }

  // Counts an acquire that found neither an idle resource nor room, and bounds the line.
  #admit(waiter: Waiter<T>): void {
    if (!this.#line.has(waiter) || waiter.isChecking) return;
    const excess = this.#line.unserved - this.#inventory.creations.count;
    if (excess <= 0) return;
    if (this.#inventory.room === 0) {
      this.#totals.exhaustionEvents += 1;
      const { name: pool, inUse, waiting } = this.stats();
      this.#options.observer?.exhausted?.({ pool, inUse, waiting });
    }
    if (excess <= this.#options.waitingMax) return;
    this.#line.refuse(waiter, fullLineError(this.stats(), this.#options.waitingMax));
  }

  #late(waiter: Waiter<T>): Error {
    this.#totals.timeouts += 1;
    return lateError(this.stats(), this.#options.clock.now() - waiter.sinceMs, waiter.creationError);
  }

  #arrived(member: Member<T>): void {
    const waiter = this.#line.firstUnserved();
    if (waiter === undefined || this.#inventory.endOf(member) !== undefined) this.#inventory.settle(member);
    else this.#lend(member, waiter);
    this.#pump();
  }

  #notCreated(error: unknown): void {
    // An error that no retry can mend, with nothing alive that could come back: waiting is in vain.
    const isFinal = error instanceof SkillCacheError && !error.retryable && this.#inventory.live === 0;
    for (const waiter of this.#line) {
      waiter.creationError = error;
      if (isFinal) this.#line.refuse(waiter, error);
    }
    this.#pump();
  }

  #lend(member: Member<T>, waiter: Waiter<T>): void {
    this.#inventory.lend(member, waiter.holder);
    this.#acquireMs.record(this.#options.clock.now() - waiter.sinceMs);
    const lease = createLease(member.value, (reason) => this.#returned(member, reason));
    this.#line.serve(waiter, lease);
  }

  #returned(member: Member<T>, reason: DestroyReason | undefined): Promise<void> {
    // One that was taken away in the meantime is being destroyed already: that is joined.
    if (member.state.kind !== 'leased') return this.#inventory.destroy(member, 'closed');
    if (reason !== undefined) return this.#inventory.destroy(member, reason);
    this.#inventory.settle(member);
    this.#pump();
    return Promise.resolve();
  }

  #beginDraining(): void {
    let finish = () => {};
    const closed = new Promise<void>((resolve) => (finish = resolve));
    this.#state = { kind: 'draining', closed, finish };
    const error = closedError(this.stats());
    for (const waiter of this.#line) this.#line.refuse(waiter, error);
    this.#inventory.stop(error);
    for (const member of this.#inventory.members.idle.slice()) void this.#inventory.destroy(member, 'closed');
  }

  #takeAwayAfter(graceMs: number): void {
    const { clock } = this.#options;
    const atMs = clock.now() + Math.max(0, graceMs);
    if (this.#takeAway !== undefined && this.#takeAway.atMs <= atMs) return;
    if (this.#takeAway !== undefined) clock.clearTimeout(this.#takeAway.timer);
    const takeAway = () => {
      for (const member of this.#inventory.members) void this.#inventory.destroy(member, 'closed');
    };
    if (graceMs <= 0) takeAway();
    const timer =
      graceMs > 0 && Number.isFinite(graceMs) ? clock.setTimeout(takeAway, graceMs, false) : undefined;
    this.#takeAway = { atMs, timer };
    this.#finishIfEmpty();
  }

  #finishIfEmpty(): void {
    if (this.#state.kind !== 'draining' || !this.#inventory.isEmpty) return;
    if (this.#takeAway?.timer !== undefined) this.#options.clock.clearTimeout(this.#takeAway.timer);
    const { finish } = this.#state;
    this.#state = { kind: 'closed' };
    finish();
  }
}
