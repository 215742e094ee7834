/** Where workers come from: copies of a process that stands ready, processes started one by one, or threads. */
import { randomInt } from 'node:crypto';
import { ForkServer } from './fork-server.ts';
import type { SpawnOptions } from './spawn.ts';
import { ThreadProcess } from './thread-process.ts';
import { SpawnedProcess, type WorkerProcess } from './worker-process.ts';
import type { Wrapper } from './wrapper.ts';

/** With such a share of its copies left the next server is started, so that nobody waits for it. */
const RENEW_AT = 1 / 6;
/** A server that is waited for makes no more than these, so that it is up sooner: each takes the parent time. */
const AWAITED_COPIES = 12;
const CLOSE_MS = 2_000;

export interface ProcessSourceOptions {
  /** What a worker is. Default: a process. */
  readonly executor?: 'process' | 'thread' | undefined;
  /** Whether workers are copies of a process that stands ready: where that can be, the default, or `never`. */
  readonly forkServer?: 'auto' | 'never' | undefined;
  /**
   * Most servers to choose from: a memory limit is set when a process starts, so each that runs ask for has one, and
   * the one used longest ago goes. Default 3.
   */
  readonly forkServersMax?: number | undefined;
  /** Default 48. */
  readonly forkServerCopies?: number | undefined;
  /** A server without copies ends after this. Default 5 minutes. */
  readonly idleTimeoutMs?: number | undefined;
}

interface Line {
  current: ForkServer;
  next?: ForkServer;
  readonly wrapper: Wrapper | undefined;
}

export class ProcessSource {
  /** By memory limit, least recently used first. */
  readonly #lines = new Map<number, Line>();
  readonly #alive = new Set<ForkServer>();
  readonly #serversMax: number;
  readonly #copies: number;
  readonly #idleTimeoutMs: number;
  readonly #isThreaded: boolean;
  /** Why processes are started by themselves. */
  #why: string | undefined;

  constructor(options: ProcessSourceOptions) {
    const {
      executor,
      forkServer,
      forkServersMax = 3,
      forkServerCopies = 48,
      idleTimeoutMs = 300_000,
    } = options;
    this.#serversMax = forkServersMax;
    this.#copies = forkServerCopies;
    this.#idleTimeoutMs = idleTimeoutMs;
    this.#isThreaded = executor === 'thread';
    if (this.#isThreaded) this.#why = 'workers.executor is thread';
    else if (forkServer === 'never') this.#why = 'workers.forkServer is never';
    else if (process.platform !== 'linux') this.#why = `no fork server on ${process.platform}`;
  }

  /**
   * A copy that somebody waits for is ready sooner, and takes longer for its first run.
   * @throws {Error} where no process can be started.
   */
  start(options: SpawnOptions, isAwaited: boolean): WorkerProcess {
    if (this.#isThreaded) return new ThreadProcess(options);
    if (this.#why !== undefined || !canBeCopy(options)) return new SpawnedProcess(options);
    let line: Line;
    try {
      line = this.#lineOf(options);
    } catch {
      // A server takes many descriptors, which may be more than are left; one process takes four.
      return new SpawnedProcess(options);
    }
    const copy = line.current.copy({ engine: options.engine, seed: randomInt(2 ** 31), isAwaited });
    const isScarce = line.current.left <= line.current.copies * RENEW_AT;
    if (isScarce && (line.next === undefined || line.next.left === 0)) this.#renew(line, options);
    return copy;
  }

  #renew(line: Line, options: SpawnOptions): void {
    try {
      line.next = this.#server(options, false);
    } catch {
      // Asked for again with the next copy.
    }
  }

  /** Why processes are started by themselves; undefined where they are copies. */
  get why(): string | undefined {
    return this.#why;
  }

  /** The process ids of the servers that live now. */
  get processIds(): number[] {
    return [...this.#alive].map((server) => server.processId).filter((id) => id > 0);
  }

  /** No copies from now on, since one did not come to life. */
  refuse(why: string): void {
    this.#why ??= `the fork server does not work here: ${why}`;
    this.#retireAll();
  }

  /** Ends the servers, whose copies are gone. */
  async close(): Promise<void> {
    this.#retireAll();
    await Promise.all([...this.#alive].map((server) => server.close(CLOSE_MS)));
  }

  #lineOf(options: SpawnOptions): Line {
    const { memoryBytesMax, wrapper } = options;
    let line = this.#lines.get(memoryBytesMax);
    if (line !== undefined && line.current.left === 0 && line.next !== undefined)
      line = { current: line.next, wrapper: line.wrapper };
    if (line === undefined || line.current.left === 0 || line.wrapper !== wrapper) {
      line?.current.retire();
      line?.next?.retire();
      line = { current: this.#server(options, true), wrapper };
    }
    this.#lines.delete(memoryBytesMax);
    this.#lines.set(memoryBytesMax, line);
    if (this.#lines.size > this.#serversMax) this.#retireOldest();
    return line;
  }

  #server({ memoryBytesMax, confinement, servesOne, wrapper }: SpawnOptions, isAwaited: boolean): ForkServer {
    const copies = isAwaited ? Math.min(AWAITED_COPIES, this.#copies) : this.#copies;
    const own = { copies, isAwaited, idleTimeoutMs: this.#idleTimeoutMs };
    const server = new ForkServer({ memoryBytesMax, confinement, servesOne, wrapper, ...own });
    this.#alive.add(server);
    void server.gone.then(() => this.#alive.delete(server));
    return server;
  }

  #retireOldest(): void {
    for (const [memoryBytesMax, { current, next }] of this.#lines) {
      current.retire();
      next?.retire();
      this.#lines.delete(memoryBytesMax);
      return;
    }
  }

  #retireAll(): void {
    for (const { current, next } of this.#lines.values()) {
      current.retire();
      next?.retire();
    }
    this.#lines.clear();
  }
}

/**
 * Node's permission flags refuse the library that a copy is made with. WebAssembly and shared memory go on
 * by tasks of V8's own, which nobody outside can see the end of, and which need its threads.
 */
function canBeCopy({ confinement, engine }: SpawnOptions): boolean {
  return confinement === 'kernel' && !engine.wasm && !engine.sharedMemory;
}
