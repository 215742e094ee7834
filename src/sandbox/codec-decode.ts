/** From a text, which may be hostile, to its value. Refers to nothing outside itself. */
import type { ByteText } from './codec-bytes.ts';
import type { Captured } from './codec-intrinsics.ts';

export function makeDecoder(
  captured: Captured,
  bytesOf: ByteText['bytesOf'],
): (text: string, options?: { readonly depthMax?: number }) => unknown {
  'use strict';
  type Bag = Record<PropertyKey, unknown>;
  type Slot = string | number | boolean | null | readonly unknown[];
  const {
    parse,
    isArray,
    isInteger,
    isSafeInteger,
    defineProperty,
    list,
    bufferLength,
    mapSet,
    setAdd,
    charCodeAt,
    slice,
    indexOf,
    matches,
    Intrinsics,
    views,
    errors,
    malformed,
    tooDeep,
  } = captured;
  const HEX = /^-?[0-9a-f]+$/;

  function decode(text: string, options: { readonly depthMax?: number } = {}): unknown {
    const { depthMax = 1000 } = options;
    if (text.length === 0 || text[0] !== '#') {
      // A text cannot nest deeper than it is long, and one of our own is bounded already.
      if (text.length > depthMax) checkNesting(text, depthMax);
      return parsed(text);
    }
    const table = parsed(slice(text, 1));
    if (!isArray(table) || table.length === 0) throw malformed('no table');
    return decodeTable(table as readonly Slot[], depthMax);
  }
  function parsed(text: string): unknown {
    try {
      return parse(text);
    } catch {
      throw malformed('not JSON');
    }
  }
  /** Brackets outside strings, in one pass over the text. */
  function checkNesting(text: string, depthMax: number): void {
    let depth = 0;
    for (let i = 0; i < text.length; i += 1) {
      const code = charCodeAt(text, i);
      if (code === 0x22) {
        i = stringEnd(text, i);
      } else if (code === 0x5b || code === 0x7b) {
        depth += 1;
        if (depth > depthMax) throw tooDeep('', depthMax);
      } else if (code === 0x5d || code === 0x7d) {
        depth -= 1;
      }
    }
  }
  function stringEnd(text: string, start: number): number {
    for (let end = start; ;) {
      end = indexOf(text, '"', end + 1);
      if (end < 0) return text.length;
      let slashes = 0;
      while (charCodeAt(text, end - 1 - slashes) === 0x5c) slashes += 1;
      if (slashes % 2 === 0) return end;
    }
  }

  /** First every container is made, then each is filled: references may point anywhere. */
  function decodeTable(table: readonly Slot[], depthMax: number): unknown {
    const made = list<object>();
    for (let i = 1; i < table.length; i += 1) made[i - 1] = shell(rowAt(i));
    for (let i = 1; i < table.length; i += 1) {
      const row = rowAt(i);
      if (row[0] === 't' || row[0] === 'v') made[i - 1] = view(row);
    }
    for (let i = 1; i < table.length; i += 1) fill(made[i - 1] as Bag, rowAt(i));
    checkDepth();
    return valueOf(table[0]);

    function rowAt(index: number): readonly Slot[] {
      const row = table[index];
      if (!isArray(row) || typeof row[0] !== 'string') throw malformed('a wrong entry');
      return row as readonly Slot[];
    }
    function shell(row: readonly Slot[]): object {
      switch (row[0]) {
        case 'o':
        case 't':
        case 'v':
          return {};
        case 'z':
          return { __proto__: null };
        case 'a':
        case 's':
          return [];
        case 'd':
          if (row[1] !== null && typeof row[1] !== 'number') throw malformed('a wrong date');
          return new Intrinsics.Date(row[1] === null ? NaN : row[1]);
        case 'r':
          if (typeof row[1] !== 'string' || typeof row[2] !== 'string') throw malformed('a wrong pattern');
          try {
            return new Intrinsics.RegExp(row[1], row[2]);
          } catch {
            throw malformed('a wrong pattern');
          }
        case 'b':
          return bytesOf(row[1]);
        case 'm':
          return new Intrinsics.Map();
        case 'S':
          return new Intrinsics.Set();
        case 'e':
          return errorShell(row);
        default:
          throw malformed('an unknown kind');
      }
    }
    function errorShell(row: readonly Slot[]): object {
      const kind = row[1];
      const name = row[2];
      const message = row[3];
      if (typeof kind !== 'string' || typeof name !== 'string' || typeof message !== 'string')
        throw malformed('a wrong error');
      const Kind = errors[kind];
      if (Kind === undefined) throw malformed('an unknown error');
      const error = kind === 'AggregateError' ? new Kind([]) : new Kind();
      const define = (key: string, value: unknown) =>
        defineProperty(error, key, {
          __proto__: null,
          value,
          writable: true,
          configurable: true,
        } as PropertyDescriptor);
      if (message !== '') define('message', message);
      if (name !== kind) define('name', name);
      define('stack', message === '' ? name : `${name}: ${message}`);
      return error;
    }
    function view(row: readonly Slot[]): object {
      const isTyped = row[0] === 't';
      const Kind = isTyped ? views[row[1] as string] : (Intrinsics.DataView as never);
      const first = isTyped ? 2 : 1;
      const buffer = row[first];
      const offset = row[first + 1];
      const length = row[first + 2];
      const source = valueOf(buffer) as ArrayBuffer;
      if (Kind === undefined || !isSafeInteger(offset) || !isSafeInteger(length))
        throw malformed('a wrong view');
      try {
        // Throws unless it is a buffer: a constructor would take any array-like object.
        bufferLength(source);
        return new Kind(source, offset as number, length as number);
      } catch {
        throw malformed('a wrong view');
      }
    }
    function valueOf(slot: Slot | undefined): unknown {
      if (slot === undefined) throw malformed('a value is missing');
      if (!isArray(slot)) {
        if (typeof slot === 'object' && slot !== null) throw malformed('an object as a value');
        return slot;
      }
      if (slot.length === 0) return undefined;
      const tag: unknown = slot[0];
      if (typeof tag === 'number') {
        const target = made[tag];
        if (target === undefined || !isInteger(tag)) throw malformed('a wrong reference');
        return target;
      }
      switch (tag) {
        case 'NaN':
          return NaN;
        case 'Infinity':
          return Infinity;
        case '-Infinity':
          return -Infinity;
        case '-0':
          return -0;
        case 'n':
          return bigInt(slot[1]);
        default:
          throw malformed('an unknown value');
      }
    }
    function bigInt(hex: unknown): bigint {
      if (typeof hex !== 'string' || matches(HEX, hex) === null) throw malformed('a wrong bigint');
      try {
        return hex[0] === '-' ? -Intrinsics.BigInt(`0x${slice(hex, 1)}`) : Intrinsics.BigInt(`0x${hex}`);
      } catch {
        throw malformed('a wrong bigint');
      }
    }

    function fill(target: Bag, row: readonly Slot[]): void {
      switch (row[0]) {
        case 'o':
        case 'z':
          for (let i = 1; i < row.length; i += 2) put(target, row[i], valueOf(row[i + 1]));
          return;
        case 'a':
          for (let i = 1; i < row.length; i += 1) put(target, i - 1, valueOf(row[i]));
          return;
        case 's':
          return fillSparse(target as unknown as unknown[], row);
        case 'm':
          for (let i = 1; i < row.length; i += 2) mapSet(target, valueOf(row[i]), valueOf(row[i + 1]));
          return;
        case 'S':
          for (let i = 1; i < row.length; i += 1) setAdd(target, valueOf(row[i]));
          return;
        case 'e':
          if (row[4] === 1) hide(target, 'cause', valueOf(row[5]));
          if (row.length > 6) hide(target, 'errors', valueOf(row[6]));
          return;
        default:
      }
    }
    function fillSparse(target: unknown[], row: readonly Slot[]): void {
      const length = row[1];
      if (typeof length !== 'number' || !isInteger(length) || length < 0 || length > 2 ** 32 - 1)
        throw malformed('a wrong length');
      if (length > row.length * 4 + 1024) {
        // A far element first, so that the engine keeps a table of elements instead of a block of holes.
        target[2 ** 32 - 2] = 0;
        target.length = 0;
        target[length - 1] = 0;
        delete target[length - 1];
      }
      target.length = length;
      for (let i = 2; i < row.length; i += 2) {
        const key = row[i];
        if (typeof key === 'number' ? !isInteger(key) || key < 0 || key >= length : key === 'length')
          throw malformed('a wrong index');
        put(target as unknown as Bag, key, valueOf(row[i + 1]));
      }
    }
    function put(target: Bag, key: Slot | undefined, value: unknown): void {
      if (typeof key !== 'string' && typeof key !== 'number') throw malformed('a wrong key');
      if (!(key in target)) target[key] = value;
      else
        defineProperty(target, key, {
          __proto__: null,
          value,
          writable: true,
          enumerable: true,
          configurable: true,
        } as PropertyDescriptor);
    }
    function hide(target: object, key: string, value: unknown): void {
      defineProperty(target, key, {
        __proto__: null,
        value,
        writable: true,
        configurable: true,
      } as PropertyDescriptor);
    }

    /** The shortest way from the root to each entry, breadth first over the table itself. */
    function checkDepth(): void {
      const depths = list<number>();
      const queue = list<number>();
      let count = 0;
      reach(table[0], 1);
      for (let at = 0; at < count; at += 1) {
        const row = rowAt((queue[at] as number) + 1);
        for (let i = 1; i < row.length; i += 1) reach(row[i], (depths[queue[at] as number] as number) + 1);
      }
      function reach(slot: Slot | undefined, depth: number): void {
        const index: unknown = isArray(slot) ? slot[0] : undefined;
        if (typeof index !== 'number' || depths[index] !== undefined) return;
        if (depth > depthMax) throw tooDeep('', depthMax);
        depths[index] = depth;
        queue[count] = index;
        count += 1;
      }
    }
  }
  return decode;
}
