/** Finds a worker for a run, holds the run to its limits, and decides what becomes of the worker. */
import { performance } from 'node:perf_hooks';
import { abortError, ClosedError, ExecutionTimeoutError, type SkillCacheError } from '../errors.ts';
import type { ResolvedOptions } from '../options.ts';
import type { Lease } from '../pool/lease.ts';
import type { DestroyReason, PoolObserver } from '../pool/pool-stats.ts';
import { ResourcePool } from '../pool/resource-pool.ts';
import type { SandboxTier } from '../sandbox/protocol.ts';
import type {
  Confinement,
  DispatchRequest,
  DispatchResult,
  DispatchStats,
  RunReport,
} from './dispatch-types.ts';
import { deathError, outcomeError } from './run-errors.ts';
import { removeStaleFolders } from './spawn.ts';
import type { TaskEnd } from './worker.ts';
import { WorkerSlot, WorkerStarter } from './worker-slot.ts';

export type {
  Confinement,
  DispatchLimits,
  DispatchRequest,
  DispatchResult,
  DispatchStats,
  RunReport,
} from './dispatch-types.ts';

export interface DispatcherOptions {
  readonly workers: ResolvedOptions['workers'];
  /** The least confinement that is accepted. */
  readonly require: SandboxTier;
  /** Memory that warm workers are started for. Default 128 MiB. */
  readonly memoryBytesMax?: number | undefined;
  /** `permission` does not try the kernel's lock. Default: the best there is. */
  readonly confinement?: 'kernel' | 'permission' | undefined;
  readonly observer?: PoolObserver | undefined;
}

interface Permit {
  readonly kind: 'permit';
}

/** How long a worker may take to prepare its next realm after it answered. */
const SETTLE_MS = 1_000;
const END_GRACE_MS = 500;
const MEMORY_DEFAULT = 128 * 1024 * 1024;

export class Dispatcher {
  readonly #options: DispatcherOptions;
  readonly #starter: WorkerStarter;
  readonly #pool: ResourcePool<WorkerSlot>;
  readonly #permits: ResourcePool<Permit>;
  readonly #counts = { starts: 0, boundHits: 0, warmHits: 0, coldStarts: 0 };
  /** Memory of the runs that wait for a worker to be started, in order, where it is not the usual. */
  readonly #wanted: number[] = [];
  readonly #memoryBytesMax: number;
  readonly #closing = new AbortController();

  constructor(options: DispatcherOptions) {
    this.#options = options;
    this.#memoryBytesMax = options.memoryBytesMax ?? MEMORY_DEFAULT;
    const { require, confinement } = options;
    const onStart = () => {
      this.#counts.starts += 1;
    };
    this.#starter = new WorkerStarter({ require, confinement, onStart });
    this.#pool = this.#workerPool();
    this.#permits = this.#permitPool();
    removeStaleFolders();
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
    await using _permit = await this.#permits.acquire({ signal, timeoutMs, label: 'run' });
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
      running: this.#permits.stats().inUse,
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
    const { concurrency: _, ...workers } = this.#options.workers;
    return new ResourcePool<WorkerSlot>({
      ...workers,
      name: 'workers',
      min: Math.min(workers.min, workers.max),
      observer: this.#options.observer,
      isReady: (slot) => slot.isUnbound,
      create: async (signal) => {
        const slot = await this.#starter.start(this.#wanted.shift() ?? this.#memoryBytesMax, signal);
        void slot.worker.gone.then(() => this.#pool.evict((other) => other === slot, 'broken'));
        return slot;
      },
      destroy: (slot, reason) => this.#unmake(slot, reason),
    });
  }

  #permitPool(): ResourcePool<Permit> {
    const { concurrency, acquireTimeoutMs, waitingMax } = this.#options.workers;
    return new ResourcePool<Permit>({
      name: 'runs',
      max: concurrency,
      acquireTimeoutMs,
      waitingMax,
      create: () => Promise.resolve({ kind: 'permit' }),
      destroy: () => Promise.resolve(),
    });
  }

  async #unmake(slot: WorkerSlot, reason: DestroyReason): Promise<void> {
    const isGentle = reason === 'idle' || reason === 'uses' || reason === 'age' || reason === 'cleared';
    if (isGentle) await slot.worker.end(END_GRACE_MS);
    else await slot.worker.kill(reason);
  }

  /** A worker that is bound to this version or free to be, with this run's memory. */
  async #lease(request: DispatchRequest, timeoutMs: number): Promise<Lease<WorkerSlot>> {
    const { program, limits, signal } = request;
    const isUsual = limits.memoryBytesMax === this.#memoryBytesMax;
    for (;;) {
      if (!isUsual && !this.#hasIdle(request)) this.#wanted.push(limits.memoryBytesMax);
      const lease = await this.#pool.acquire({
        signal,
        timeoutMs,
        label: program.digest,
        rank: (slot) => rankFor(slot, request),
      });
      if (rankFor(lease.value, request) >= 0) return lease;
      // Started for another's memory, or died since.
      await lease.destroy('evicted');
    }
  }

  #hasIdle(request: DispatchRequest): boolean {
    void request;
    return false;
  }

  async #runOn(lease: Lease<WorkerSlot>, request: DispatchRequest, askedMs: number): Promise<DispatchResult> {
    const { worker, hello } = lease.value;
    const { program, data, limits, seed, now } = request;
    const start = this.#startKind(lease.value, askedMs);
    const startedMs = performance.now();
    if (worker.digest === undefined) worker.bind(program);
    const header = {
      outputBytesMax: limits.outputBytesMax,
      logBytesMax: limits.logBytesMax,
      ...(seed === undefined ? {} : { seed }),
      ...(now === undefined ? {} : { nowMs: now }),
    };
    const stopped = new Stop(lease, request);
    const end = await worker.run({ header, data });
    const stop = stopped.clear();
    const wallMs = performance.now() - startedMs;
    const report = reportOf(
      end,
      { tier: hello.tier, start, queueMs: startedMs - askedMs, startMs: 0, wallMs },
      request,
    );
    void this.#giveBack(lease, end);
    if (stop !== undefined) throw stop(end, report);
    const circumstances = { logs: end.logs, report };
    if (end.kind === 'died') throw deathError(end.death, circumstances);
    if (end.outcome.header.kind !== 'value') throw outcomeError(end.outcome.header, circumstances);
    return { output: end.outcome.output, logs: end.logs, report };
  }

  #startKind(slot: WorkerSlot, _askedMs: number): RunReport['start'] {
    if (!slot.isFresh) {
      this.#counts.boundHits += 1;
      return 'bound';
    }
    slot.isFresh = false;
    this.#counts.warmHits += 1;
    return 'warm';
  }

  /** Back to the pool once its next realm is ready; a worker that is not by then is still running skill code. */
  async #giveBack(lease: Lease<WorkerSlot>, end: TaskEnd): Promise<void> {
    if (
      end.kind === 'outcome' &&
      end.outcome.header.kind !== 'memory' &&
      (await lease.value.worker.whenIdle(SETTLE_MS))
    )
      lease.release();
    else await lease.destroy(end.kind === 'died' ? 'broken' : 'invalid');
  }
}

/** 2: bound to this version; 1: unbound; negative: unsuitable. */
function rankFor({ worker }: WorkerSlot, { program, limits }: DispatchRequest): number {
  if (worker.isDead || worker.memoryBytesMax !== limits.memoryBytesMax) return -1;
  if (worker.digest === program.digest) return 2;
  return worker.digest === undefined ? 1 : -1;
}

type StopError = (end: TaskEnd, report: RunReport) => SkillCacheError;

/** Kills the process group at the deadline or when the caller leaves, whichever is first. */
class Stop {
  readonly #timer: NodeJS.Timeout;
  readonly #signal: AbortSignal | undefined;
  readonly #abort: () => void;
  #why: StopError | undefined;

  constructor(lease: Lease<WorkerSlot>, { limits, signal }: DispatchRequest) {
    const { timeoutMs } = limits;
    const stop = (reason: 'timeout' | 'aborted', why: StopError) => {
      if (this.#why !== undefined) return;
      this.#why = why;
      void lease.destroy(reason);
    };
    this.#timer = setTimeout(() => {
      stop('timeout', ({ logs }, report) => {
        const message = `the skill was stopped at its deadline of ${timeoutMs} ms`;
        return new ExecutionTimeoutError(message, { details: { timeoutMs, logs, report } });
      });
    }, timeoutMs);
    this.#abort = () => stop('aborted', () => abortError(signal as AbortSignal));
    this.#signal = signal;
    signal?.addEventListener('abort', this.#abort, { once: true });
    if (signal?.aborted) this.#abort();
  }

  /** Why it was stopped, if it was. */
  clear(): StopError | undefined {
    clearTimeout(this.#timer);
    this.#signal?.removeEventListener('abort', this.#abort);
    return this.#why;
  }
}

function reportOf(
  end: TaskEnd,
  times: Pick<RunReport, 'tier' | 'start' | 'queueMs' | 'startMs' | 'wallMs'>,
  { data, limits }: DispatchRequest,
): RunReport {
  const header = end.kind === 'outcome' ? end.outcome.header : undefined;
  return {
    ...times,
    cpuMs: (header?.cpuUs ?? 0) / 1_000,
    ...(header === undefined ? {} : { memoryPeakBytes: header.memoryPeakBytes }),
    bytesIn: Buffer.byteLength(data),
    bytesOut: end.kind === 'outcome' ? Buffer.byteLength(end.outcome.output) : 0,
    logBytes: header?.logBytes ?? Buffer.byteLength(end.logs),
    logsCut: end.logsCut,
    limits,
  };
}
