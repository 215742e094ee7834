/** What the codec needs of a realm, captured before any skill code runs. Refers to nothing outside itself. */
import type { CodecFailure, CodecHost } from './codec.ts';

export type Captured = ReturnType<typeof captureIntrinsics>;

export function captureIntrinsics(host: CodecHost) {
  'use strict';
  type Bag = Record<PropertyKey, unknown>;

  const { isProxy, bufferPrototype } = host;
  const { stringify, parse } = JSON;
  const { isArray } = Array;
  const { isInteger, isSafeInteger } = Number;
  const { keys, is, hasOwn, getPrototypeOf, setPrototypeOf, defineProperty, getOwnPropertyDescriptor } =
    Object;
  const { construct } = Reflect;
  const { call } = Function.prototype;
  const { bind } = Function.prototype as unknown as Record<
    'bind',
    { call(self: unknown, target: unknown): unknown }
  >;
  type Method = (self: unknown, ...rest: unknown[]) => never;
  type Apply = (method: unknown, self: unknown, ...rest: unknown[]) => never;
  /** A binding costs a fresh realm as much as ten closures: only what is called in loops has one of its own. */
  const uncurry = bind.call(bind, call) as (method: unknown) => Method;
  const on = uncurry(call) as Apply;
  const { __lookupGetter__: lookUpGetter } = Object.prototype as unknown as Bag;
  /** A descriptor would cost three times as much. */
  const getterOf = (prototype: object, key: PropertyKey) => {
    const get: unknown = on(lookUpGetter, prototype, key);
    return (self: unknown) => on(get, self);
  };
  const isJsonPure = (value: unknown, depthMax: number, bytesMax: number): boolean => {
    try {
      return host.isJsonPure(value, depthMax, bytesMax, ObjectPrototype, ArrayPrototype);
    } catch {
      // The stack ended: the table, which needs less of it, tells.
      return false;
    }
  };
  /** An array that no setter on a prototype can see into. */
  const list = <T>(): T[] => setPrototypeOf([], null) as T[];
  const ObjectPrototype = Object.prototype;
  const ArrayPrototype = Array.prototype;
  const { toString } = ObjectPrototype;
  const objectTag = (self: unknown): string => on(toString, self);
  const TypedArray = getPrototypeOf(Uint8Array) as Uint8ArrayConstructor;
  const viewName = getterOf(TypedArray.prototype, Symbol.toStringTag) as (
    self: unknown,
  ) => string | undefined;
  const viewBuffer = getterOf(TypedArray.prototype, 'buffer') as (self: unknown) => ArrayBuffer;
  const viewOffset = getterOf(TypedArray.prototype, 'byteOffset') as (self: unknown) => number;
  const viewLength = getterOf(TypedArray.prototype, 'length') as (self: unknown) => number;
  const dataViewBuffer = getterOf(DataView.prototype, 'buffer') as (self: unknown) => ArrayBuffer;
  const dataViewOffset = getterOf(DataView.prototype, 'byteOffset') as (self: unknown) => number;
  const dataViewLength = getterOf(DataView.prototype, 'byteLength') as (self: unknown) => number;
  const bufferLength = getterOf(ArrayBuffer.prototype, 'byteLength') as (self: unknown) => number;
  const regExpSource = getterOf(RegExp.prototype, 'source') as (self: unknown) => string;
  const regExpFlags = getterOf(RegExp.prototype, 'flags') as (self: unknown) => string;
  /** Throws unless it is one. */
  const isRegExp = (self: unknown): number => {
    regExpSource(self);
    return 0;
  };
  const mapSize = getterOf(Map.prototype, 'size') as (self: unknown) => number;
  const setSize = getterOf(Set.prototype, 'size') as (self: unknown) => number;
  const { forEach: eachOfMap, get: getOfMap, set: setOfMap } = Map.prototype;
  const mapEach = (self: unknown, each: unknown): void => on(eachOfMap, self, each);
  const mapGet = (self: unknown, key: unknown): number | undefined => on(getOfMap, self, key);
  const mapSet = (self: unknown, key: unknown, value: unknown): void => on(setOfMap, self, key, value);
  const { forEach: eachOfSet } = Set.prototype;
  const setEach = (self: unknown, each: unknown): void => on(eachOfSet, self, each);
  const setAdd = uncurry(Set.prototype.add) as (self: unknown, value: unknown) => void;
  const { getTime: timeOfDate } = Date.prototype;
  const getTime = (self: unknown): number => on(timeOfDate, self);
  const { toString: textOfBigInt } = BigInt.prototype;
  const bigIntText = (self: unknown, radix: number): string => on(textOfBigInt, self, radix);
  const charCodeAt = uncurry(String.prototype.charCodeAt) as (self: string, at: number) => number;
  const slice = uncurry(String.prototype.slice) as (self: string, from: number, to?: number) => string;
  const indexOf = uncurry(String.prototype.indexOf) as (self: string, what: string, from: number) => number;
  const { exec } = RegExp.prototype;
  const matches = (self: RegExp, text: string): unknown => on(exec, self, text);
  const Intrinsics = {
    __proto__: null,
    ArrayBuffer,
    Uint8Array,
    DataView,
    Map,
    Set,
    Date,
    RegExp,
    BigInt,
    Array,
    Number,
  };
  const views = {
    __proto__: null,
    Int8Array,
    Uint8Array,
    Uint8ClampedArray,
    Int16Array,
    Uint16Array,
    Int32Array,
    Uint32Array,
    Float32Array,
    Float64Array,
    BigInt64Array,
    BigUint64Array,
  } as unknown as Record<string, new (buffer: ArrayBuffer, offset: number, length: number) => object>;
  if (typeof (globalThis as unknown as Bag)['Float16Array'] === 'function')
    views['Float16Array'] = (globalThis as unknown as Bag)['Float16Array'] as never;
  const errors = {
    __proto__: null,
    Error,
    EvalError,
    RangeError,
    ReferenceError,
    SyntaxError,
    TypeError,
    URIError,
    AggregateError,
  } as unknown as Record<string, new (...given: unknown[]) => Error>;

  class Failure {
    declare readonly reason: CodecFailure['reason'];
    declare readonly path: string;
    declare readonly message: string;
    constructor(reason: CodecFailure['reason'], path: string, message: string) {
      const fields = { reason, path, message } as unknown as Record<string, string>;
      for (const key in fields)
        if (hasOwn(fields, key)) defineProperty(this, key, { value: fields[key], enumerable: true });
    }
  }
  const failure = (reason: CodecFailure['reason'], path: string, message: string) =>
    new Failure(reason, path, message);
  const isFailure = (error: unknown): error is CodecFailure => error instanceof Failure;
  const malformed = (what: string) => failure('MALFORMED_TEXT', '', `malformed value text: ${what}`);
  const tooDeep = (path: string, depthMax: number) =>
    failure('LIMIT_EXCEEDED', path, `${path || 'the value'} is nested deeper than ${depthMax} levels`);
  const tooLarge = (path: string, bytesMax: number) =>
    failure('LIMIT_EXCEEDED', path, `${path || 'the value'} is larger than ${bytesMax} bytes`);

  /** Whether `text` has more than `bytesMax` UTF-8 bytes. */
  function exceeds(text: string, bytesMax: number): boolean {
    if (text.length > bytesMax) return true;
    if (text.length * 3 <= bytesMax) return false;
    let bytes = text.length;
    for (let i = 0; i < text.length && bytes <= bytesMax; i += 1) {
      const code = charCodeAt(text, i);
      // A surrogate pair is two units and four bytes: one more for each half.
      if (code >= 0x80) bytes += code < 0x800 || (code >= 0xd800 && code <= 0xdfff) ? 1 : 2;
    }
    return bytes > bytesMax;
  }

  const probe = (value: unknown, read: (self: unknown) => number): number => {
    try {
      return read(value);
    } catch {
      return -1;
    }
  };
  /** Each probe gives -1 unless `value` has the internal slot that it reads. */
  function brand(value: unknown): { readonly kind: string; readonly size: number } {
    try {
      // The one whose number may be any, NaN included.
      return { kind: 'date', size: getTime(value) };
    } catch {
      // Not a date.
    }
    let size = probe(value, mapSize);
    if (size >= 0) return { kind: 'map', size };
    size = probe(value, setSize);
    if (size >= 0) return { kind: 'set', size };
    if (probe(value, isRegExp) >= 0) return { kind: 'regexp', size: 0 };
    size = probe(value, bufferLength);
    if (size >= 0) return { kind: 'buffer', size };
    size = probe(value, dataViewLength);
    if (size >= 0) return { kind: 'dataview', size };
    return { kind: objectTag(value) === '[object Error]' ? 'error' : '', size: 0 };
  }

  return {
    // Not for safety: a literal of many keys costs a fresh realm a hidden class for each, one without prototype none.
    __proto__: null,
    brand,
    isProxy,
    isJsonPure,
    bufferPrototype,
    stringify,
    parse,
    isArray,
    isInteger,
    isSafeInteger,
    keys,
    is,
    hasOwn,
    getPrototypeOf,
    defineProperty,
    getOwnPropertyDescriptor,
    construct,
    list,
    ObjectPrototype,
    objectTag,
    viewName,
    viewBuffer,
    viewOffset,
    viewLength,
    dataViewBuffer,
    dataViewOffset,
    dataViewLength,
    bufferLength,
    regExpSource,
    regExpFlags,
    mapSize,
    setSize,
    mapEach,
    mapGet,
    mapSet,
    setEach,
    setAdd,
    getTime,
    bigIntText,
    charCodeAt,
    slice,
    indexOf,
    matches,
    Intrinsics,
    views,
    errors,
    failure,
    isFailure,
    malformed,
    tooDeep,
    tooLarge,
    exceeds,
  };
}
