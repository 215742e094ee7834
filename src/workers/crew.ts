/** The workers that stand by: which of them a run gets, when one is bound, and how each ends. */
import { abortError } from '../errors.ts';
import type { Lease } from '../pool/lease.ts';
import type { DestroyReason, PoolStats } from '../pool/pool-stats.ts';
import { ResourcePool } from '../pool/resource-pool.ts';
import { NO_ENGINE_GRANTS, type Program } from '../sandbox/protocol.ts';
import type { DispatcherOptions, DispatchRequest, WorkerStats } from './dispatch-types.ts';
import { Haste } from './haste.ts';
import type { TaskEnd } from './task.ts';
import { neverReady } from './run-errors.ts';
import { needsOf, rankFor, type WorkerNeeds, type WorkerSlot } from './worker-slot.ts';
import type { WorkerStarter } from './worker-starter.ts';

/** How long one that is asked to end may take, and how long after SIGTERM it gets SIGKILL. */
const END_GRACE_MS = 500;
const TERM_GRACE_MS = 2_000;
/** One that was idle for so long is asked whether it is there, and has so long to say so. */
const TRUST_MS = 1_000;
const CHECK_MS = 500;
/** Starting a process holds the parent up for milliseconds: one that nobody waits for is started so much later. */
const REFILL_MS = 3;
/** After this a worker that answered has made its next realm. */
const SETTLE_MS = 1;
const MEMORY_DEFAULT = 128 * 1024 * 1024;

export class Crew {
  readonly #options: DispatcherOptions;
  readonly #starter: WorkerStarter;
  readonly #closing: AbortSignal;
  readonly #pool: ResourcePool<WorkerSlot>;
  /** Runs in line that want another worker than the usual: the pool does not say for whom it creates. */
  readonly #wishes = new Set<WorkerNeeds>();
  readonly #haste = new Haste();
  readonly #slots = new Set<WorkerSlot>();
  readonly #unbound = new Set<WorkerSlot>();
  /** How many are being started for callers in line. */
  #awaited = 0;
  readonly #usual: WorkerNeeds;
  /** Whose run the next is likely to be. */
  #expected: Pick<DispatchRequest, 'program' | 'tenant'> | undefined;

  constructor(options: DispatcherOptions, starter: WorkerStarter, closing: AbortSignal) {
    this.#options = options;
    this.#starter = starter;
    this.#closing = closing;
    this.#usual = { memoryBytesMax: options.memoryBytesMax ?? MEMORY_DEFAULT, engine: NO_ENGINE_GRANTS };
    this.#pool = this.#workerPool();
  }

  get stats(): PoolStats {
    return this.#pool.stats();
  }

  get workers(): WorkerStats[] {
    return [...this.#slots].map((slot) => slot.stats());
  }

  /** Starts workers until `count` are unbound and warm. */
  warmUp(count?: number): Promise<void> {
    return this.#pool.warmUp(count);
  }

  /** Gives a version its worker before the first run; does nothing where it has one already. */
  async bindAhead(program: Program, signal?: AbortSignal): Promise<void> {
    for (const { worker } of this.#slots) if (worker.keeps(program.digest)) return;
    const lease = await this.#pool.acquire({
      signal,
      label: program.digest,
      rank: ({ isUnbound, worker }) =>
        isUnbound && worker.memoryBytesMax === this.#usual.memoryBytesMax ? 1 : -1,
    });
    const slot = lease.value;
    if (slot.isUnbound && slot.worker.memoryBytesMax === this.#usual.memoryBytesMax) {
      this.bind(slot, program);
      slot.mayMakeRoom = true;
    }
    lease.release();
  }

  /** Ends all: those that are idle now, the others after their run. */
  clear(matches?: (slot: WorkerSlot) => boolean): Promise<void> {
    return this.#pool.clear(matches);
  }

  /**
   * Lets those that run finish for `graceMs`, then asks with SIGTERM, and insists with SIGKILL; settles
   * when no process is left.
   */
  drain(graceMs: number): Promise<void> {
    return this.#pool.drain(graceMs);
  }

  /** A worker that is bound to this version or free to be, with this run's needs. */
  async lease(request: DispatchRequest, timeoutMs: number): Promise<Lease<WorkerSlot>> {
    const { program, tenant, grants, signal } = request;
    const isHasty = this.#isHasty(program.digest);
    const wish = needsOf(request);
    const isUsual = wish.memoryBytesMax === this.#usual.memoryBytesMax && grants === undefined;
    if (isUsual) this.#expected = { program, tenant };
    else this.#wishes.add(wish);
    try {
      const lease = await this.#pool.acquire({
        signal,
        timeoutMs,
        label: program.digest,
        rank: (slot) => {
          const rank = rankFor(slot, request);
          if (rank === 1 && isHasty) return 4;
          return rank === 2 ? 2 + Math.min(1, (performance.now() - slot.usedMs) / SETTLE_MS) : rank;
        },
      });
      const slot = lease.value;
      slot.mayMakeRoom = false;
      const idleMs = performance.now() - slot.idleSinceMs;
      if (idleMs < SETTLE_MS) this.#haste.came(this.#group(program.digest));
      const isThere = idleMs < TRUST_MS || (await slot.worker.check(CHECK_MS));
      if (!isThere || rankFor(slot, request) < 0) await this.#refit(lease, request);
      return lease;
    } finally {
      this.#wishes.delete(wish);
    }
  }

  bind(slot: WorkerSlot, program: Program, tenant?: string): void {
    const isFirst = slot.worker.digest === undefined;
    slot.worker.bind(program, tenant);
    if (!isFirst) return;
    this.#unbound.delete(slot);
    this.#makeRoom();
  }

  /** Back to those that stand by, while it makes its next realm. */
  giveBack(lease: Lease<WorkerSlot>, end: TaskEnd): void {
    const slot = lease.value;
    const { isolation, memoryCeilingBytes } = this.#options.workers;
    if (end.kind === 'died') return void lease.destroy('broken');
    slot.record(end.outcome.header);
    // Once was all it was for; whoever asked has the answer first.
    if (isolation === 'run') return void setImmediate(() => void lease.destroy('uses'));
    const isFull = slot.memoryPeakBytes > Math.max(memoryCeilingBytes, slot.worker.memoryBytesMax);
    if (isFull || end.outcome.header.kind === 'memory') return void lease.destroy('memory');
    slot.mayMakeRoom = true;
    lease.release();
  }

  #workerPool(): ResourcePool<WorkerSlot> {
    const { isolation, ...workers } = this.#options.workers;
    return new ResourcePool<WorkerSlot>({
      ...workers,
      name: 'workers',
      min: Math.min(workers.min, workers.max),
      observer: this.#options.observer,
      ...(isolation === 'run' ? { usesMax: 1 } : {}),
      // Where a worker serves once, one that is idle has served nobody yet.
      ...(isolation === 'version' ? { isReady: (slot: WorkerSlot) => slot.isUnbound } : {}),
      ...(isolation === 'run' ? { isReady: (slot: WorkerSlot) => !slot.worker.isDead } : {}),
      create: async (signal) => {
        if (!this.#isAwaited()) await refillTurn();
        signal.throwIfAborted();
        const [wish] = this.#wishes;
        if (wish !== undefined) this.#wishes.delete(wish);
        const slot = await this.#start(wish ?? this.#usual, signal);
        this.#watch(slot);
        this.#slots.add(slot);
        this.#unbound.add(slot);
        if (isolation === 'run' && wish === undefined) await this.#expect(slot);
        return slot;
      },
      destroy: (slot, reason) => this.#unmake(slot, reason),
    });
  }

  /** Whether a caller in line would take one that is started now. */
  #isAwaited(): boolean {
    return this.#pool.stats().waiting > this.#awaited;
  }

  async #start(needs: WorkerNeeds, signal: AbortSignal): Promise<WorkerSlot> {
    const isAwaited = this.#isAwaited();
    if (isAwaited) this.#awaited += 1;
    try {
      return await this.#starter.start(needs, signal, isAwaited);
    } finally {
      if (isAwaited) this.#awaited -= 1;
    }
  }

  /** Half of the workers that serve once wait for the version that ran last, compiled and in its realm. */
  async #expect(slot: WorkerSlot): Promise<void> {
    const expected = this.#expected;
    if (expected === undefined || this.#pool.stats().waiting > 0) return;
    let own = 0;
    // One that has served is on its way out.
    for (const { worker, usedMs } of this.#slots)
      if (worker.digest === expected.program.digest && usedMs === 0 && !worker.isBusy && !worker.isDead)
        own += 1;
    if (own >= Math.floor(this.#options.workers.min / 2)) return;
    this.bind(slot, expected.program, expected.tenant);
    // It answers once it is: until then it would be lent in the midst of that.
    if (await slot.worker.check(CHECK_MS)) return;
    if (this.#expected === expected) this.#expected = undefined;
    this.#slots.delete(slot);
    this.#unbound.delete(slot);
    throw neverReady(await slot.worker.kill('it did not take the version that ran last'));
  }

  async #unmake(slot: WorkerSlot, reason: DestroyReason): Promise<void> {
    const { worker } = slot;
    const isGentle = reason === 'idle' || reason === 'uses' || reason === 'age' || reason === 'cleared';
    if (reason === 'closed') await worker.end(worker.isBusy ? 0 : END_GRACE_MS, TERM_GRACE_MS);
    else if (isGentle && this.#options.workers.isolation !== 'run')
      await worker.end(END_GRACE_MS, END_GRACE_MS);
    else await worker.kill(reason);
    this.#slots.delete(slot);
  }

  /** Runs of a group share workers. */
  #group(digest: string): string {
    return this.#options.workers.isolation === 'library' ? '' : digest;
  }

  /** A version that always comes too early is worth another worker, where one stands by. */
  #isHasty(digest: string): boolean {
    if (this.#unbound.size === 0 || !this.#haste.isWorthAnother(this.#group(digest))) return false;
    let own = 0;
    // Busy ones count too: they take their turns with the others.
    for (const { worker } of this.#slots) if (!worker.isDead && worker.keeps(digest)) own += 1;
    return own < this.#options.workers.concurrency;
  }

  /** What was lent was started for another's needs, or died since: it gets a worker that fits. */
  async #refit(lease: Lease<WorkerSlot>, request: DispatchRequest): Promise<void> {
    const { signal } = request;
    const start = new AbortController();
    const stop = (): void => start.abort();
    // By hand: `AbortSignal.any` hears signals alone that Node itself made.
    for (const one of [this.#closing, signal]) one?.addEventListener('abort', stop, { once: true });
    if (this.#closing.aborted || signal?.aborted) stop();
    try {
      const fitting = await this.#starter.start(needsOf(request), start.signal, true);
      await lease.value.replaceBy(fitting);
      this.#watch(lease.value);
    } catch (error) {
      await lease.destroy('broken');
      throw signal?.aborted ? abortError(signal) : error;
    } finally {
      for (const one of [this.#closing, signal]) one?.removeEventListener('abort', stop);
    }
  }

  /** A worker that dies while it is idle is no longer lent. */
  #watch(slot: WorkerSlot): void {
    const { worker } = slot;
    void worker.gone.then(() => {
      if (slot.worker !== worker) return undefined;
      slot.mayMakeRoom = false;
      this.#unbound.delete(slot);
      return this.#pool.evict((other) => other === slot, 'broken');
    });
  }

  /** Where bound workers fill the pool, the one used longest ago makes room for a fresh one. */
  #makeRoom(): void {
    if (this.#options.workers.isolation !== 'version') return;
    const { min, max, inUse, idle, creating } = this.#pool.stats();
    if (min === 0 || inUse + idle + creating < max) return;
    let oldest: WorkerSlot | undefined;
    for (const slot of this.#slots)
      if (slot.mayMakeRoom && (oldest === undefined || slot.usedMs < oldest.usedMs)) oldest = slot;
    if (oldest === undefined) return;
    oldest.mayMakeRoom = false;
    const retired = oldest;
    void this.#pool.evict((slot) => slot === retired);
  }
}

function refillTurn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, REFILL_MS));
}
