/**
 * Permission to run: so many at once, and a bounded line. Tenants take turns, and the skills of each:
 * the flood of one makes the others wait for one run of it, not for all.
 */
import { abortError, ClosedError, PoolExhaustedError } from '../errors.ts';
import { LinkedList, type ListEntry } from '../linked-list.ts';

export interface PermitOptions {
  /** Most runs at once. */
  readonly max: number;
  readonly waitingMax: number;
  readonly acquireTimeoutMs: number;
}

/** A run under way. */
export interface Permit extends Disposable {
  readonly label: string;
  readonly sinceMs: number;
}

/** Whose turn a run waits for, and what it is called in errors. */
export interface Turn {
  readonly tenant: string;
  /** Of the tenant's; runs of a group come in order. */
  readonly group: string;
  readonly label: string;
}

interface Waiter {
  readonly label: string;
  admit(): void;
  refuse(error: Error): void;
}

/** Those who wait for one name's turns, which come one after the other. Never empty. */
interface Lane<T> {
  readonly name: string;
  readonly waiting: T;
  /** Where its next turn is. */
  turn: ListEntry<Lane<T>>;
}

/** Lanes by name, in the order of their turns. */
class Lanes<T extends { readonly size: number }> {
  readonly #lanes = new Map<string, Lane<T>>();
  readonly #turns = new LinkedList<Lane<T>>();

  get size(): number {
    return this.#turns.size;
  }
  get first(): Lane<T> | undefined {
    return this.#turns.first;
  }

  /** The lane of this name; one that is new has its turn last. */
  of(name: string, make: () => T): Lane<T> {
    const known = this.#lanes.get(name);
    if (known !== undefined) return known;
    const lane = { name, waiting: make() } as Lane<T>;
    lane.turn = this.#turns.add(lane);
    this.#lanes.set(name, lane);
    return lane;
  }

  /** It had its turn. */
  toEnd(lane: Lane<T>): void {
    if (this.#turns.remove(lane.turn)) lane.turn = this.#turns.add(lane);
  }

  dropIfEmpty(lane: Lane<T>): void {
    if (lane.waiting.size > 0 || !this.#turns.remove(lane.turn)) return;
    this.#lanes.delete(lane.name);
  }

  [Symbol.iterator](): Generator<Lane<T>> {
    return this.#turns[Symbol.iterator]();
  }
}

const BUSY_SHOWN = 4;
const BUSY_KEPT = 32;

export class FairPermits {
  readonly #options: PermitOptions;
  readonly #running = new LinkedList<Permit>();
  readonly #tenants = new Lanes<Lanes<LinkedList<Waiter>>>();
  #waiting = 0;
  #closed: { readonly gone: Promise<void>; readonly finish: () => void } | undefined;

  constructor(options: PermitOptions) {
    this.#options = options;
  }

  get running(): number {
    return this.#running.size;
  }
  get waiting(): number {
    return this.#waiting;
  }

  /**
   * Waits for a turn.
   * @throws {PoolExhaustedError} the line is full or the wait ran out; it says what the others are busy with.
   * @throws {ClosedError}, {AbortedError}.
   */
  acquire(turn: Turn, signal: AbortSignal | undefined): Permit | Promise<Permit> {
    if (this.#closed !== undefined) throw closedError();
    if (signal?.aborted) throw abortError(signal);
    if (this.#running.size < this.#options.max && this.#waiting === 0) return this.#admit(turn.label);
    if (this.#waiting >= this.#options.waitingMax) throw this.#exhausted('the waiting line for runs is full');
    return this.#wait(turn, signal);
  }

  /** Refuses those in line and all who come; settles when no run is under way, or after `graceMs`. */
  async drain(graceMs: number): Promise<void> {
    if (this.#closed === undefined) {
      let finish = () => {};
      const gone = new Promise<void>((resolve) => (finish = resolve));
      this.#closed = { gone, finish };
      for (const { waiting: groups } of this.#tenants)
        for (const { waiting } of groups) for (const waiter of waiting) waiter.refuse(closedError());
      if (this.#running.size === 0) finish();
    }
    let timer: NodeJS.Timeout | undefined;
    const grace = new Promise<void>((resolve) => (timer = setTimeout(resolve, graceMs)));
    await Promise.race([this.#closed.gone, grace]);
    clearTimeout(timer);
  }

  #admit(label: string): Permit {
    const permit: Permit = {
      label,
      sinceMs: performance.now(),
      [Symbol.dispose]: () => {
        if (this.#running.remove(entry)) this.#next();
      },
    };
    const entry = this.#running.add(permit);
    return permit;
  }

  #wait(turn: Turn, signal: AbortSignal | undefined): Promise<Permit> {
    const askedMs = performance.now();
    const { label } = turn;
    const tenant = this.#tenants.of(turn.tenant, () => new Lanes());
    const group = tenant.waiting.of(turn.group, () => new LinkedList());
    return new Promise((resolve, reject) => {
      const leave = () => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', abort);
        if (!group.waiting.remove(entry)) return;
        this.#waiting -= 1;
        tenant.waiting.dropIfEmpty(group);
        this.#tenants.dropIfEmpty(tenant);
      };
      const waiter: Waiter = {
        label,
        admit: () => {
          leave();
          resolve(this.#admit(label));
        },
        refuse: (error) => {
          leave();
          reject(error);
        },
      };
      const abort = () => waiter.refuse(abortError(signal as AbortSignal));
      const timer = setTimeout(() => {
        const waitedMs = Math.round(performance.now() - askedMs);
        waiter.refuse(this.#exhausted(`no run could start for ${waitedMs} ms`, { waitedMs }));
      }, this.#options.acquireTimeoutMs);
      signal?.addEventListener('abort', abort, { once: true });
      const entry = group.waiting.add(waiter);
      this.#waiting += 1;
    });
  }

  /** The first of the group whose turn it is, of the tenant whose turn it is; both go to the end of their lines. */
  #next(): void {
    if (this.#closed !== undefined && this.#running.size === 0) this.#closed.finish();
    const tenant = this.#tenants.first;
    if (tenant === undefined || this.#running.size >= this.#options.max) return;
    const group = tenant.waiting.first;
    group?.waiting.first?.admit();
    if (group !== undefined) tenant.waiting.toEnd(group);
    this.#tenants.toEnd(tenant);
  }

  #exhausted(what: string, own: Readonly<Record<string, number>> = {}): PoolExhaustedError {
    const { max, waitingMax } = this.#options;
    const nowMs = performance.now();
    // Runs are admitted in order, so the first are those that have taken longest.
    const busy = [...this.#running]
      .slice(0, BUSY_KEPT)
      .map(({ label, sinceMs }) => ({ skill: label, forMs: Math.round(nowMs - sinceMs) }));
    const shown = busy.slice(0, BUSY_SHOWN).map(({ skill, forMs }) => `${skill} for ${forMs} ms`);
    const more = this.#running.size > shown.length ? `, ${this.#running.size - shown.length} more` : '';
    const inUse = this.#running.size;
    const numbers = `${inUse}/${max} in use, ${this.#waiting} waiting`;
    return new PoolExhaustedError(`${what} (${numbers}): busy with ${shown.join(', ')}${more}`, {
      details: { pool: 'runs', max, inUse, waiting: this.#waiting, waitingMax, busy, ...own },
    });
  }
}

function closedError(): ClosedError {
  return new ClosedError('the workers are closed');
}
