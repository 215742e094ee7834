/** Starts workers in the highest confinement that this machine gives, and refuses less than is required. */
import { SandboxUnavailableError, toError } from '../errors.ts';
import type { Hello, SandboxTier } from '../sandbox/protocol.ts';
import { Cgroups } from './cgroup.ts';
import type { Confinement } from './dispatch-types.ts';
import { CopiedProcess } from './fork-server.ts';
import { ProcessSource, type ProcessSourceOptions } from './process-source.ts';
import type { SpawnOptions } from './spawn.ts';
import { WorkerSlot, type WorkerNeeds } from './worker-slot.ts';
import type { WorkerProcess } from './worker-process.ts';
import { Worker } from './worker.ts';
import { findWrapper, type Wrapper } from './wrapper.ts';

const RANK: Readonly<Record<SandboxTier, number>> = { none: 0, permission: 1, kernel: 2 };

export interface StarterOptions {
  readonly require: SandboxTier;
  /** Starts with Node's permission flags at once, for machines (and tests) without the kernel's lock. */
  readonly confinement?: SpawnOptions['confinement'] | undefined;
  /** Whether namespaces or a profile are put around workers. */
  readonly wrapper?: 'auto' | 'never' | 'require' | undefined;
  /** Where processes come from. */
  readonly source: ProcessSourceOptions;
  /** Whether each worker has a cgroup. Default: never. */
  readonly cgroup?: 'auto' | 'never' | 'require' | undefined;
  readonly cgroupPath?: string | undefined;
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
  #cgroups: Cgroups | undefined;
  #cgroupWhy: string | undefined;

  constructor(options: StarterOptions) {
    this.#options = options;
    const { executor } = options.source;
    this.#processes = new ProcessSource(options.source);
    const best = process.platform === 'linux' && executor !== 'thread' ? 'kernel' : 'permission';
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
  async close(): Promise<void> {
    await this.#processes.close();
    this.#cgroups?.close();
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
      ...(this.#cgroupWhy !== undefined && { cgroupWhy: this.#cgroupWhy }),
    };
  }

  /**
   * `isAwaited`: somebody waits for it, so that it does nothing before it is ready that only saves time later.
   * @throws {SandboxUnavailableError} when what is required cannot be had.
   */
  async start(needs: WorkerNeeds, signal: AbortSignal, isAwaited: boolean): Promise<WorkerSlot> {
    const { memoryBytesMax, engine } = needs;
    const { servesOne } = this.#options;
    this.#findCgroups();
    for (;;) {
      const confinement = this.#confinement;
      const wrapper = this.#wrapper;
      this.#refuseUnheld();
      const startedMs = performance.now();
      const spawn = { memoryBytesMax, engine, confinement, servesOne, wrapper };
      const child = this.#processes.start(spawn, isAwaited);
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
        // What worked once will work again.
        if (signal.aborted || this.hello !== undefined) throw error;
        if (!this.#goWithout(child, wrapper, toError(error).message)) throw error;
      } finally {
        signal.removeEventListener('abort', abort);
      }
    }
  }

  /** One never said hello: the next is started without what kept it from that. False if there is nothing such. */
  #goWithout(child: WorkerProcess, wrapper: Wrapper | undefined, why: string): boolean {
    const isCopy = child instanceof CopiedProcess;
    if (isCopy && (child.fault === 'copying' || wrapper === undefined)) {
      this.#processes.refuse(why);
      return true;
    }
    if (wrapper === undefined) return false;
    if (this.#wrapper === wrapper) {
      this.#wrapper = undefined;
      this.#wrapperWhy = `${wrapper.name} does not work here: ${why}`;
    }
    return true;
  }

  /** @throws {SandboxUnavailableError} */
  #refuseUnheld(): void {
    const { wrapper, cgroup } = this.#options;
    const refuse = (option: string, why: string | undefined) => {
      const message = `${option} is require, but there is none: ${why ?? ''}`;
      throw new SandboxUnavailableError(message, { details: { why } });
    };
    if (wrapper === 'require' && this.#wrapper === undefined) refuse('sandbox.wrapper', this.#wrapperWhy);
    if (cgroup === 'require' && this.#cgroups === undefined) refuse('sandbox.cgroup', this.#cgroupWhy);
  }

  /** At the first start: a library that runs nothing makes none. */
  #findCgroups(): void {
    if (this.#cgroups !== undefined || this.#cgroupWhy !== undefined) return;
    const { cgroup = 'never', cgroupPath = '', source } = this.#options;
    if (cgroup === 'never') this.#cgroupWhy = 'sandbox.cgroup is never';
    else if (source.executor === 'thread') this.#cgroupWhy = 'workers.executor is thread';
    else {
      try {
        this.#cgroups = new Cgroups(cgroupPath === '' ? undefined : cgroupPath);
      } catch (error) {
        this.#cgroupWhy = toError(error).message;
      }
    }
  }

  /** Before it has seen any skill. */
  async #place(worker: Worker): Promise<void> {
    if (this.#cgroups === undefined || worker.isDead) return;
    try {
      worker.join(this.#cgroups.place(worker.processId, worker.memoryBytesMax));
    } catch (error) {
      // One that died meanwhile has no place anywhere.
      if (worker.isDead || (error as NodeJS.ErrnoException).code === 'ESRCH') return;
      this.#cgroupWhy = toError(error).message;
      this.#cgroups = undefined;
      if (this.#options.cgroup !== 'require') return;
      await worker.kill('it has no cgroup');
      this.#refuseUnheld();
    }
  }

  async #accept(worker: Worker, hello: Hello, startedMs: number): Promise<WorkerSlot> {
    const isThread = this.#options.source.executor === 'thread';
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
    await this.#place(worker);
    return new WorkerSlot(worker, this.hello, startedMs);
  }
}
