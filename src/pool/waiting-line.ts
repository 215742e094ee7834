/** Callers in line, first come first served, each with its deadline and its signal. */
import { abortError } from '../errors.ts';
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
}

interface Place<T> {
  readonly resolve: (lease: Lease<T>) => void;
  readonly reject: (error: Error) => void;
  /** Ends the deadline and the listening; set where the caller really has to wait. */
  stopWaiting: () => void;
}

export class WaitingLine<T> {
  readonly #clock: PoolClock;
  readonly #places = new Map<Waiter<T>, Place<T>>();
  #checking = 0;
  #peak = 0;

  constructor(clock: PoolClock) {
    this.#clock = clock;
  }

  get length(): number {
    return this.#places.size;
  }

  get peak(): number {
    return this.#peak;
  }

  /** How many need a resource and have none under validation. */
  get unserved(): number {
    return this.#places.size - this.#checking;
  }

  [Symbol.iterator](): IterableIterator<Waiter<T>> {
    return this.#places.keys();
  }

  has(waiter: Waiter<T>): boolean {
    return this.#places.has(waiter);
  }

  firstUnserved(): Waiter<T> | undefined {
    for (const waiter of this.#places.keys()) if (!waiter.isChecking) return waiter;
    return undefined;
  }

  join(waiter: Waiter<T>): Promise<Lease<T>> {
    return new Promise((resolve, reject) => {
      this.#places.set(waiter, { resolve, reject, stopWaiting: () => {} });
    });
  }

  /** Starts the deadline and listens to the signal of one that was not served at once. */
  wait(waiter: Waiter<T>, timeoutMs: number, signal: AbortSignal | undefined, late: () => Error): void {
    const place = this.#places.get(waiter);
    if (place === undefined) return;
    this.#peak = Math.max(this.#peak, this.#places.size);
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
    if (!this.#places.has(waiter) || waiter.isChecking === isChecking) return;
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
    const place = this.#places.get(waiter);
    if (place === undefined) return undefined;
    this.setChecking(waiter, false);
    this.#places.delete(waiter);
    place.stopWaiting();
    return place;
  }
}
