/** A connection in a worker thread, seen from the main thread. */
import { Worker } from 'node:worker_threads';
import { abortError, AbortedError, ClosedError, DatabaseConnectionError } from '../../errors.ts';
import { packagePath } from '../../package-root.ts';
import type { BackupProgress } from './backup.ts';
import type { Outcome, Write } from './commit.ts';
import type { ThreadAnswer, ThreadData, ThreadRequest } from './connection-thread.ts';
import { errorFromWire } from './database-errors.ts';
import type { ReadOperations } from './read-operations.ts';

type Unsent = ThreadRequest extends infer Request
  ? Request extends unknown
    ? Omit<Request, 'id'>
    : never
  : never;

interface Pending {
  readonly onProgress?: ((progress: BackupProgress) => void) | undefined;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

// A thread runs compiled code, also where this is run from its source.
const THREAD = 'dist/chunks/connection-thread.js';
const CLOSE_TIMEOUT_MS = 30_000;

export class Connection {
  readonly #worker: Worker;
  readonly #cancelled: Int32Array;
  readonly #pending = new Map<number, Pending>();
  readonly #exited: Promise<void>;
  readonly #path: string;
  #lastId = 0;
  #failure: Error | undefined;
  /** What those are told whose query is stopped, once the connection closes. */
  #closing: Error | undefined;

  private constructor(data: Omit<ThreadData, 'cancelled'>) {
    this.#path = data.file.shownPath;
    this.#cancelled = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT)).fill(-1);
    this.#worker = new Worker(packagePath(THREAD), {
      workerData: { ...data, cancelled: this.#cancelled } satisfies ThreadData,
      name: `skillcache ${data.role}`,
      execArgv: [],
    });
    this.#worker.on('message', (answer: ThreadAnswer) => this.#settle(answer));
    this.#worker.on('error', (error) => this.#fail(error));
    this.#exited = new Promise((resolve) => {
      this.#worker.once('exit', (exitCode) => {
        this.#fail(new Error(`its thread ended with ${exitCode}`));
        resolve();
      });
    });
  }

  /** Starts the thread, which opens the file. Rejects as the opening does; an abort ends the thread. */
  static async open(data: Omit<ThreadData, 'cancelled'>, signal?: AbortSignal): Promise<Connection> {
    if (signal?.aborted) throw abortError(signal);
    const connection = new Connection(data);
    const onAbort = () => void connection.#worker.terminate();
    signal?.addEventListener('abort', onAbort, { once: true });
    try {
      await connection.#wait(0);
      return connection;
    } catch (error) {
      await connection.#worker.terminate();
      throw error;
    } finally {
      signal?.removeEventListener('abort', onAbort);
    }
  }

  get isBroken(): boolean {
    return this.#failure !== undefined;
  }

  /** Runs an operation in the thread. An abort stops a long one within milliseconds. */
  async read<Name extends keyof ReadOperations>(
    operation: Name,
    given: Parameters<ReadOperations[Name]>[1],
    signal?: AbortSignal,
  ): Promise<ReturnType<ReadOperations[Name]>> {
    const answer = this.#request({ kind: 'read', operation, given }, signal);
    return (await answer) as ReturnType<ReadOperations[Name]>;
  }

  /** Commits a group; settles when it is on disk. */
  async commit(writes: readonly Write[]): Promise<Outcome[]> {
    return (await this.#request({ kind: 'commit', writes })) as Outcome[];
  }

  /** Copies the database as it is now into a new file. An abort stops it and leaves no file. */
  async backup(
    to: string,
    { signal, onProgress }: { signal?: AbortSignal; onProgress?: (progress: BackupProgress) => void },
  ): Promise<number> {
    return (await this.#request({ kind: 'backup', to }, signal, onProgress)) as number;
  }

  /**
   * Stops what runs, closes the file and ends the thread, by force after half a minute. May be called twice.
   * `reason`: what whoever still uses it is told.
   */
  async close(reason?: Error): Promise<void> {
    this.#closing ??= reason ?? new ClosedError('the store was closed meanwhile');
    for (const id of this.#pending.keys()) Atomics.store(this.#cancelled, 0, id);
    // A rejection says that the thread is ending already, which is what is waited for.
    if (!this.isBroken) this.#request({ kind: 'close' }).catch(() => {});
    this.#failure ??= reason;
    const force = setTimeout(() => void this.#worker.terminate(), CLOSE_TIMEOUT_MS);
    await this.#exited;
    clearTimeout(force);
  }

  async #request(
    request: Unsent,
    signal?: AbortSignal,
    onProgress?: (progress: BackupProgress) => void,
  ): Promise<unknown> {
    if (signal?.aborted) throw abortError(signal);
    const id = (this.#lastId += 1);
    const onAbort = () => Atomics.store(this.#cancelled, 0, id);
    signal?.addEventListener('abort', onAbort, { once: true });
    try {
      const answer = this.#wait(id, onProgress);
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
      this.#worker.postMessage({ ...request, id });
      return await answer;
    } catch (error) {
      if (signal?.aborted) throw abortError(signal);
      if (this.#closing !== undefined && error instanceof AbortedError) throw this.#closing;
      throw error;
    } finally {
      signal?.removeEventListener('abort', onAbort);
    }
  }

  // The thread holds the process open only while somebody waits for its answer.
  #wait(id: number, onProgress?: (progress: BackupProgress) => void): Promise<unknown> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    this.#worker.ref();
    return new Promise((resolve, reject) => this.#pending.set(id, { resolve, reject, onProgress }));
  }

  #settle(answer: ThreadAnswer): void {
    const pending = this.#pending.get(answer.id);
    if ('progress' in answer) return pending?.onProgress?.(answer.progress);
    this.#pending.delete(answer.id);
    if (this.#pending.size === 0) this.#worker.unref();
    if (answer.ok) pending?.resolve(answer.value);
    else pending?.reject(errorFromWire(answer.error));
  }

  #fail(cause: Error): void {
    this.#failure ??= new DatabaseConnectionError(
      `the connection to ${this.#path} is gone: ${cause.message}`,
      {
        cause,
        details: { path: this.#path },
      },
    );
    for (const { reject } of this.#pending.values()) reject(this.#failure);
    this.#pending.clear();
  }
}
