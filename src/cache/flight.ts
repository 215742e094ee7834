/**
 * One piece of work that several callers wait for. A caller that aborts leaves alone; the work
 * itself is aborted when the last one has left.
 */
import { abortError } from '../errors.ts';

export class Flight<Value> {
  readonly #controller = new AbortController();
  readonly #result: Promise<Value>;
  /** Resolves when the work has ended, well or not. */
  readonly settled: Promise<void>;
  #waiting = 0;

  /** Starts the work. Its signal fires when nobody waits any more. */
  constructor(work: (signal: AbortSignal) => Promise<Value>) {
    this.#result = work(this.#controller.signal);
    // Each caller of `join` sees a failure; when all have left there is nobody to tell.
    this.settled = this.#result.then(
      () => undefined,
      () => undefined,
    );
  }

  /** Whether everybody left: the work is being aborted and must not be joined. */
  get isAbandoned(): boolean {
    return this.#controller.signal.aborted;
  }

  /**
   * Waits for the outcome, a failure included, which all who wait share.
   * @throws {AbortedError} when the caller's own signal fires first.
   */
  join(signal?: AbortSignal): Promise<Value> {
    this.#waiting += 1;
    if (!signal) return this.#result;
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        reject(abortError(signal));
        this.#waiting -= 1;
        if (this.#waiting === 0) this.#controller.abort(signal.reason);
      };
      if (signal.aborted) {
        leave();
        return;
      }
      signal.addEventListener('abort', leave, { once: true });
      const stay = (): void => signal.removeEventListener('abort', leave);
      this.#result.then(resolve, reject).then(stay, stay);
    });
  }
}
