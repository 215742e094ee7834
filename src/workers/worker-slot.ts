/** Starts workers in the highest confinement that this machine gives, and refuses less than is required. */
import { SandboxUnavailableError, toError } from '../errors.ts';
import {
  NO_ENGINE_GRANTS,
  type EngineGrants,
  type Hello,
  type OutcomeHeader,
  type SandboxTier,
} from '../sandbox/protocol.ts';
import type { RunGrants } from '../grants.ts';
import type { Confinement, DispatchRequest, WorkerStats } from './dispatch-types.ts';
import type { SpawnOptions } from './spawn.ts';
import { Worker } from './worker.ts';
import { ProcessSource } from './process-source.ts';
import { findWrapper, type Wrapper } from './wrapper.ts';

const RANK: Readonly<Record<SandboxTier, number>> = { none: 0, permission: 1, kernel: 2 };

/** A worker's place in the pool. One that does not fit a run is replaced in its place. */
export class WorkerSlot {
  #worker: Worker;
  #startedMs: number;
  #readyMs = performance.now();
  #uses = 0;
  #cpuMs = 0;
  #memoryPeakBytes = 0;
  readonly hello: Hello;
  /** When its last run ended. */
  usedMs = 0;

  constructor(worker: Worker, hello: Hello, startedMs: number) {
    this.#worker = worker;
    this.hello = hello;
    this.#startedMs = startedMs;
  }

  /** Keeps what a run told of its process. */
  record({ cpuUs, memoryPeakBytes }: OutcomeHeader): void {
    this.usedMs = performance.now();
    this.#uses += 1;
    this.#cpuMs += cpuUs / 1_000;
    this.#memoryPeakBytes = memoryPeakBytes;
  }
  /** Of its runs that ended. */
  get cpuMs(): number {
    return this.#cpuMs;
  }
  get memoryPeakBytes(): number {
    return this.#memoryPeakBytes;
  }
  stats(): WorkerStats {
    const { processId, isBusy, label, tenant, memoryBytesMax } = this.#worker;
    return {
      processId,
      isBusy,
      ...(label !== undefined && { skill: label }),
      ...(tenant !== undefined && { tenant }),
      uses: this.#uses,
      ageMs: performance.now() - this.#startedMs,
      cpuMs: this.#cpuMs,
      memoryPeakBytes: this.#memoryPeakBytes,
      memoryBytesMax,
    };
  }
  get worker(): Worker {
    return this.#worker;
  }
  /** When its process was started. */
  get startedMs(): number {
    return this.#startedMs;
  }
  /** How long its process took to be ready. */
  get startMs(): number {
    return this.#readyMs - this.#startedMs;
  }
  /** Since when it has been waiting for a task. */
  get idleSinceMs(): number {
    return Math.max(this.usedMs, this.#readyMs);
  }
  /** Takes the worker of another place, and gives up its own. */
  async replaceBy(other: WorkerSlot): Promise<void> {
    const old = this.#worker;
    this.#worker = other.#worker;
    this.#startedMs = other.#startedMs;
    this.#readyMs = other.#readyMs;
    this.#uses = 0;
    this.#cpuMs = 0;
    this.#memoryPeakBytes = 0;
    await old.kill('it does not fit the run');
  }
  get isUnbound(): boolean {
    return !this.worker.isDead && this.worker.digest === undefined;
  }
}

export interface StarterOptions {
  readonly require: SandboxTier;
  /** Starts with Node's permission flags at once, for machines (and tests) without the kernel's lock. */
  readonly confinement?: SpawnOptions['confinement'] | undefined;
  /** Whether namespaces or a profile are put around workers. */
  readonly wrapper?: 'auto' | 'never' | 'require' | undefined;
  /** What a worker is. Default: a process. */
  readonly executor?: 'process' | 'thread' | undefined;
  /** Whether workers are copies of a process that stands ready, where that can be, or `never`. */
  readonly forkServer?: 'auto' | 'never' | undefined;
  readonly servesOne: boolean;
  readonly onStart: () => void;
}

/** Starts workers, in the highest confinement that this machine gives. */
export class WorkerStarter {
  readonly #options: StarterOptions;
  #confinement: SpawnOptions['confinement'];
  /** What the last worker said, and why it was not more at the first. */
  hello: Hello | undefined;
  #kernelWhy: string | undefined;
  #wrapper: Wrapper | undefined;
  #wrapperWhy: string | undefined;
  readonly #alive = new Set<Worker>();
  readonly #processes: ProcessSource;

  constructor(options: StarterOptions) {
    this.#options = options;
    const { executor = 'process', forkServer = 'auto' } = options;
    this.#processes = new ProcessSource(executor, forkServer);
    const best = process.platform === 'linux' && executor === 'process' ? 'kernel' : 'permission';
    this.#confinement = options.confinement ?? best;
    if (this.#confinement === 'permission') this.#kernelWhy = 'the kernel lock was not asked for';
    if (executor === 'thread') this.#wrapperWhy = 'workers.executor is thread';
    else if (options.wrapper === 'never') this.#wrapperWhy = 'sandbox.wrapper is never';
    else this.#wrapper = findWrapper();
    if (this.#wrapper === undefined) this.#wrapperWhy ??= 'neither bubblewrap nor sandbox-exec is installed';
  }

  /** The process ids of the workers that live now, those that are starting or dying included. */
  pids(): number[] {
    return [...this.#alive].map((worker) => worker.processId).filter((pid) => pid > 0);
  }

  /** The process ids of the fork servers that live now. */
  serverPids(): number[] {
    return this.#processes.processIds;
  }

  /** Ends what makes workers, once they are gone. */
  close(): Promise<void> {
    return this.#processes.close();
  }

  /** What holds workers, as far as the last one that was started told. */
  confinement(): Confinement {
    const { tier, why } = this.hello ?? { tier: 'none' as const, why: 'no worker was started' };
    return {
      tier,
      seccomp: tier === 'kernel',
      platform: `${process.platform}-${process.arch}`,
      ...(why !== undefined && { why }),
      ...(this.#wrapper ? { wrapper: this.#wrapper.name } : { wrapperWhy: this.#wrapperWhy ?? 'unknown' }),
      ...(this.#processes.why !== undefined && { forkServerWhy: this.#processes.why }),
    };
  }

  /** @throws {SandboxUnavailableError} when what is required cannot be had. */
  async start({ memoryBytesMax, engine }: WorkerNeeds, signal: AbortSignal): Promise<WorkerSlot> {
    const { servesOne } = this.#options;
    for (;;) {
      const confinement = this.#confinement;
      const wrapper = this.#wrapper;
      this.#refuseUnwrapped();
      const startedMs = performance.now();
      const child = this.#processes.start({ memoryBytesMax, engine, confinement, servesOne, wrapper });
      const worker = new Worker(child, { memoryBytesMax, engine, servesOne });
      this.#alive.add(worker);
      void worker.gone.then(() => this.#alive.delete(worker));
      this.#options.onStart();
      const abort = () => void worker.kill('the pool closes');
      signal.addEventListener('abort', abort, { once: true });
      try {
        const hello = await worker.hello;
        if (confinement === 'kernel' && hello.tier !== 'kernel') {
          // No kernel lock here: from now on Node's own flags are the best there is.
          this.#kernelWhy = hello.why ?? 'unknown';
          this.#confinement = 'permission';
          await worker.kill('it is not locked');
          continue;
        }
        return await this.#accept(worker, hello, startedMs);
      } catch (error) {
        if (signal.aborted) throw error;
        if (this.hello === undefined && this.#processes.refuse(toError(error).message)) continue;
        // It never started under what was put around it, and may without; one that did once will again.
        if (wrapper === undefined || this.hello !== undefined) throw error;
        this.#wrapper = undefined;
        this.#wrapperWhy = `${wrapper.name} does not work here: ${toError(error).message}`;
      } finally {
        signal.removeEventListener('abort', abort);
      }
    }
  }

  /** @throws {SandboxUnavailableError} */
  #refuseUnwrapped(): void {
    if (this.#options.wrapper !== 'require' || this.#wrapper !== undefined) return;
    const message = `sandbox.wrapper is require, but there is none: ${this.#wrapperWhy ?? ''}`;
    throw new SandboxUnavailableError(message, { details: { why: this.#wrapperWhy } });
  }

  async #accept(worker: Worker, hello: Hello, startedMs: number): Promise<WorkerSlot> {
    const isThread = this.#options.executor === 'thread';
    const ownWhy = isThread ? hello.why : (this.#kernelWhy ?? hello.why);
    const why = hello.tier === 'kernel' ? {} : { why: ownWhy ?? 'unknown' };
    this.hello = { tier: hello.tier, ...why };
    const { require } = this.#options;
    if (RANK[hello.tier] < RANK[require]) {
      await worker.kill('it is not confined enough');
      throw new SandboxUnavailableError(
        `sandbox.require is ${require}, but this machine gives ${hello.tier}: ${this.hello.why ?? ''}`,
        { details: { require, tier: hello.tier } },
      );
    }
    return new WorkerSlot(worker, this.hello, startedMs);
  }
}

/** What a run needs of a worker from its start on. */
export interface WorkerNeeds {
  readonly memoryBytesMax: number;
  readonly engine: EngineGrants;
}

export function needsOf({ limits, grants }: Pick<DispatchRequest, 'limits' | 'grants'>): WorkerNeeds {
  return {
    memoryBytesMax: limits.memoryBytesMax,
    engine: grants === undefined ? NO_ENGINE_GRANTS : engineOf(grants),
  };
}

function engineOf(grants: RunGrants): EngineGrants {
  return { wasm: grants.wasm, eval: grants.eval, sharedMemory: grants.sharedMemory };
}

/** One that gives more than a run is granted does not fit it either. */
function isAsGranted({ engine }: Worker, grants: RunGrants | undefined): boolean {
  if (grants === undefined) return engine === NO_ENGINE_GRANTS || !Object.values(engine).includes(true);
  return (
    engine.wasm === grants.wasm && engine.eval === grants.eval && engine.sharedMemory === grants.sharedMemory
  );
}

/** 2: has this version; 1: free to take it; 0: could, but serves others; negative: unsuitable. */
export function rankFor(
  { worker }: WorkerSlot,
  { program, tenant, limits, grants }: DispatchRequest,
): number {
  if (worker.isDead || worker.memoryBytesMax !== limits.memoryBytesMax || !isAsGranted(worker, grants))
    return -1;
  if (worker.digest !== undefined && worker.tenant !== tenant) return -1;
  if (worker.keeps(program.digest)) return 2;
  if (worker.digest === undefined) return 1;
  return worker.servesOne ? -1 : 0;
}
