/** Lets work in while the library is open, and at the end waits for it, so long and no longer. */
import { setMaxListeners } from 'node:events';
import { ClosedError } from '../errors.ts';
import { LinkedList } from '../linked-list.ts';
import { RunSignals } from './run-signals.ts';

/** A timer that does nothing, so it is as long as may be. */
const ALIVE_MS = 2 ** 31 - 1;

export class LibraryGate {
  /** Fires when `close` has waited long enough. */
  readonly #closing = new AbortController();
  /** Of the runs that have a signal of their own. */
  readonly signals = new RunSignals(this.#closing.signal);
  readonly #onWork: () => void;
  readonly #running = new LinkedList<Promise<unknown>>();
  #closed: Promise<void> | undefined;

  /** `onWork` is told of each step, and must not throw. */
  constructor(onWork: () => void = () => {}) {
    this.#onWork = onWork;
    setMaxListeners(0, this.#closing.signal);
  }

  get closing(): AbortSignal {
    return this.#closing.signal;
  }

  /** @throws {ClosedError} */
  refuseClosed(): void {
    if (this.#closed) throw new ClosedError('the library is closed');
  }

  /** Runs a step that `close` waits for. @throws {ClosedError} */
  async work<T>(step: () => Promise<T>): Promise<T> {
    this.refuseClosed();
    this.#onWork();
    const promise = step();
    const entry = this.#running.add(promise);
    try {
      return await promise;
    } finally {
      this.#running.remove(entry);
    }
  }

  /** Refuses new work, waits for what is under way for `graceMs`, stops it, and goes on with `end`. */
  close(graceMs: number, end: () => Promise<void>): Promise<void> {
    this.#closed ??= this.#close(graceMs, end);
    return this.#closed;
  }

  async #close(graceMs: number, end: () => Promise<void>): Promise<void> {
    // Whoever waits for the end must hear of it, also where nothing else is left that keeps this process alive.
    const alive = setInterval(() => {}, ALIVE_MS);
    try {
      await this.#finish(graceMs);
      await end();
    } finally {
      clearInterval(alive);
    }
  }

  async #finish(graceMs: number): Promise<void> {
    const finished = Promise.allSettled(this.#running);
    const message = `the library was closed; the run did not end within ${graceMs} ms`;
    const timer = setTimeout(() => this.#closing.abort(new ClosedError(message)), graceMs);
    await finished;
    clearTimeout(timer);
  }
}
