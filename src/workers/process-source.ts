/** Where workers come from: copies of a process that stands ready, processes started one by one, or threads. */
import { NO_ENGINE_GRANTS } from '../sandbox/protocol.ts';
import { ForkServer } from './fork-server.ts';
import type { SpawnOptions } from './spawn.ts';
import { ThreadProcess } from './thread-process.ts';
import { SpawnedProcess, type WorkerProcess } from './worker-process.ts';
import type { Wrapper } from './wrapper.ts';

/** A memory limit is set when a process starts, so each that runs ask for has a server; the one used longest ago goes. */
const SERVERS_MAX = 3;
/** With so few copies left the next server is started, so that nobody waits for it. */
const RENEW_AT = 8;
const CLOSE_MS = 2_000;

interface Line {
  current: ForkServer;
  next?: ForkServer;
  readonly wrapper: Wrapper | undefined;
}

export class ProcessSource {
  /** By memory limit, least recently used first. */
  readonly #lines = new Map<number, Line>();
  readonly #alive = new Set<ForkServer>();
  /** Why processes are started by themselves. */
  #why: string | undefined;

  readonly #isThreaded: boolean;

  constructor(executor: 'process' | 'thread', forkServer: 'auto' | 'never') {
    this.#isThreaded = executor === 'thread';
    if (this.#isThreaded) this.#why = 'workers.executor is thread';
    else if (forkServer === 'never') this.#why = 'workers.forkServer is never';
    else if (process.platform !== 'linux') this.#why = `no fork server on ${process.platform}`;
  }

  start(options: SpawnOptions): WorkerProcess {
    if (this.#isThreaded) return new ThreadProcess(options);
    if (this.#why !== undefined || !canBeCopy(options)) return new SpawnedProcess(options);
    const line = this.#lineOf(options);
    const copy = line.current.copy({ engine: options.engine });
    if (line.current.left <= RENEW_AT) line.next ??= this.#server(options);
    return copy;
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
      line = { current: this.#server(options), wrapper };
    }
    this.#lines.delete(memoryBytesMax);
    this.#lines.set(memoryBytesMax, line);
    if (this.#lines.size > SERVERS_MAX) this.#retireOldest();
    return line;
  }

  #server({ memoryBytesMax, confinement, servesOne, wrapper }: SpawnOptions): ForkServer {
    const server = new ForkServer({ memoryBytesMax, confinement, servesOne, wrapper }, NO_ENGINE_GRANTS);
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
