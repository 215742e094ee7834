/**
 * A signal for what is begun and ended thousands of times a second: listening to one of Node's and leaving it again
 * takes microseconds, and to make one tens of them.
 */
import { setMaxListeners } from 'node:events';

type Listener = Parameters<EventTarget['addEventListener']>[1];
type ListenerOptions = Parameters<EventTarget['addEventListener']>[2];

/**
 * Node gives every signal that it makes a hidden class of its own, which makes every look at one slow; these share
 * one. `AbortSignal.any` and `fetch` hear those of Node alone.
 */
export class CancelSignal extends EventTarget implements AbortSignal {
  aborted = false;
  reason: unknown;
  /** Nobody sets it. */
  readonly onabort = null;
  /** Functions to be told once; every other kind of listener is left to `EventTarget`, and told first. */
  readonly #told: (() => void)[] = [];

  constructor() {
    super();
    setMaxListeners(0, this);
  }

  override addEventListener(type: string, listener: Listener, options?: ListenerOptions): void {
    if (!isPlain(type, listener, options)) super.addEventListener(type, listener, options);
    else if (!this.#told.includes(listener)) this.#told.push(listener);
  }

  override removeEventListener(type: string, listener: Listener, options?: ListenerOptions): void {
    // A run has a handful, and who came last leaves first.
    const at = type === 'abort' ? this.#told.lastIndexOf(listener as () => void) : -1;
    if (at >= 0) this.#told.splice(at, 1);
    else super.removeEventListener(type, listener, options);
  }

  throwIfAborted(): void {
    if (this.aborted) throw this.reason;
  }

  /** Tells all who listen, once. */
  abort(reason: unknown): void {
    if (this.aborted) return;
    this.aborted = true;
    this.reason = reason;
    // It happens once: who comes, goes or throws meanwhile is met as by any event target.
    for (const listener of this.#told) super.addEventListener('abort', listener, { once: true });
    this.#told.length = 0;
    this.dispatchEvent(new Event('abort'));
  }
}

/** It wants no event, and is told at most once in any case. */
function isPlain(type: string, listener: Listener, options: ListenerOptions): listener is () => void {
  if (type !== 'abort' || typeof listener !== 'function' || listener.length > 0) return false;
  if (options === undefined) return true;
  return typeof options === 'object' && options.once === true && options.signal === undefined;
}
