/** Creations in flight, and the pause after failed ones. */
import type { ResolvedPoolOptions } from './pool-options.ts';

interface Outcome<T> {
  created(value: T, generation: number): void;
  failed(error: unknown): void;
  /** The pause is over: creations may be started again. */
  retry(): void;
}

export class Creations<T> {
  readonly #options: ResolvedPoolOptions<T>;
  readonly #outcome: Outcome<T>;
  readonly #running = new Map<Promise<unknown>, AbortController>();
  #failures = 0;
  #retryAtMs = Number.NEGATIVE_INFINITY;
  #retryTimer: { readonly handle: unknown; readonly isBackground: boolean } | undefined;

  constructor(options: ResolvedPoolOptions<T>, outcome: Outcome<T>) {
    this.#options = options;
    this.#outcome = outcome;
  }

  get count(): number {
    return this.#running.size;
  }

  /** In a row; those of one burst count once. */
  get failures(): number {
    return this.#failures;
  }

  /** How many may run at once now: after a failure none until the pause is over, then one that tries. */
  get allowed(): number {
    if (this.#failures === 0) return Number.POSITIVE_INFINITY;
    return this.#options.clock.now() < this.#retryAtMs ? 0 : 1;
  }

  /** Settles with the error, or with undefined when the resource was handed over; never rejects. */
  start(generation: number): Promise<unknown> {
    const controller = new AbortController();
    const startedMs = this.#options.clock.now();
    const settled = this.#create(controller.signal).then(
      (value) => {
        this.#running.delete(settled);
        this.#failures = 0;
        const durationMs = this.#options.clock.now() - startedMs;
        this.#options.observer?.created?.({ pool: this.#options.name, durationMs });
        this.#outcome.created(value, generation);
        return undefined;
      },
      (error: unknown) => {
        this.#running.delete(settled);
        if (!controller.signal.aborted) this.#backOff();
        this.#options.observer?.createFailed?.({ pool: this.#options.name, error });
        this.#outcome.failed(error);
        return error;
      },
    );
    this.#running.set(settled, controller);
    return settled;
  }

  /** Waits for the end of the pause, if there is one; holds the process open only if a caller waits too. */
  retryLater(isBackground: boolean): void {
    if (this.#retryTimer !== undefined) {
      if (isBackground || !this.#retryTimer.isBackground) return;
      this.#options.clock.clearTimeout(this.#retryTimer.handle);
    }
    const waitMs = Math.max(0, this.#retryAtMs - this.#options.clock.now());
    const onEnd = () => {
      this.#retryTimer = undefined;
      this.#outcome.retry();
    };
    this.#retryTimer = { handle: this.#options.clock.setTimeout(onEnd, waitMs, isBackground), isBackground };
  }

  all(): Promise<unknown[]> {
    return Promise.all(this.#running.keys());
  }

  abort(reason: Error): void {
    if (this.#retryTimer !== undefined) this.#options.clock.clearTimeout(this.#retryTimer.handle);
    this.#retryTimer = undefined;
    for (const controller of this.#running.values()) controller.abort(reason);
  }

  // Async, so that a `create` that throws at once is a rejection like any other.
  async #create(signal: AbortSignal): Promise<T> {
    return this.#options.create(signal);
  }

  // Failures of one burst count once: what was started before the pause says nothing new.
  #backOff(): void {
    const { backoffMinMs, backoffMaxMs, clock } = this.#options;
    if (clock.now() < this.#retryAtMs) return;
    this.#retryAtMs = clock.now() + Math.min(backoffMaxMs, backoffMinMs * 2 ** this.#failures);
    this.#failures = Math.min(this.#failures + 1, 30);
  }
}
