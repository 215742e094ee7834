/** A worker's place in the pool, and which runs the worker in it fits. */
import { NO_ENGINE_GRANTS, type EngineGrants, type Hello, type OutcomeHeader } from '../sandbox/protocol.ts';
import type { RunGrants } from '../grants.ts';
import type { DispatchRequest, WorkerStats } from './dispatch-types.ts';
import type { Worker } from './worker.ts';

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
  /** Bound, and in nobody's hands: it goes where room is needed. */
  mayMakeRoom = false;

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
