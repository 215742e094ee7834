/**
 * `performance.now`, `crypto`, and what makes a run repeatable: with a seed, randomness is a sequence of
 * its own; with a time, the clock starts there and moves on. Refers to nothing outside itself.
 */
import type { RealmHost } from './realm-host.ts';

export interface RealmClock {
  /** NaN leaves randomness, or time, as it is. */
  seed(random: number, nowMs: number): void;
  /** Lets every use of randomness, or of the present time, fail. */
  withhold(random: boolean, clock: boolean): void;
}

export function makeClock(host: RealmHost): RealmClock {
  'use strict';
  const { defineProperty, getPrototypeOf, getOwnPropertyDescriptor } = Object;
  const { construct, apply } = Reflect;
  const { TypeError, Uint8Array, Date: RealmDate, Math, RangeError, Error } = globalThis;
  const { prototype: format } = Intl.DateTimeFormat;
  const formatMethod = getOwnPropertyDescriptor(format, 'format')?.get as () => () => string;
  const { formatToParts } = format;
  const { charCodeAt } = String.prototype;
  const { toString: numberText } = Number.prototype;
  const { floor, imul } = Math;
  const { toString: dateText } = RealmDate.prototype;
  const codeAt = (text: string, at: number) => apply(charCodeAt, text, [at]) as number;
  const TypedArray = getPrototypeOf(Uint8Array).prototype as object;
  const getter = (key: PropertyKey) =>
    getOwnPropertyDescriptor(TypedArray, key)?.get as (this: unknown) => never;
  const [kindOf, bufferOf, offsetOf, sizeOf] = [
    getter(Symbol.toStringTag),
    getter('buffer'),
    getter('byteOffset'),
    getter('byteLength'),
  ];
  let state: number | undefined;
  let isRandomWithheld = false;
  const provide = (target: object, name: string, value: unknown, enumerable = true) =>
    defineProperty(target, name, {
      __proto__: null,
      value,
      writable: true,
      enumerable,
      configurable: true,
    } as PropertyDescriptor);

  /** mulberry32: small, even, and the same everywhere. */
  function nextWord(): number {
    state = ((state as number) + 0x6d2b79f5) | 0;
    let word = imul((state as number) ^ ((state as number) >>> 15), 1 | (state as number));
    word = (word + imul(word ^ (word >>> 7), 61 | word)) ^ word;
    return (word ^ (word >>> 14)) >>> 0;
  }
  function refuse(name: string): never {
    host.withhold(name);
    throw new Error(`the grant ${name} is withheld from this run`);
  }
  function fill(bytes: Uint8Array, size: number): void {
    if (isRandomWithheld) refuse('random');
    const text = state === undefined ? host.randomBytes(size) : undefined;
    for (let i = 0; i < size; i += 1) bytes[i] = text === undefined ? nextWord() & 255 : codeAt(text, i);
  }
  const crypto = {
    getRandomValues(array: unknown): unknown {
      const kind = apply(kindOf, array, []) as string | undefined;
      if (kind === undefined || kind === 'Float32Array' || kind === 'Float64Array' || kind === 'Float16Array')
        throw new TypeError('getRandomValues fills integer arrays only');
      const size = apply(sizeOf, array, []) as number;
      if (size > 65_536) throw new RangeError('getRandomValues fills at most 65536 bytes');
      fill(
        new Uint8Array(apply(bufferOf, array, []) as ArrayBuffer, apply(offsetOf, array, []) as number, size),
        size,
      );
      return array;
    },
    randomUUID(): string {
      const bytes = new Uint8Array(16);
      fill(bytes, 16);
      bytes[6] = ((bytes[6] as number) & 0x0f) | 0x40;
      bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80;
      let text = '';
      for (let i = 0; i < 16; i += 1) {
        if (i === 4 || i === 6 || i === 8 || i === 10) text += '-';
        const byte = bytes[i] as number;
        text += (byte < 16 ? '0' : '') + (apply(numberText, byte, [16]) as string);
      }
      return text;
    },
  };
  const performance = {
    now(): number {
      return host.elapsedMs();
    },
  };
  provide(globalThis, 'crypto', crypto);
  provide(globalThis, 'performance', performance);

  function seed(random: number, nowMs: number): void {
    if (random === random) {
      state = floor(random) | 0;
      provide(
        Math,
        'random',
        function random() {
          return (nextWord() * 2 ** 21 + (nextWord() >>> 11)) / 2 ** 53;
        },
        false,
      );
    }
    // Time stands still, so that a run that is repeated sees the same.
    if (nowMs !== nowMs) return;
    replaceClock(() => nowMs);
    provide(performance, 'now', function now() {
      return 0;
    });
  }
  function withhold(random: boolean, clock: boolean): void {
    if (random) {
      isRandomWithheld = true;
      provide(Math, 'random', () => refuse('random'), false);
    }
    if (!clock) return;
    replaceClock(() => refuse('clock'));
    provide(performance, 'now', () => refuse('clock'));
  }
  /** Everything that tells the present time asks `present`. */
  function replaceClock(present: () => number): void {
    const GivenDate = function Date(...args: unknown[]) {
      if (new.target === undefined) return apply(dateText, new RealmDate(present()), []);
      return construct(
        RealmDate,
        args.length === 0 ? [present()] : args,
        new.target === GivenDate ? RealmDate : new.target,
      );
    } as unknown as DateConstructor;
    provide(GivenDate, 'parse', RealmDate.parse, false);
    provide(GivenDate, 'UTC', RealmDate.UTC, false);
    provide(
      GivenDate,
      'now',
      function now() {
        return present();
      },
      false,
    );
    defineProperty(GivenDate, 'length', { __proto__: null, value: 7 } as PropertyDescriptor);
    defineProperty(GivenDate, 'prototype', {
      __proto__: null,
      value: RealmDate.prototype,
      writable: false,
    } as PropertyDescriptor);
    provide(RealmDate.prototype, 'constructor', GivenDate, false);
    provide(globalThis, 'Date', GivenDate, false);
    const dated = (date: unknown) => (date === undefined ? present() : date);
    defineProperty(format, 'format', {
      __proto__: null,
      get(this: object) {
        const own = apply(formatMethod, this, []);
        return (date: unknown) => apply(own, undefined, [dated(date)] as never);
      },
      enumerable: false,
      configurable: true,
    } as PropertyDescriptor);
    provide(
      format,
      'formatToParts',
      function (this: Intl.DateTimeFormat, date: unknown) {
        return apply(formatToParts, this, [dated(date)] as never);
      },
      false,
    );
  }
  return { seed, withhold };
}
