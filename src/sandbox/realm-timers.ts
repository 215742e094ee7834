/** `setTimeout`, `clearTimeout` and `queueMicrotask`, made inside a realm. Refers to nothing outside itself. */
import type { RealmHarness, RealmHost } from './realm-host.ts';

export interface RealmTimers {
  /** Called by the host when a timer is due. */
  fire(id: number): void;
  /** A timer of the harness's own. */
  after(callback: () => void, ms: number): number;
  cancel(id: number): void;
}

export function makeTimers(host: RealmHost, harness: RealmHarness): RealmTimers {
  'use strict';
  interface Timer {
    readonly callback: (...args: unknown[]) => void;
    readonly args: readonly unknown[];
  }
  const { apply } = Reflect;
  const { defineProperty } = Object;
  const { TypeError, Promise, Map } = globalThis;
  const call = Function.prototype.call;
  const {
    get,
    set,
    delete: remove,
  } = Map.prototype as unknown as Record<'get' | 'set' | 'delete', () => unknown>;
  const { then } = Promise.prototype as unknown as { then: () => unknown };
  const bound = call.bind(call) as (method: unknown, self: unknown, ...rest: unknown[]) => unknown;
  const resolved = Promise.resolve();
  const timers = new Map<number, Timer>();
  const DELAY_MAX = 2 ** 31 - 1;
  const TIMERS_MAX = 100_000;
  let lastId = 0;
  let count = 0;

  function after(callback: (...args: unknown[]) => void, ms: number, args: readonly unknown[] = []): number {
    if (count >= TIMERS_MAX) throw new TypeError(`more than ${TIMERS_MAX} timers`);
    lastId += 1;
    count += 1;
    bound(set, timers, lastId, { callback, args });
    host.startTimer(lastId, ms >= 1 && ms <= DELAY_MAX ? ms : 1);
    return lastId;
  }
  function cancel(id: number): void {
    if (bound(remove, timers, id) !== true) return;
    count -= 1;
    host.stopTimer(id);
  }
  function fire(id: number): void {
    const timer = bound(get, timers, id) as Timer | undefined;
    if (timer === undefined) return;
    bound(remove, timers, id);
    count -= 1;
    guarded(timer.callback, timer.args);
  }
  /** A throw in a callback ends the run. */
  function guarded(callback: (...args: unknown[]) => void, args: readonly unknown[]): void {
    try {
      apply(callback, undefined, args);
    } catch (thrown) {
      harness.reject(thrown);
    }
  }
  const provide = (name: string, value: unknown) =>
    defineProperty(globalThis, name, {
      __proto__: null,
      value,
      writable: true,
      enumerable: true,
      configurable: true,
    } as PropertyDescriptor);
  const asFunction = (callback: unknown) => {
    if (typeof callback !== 'function') throw new TypeError('the callback is not a function');
    return callback as () => void;
  };
  provide('setTimeout', function setTimeout(callback: unknown, ms?: unknown, ...args: unknown[]) {
    return after(asFunction(callback), +(ms as number), args);
  });
  provide('clearTimeout', function clearTimeout(id?: unknown) {
    cancel(+(id as number));
  });
  provide('queueMicrotask', function queueMicrotask(callback: unknown) {
    const checked = asFunction(callback);
    bound(then, resolved, () => guarded(checked, []));
  });
  return { fire, after, cancel };
}
