/** `Atomics.waitAsync` of a realm with shared memory. Refers to nothing outside itself. */
import type { RealmTimers } from './realm-timers.ts';

/**
 * The engine times such a wait by a task of its own that holds no event loop: while one with an end is
 * pending, a timer of ours does. One without an end can be woken only by the skill's own code, so it holds nothing.
 */
export function makeWaits(timers: RealmTimers): void {
  'use strict';
  const { apply } = Reflect;
  const { defineProperty, getOwnPropertyDescriptor } = Object;
  const { Atomics, Promise } = globalThis;
  const { then } = Promise.prototype as unknown as { then: () => unknown };
  const LONG_MS = 2 ** 31 - 1;
  const descriptor = getOwnPropertyDescriptor(Atomics, 'waitAsync');
  const wait = descriptor?.value as (...args: unknown[]) => { async: boolean; value: object };
  if (descriptor === undefined) return;

  const { waitAsync } = {
    waitAsync(array: unknown, index: unknown, value: unknown, timeout?: unknown) {
      const ms = timeout === undefined ? NaN : +(timeout as number);
      const waiting = apply(wait, Atomics, [array, index, value, ms]);
      if (waiting.async && ms < Infinity) {
        const held = timers.after(() => {}, LONG_MS);
        apply(then, waiting.value, [() => timers.cancel(held)]);
      }
      return waiting;
    },
  };
  descriptor.value = waitAsync;
  defineProperty(Atomics, 'waitAsync', descriptor);
}
