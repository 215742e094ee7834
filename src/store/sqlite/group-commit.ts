/**
 * The line of writes. All that wait at the moment a commit starts share it, and its one fsync;
 * each promise settles when its own write is on disk, or has failed alone.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { ClosedError, PoolExhaustedError, toError } from '../../errors.ts';
import type { Outcome, Write } from './commit.ts';
import { errorFromWire } from './database-errors.ts';
import type { RefusedRow, RunRow } from './run-rows.ts';
import type { WriteOperations } from './write-operations.ts';

interface Settled<Value> {
  readonly resolve: (value: Value) => void;
  readonly reject: (error: Error) => void;
}

interface Waiting extends Settled<unknown> {
  readonly write: Write;
}

interface WaitingRun extends Settled<void> {
  readonly row: RunRow;
}

export interface GroupCommitOptions {
  commit(writes: readonly Write[]): Promise<Outcome[]>;
  /** Most writes in line; one more is refused with `PoolExhaustedError`. */
  waitingMax: number;
}

const GROUP_MAX = 512;
/** Records of runs in one group, in characters. */
const RUN_CHARS_MAX = 1_000_000;
// Callers told in one turn of the loop: each goes on at once, and a group's worth of them would hold the loop up.
const TOLD_AT_ONCE = 16;
// How long a write that nobody waits for may wait for others to share its fsync.
const LAZY_MS = 50;

export class GroupCommit {
  readonly #options: GroupCommitOptions;
  readonly #waiting: Waiting[] = [];
  /** Apart, because those of a group are one write of many rows. */
  readonly #runs: WaitingRun[] = [];
  #running: Promise<void> | undefined;
  #lazyTimer: NodeJS.Timeout | undefined;
  #isClosed = false;
  #commits = 0;
  #writes = 0;

  constructor(options: GroupCommitOptions) {
    this.#options = options;
  }

  get stats(): { commits: number; writes: number; writesWaiting: number } {
    return { commits: this.#commits, writes: this.#writes, writesWaiting: this.#inLine };
  }

  get #inLine(): number {
    return this.#waiting.length + this.#runs.length;
  }

  /** `isLazy` writes go with the next group, or start one after 50 ms. */
  async write<Name extends keyof WriteOperations>(
    operation: Name,
    given: Parameters<WriteOperations[Name]>[1],
    isLazy = false,
  ): Promise<ReturnType<WriteOperations[Name]>> {
    this.#admit();
    const done = new Promise<unknown>((resolve, reject) => {
      this.#waiting.push({ write: { operation, given }, resolve, reject });
    });
    if (isLazy) this.#startLater();
    else this.#start();
    return (await done) as ReturnType<WriteOperations[Name]>;
  }

  /** A record of a run goes with the next group, or starts one after 50 ms. */
  recordRun(row: RunRow): Promise<void> {
    this.#admit();
    const done = new Promise<void>((resolve, reject) => {
      this.#runs.push({ row, resolve, reject });
    });
    this.#startLater();
    return done;
  }

  /** Settles when all that waits now is on disk or has failed. */
  async flush(): Promise<void> {
    while (this.#inLine > 0 || this.#running !== undefined) {
      this.#start();
      await this.#running;
    }
  }

  /** Refuses new writes, flushes the others. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.flush();
  }

  #admit(): void {
    if (this.#isClosed) throw new ClosedError('the store is closed');
    const { waitingMax } = this.#options;
    if (this.#inLine < waitingMax) return;
    const message = `the line of writes is full (${waitingMax} waiting): write slower, or raise store.writesWaitingMax`;
    throw new PoolExhaustedError(message, { details: { pool: 'writer', waiting: waitingMax } });
  }

  #startLater(): void {
    this.#lazyTimer ??= setTimeout(() => this.#start(), LAZY_MS);
  }

  #start(): void {
    clearTimeout(this.#lazyTimer);
    this.#lazyTimer = undefined;
    this.#running ??= this.#run();
  }

  async #run(): Promise<void> {
    // One turn, so that calls made together go together.
    await Promise.resolve();
    while (this.#inLine > 0) {
      await this.#commit(this.#waiting.splice(0, GROUP_MAX), this.#runs.splice(0, this.#runsOfGroup()));
    }
    this.#running = undefined;
  }

  // They cross to the thread in one message, which holds the loop up for as long as copying it takes.
  #runsOfGroup(): number {
    let chars = 0;
    const large = this.#runs
      .slice(0, GROUP_MAX)
      .findIndex(({ row }) => (chars += row.record.length) > RUN_CHARS_MAX);
    return Math.min(GROUP_MAX, large < 0 ? this.#runs.length : Math.max(1, large));
  }

  async #commit(group: readonly Waiting[], runs: readonly WaitingRun[]): Promise<void> {
    const writes = group.map(({ write }) => write);
    if (runs.length > 0) writes.push({ operation: 'recordRuns', given: runs.map(({ row }) => row) });
    try {
      const outcomes = await this.#options.commit(writes);
      this.#commits += 1;
      if (runs.length > 0) this.#tellRuns(runs, outcomes[group.length] as Outcome);
      // What the store does for itself is no write of anybody's.
      this.#writes += group.filter(
        ({ write }, at) => write.operation !== 'retain' && outcomes[at]?.ok,
      ).length;
      for (const [index, { resolve, reject }] of group.entries()) {
        const outcome = outcomes[index] as Outcome;
        if (outcome.ok) resolve(outcome.value);
        else reject(errorFromWire(outcome.error));
        // After the last of them too: those who write again join the next group.
        if ((index + 1) % TOLD_AT_ONCE === 0) await nextTurn();
      }
    } catch (error) {
      for (const { reject } of [...group, ...runs]) reject(toError(error));
    }
  }

  // All at once: nobody goes on when a record is written.
  #tellRuns(runs: readonly WaitingRun[], outcome: Outcome): void {
    if (!outcome.ok) {
      for (const { reject } of runs) reject(errorFromWire(outcome.error));
      return;
    }
    const refused = outcome.value as readonly RefusedRow[];
    for (const { at, error } of refused) runs[at]?.reject(errorFromWire(error));
    for (const { resolve } of runs) resolve();
    this.#writes += runs.length - refused.length;
  }
}
