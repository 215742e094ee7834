/**
 * Signals of runs: each fires when its caller leaves, or when the library is closed for good. To join two signals by
 * `AbortSignal.any` takes as long as all that the library does for a run; these serve one run after the other.
 */
import { CancelSignal } from '../cancel-signal.ts';
import { LinkedList, type ListEntry } from '../linked-list.ts';

const SPARE_MAX = 256;

export class RunSignals {
  /** Fires when the library is closed for good. */
  readonly closing: AbortSignal;
  readonly #lent = new LinkedList<RunSignal>();
  readonly #spare: RunSignal[] = [];

  constructor(closing: AbortSignal) {
    this.closing = closing;
    closing.addEventListener('abort', () => {
      for (const one of this.#lent) one.abort(closing.reason);
    });
  }

  /** Until it is given back: nothing may listen to it any more then. */
  lend(caller: AbortSignal | undefined): RunSignal {
    const one = this.#spare.pop() ?? new RunSignal();
    one.entry = this.#lent.add(one);
    if (caller) one.follow(caller);
    if (this.closing.aborted) one.abort(this.closing.reason);
    return one;
  }

  giveBack(one: RunSignal): void {
    one.leave();
    const { entry } = one;
    one.entry = undefined;
    if (entry === undefined || !this.#lent.remove(entry)) return;
    if (one.aborted || this.#spare.length >= SPARE_MAX) return;
    this.#spare.push(one);
  }
}

/** Of one run at a time. */
export class RunSignal extends CancelSignal {
  readonly #onAbort = (): void => this.abort(this.#caller?.reason);
  #caller: AbortSignal | undefined;
  /** Where it is among those that are lent. */
  entry: ListEntry<RunSignal> | undefined;

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
