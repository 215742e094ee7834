/**
 * A pool of anything expensive: it creates, lends, watches, retires. First come, first served.
 *
 * Invariants, held after every step:
 * - at most `max + overflowMax` resources exist, those being created or dying included;
 * - nobody waits while a suitable resource is idle, or while there is room and creation works;
 * - a resource is in one caller's hands at most, and is destroyed exactly once.
 */
import { abortError, SkillCacheError, toError } from '../errors.ts';
import { Creations } from './creations.ts';
import { Histogram } from './histogram.ts';
import { createLease, type Lease } from './lease.ts';
import { Members, type Member } from './pool-member.ts';
import { closedError, fullLineError, lateError, placeOfCall } from './pool-errors.ts';
import { resolvePoolOptions } from './pool-options.ts';
import type { AcquireOptions, PoolOptions, ResolvedPoolOptions } from './pool-options.ts';
import type { DestroyReason, PoolStats } from './pool-stats.ts';
import { Sweeper } from './sweeper.ts';
import { WaitingLine, type Waiter } from './waiting-line.ts';

type PoolState =
  | { readonly kind: 'open' }
  | { readonly kind: 'draining'; readonly closed: Promise<void>; readonly finish: () => void }
  | { readonly kind: 'closed' };

export class ResourcePool<T> {
  readonly #options: ResolvedPoolOptions<T>;
  readonly #members = new Members<T>();
  readonly #line: WaitingLine<T>;
  readonly #creations: Creations<T>;
  readonly #sweeper: Sweeper<T>;
  readonly #acquireMs = new Histogram();
  readonly #useMs = new Histogram();
  readonly #destroyed: Partial<Record<DestroyReason, number>> = {};
  readonly #totals = {
    requests: 0,
    timeouts: 0,
    exhaustionEvents: 0,
    created: 0,
    createFailures: 0,
    leaks: 0,
  };
  #state: PoolState = { kind: 'open' };
  /** Counts `clear()`; a resource of an older generation is destroyed on its return. */
  #generation = 0;
  /** The `min` in force: 0 until the pool is first used. */
  #min = 0;
  /** When `drain()` takes away what is still in use. */
  #takeAway: { readonly atMs: number; readonly timer: unknown } | undefined;

  /** @throws {ConfigurationError} for a number out of its bounds. */
  constructor(options: PoolOptions<T>) {
    this.#options = resolvePoolOptions(options);
    this.#line = new WaitingLine(this.#options.clock);
    this.#creations = new Creations(this.#options, {
      created: (value, generation) => this.#arrived(value, generation),
      failed: (error) => this.#notCreated(error),
      retry: () => this.#pump(),
    });
    this.#sweeper = new Sweeper(this.#options, this.#members, {
      isSpare: (member) => this.#isSpare(member),
      retire: (member, reason) => void this.#destroy(member, reason),
      leaked: (member) => this.#leaked(member),
    });
  }

  /**
   * Lends a resource: an idle one, else a new one, else the first that returns.
   * @throws {PoolExhaustedError} when the wait runs out (its `cause` is why creation failed, if it did)
   *   or the waiting line is full.
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
    this.#fillTo(count);
    const errors = (await this.#creations.all()).filter((error) => error !== undefined);
    if (errors.length > 0) throw toError(errors[0]);
  }

  /** Destroys the idle resources for which `matches` is true; settles when they are gone, with their number. */
  async evict(
    matches: (resource: T) => boolean = () => true,
    reason: DestroyReason = 'evicted',
  ): Promise<number> {
    const chosen = this.#members.idle.filter((member) => matches(member.value));
    await Promise.all(chosen.map((member) => this.#destroy(member, reason)));
    return chosen.length;
  }

  /** Destroys every resource: the idle ones now, those in use or being created on their return. */
  async clear(): Promise<void> {
    this.#generation += 1;
    await this.evict(undefined, 'cleared');
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
    const inUse = this.#members.count('leased') + this.#members.count('checking');
    const overflowInUse = Math.max(0, inUse - max);
    const { requests, exhaustionEvents } = this.#totals;
    return {
      name,
      state: this.#state.kind,
      min,
      max,
      overflowMax,
      inUse,
      idle: this.#members.count('idle'),
      creating: this.#creations.count,
      destroying: this.#members.count('destroying'),
      overflowInUse,
      waiting: this.#line.length,
      waitingPeak: this.#line.peak,
      ...this.#totals,
      exhaustionRate: requests === 0 ? 0 : exhaustionEvents / requests,
      utilization: inUse / max,
      overflowUtilization: overflowMax === 0 ? 0 : overflowInUse / overflowMax,
      destroyed: { ...this.#destroyed },
      acquireMs: this.#acquireMs.snapshot(),
      useMs: this.#useMs.snapshot(),
    };
  }

  // Every change ends here: whoever can be served is served, then what is missing is set going.
  #pump(): void {
    if (this.#state.kind !== 'open') return;
    for (const waiter of this.#line) {
      if (this.#members.idle.length === 0) break;
      if (!waiter.isChecking) this.#serveIdle(waiter);
    }
    this.#createForWaiting();
    this.#fillTo(this.#min);
    while (this.#mustMakeRoom() && this.#members.idle[0] !== undefined) {
      void this.#destroy(this.#members.idle[0], 'evicted');
    }
    while (this.#live() > this.#options.max && this.#members.idle[0] !== undefined) {
      void this.#destroy(this.#members.idle[0], 'overflow');
    }
  }

  #serveIdle(waiter: Waiter<T>): void {
    for (;;) {
      const member = this.#rankIdle(waiter);
      if (member === undefined) return;
      if (this.#options.clock.now() >= member.bornMs + this.#options.ageMaxMs)
        void this.#destroy(member, 'age');
      else if (this.#options.validate === undefined) return this.#lend(member, waiter);
      else {
        this.#members.step(member, { kind: 'checking' });
        this.#line.setChecking(waiter, true);
        return void this.#check(member, waiter, this.#options.validate);
      }
    }
  }

  #rankIdle(waiter: Waiter<T>): Member<T> | undefined {
    try {
      return this.#members.best(waiter.rank);
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
    if (!isValid) void this.#destroy(member, 'invalid');
    else if (this.#line.has(waiter)) this.#lend(member, waiter);
    else this.#settle(member);
    this.#pump();
  }

  // Counts an acquire that found neither an idle resource nor room, and bounds the line.
  #admit(waiter: Waiter<T>): void {
    if (!this.#line.has(waiter) || waiter.isChecking) return;
    const excess = this.#line.unserved - this.#creations.count;
    if (excess <= 0) return;
    if (this.#room() === 0) {
      this.#totals.exhaustionEvents += 1;
      const { name: pool, inUse, waiting } = this.stats();
      this.#options.observer?.exhausted?.({ pool, inUse, waiting });
    }
    const { waitingMax } = this.#options;
    if (excess > waitingMax) this.#line.refuse(waiter, fullLineError(this.stats(), waitingMax));
  }

  #late(waiter: Waiter<T>): Error {
    this.#totals.timeouts += 1;
    return lateError(this.stats(), this.#options.clock.now() - waiter.sinceMs, waiter.creationError);
  }

  /** How many more may exist. */
  #room(): number {
    const { max, overflowMax } = this.#options;
    return max + overflowMax - this.#members.alive - this.#creations.count;
  }

  /** Resources that live or are about to, dying ones left out. */
  #live(): number {
    return this.#members.alive - this.#members.count('destroying') + this.#creations.count;
  }

  #keptCount(): number {
    const { isReady } = this.#options;
    if (isReady === undefined) return this.#live();
    const unclaimed = Math.max(0, this.#creations.count - this.#line.unserved);
    return unclaimed + this.#members.idle.filter((member) => isReady(member.value)).length;
  }

  #isSpare(member: Member<T>): boolean {
    if (this.#options.isReady?.(member.value) === false) return true;
    return this.#keptCount() > this.#options.min;
  }

  #createForWaiting(): void {
    const isShort = () => this.#line.unserved > this.#creations.count && this.#room() > 0;
    while (isShort() && this.#creations.count < this.#creations.allowed) this.#create();
    if (isShort() && this.#creations.allowed === 0) this.#creations.retryLater(false);
  }

  #fillTo(count: number): void {
    const isShort = () => this.#keptCount() < count && this.#room() > this.#options.overflowMax;
    while (isShort() && this.#creations.count < this.#creations.allowed) this.#create();
    if (isShort() && this.#creations.allowed === 0) this.#creations.retryLater(true);
  }

  #create(): void {
    void this.#creations.start(this.#generation);
  }

  // Only unsuitable resources are idle while somebody is unserved: one must go to make room.
  #mustMakeRoom(): boolean {
    if (this.#room() > 0) return false;
    return this.#line.unserved > this.#creations.count + this.#members.count('destroying');
  }

  #arrived(value: T, generation: number): void {
    this.#totals.created += 1;
    const member = this.#members.add(value, this.#options.clock.now(), generation);
    const waiter = this.#line.firstUnserved();
    if (waiter === undefined || this.#endOf(member) !== undefined) this.#settle(member);
    else this.#lend(member, waiter);
    this.#pump();
  }

  #notCreated(error: unknown): void {
    this.#totals.createFailures += 1;
    // An error that no retry can mend, with nothing alive that could come back: waiting is in vain.
    const isFinal = error instanceof SkillCacheError && !error.retryable && this.#live() === 0;
    for (const waiter of this.#line) {
      waiter.creationError = error;
      if (isFinal) this.#line.refuse(waiter, error);
    }
    this.#pump();
    this.#finishIfEmpty();
  }

  #lend(member: Member<T>, waiter: Waiter<T>): void {
    const sinceMs = this.#options.clock.now();
    this.#members.step(member, { kind: 'leased', sinceMs, holder: waiter.holder, isReported: false });
    this.#acquireMs.record(sinceMs - waiter.sinceMs);
    this.#sweeper.watch(member);
    this.#line.serve(
      waiter,
      createLease(member.value, (reason) => this.#returned(member, reason)),
    );
  }

  #returned(member: Member<T>, reason: DestroyReason | undefined): Promise<void> {
    if (reason !== undefined || member.state.kind !== 'leased')
      return this.#destroy(member, reason ?? 'closed');
    this.#settle(member);
    this.#pump();
    return Promise.resolve();
  }

  /** Why the resource may not be lent again, if so. */
  #endOf(member: Member<T>): DestroyReason | undefined {
    if (this.#state.kind !== 'open') return 'closed';
    if (member.generation !== this.#generation) return 'cleared';
    if (member.uses >= this.#options.usesMax) return 'uses';
    if (this.#options.clock.now() >= member.bornMs + this.#options.ageMaxMs) return 'age';
    return undefined;
  }

  // Makes a resource idle that nobody holds any longer, or destroys it where its time is over.
  #settle(member: Member<T>): void {
    const reason = this.#endOf(member);
    if (reason !== undefined) return void this.#destroy(member, reason);
    this.#recordUse(member);
    this.#members.step(member, { kind: 'idle', sinceMs: this.#options.clock.now() });
    this.#sweeper.watch(member);
    // With one more idle, the one that has been idle longest may have become spare.
    this.#sweeper.watch(this.#members.idle[0] as Member<T>);
  }

  #recordUse(member: Member<T>): void {
    const { state } = member;
    if (state.kind === 'leased') this.#useMs.record(this.#options.clock.now() - state.sinceMs);
  }

  #destroy(member: Member<T>, reason: DestroyReason): Promise<void> {
    if (member.state.kind === 'destroying') return member.state.gone;
    if (member.state.kind === 'gone') return Promise.resolve();
    this.#recordUse(member);
    let finish = () => {};
    const gone = new Promise<void>((resolve) => (finish = resolve));
    this.#members.step(member, { kind: 'destroying', reason, gone });
    void this.#unmake(member, reason).then(finish);
    return gone;
  }

  async #unmake(member: Member<T>, reason: DestroyReason): Promise<void> {
    const { name: pool, observer, clock } = this.#options;
    try {
      await this.#options.destroy(member.value, reason);
    } catch (error) {
      observer?.destroyFailed?.({ pool, reason, error });
    }
    this.#members.step(member, { kind: 'gone' });
    this.#destroyed[reason] = (this.#destroyed[reason] ?? 0) + 1;
    observer?.destroyed?.({ pool, reason, ageMs: clock.now() - member.bornMs, uses: member.uses });
    this.#pump();
    this.#finishIfEmpty();
  }

  #leaked(member: Member<T>): void {
    const { state, uses } = member;
    if (state.kind !== 'leased') return;
    this.#members.step(member, { ...state, isReported: true });
    this.#totals.leaks += 1;
    const heldMs = this.#options.clock.now() - state.sinceMs;
    const isSameLease = () => member.state.kind === 'leased' && member.uses === uses;
    const revoke = () => (isSameLease() ? this.#destroy(member, 'revoked') : Promise.resolve());
    this.#options.observer?.leaked?.({ pool: this.#options.name, heldMs, acquiredAt: state.holder, revoke });
  }

  #beginDraining(): void {
    let finish = () => {};
    const closed = new Promise<void>((resolve) => (finish = resolve));
    this.#state = { kind: 'draining', closed, finish };
    this.#sweeper.stop();
    const error = closedError(this.stats());
    for (const waiter of this.#line) this.#line.refuse(waiter, error);
    this.#creations.abort(error);
    for (const member of this.#members.idle.slice()) void this.#destroy(member, 'closed');
  }

  #takeAwayAfter(graceMs: number): void {
    const { clock } = this.#options;
    const atMs = clock.now() + Math.max(0, graceMs);
    if (this.#takeAway !== undefined && this.#takeAway.atMs <= atMs) return;
    if (this.#takeAway !== undefined) clock.clearTimeout(this.#takeAway.timer);
    const takeAway = () => {
      for (const member of this.#members) void this.#destroy(member, 'closed');
    };
    if (graceMs <= 0) takeAway();
    const timer =
      graceMs > 0 && Number.isFinite(graceMs) ? clock.setTimeout(takeAway, graceMs, false) : undefined;
    this.#takeAway = { atMs, timer };
    this.#finishIfEmpty();
  }

  #finishIfEmpty(): void {
    if (this.#state.kind !== 'draining' || this.#members.alive > 0 || this.#creations.count > 0) return;
    if (this.#takeAway?.timer !== undefined) this.#options.clock.clearTimeout(this.#takeAway.timer);
    const { finish } = this.#state;
    this.#state = { kind: 'closed' };
    finish();
  }
}
