/** Callers in line, first come first served, each with its deadline and its signal. */
import { abortError } from '../errors.ts';
import { LinkedList, type ListEntry } from '../linked-list.ts';
import type { Lease } from './lease.ts';
import type { PoolClock } from './pool-options.ts';

export interface Waiter<T> {
  readonly rank: ((resource: T) => number) | undefined;
  readonly holder: string;
  readonly sinceMs: number;
  /** An idle resource is being validated for it. */
  isChecking: boolean;
  /** Why the last creation during its wait failed. */
  creationError: unknown;
  /** The line's own; undefined once it has been served or refused. */
  place: Place<T> | undefined;
}

interface Place<T> {
  readonly entry: ListEntry<Waiter<T>>;
  readonly resolve: (lease: Lease<T>) => void;
  readonly reject: (error: Error) => void;
  /** Ends the deadline and the listening; set where the caller really has to wait. */
  stopWaiting: () => void;
}

const NOTHING = (): void => {};

export class WaitingLine<T> {
  readonly #clock: PoolClock;
  readonly #waiters = new LinkedList<Waiter<T>>();
  #checking = 0;
  #peak = 0;

  constructor(clock: PoolClock) {
    this.#clock = clock;
  }

  get length(): number {
    return this.#waiters.size;
  }

  get peak(): number {
    return this.#peak;
  }

  /** How many need a resource and have none under validation. */
  get unserved(): number {
    return this.#waiters.size - this.#checking;
  }

  [Symbol.iterator](): Generator<Waiter<T>> {
    return this.#waiters[Symbol.iterator]();
  }

  has(waiter: Waiter<T>): boolean {
    return waiter.place !== undefined;
  }

  firstUnserved(): Waiter<T> | undefined {
    for (const waiter of this.#waiters) if (!waiter.isChecking) return waiter;
    return undefined;
  }

  join(waiter: Waiter<T>): Promise<Lease<T>> {
    return new Promise((resolve, reject) => {
      waiter.place = { entry: this.#waiters.add(waiter), resolve, reject, stopWaiting: NOTHING };
    });
  }

  /** Starts the deadline and listens to the signal of one that was not served at once. */
  wait(waiter: Waiter<T>, timeoutMs: number, signal: AbortSignal | undefined, late: () => Error): void {
    const { place } = waiter;
    if (place === undefined) return;
    this.#peak = Math.max(this.#peak, this.#waiters.size);
    const onAbort = () => this.refuse(waiter, abortError(signal as AbortSignal));
    signal?.addEventListener('abort', onAbort, { once: true });
    const timer = Number.isFinite(timeoutMs)
      ? this.#clock.setTimeout(() => this.refuse(waiter, late()), timeoutMs, false)
      : undefined;
    place.stopWaiting = () => {
      signal?.removeEventListener('abort', onAbort);
      if (timer !== undefined) this.#clock.clearTimeout(timer);
    };
  }

  setChecking(waiter: Waiter<T>, isChecking: boolean): void {
    if (waiter.place === undefined || waiter.isChecking === isChecking) return;
    waiter.isChecking = isChecking;
    this.#checking += isChecking ? 1 : -1;
  }

  serve(waiter: Waiter<T>, lease: Lease<T>): void {
    this.#leave(waiter)?.resolve(lease);
  }

  refuse(waiter: Waiter<T>, error: Error): void {
    this.#leave(waiter)?.reject(error);
  }

  #leave(waiter: Waiter<T>): Place<T> | undefined {
    const { place } = waiter;
    if (place === undefined) return undefined;
    this.setChecking(waiter, false);
    waiter.place = undefined;
    this.#waiters.remove(place.entry);
    place.stopWaiting();
    return place;
  }
}
