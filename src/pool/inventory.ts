/** What a pool owns: the resources that exist or are being made, and how each of them ends. */
import { Creations } from './creations.ts';
import { Histogram } from './histogram.ts';
import { Members, type Member } from './pool-member.ts';
import type { ResolvedPoolOptions } from './pool-options.ts';
import type { DestroyReason, HeldLease, PoolStats } from './pool-stats.ts';
import { Sweeper } from './sweeper.ts';

/** Of the leases that are out. */
const HELD_SHOWN_MAX = 5;

interface Owner<T> {
  isOpen(): boolean;
  /** How many callers in line have no resource in sight. */
  unserved(): number;
  /** A resource was made; it is neither idle nor lent yet. */
  arrived(member: Member<T>): void;
  notCreated(error: unknown): void;
  /** There may be room, or something to do, again. */
  changed(): void;
}

/** After so many failures in a row the room that there should be is taken for an illusion. */
const CRAMPED_AT = 2;

/** No generation has this number. */
const OUTDATED = -1;

export class Inventory<T> {
  readonly members = new Members<T>();
  readonly creations: Creations<T>;
  readonly #options: ResolvedPoolOptions<T>;
  readonly #owner: Owner<T>;
  readonly #sweeper: Sweeper<T>;
  readonly #useMs = new Histogram();
  readonly #destroyed: Partial<Record<DestroyReason, number>> = {};
  #created = 0;
  #createFailures = 0;
  /** Of the failures those that something idle was destroyed for. */
  #answeredFailures = 0;
  #leaks = 0;
  /** Counts `clear()`; a resource of an older generation is destroyed on its return. */
  #generation = 0;

  constructor(options: ResolvedPoolOptions<T>, owner: Owner<T>) {
    this.#options = options;
    this.#owner = owner;
    this.creations = new Creations(options, {
      created: (value, generation) => {
        this.#created += 1;
        owner.arrived(this.members.add(value, options.clock.now(), generation));
      },
      failed: (error) => {
        this.#createFailures += 1;
        owner.notCreated(error);
      },
      retry: () => owner.changed(),
    });
    this.#sweeper = new Sweeper(options, this.members, {
      isSpare: (member) => this.#isSpare(member),
      retire: (member, reason) => void this.destroy(member, reason),
      leaked: (member) => this.#leaked(member),
    });
  }

  get stats(): Pick<
    PoolStats,
    'created' | 'createFailures' | 'leaks' | 'leakThresholdMs' | 'longestHeld' | 'destroyed' | 'useMs'
  > {
    return {
      created: this.#created,
      createFailures: this.#createFailures,
      leaks: this.#leaks,
      leakThresholdMs: this.#options.leakThresholdMs,
      longestHeld: this.#longestHeld(),
      destroyed: { ...this.#destroyed },
      useMs: this.#useMs.snapshot(),
    };
  }

  /** How many more may exist. */
  get room(): number {
    const { max, overflowMax } = this.#options;
    return max + overflowMax - this.members.alive - this.creations.count;
  }

  /** Resources that live or are about to, dying ones left out. */
  get live(): number {
    return this.members.alive - this.members.count('destroying') + this.creations.count;
  }

  get isEmpty(): boolean {
    return this.members.alive === 0 && this.creations.count === 0;
  }

  /** Creates while callers in line lack a resource and there is room; after a failure, not before the pause is over. */
  createForWaiting(): void {
    this.#createWhile(() => this.#owner.unserved() > this.creations.count && this.room > 0, false);
  }

  /** Creates until `count` resources are kept; never into the overflow. */
  fillTo(count: number): void {
    this.#createWhile(() => this.#kept < count && this.room > this.#options.overflowMax, true);
  }

  #createWhile(isShort: () => boolean, isBackground: boolean): void {
    while (isShort() && this.creations.count < this.creations.allowed)
      void this.creations.start(this.#generation);
    if (isShort() && this.creations.allowed === 0) this.creations.retryLater(isBackground);
  }

  /**
   * Destroys idle resources that are too many: while somebody is unserved only unsuitable ones are
   * idle, and make room; and what is above `max` was overflow. The least recently used go first.
   * Where creations fail though there should be room, one goes for each failure: the system may
   * have less room than `max`.
   */
  retireSurplus(): void {
    const mustMakeRoom = () =>
      this.room <= 0 && this.#owner.unserved() > this.creations.count + this.members.count('destroying');
    const isOverflow = () => this.live > this.#options.max;
    const oldest = () => this.members.idle[0];
    for (let member = oldest(); member !== undefined && mustMakeRoom(); member = oldest()) {
      void this.destroy(member, 'evicted');
    }
    for (let member = oldest(); member !== undefined && isOverflow(); member = oldest()) {
      void this.destroy(member, 'overflow');
    }
    const member = oldest();
    if (member !== undefined && this.#isCramped()) {
      this.#answeredFailures = this.#createFailures;
      void this.destroy(member, 'evicted');
    }
  }

  #isCramped(): boolean {
    if (this.creations.failures < CRAMPED_AT || this.#createFailures === this.#answeredFailures) return false;
    return this.#owner.unserved() > this.members.count('destroying');
  }

  /** From now on what exists, or what of it matches, is destroyed on its return. */
  outdate(matches?: (resource: T) => boolean): void {
    if (matches === undefined) this.#generation += 1;
    else for (const member of this.members) if (matches(member.value)) member.generation = OUTDATED;
  }

  /** Lends it; the sweeper sees to leases that are held too long. */
  lend(member: Member<T>, holder: string): void {
    const sinceMs = this.#options.clock.now();
    this.members.step(member, { kind: 'leased', sinceMs, holder, isReported: false });
    this.#sweeper.watch(member);
  }

  /** Makes a resource idle that nobody holds any longer, or destroys it where its time is over. */
  settle(member: Member<T>): void {
    const reason = this.endOf(member);
    if (reason !== undefined) return void this.destroy(member, reason);
    this.#recordUse(member);
    this.members.step(member, { kind: 'idle', sinceMs: this.#options.clock.now() });
    this.#sweeper.watch(member);
    // With one more idle, the one that has been idle longest may have become spare.
    this.#sweeper.watch(this.members.idle[0] as Member<T>);
  }

  /** Why the resource may not be lent again, if so. */
  endOf(member: Member<T>): DestroyReason | undefined {
    if (!this.#owner.isOpen()) return 'closed';
    if (member.generation !== this.#generation) return 'cleared';
    if (member.uses >= this.#options.usesMax) return 'uses';
    return this.isTooOld(member) ? 'age' : undefined;
  }

  isTooOld(member: Member<T>): boolean {
    return this.#options.clock.now() >= member.bornMs + this.#options.ageMaxMs;
  }

  /** Settles when it is gone. It counts until then; a second call joins the first. */
  destroy(member: Member<T>, reason: DestroyReason): Promise<void> {
    if (member.state.kind === 'destroying') return member.state.gone;
    if (member.state.kind === 'gone') return Promise.resolve();
    this.#recordUse(member);
    let finish = () => {};
    const gone = new Promise<void>((resolve) => (finish = resolve));
    this.members.step(member, { kind: 'destroying', reason, gone });
    void this.#unmake(member, reason).then(finish);
    return gone;
  }

  /** No more sweeps and no more creations; those in flight are aborted. */
  stop(reason: Error): void {
    this.#sweeper.stop();
    this.creations.abort(reason);
  }

  async #unmake(member: Member<T>, reason: DestroyReason): Promise<void> {
    const { name: pool, observer, clock } = this.#options;
    try {
      await this.#options.destroy(member.value, reason);
    } catch (error) {
      observer?.destroyFailed?.({ pool, reason, error });
    }
    this.members.step(member, { kind: 'gone' });
    this.#destroyed[reason] = (this.#destroyed[reason] ?? 0) + 1;
    observer?.destroyed?.({ pool, reason, ageMs: clock.now() - member.bornMs, uses: member.uses });
    this.#owner.changed();
  }

  #recordUse(member: Member<T>): void {
    const { state } = member;
    if (state.kind === 'leased') this.#useMs.record(this.#options.clock.now() - state.sinceMs);
  }

  #longestHeld(): HeldLease[] {
    const nowMs = this.#options.clock.now();
    const held: HeldLease[] = [];
    for (const { state } of this.members) {
      if (state.kind === 'leased') held.push({ holder: state.holder, heldMs: nowMs - state.sinceMs });
    }
    return held.toSorted((one, other) => other.heldMs - one.heldMs).slice(0, HELD_SHOWN_MAX);
  }

  // What counts towards `min`.
  get #kept(): number {
    const { isReady } = this.#options;
    if (isReady === undefined) return this.live;
    const unclaimed = Math.max(0, this.creations.count - this.#owner.unserved());
    return unclaimed + this.members.idle.filter((member) => isReady(member.value)).length;
  }

  #isSpare(member: Member<T>): boolean {
    if (this.#options.isReady?.(member.value) === false) return true;
    return this.#kept > this.#options.min;
  }

  #leaked(member: Member<T>): void {
    const { state, uses } = member;
    if (state.kind !== 'leased') return;
    this.members.step(member, { ...state, isReported: true });
    this.#leaks += 1;
    const heldMs = this.#options.clock.now() - state.sinceMs;
    const isSameLease = () => member.state.kind === 'leased' && member.uses === uses;
    const revoke = () => (isSameLease() ? this.destroy(member, 'revoked') : Promise.resolve());
    this.#options.observer?.leaked?.({ pool: this.#options.name, heldMs, acquiredAt: state.holder, revoke });
  }
}
