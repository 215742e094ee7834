/** `AbortController`, `AbortSignal`, `Event` and `EventTarget`, made inside a realm. Refers to nothing outside itself. */
import type { RealmTimers } from './realm-timers.ts';

export function makeEvents(timers: RealmTimers, report: (thrown: unknown) => void): void {
  'use strict';
  interface Listener {
    readonly callback: unknown;
    readonly isOnce: boolean;
  }
  const { defineProperty } = Object;
  const { apply } = Reflect;
  const { TypeError, Error, Map, String } = globalThis;
  const provide = (name: string, value: unknown) =>
    defineProperty(globalThis, name, {
      __proto__: null,
      value,
      writable: true,
      enumerable: false,
      configurable: true,
    } as PropertyDescriptor);
  const named = (message: string, name: string) =>
    defineProperty(new Error(message), 'name', {
      __proto__: null,
      value: name,
      configurable: true,
    } as PropertyDescriptor) as Error;
  /** Only the harness makes signals. */
  const KEY = {};

  class Event {
    readonly type: string;
    readonly cancelable: boolean;
    target: EventTarget | null = null;
    defaultPrevented = false;
    #isStopped = false;
    constructor(type: unknown, options: { cancelable?: unknown } = {}) {
      this.type = String(type);
      this.cancelable = !!options.cancelable;
    }
    get currentTarget(): EventTarget | null {
      return this.target;
    }
    preventDefault(): void {
      if (this.cancelable) this.defaultPrevented = true;
    }
    stopPropagation(): void {}
    stopImmediatePropagation(): void {
      this.#isStopped = true;
    }
    static isStopped(event: Event): boolean {
      return event.#isStopped;
    }
  }
  const { isStopped } = Event;
  delete (Event as Partial<typeof Event>).isStopped;

  class EventTarget {
    readonly #listeners = new Map<string, Listener[]>();
    addEventListener(type: unknown, callback: unknown, options: { once?: unknown } | boolean = {}): void {
      if (callback === null || callback === undefined) return;
      const name = String(type);
      const listeners = this.#listeners.get(name) ?? [];
      if (listeners.some((each) => each.callback === callback)) return;
      const isOnce = typeof options === 'object' && options !== null && !!options.once;
      this.#listeners.set(name, [...listeners, { callback, isOnce }]);
    }
    removeEventListener(type: unknown, callback: unknown): void {
      const name = String(type);
      const listeners = this.#listeners.get(name) ?? [];
      this.#listeners.set(
        name,
        listeners.filter((each) => each.callback !== callback),
      );
    }
    dispatchEvent(event: Event): boolean {
      if (!(event instanceof Event)) throw new TypeError('not an event');
      event.target = this;
      for (const { callback, isOnce } of this.#listeners.get(event.type) ?? []) {
        if (isOnce) this.removeEventListener(event.type, callback);
        try {
          if (typeof callback === 'function') apply(callback, this, [event]);
          else (callback as { handleEvent(event: Event): void }).handleEvent(event);
        } catch (thrown) {
          report(thrown);
        }
        if (isStopped(event)) break;
      }
      return !event.defaultPrevented;
    }
  }

  class AbortSignal extends EventTarget {
    #onabort: unknown = null;
    #isListening = false;
    #isAborted = false;
    #reason: unknown;
    constructor(key: unknown) {
      super();
      if (key !== KEY) throw new TypeError('Illegal constructor');
    }
    get onabort(): unknown {
      return this.#onabort;
    }
    set onabort(handler: unknown) {
      this.#onabort = handler;
      if (this.#isListening) return;
      this.#isListening = true;
      this.addEventListener('abort', (event: Event) => {
        if (typeof this.#onabort === 'function') apply(this.#onabort, this, [event]);
      });
    }
    get aborted(): boolean {
      return this.#isAborted;
    }
    get reason(): unknown {
      return this.#reason;
    }
    throwIfAborted(): void {
      if (this.#isAborted) throw this.#reason;
    }
    static abort(reason?: unknown): AbortSignal {
      const signal = new AbortSignal(KEY);
      fire(signal, reason);
      return signal;
    }
    static timeout(ms: unknown): AbortSignal {
      const signal = new AbortSignal(KEY);
      timers.after(
        () => fire(signal, named('The operation was aborted due to timeout', 'TimeoutError')),
        Number(ms),
      );
      return signal;
    }
    static any(signals: Iterable<AbortSignal>): AbortSignal {
      const joined = new AbortSignal(KEY);
      for (const signal of signals) {
        if (signal.aborted) fire(joined, signal.reason);
        else signal.addEventListener('abort', () => fire(joined, signal.reason), { once: true });
      }
      return joined;
    }
    static fire(signal: AbortSignal, reason: unknown): void {
      if (signal.#isAborted) return;
      signal.#isAborted = true;
      signal.#reason = reason === undefined ? named('This operation was aborted', 'AbortError') : reason;
      const event = new Event('abort');
      signal.dispatchEvent(event);
    }
  }
  const { fire } = AbortSignal;
  delete (AbortSignal as Partial<typeof AbortSignal>).fire;

  class AbortController {
    readonly #signal = new AbortSignal(KEY);
    get signal(): AbortSignal {
      return this.#signal;
    }
    abort(reason?: unknown): void {
      fire(this.#signal, reason);
    }
  }
  const { Number } = globalThis;
  provide('Event', Event);
  provide('EventTarget', EventTarget);
  provide('AbortSignal', AbortSignal);
  provide('AbortController', AbortController);
}
