/** Finds a worker for a run, holds the run to its limits, and decides what becomes of the worker. */
import { performance } from 'node:perf_hooks';
import { abortError, ClosedError, type SkillCacheError } from '../errors.ts';
import type { Lease } from '../pool/lease.ts';
import type { DestroyReason } from '../pool/pool-stats.ts';
import { ResourcePool } from '../pool/resource-pool.ts';
import type {
  Confinement,
  DispatchRequest,
  DispatchResult,
  DispatchStats,
  DispatcherOptions,
  RunReport,
} from './dispatch-types.ts';
import { Broker } from './broker.ts';
import { deathError, outcomeError, type Circumstances } from './run-errors.ts';
import { reportOf, taskGrants } from './run-report.ts';
import { RunStop } from './run-stop.ts';
import { FairPermits } from './fair-permits.ts';
import { Haste } from './haste.ts';
import { NO_ENGINE_GRANTS } from '../sandbox/protocol.ts';
import type { Death, TaskEnd } from './task.ts';
import { needsOf, rankFor, WorkerStarter, type WorkerNeeds, type WorkerSlot } from './worker-slot.ts';

const END_GRACE_MS = 500;
/** One that was idle for so long is asked whether it is there, and has so long to say so. */
const TRUST_MS = 1_000;
const CHECK_MS = 500;
/** After this a worker that answered has made its next realm. */
const SETTLE_MS = 1;
const MEMORY_DEFAULT = 128 * 1024 * 1024;

export class Dispatcher {
  readonly #options: DispatcherOptions;
  readonly #starter: WorkerStarter;
  readonly #pool: ResourcePool<WorkerSlot>;
  readonly #permits: FairPermits;
  readonly #counts = { starts: 0, boundHits: 0, warmHits: 0, coldStarts: 0 };
  /** Runs in line that want another worker than the usual: the pool does not say for whom it creates. */
  readonly #wishes = new Set<WorkerNeeds>();
  readonly #haste = new Haste();
  readonly #idleBound = new Set<WorkerSlot>();
  readonly #unbound = new Set<WorkerSlot>();
  readonly #usual: WorkerNeeds;
  readonly #closing = new AbortController();

  constructor(options: DispatcherOptions) {
    this.#options = options;
    this.#usual = { memoryBytesMax: options.memoryBytesMax ?? MEMORY_DEFAULT, engine: NO_ENGINE_GRANTS };
    const { require, confinement } = options;
    const onStart = () => {
      this.#counts.starts += 1;
    };
    const servesOne = options.workers.isolation !== 'library';
    this.#starter = new WorkerStarter({ require, confinement, servesOne, onStart });
    this.#pool = this.#workerPool();
    const { concurrency: max, waitingMax, acquireTimeoutMs } = options.workers;
    this.#permits = new FairPermits({ max, waitingMax, acquireTimeoutMs });
  }

  /**
   * Runs a program once.
   * @throws {SkillRuntimeError} it threw, {ExecutionTimeoutError}, {ExecutionMemoryError},
   *   {OutputLimitError}, {WorkerCrashedError}, {InjectionError} its answer is not plain data,
   *   {PoolExhaustedError}, {SandboxUnavailableError}, {AbortedError}, {ClosedError}.
   */
  async run(request: DispatchRequest): Promise<DispatchResult> {
    const { signal } = request;
    if (this.#closing.signal.aborted) throw new ClosedError('the workers are closed');
    if (signal?.aborted) throw abortError(signal);
    const askedMs = performance.now();
    const timeoutMs = this.#options.workers.acquireTimeoutMs;
    const { digest, units } = request.program;
    using _permit = await this.#permits.acquire(digest, units[0]?.fileName ?? digest, signal);
    const lease = await this.#lease(request, Math.max(0, timeoutMs - (performance.now() - askedMs)));
    return this.#runOn(lease, request, askedMs);
  }

  /** Starts workers until `count` are unbound and warm. */
  warmUp(count?: number): Promise<void> {
    return this.#pool.warmUp(count);
  }

  /** What holds the workers of this machine; starts one to find out. */
  async confinement(): Promise<Confinement> {
    if (this.#starter.hello === undefined) await this.#pool.use(() => {});
    const { tier, why } = this.#starter.hello ?? { tier: 'none' as const, why: 'no worker was started' };
    const reason = why === undefined ? {} : { why };
    return { tier, seccomp: tier === 'kernel', platform: `${process.platform}-${process.arch}`, ...reason };
  }

  /** The process ids of the workers that live now. */
  pids(): number[] {
    return this.#starter.pids();
  }

  stats(): DispatchStats {
    const pool = this.#pool.stats();
    const tier = this.#starter.hello?.tier;
    return {
      pool,
      running: this.#permits.running,
      waiting: this.#permits.waiting,
      ...this.#counts,
      retired: pool.destroyed,
      ...(tier === undefined ? {} : { tier }),
    };
  }

  /** Refuses new runs, lets those under way finish for `graceMs`, then kills; settles when no process is left. */
  async close(graceMs = 0): Promise<void> {
    this.#closing.abort();
    await Promise.all([this.#permits.drain(graceMs), this.#pool.drain(graceMs)]);
  }

  #workerPool(): ResourcePool<WorkerSlot> {
    const { concurrency: _, isolation, ...workers } = this.#options.workers;
    return new ResourcePool<WorkerSlot>({
      ...workers,
      name: 'workers',
      min: Math.min(workers.min, workers.max),
      observer: this.#options.observer,
      ...(isolation === 'run' ? { usesMax: 1 } : {}),
      ...(isolation === 'library' ? {} : { isReady: (slot: WorkerSlot) => slot.isUnbound }),
      create: async (signal) => {
        const [wish] = this.#wishes;
        if (wish !== undefined) this.#wishes.delete(wish);
        const slot = await this.#starter.start(wish ?? this.#usual, signal);
        this.#watch(slot);
        this.#unbound.add(slot);
        return slot;
      },
      destroy: (slot, reason) => this.#unmake(slot, reason),
    });
  }

  async #unmake(slot: WorkerSlot, reason: DestroyReason): Promise<void> {
    const isGentle = reason === 'idle' || reason === 'uses' || reason === 'age' || reason === 'cleared';
    if (isGentle && this.#options.workers.isolation !== 'run') await slot.worker.end(END_GRACE_MS);
    else await slot.worker.kill(reason);
  }

  /** A worker that is bound to this version or free to be, with this run's memory. */
  async #lease(request: DispatchRequest, timeoutMs: number): Promise<Lease<WorkerSlot>> {
    const { program, grants, signal } = request;
    const isHasty = this.#isHasty(program.digest);
    const wish = needsOf(request);
    const isUsual = wish.memoryBytesMax === this.#usual.memoryBytesMax && grants === undefined;
    if (!isUsual) this.#wishes.add(wish);
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
      const { value: slot } = lease;
      const idleMs = performance.now() - slot.idleSinceMs;
      if (idleMs < SETTLE_MS) this.#haste.came(this.#group(program.digest));
      const isTrusted = idleMs < TRUST_MS;
      const isThere = isTrusted || (await slot.worker.check(CHECK_MS));
      if (!isThere || rankFor(slot, request) < 0) await this.#refit(lease, request);
      return lease;
    } finally {
      this.#wishes.delete(wish);
    }
  }

  /** Runs of a group share workers. */
  #group(digest: string): string {
    return this.#options.workers.isolation === 'library' ? '' : digest;
  }

  /** A version that always comes too early is worth another worker, where one stands by. */
  #isHasty(digest: string): boolean {
    if (this.#unbound.size === 0 || !this.#haste.isWorthAnother(this.#group(digest))) return false;
    let own = 0;
    for (const { worker } of this.#idleBound) if (worker.keeps(digest)) own += 1;
    return own < this.#options.workers.concurrency;
  }

  /** What was lent was started with another's memory, or died since: it gets a worker that fits. */
  async #refit(lease: Lease<WorkerSlot>, request: DispatchRequest): Promise<void> {
    const { signal } = request;
    try {
      const signals = signal === undefined ? [this.#closing.signal] : [this.#closing.signal, signal];
      const fitting = await this.#starter.start(needsOf(request), AbortSignal.any(signals));
      await lease.value.replaceBy(fitting);
      this.#watch(lease.value);
    } catch (error) {
      await lease.destroy('broken');
      throw signal?.aborted ? abortError(signal) : error;
    }
  }

  /** A worker that dies while it is idle is no longer lent. */
  #watch(slot: WorkerSlot): void {
    const { worker } = slot;
    void worker.gone.then(() => {
      if (slot.worker !== worker) return undefined;
      this.#idleBound.delete(slot);
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
    for (const slot of this.#idleBound)
      if (oldest === undefined || slot.usedMs < oldest.usedMs) oldest = slot;
    if (oldest === undefined) return;
    this.#idleBound.delete(oldest);
    const retired = oldest;
    void this.#pool.evict((slot) => slot === retired);
  }

  async #runOn(lease: Lease<WorkerSlot>, request: DispatchRequest, askedMs: number): Promise<DispatchResult> {
    const { worker, hello } = lease.value;
    const { program, data, limits, seed, now, grants, onLog } = request;
    const start = this.#startOf(lease.value, program.digest, askedMs);
    const startedMs = performance.now();
    const isFirst = worker.digest === undefined;
    worker.bind(program);
    if (isFirst) {
      this.#unbound.delete(lease.value);
      this.#makeRoom();
    }
    const broker = grants?.fetch || grants?.files ? new Broker(grants) : undefined;
    const header = {
      outputBytesMax: limits.outputBytesMax,
      logBytesMax: limits.logBytesMax,
      ...(seed === undefined ? {} : { seed }),
      ...(now === undefined ? {} : { nowMs: now }),
      ...(grants === undefined ? {} : { grants: taskGrants(grants, broker) }),
    };
    const stopped = new RunStop(lease, request);
    const end = await worker.run({ header, data, broker, onLog });
    const stop = stopped.clear();
    const wallMs = performance.now() - startedMs;
    const report = reportOf(
      end,
      { tier: hello.tier, ...start, queueMs: startedMs - askedMs - start.startMs, wallMs },
      request,
      broker,
    );
    this.#giveBack(lease, end);
    const isGood = stop === undefined && end.kind === 'outcome' && end.outcome.header.kind === 'value';
    if (broker) await (isGood ? broker.commit() : broker.discard());
    if (stop !== undefined) throw stop(end, report);
    const circumstances = { logs: end.logs, report };
    if (end.kind === 'died') throw this.#deathError(end.death, circumstances);
    if (end.outcome.header.kind !== 'value') throw outcomeError(end.outcome.header, circumstances);
    return { output: end.outcome.output, logs: end.logs, report };
  }

  #deathError(death: Death, circumstances: Circumstances): SkillCacheError {
    const isOurs = this.#closing.signal.aborted && death.cause !== undefined;
    if (!isOurs) return deathError(death, circumstances);
    return new ClosedError('the workers were closed while the skill ran', { details: { ...circumstances } });
  }

  #startOf(slot: WorkerSlot, digest: string, askedMs: number): Pick<RunReport, 'start' | 'startMs'> {
    this.#idleBound.delete(slot);
    if (slot.worker.keeps(digest)) {
      this.#counts.boundHits += 1;
      return { start: 'bound', startMs: 0 };
    }
    if (slot.startedMs >= askedMs) {
      this.#counts.coldStarts += 1;
      return { start: 'cold', startMs: slot.startMs };
    }
    this.#counts.warmHits += 1;
    return { start: 'warm', startMs: 0 };
  }

  /** Back to the pool, while it makes its next realm. */
  #giveBack(lease: Lease<WorkerSlot>, end: TaskEnd): void {
    const slot = lease.value;
    if (end.kind === 'died') return void lease.destroy('broken');
    // Once was all it was for.
    if (this.#options.workers.isolation === 'run') return void lease.destroy('uses');
    if (end.outcome.header.kind === 'memory') return void lease.destroy('memory');
    slot.usedMs = performance.now();
    this.#idleBound.add(slot);
    lease.release();
  }
}
