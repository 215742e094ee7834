/**
 * The line of writes. All that wait at the moment a commit starts share it, and its one fsync;
 * each promise settles when its own write is on disk, or has failed alone.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { ClosedError, PoolExhaustedError, toError } from '../../errors.ts';
import type { Outcome, Write } from './commit.ts';
import { errorFromWire } from './database-errors.ts';
import type { WriteOperations } from './write-operations.ts';

interface Waiting extends Write {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

export interface GroupCommitOptions {
  commit(writes: readonly Write[]): Promise<Outcome[]>;
  /** Most writes in line; one more is refused with `PoolExhaustedError`. */
  waitingMax: number;
}

const GROUP_MAX = 512;
// Callers told in one turn of the loop: each goes on at once, and a group's worth of them would hold the loop up.
const TOLD_AT_ONCE = 16;
// How long a write that nobody waits for may wait for others to share its fsync.
const LAZY_MS = 50;

export class GroupCommit {
  readonly #options: GroupCommitOptions;
  readonly #waiting: Waiting[] = [];
  #running: Promise<void> | undefined;
  #lazyTimer: NodeJS.Timeout | undefined;
  #isClosed = false;
  #commits = 0;
  #writes = 0;

  constructor(options: GroupCommitOptions) {
    this.#options = options;
  }

  get stats(): { commits: number; writes: number; writesWaiting: number } {
    return { commits: this.#commits, writes: this.#writes, writesWaiting: this.#waiting.length };
  }

  /** `isLazy` writes go with the next group, or start one after 50 ms. */
  async write<Name extends keyof WriteOperations>(
    operation: Name,
    given: Parameters<WriteOperations[Name]>[1],
    isLazy = false,
  ): Promise<ReturnType<WriteOperations[Name]>> {
    if (this.#isClosed) throw new ClosedError('the store is closed');
    const { waitingMax } = this.#options;
    if (this.#waiting.length >= waitingMax) {
      const message = `the line of writes is full (${waitingMax} waiting): write slower, or raise store.writesWaitingMax`;
      throw new PoolExhaustedError(message, { details: { pool: 'writer', waiting: waitingMax } });
    }
    const done = new Promise<unknown>((resolve, reject) => {
      this.#waiting.push({ operation, given, resolve, reject });
    });
    if (isLazy) this.#lazyTimer ??= setTimeout(() => this.#start(), LAZY_MS);
    else this.#start();
    return (await done) as ReturnType<WriteOperations[Name]>;
  }

  /** Settles when all that waits now is on disk or has failed. */
  async flush(): Promise<void> {
    while (this.#waiting.length > 0 || this.#running !== undefined) {
      this.#start();
      await this.#running;
    }
  }

  /** Refuses new writes, flushes the others. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.flush();
  }

  #start(): void {
    clearTimeout(this.#lazyTimer);
    this.#lazyTimer = undefined;
    this.#running ??= this.#run();
  }

  async #run(): Promise<void> {
    // One turn, so that calls made together go together.
    await Promise.resolve();
    while (this.#waiting.length > 0) await this.#commit(this.#waiting.splice(0, GROUP_MAX));
    this.#running = undefined;
  }

  async #commit(group: readonly Waiting[]): Promise<void> {
    try {
      const outcomes = await this.#options.commit(
        group.map(({ operation, given }) => ({ operation, given })),
      );
      this.#commits += 1;
      // What the store does for itself is no write of anybody's.
      this.#writes += group.filter(({ operation }, at) => operation !== 'retain' && outcomes[at]?.ok).length;
      for (const [index, write] of group.entries()) {
        const outcome = outcomes[index] as Outcome;
        if (outcome.ok) write.resolve(outcome.value);
        else write.reject(errorFromWire(outcome.error));
        // After the last of them too: those who write again join the next group.
        if ((index + 1) % TOLD_AT_ONCE === 0) await nextTurn();
      }
    } catch (error) {
      for (const write of group) write.reject(toError(error));
    }
  }
}
