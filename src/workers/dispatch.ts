/** Finds a worker for a run, holds the run to its limits, and decides what becomes of the worker. */
import { performance } from 'node:perf_hooks';
import { abortError, ClosedError, type SkillCacheError } from '../errors.ts';
import type { Lease } from '../pool/lease.ts';
import type { Program } from '../sandbox/protocol.ts';
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
import { Crew } from './crew.ts';
import type { Death } from './task.ts';
import type { WorkerSlot } from './worker-slot.ts';
import { WorkerStarter } from './worker-starter.ts';

export class Dispatcher {
  readonly #options: DispatcherOptions;
  readonly #starter: WorkerStarter;
  readonly #crew: Crew;
  readonly #permits: FairPermits;
  readonly #counts = { starts: 0, boundHits: 0, warmHits: 0, coldStarts: 0 };
  readonly #closing = new AbortController();

  constructor(options: DispatcherOptions) {
    this.#options = options;
    const { require, confinement, wrapper, cgroup, cgroupPath } = options;
    const onStart = () => {
      this.#counts.starts += 1;
    };
    const servesOne = options.workers.isolation !== 'library';
    const where = { require, confinement, wrapper, cgroup, cgroupPath };
    this.#starter = new WorkerStarter({ ...where, source: options.workers, servesOne, onStart });
    this.#crew = new Crew(options, this.#starter, this.#closing.signal);
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
    const { program, tenant = '' } = request;
    const turn = { tenant, group: program.digest, label: program.units[0]?.fileName ?? program.digest };
    using _permit = await this.#permits.acquire(turn, signal);
    const lease = await this.#crew.lease(request, Math.max(0, timeoutMs - (performance.now() - askedMs)));
    // Its turn lasts until the run has ended.
    return await this.#runOn(lease, request, askedMs);
  }

  /** Starts workers until `count` are unbound and warm. */
  warmUp(count?: number): Promise<void> {
    return this.#crew.warmUp(count);
  }

  /** Gives a version a worker before its first run. */
  bindAhead(program: Program, signal?: AbortSignal): Promise<void> {
    return this.#crew.bindAhead(program, signal);
  }

  /** Ends every worker: those that are idle now, the others after their run; settles when the idle ones are gone. */
  clear(): Promise<void> {
    return this.#crew.clear();
  }

  /** Replaces bound workers, the busy ones when their run ends; what takes their place is started first. */
  async recycle(): Promise<void> {
    await this.#crew.warmUp(this.#options.workers.concurrency);
    await this.#crew.clear((slot) => !slot.isUnbound);
  }

  /** What holds the workers of this machine; starts one to find out. */
  async confinement(): Promise<Confinement> {
    if (this.#starter.hello === undefined) await this.#crew.warmUp(1);
    return this.#starter.confinement();
  }

  /** The process ids of the workers that live now. */
  pids(): number[] {
    return this.#starter.pids();
  }

  /** The process ids of the fork servers that live now. */
  serverPids(): number[] {
    return this.#starter.serverPids();
  }

  stats(): DispatchStats {
    const pool = this.#crew.stats;
    const tier = this.#starter.hello?.tier;
    return {
      pool,
      running: this.#permits.running,
      waiting: this.#permits.waiting,
      ...this.#counts,
      retired: pool.destroyed,
      workers: this.#crew.workers,
      ...(tier === undefined ? {} : { tier }),
    };
  }

  /**
   * Refuses new runs and lets those under way finish for `graceMs`; then SIGTERM, and SIGKILL 2 s later.
   * Settles when no process is left.
   */
  async close(graceMs = 0): Promise<void> {
    this.#closing.abort();
    await Promise.all([this.#permits.drain(graceMs), this.#crew.drain(graceMs)]);
    await this.#starter.close();
  }

  async #runOn(lease: Lease<WorkerSlot>, request: DispatchRequest, askedMs: number): Promise<DispatchResult> {
    const { worker, hello } = lease.value;
    const { program, tenant, data, limits, seed, now, grants, onLog } = request;
    const start = this.#startOf(lease.value, program.digest, askedMs);
    const startedMs = performance.now();
    this.#crew.bind(lease.value, program, tenant);
    const broker = grants?.fetch || grants?.files ? new Broker(grants) : undefined;
    const header = {
      outputBytesMax: limits.outputBytesMax,
      logBytesMax: limits.logBytesMax,
      ...(seed === undefined ? {} : { seed }),
      ...(now === undefined ? {} : { nowMs: now }),
      ...(grants === undefined ? {} : { grants: taskGrants(grants, broker) }),
    };
    const { cpuMs: cpuMsBefore } = lease.value;
    const stopped = new RunStop(lease, request);
    const running = worker.run({ header, data, broker, onLog });
    // While the worker is at it.
    const bytesIn = Buffer.byteLength(data);
    const end = await running;
    const stop = stopped.clear();
    const wallMs = performance.now() - startedMs;
    const report = reportOf(
      end,
      {
        tier: hello.tier,
        ...start,
        queueMs: startedMs - askedMs - start.startMs + (request.heldMs ?? 0),
        wallMs,
        bytesIn,
      },
      request,
      broker,
      { use: stopped.use, cpuMsBefore },
    );
    this.#crew.giveBack(lease, end);
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
}
