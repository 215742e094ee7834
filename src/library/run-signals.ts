/**
 * Signals of runs: each fires when its caller leaves, or when the library is closed for good. To join two signals by
 * `AbortSignal.any` takes as long as all that the library does for a run; these serve one run after the other.
 */
import { setMaxListeners } from 'node:events';

const SPARE_MAX = 256;

export class RunSignals {
  /** Fires when the library is closed for good. */
  readonly closing: AbortSignal;
  readonly #lent = new Set<RunSignal>();
  readonly #spare: RunSignal[] = [];

  constructor(closing: AbortSignal) {
    this.closing = closing;
    closing.addEventListener('abort', () => {
      for (const one of this.#lent) one.abort(closing.reason);
    });
  }

  /** Until it is given back: nothing may listen to it any more then. */
  lend(caller: AbortSignal): RunSignal {
    const one = this.#spare.pop() ?? new RunSignal();
    this.#lent.add(one);
    one.follow(caller);
    if (this.closing.aborted) one.abort(this.closing.reason);
    return one;
  }

  giveBack(one: RunSignal): void {
    one.leave();
    if (!this.#lent.delete(one) || one.aborted || this.#spare.length >= SPARE_MAX) return;
    this.#spare.push(one);
  }
}

/** Node gives every signal that it makes a hidden class of its own, which makes every look at one slow. */
export class RunSignal extends EventTarget implements AbortSignal {
  aborted = false;
  reason: unknown;
  /** Nobody sets it. */
  readonly onabort = null;
  readonly #onAbort = (): void => this.abort(this.#caller?.reason);
  #caller: AbortSignal | undefined;

  constructor() {
    super();
    setMaxListeners(0, this);
  }

  throwIfAborted(): void {
    if (this.aborted) throw this.reason;
  }

  abort(reason: unknown): void {
    if (this.aborted) return;
    this.aborted = true;
    this.reason = reason;
    this.dispatchEvent(new Event('abort'));
  }

  follow(caller: AbortSignal): void {
    this.#caller = caller;
    caller.addEventListener('abort', this.#onAbort);
    if (caller.aborted) this.#onAbort();
  }

  leave(): void {
    this.#caller?.removeEventListener('abort', this.#onAbort);
    this.#caller = undefined;
  }
}
