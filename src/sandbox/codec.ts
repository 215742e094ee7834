/**
 * Values as text. JSON-pure values become plain JSON; everything else becomes `#` and a flat JSON
 * table `[root, entry, entry, …]` in which containers are named by their index, so that cycles,
 * shared references and any depth cost nothing special.
 *
 * `makeCodec` refers to nothing outside itself: its own source text is compiled inside every realm,
 * where it captures that realm's intrinsics before any skill code runs.
 */

export interface EncodeOptions {
  /** Deepest nesting of containers; the outermost one counts as 1. Default 1000. */
  readonly depthMax?: number;
  /** Largest text, in UTF-8 bytes. Default unbounded. */
  readonly bytesMax?: number;
  /** What paths start with, for example `inputs`. Default nothing: paths start with the first key. */
  readonly root?: string;
}

export interface Codec {
  /** @throws {CodecFailure} with reason UNSERIALIZABLE_VALUE or LIMIT_EXCEEDED. */
  encode(value: unknown, options?: EncodeOptions): string;
  /** Takes hostile text. @throws {CodecFailure} with reason MALFORMED_TEXT or LIMIT_EXCEEDED. */
  decode(text: string, options?: { readonly depthMax?: number }): unknown;
  /** Whether `error` was thrown by this codec. */
  isFailure(error: unknown): error is CodecFailure;
}

export interface CodecFailure {
  readonly reason: 'UNSERIALIZABLE_VALUE' | 'LIMIT_EXCEEDED' | 'MALFORMED_TEXT';
  /** Where in the value, for example `inputs.rows[3].callback`; empty for the value itself. */
  readonly path: string;
  readonly message: string;
}

/** What a realm cannot tell by itself. */
export interface CodecHost {
  readonly isProxy: (value: object) => boolean;
  /** Instances are taken as `Uint8Array`s of their own bytes only (they share pooled memory). */
  readonly bufferPrototype?: object;
}

export function makeCodec(host: CodecHost): Codec {
  'use strict';
  type Bag = Record<PropertyKey, unknown>;
  type Slot = string | number | boolean | null | readonly unknown[];

  const { isProxy, bufferPrototype } = host;
  const { stringify, parse } = JSON;
  const { isArray } = Array;
  const { isInteger, isSafeInteger } = Number;
  const { keys, is, hasOwn, getPrototypeOf, setPrototypeOf, defineProperty, getOwnPropertyDescriptor } =
    Object;
  const { construct } = Reflect;
  const { call } = Function.prototype;
  type Uncurried = (self: unknown, ...rest: unknown[]) => never;
  const { bind } = Function.prototype as unknown as Record<
    'bind',
    { call(self: unknown, target: unknown): unknown }
  >;
  const uncurry = bind.call(bind, call) as (method: unknown) => Uncurried;
  const getterOf = (prototype: object, key: PropertyKey) =>
    uncurry(getOwnPropertyDescriptor(prototype, key)?.get) as (self: unknown) => never;
  /** An array that no setter on a prototype can see into. */
  const list = <T>(): T[] => setPrototypeOf([], null) as T[];
  const ObjectPrototype = Object.prototype;
  const ArrayPrototype = Array.prototype;
  const lookupGetter = uncurry((ObjectPrototype as unknown as Bag)['__lookupGetter__']);
  const objectTag = uncurry(ObjectPrototype.toString) as (self: unknown) => string;
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
  const mapSize = getterOf(Map.prototype, 'size') as (self: unknown) => number;
  const setSize = getterOf(Set.prototype, 'size') as (self: unknown) => number;
  const mapEach = uncurry(Map.prototype.forEach);
  const mapGet = uncurry(Map.prototype.get) as (self: unknown, key: unknown) => number | undefined;
  const mapSet = uncurry(Map.prototype.set) as (self: unknown, key: unknown, value: unknown) => void;
  const setEach = uncurry(Set.prototype.forEach);
  const setAdd = uncurry(Set.prototype.add) as (self: unknown, value: unknown) => void;
  const setHas = uncurry(Set.prototype.has) as (self: unknown, value: unknown) => boolean;
  const getTime = uncurry(Date.prototype.getTime) as (self: unknown) => number;
  const bigIntText = uncurry(BigInt.prototype.toString) as (self: unknown, radix: number) => string;
  const charCodeAt = uncurry(String.prototype.charCodeAt) as (self: string, at: number) => number;
  const slice = uncurry(String.prototype.slice) as (self: string, from: number, to?: number) => string;
  const indexOf = uncurry(String.prototype.indexOf) as (self: string, what: string, from: number) => number;
  const matches = uncurry(RegExp.prototype.exec) as (self: RegExp, text: string) => unknown;
  const Intrinsics = { ArrayBuffer, Uint8Array, DataView, Map, Set, Date, RegExp, BigInt, Array, Number };
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
  const probes = [
    { kind: 'date', read: getTime },
    { kind: 'map', read: mapSize },
    { kind: 'set', read: setSize },
    { kind: 'regexp', read: regExpSource as (self: unknown) => never },
    { kind: 'buffer', read: bufferLength },
    { kind: 'dataview', read: dataViewLength },
  ];
  const BASE64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
  /** Two digits for each 12 bits, and back; made at first use. */
  const DIGITS = list<string>();
  const VALUES = list<number>();
  function makeTables(): void {
    if (DIGITS.length > 0) return;
    for (let i = 0; i < 4096; i += 1) DIGITS[i] = (BASE64[i >> 6] as string) + (BASE64[i & 63] as string);
    for (let i = 0; i < 64; i += 1) VALUES[charCodeAt(BASE64, i)] = i;
  }
  const PLAIN_KEY = /^[A-Za-z_$][\w$]*$/;
  const HEX = /^-?[0-9a-f]+$/;

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
  const malformed = (what: string) => new Failure('MALFORMED_TEXT', '', `malformed value text: ${what}`);
  const tooDeep = (path: string, depthMax: number) =>
    new Failure('LIMIT_EXCEEDED', path, `${path || 'the value'} is nested deeper than ${depthMax} levels`);
  const tooLarge = (path: string, bytesMax: number) =>
    new Failure('LIMIT_EXCEEDED', path, `${path || 'the value'} is larger than ${bytesMax} bytes`);

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

  /**
   * One verifying walk: true when `JSON.stringify` loses nothing of `root`. Reads no accessor.
   * An undefined value (also a hole, or a setter without getter) is not JSON-pure.
   */
  function isJsonPure(root: unknown, depthMax: number, bytesMax: number): boolean {
    if (root === null || typeof root === 'string' || typeof root === 'boolean') return true;
    if (typeof root === 'number') return root - root === 0 && !is(root, -0);
    if (typeof root !== 'object' || 'toJSON' in ObjectPrototype || 'toJSON' in ArrayPrototype) return false;
    for (const _inherited in ObjectPrototype) return false;
    const waiting = list<object>();
    const depths = list<number>();
    const seen = new Intrinsics.Set();
    let top = 1;
    let size = 0;
    waiting[0] = root;
    depths[0] = 1;
    while (top > 0) {
      top -= 1;
      const container = waiting[top] as Bag;
      const depth = depths[top] as number;
      if (depth > depthMax || size > bytesMax || isProxy(container) || setHas(seen, container)) return false;
      setAdd(seen, container);
      if (isArray(container)) {
        const length: number = container.length;
        if (getPrototypeOf(container) !== ArrayPrototype || keys(container).length !== length) return false;
        for (let i = 0; i < length; i += 1) if (!takes(container, i, depth)) return false;
      } else {
        if (getPrototypeOf(container) !== ObjectPrototype) return false;
        for (const key in container) {
          size += key.length;
          if (!takes(container, key, depth)) return false;
        }
      }
    }
    return size <= bytesMax;

    function takes(container: Bag, key: string | number, depth: number): boolean {
      if (lookupGetter(container, key) !== undefined) return false;
      const value = container[key];
      size += 1;
      switch (typeof value) {
        case 'string':
          size += value.length;
          return true;
        case 'number':
          return value - value === 0 && (value !== 0 || !is(value, -0));
        case 'boolean':
          return true;
        case 'object':
          if (value === null) return true;
          waiting[top] = value;
          depths[top] = depth + 1;
          top += 1;
          return true;
        default:
          return false;
      }
    }
  }

  function encode(value: unknown, options: EncodeOptions = {}): string {
    const { depthMax = 1000, bytesMax = 2 ** 53, root = '' } = options;
    if (isJsonPure(value, depthMax, bytesMax)) {
      let text: string | undefined;
      try {
        text = stringify(value);
      } catch {
        // Too deep for the native stack or too long for a string: the table tells which.
      }
      if (text !== undefined) {
        if (exceeds(text, bytesMax)) throw tooLarge(root, bytesMax);
        return text;
      }
    }
    try {
      return encodeTable(value, depthMax, bytesMax, root);
    } catch (error) {
      // The longest string of the engine is a limit too.
      if (error instanceof RangeError && !(error instanceof Failure)) throw tooLarge(root, bytesMax);
      throw error;
    }
  }

  /** Breadth first: an entry's index is the order of its discovery, its depth the shortest way to it. */
  function encodeTable(rootValue: unknown, depthMax: number, bytesMax: number, root: string): string {
    const indexes = new Intrinsics.Map();
    const queue = list<object>();
    const parents = list<number>();
    const steps = list<string | number>();
    const depths = list<number>();
    let count = 0;
    let at = -1;
    let text = `#[${slot(rootValue, root)}`;
    for (at = 0; at < count; at += 1) {
      text += `,${entry(queue[at] as Bag)}`;
      if (text.length > bytesMax) throw tooLarge(root, bytesMax);
    }
    text += ']';
    if (exceeds(text, bytesMax)) throw tooLarge(root, bytesMax);
    return text;

    /** Where `step` of the container at hand is; a step is a key, an index or ready-made text. */
    function pathOf(step: string | number): string {
      let path = '';
      let last: string | number = step;
      let owner = at;
      for (;;) {
        path = (typeof last === 'number' ? `[${last}]` : last) + path;
        if (owner < 0) break;
        last = steps[owner] as string | number;
        owner = parents[owner] as number;
      }
      return path !== '' && path[0] === '.' ? slice(path, 1) : path;
    }
    function fail(step: string | number, what: string): Failure {
      const path = pathOf(step);
      return new Failure('UNSERIALIZABLE_VALUE', path, `${path || 'the value'} is ${what}, not plain data`);
    }
    function keyStep(key: string): string {
      return matches(PLAIN_KEY, key) === null ? `[${stringify(key)}]` : `.${key}`;
    }

    /** The text of a value inside a container. */
    function slot(value: unknown, step: string | number): string {
      switch (typeof value) {
        case 'string':
          if (value.length > bytesMax) throw tooLarge(pathOf(step), bytesMax);
          return stringify(value);
        case 'boolean':
          return value ? 'true' : 'false';
        case 'undefined':
          return '[]';
        case 'number':
          if (value !== value) return '["NaN"]';
          if (value - value !== 0) return value > 0 ? '["Infinity"]' : '["-Infinity"]';
          return is(value, -0) ? '["-0"]' : `${value}`;
        case 'bigint':
          return `["n","${bigIntText(value, 16)}"]`;
        case 'object':
          return value === null ? 'null' : `[${discover(value, step)}]`;
        default:
          throw fail(step, `a ${typeof value}`);
      }
    }
    function discover(value: object, step: string | number): number {
      const known = mapGet(indexes, value);
      if (known !== undefined) return known;
      if (isProxy(value)) throw fail(step, 'a proxy');
      const depth = at < 0 ? 1 : (depths[at] as number) + 1;
      if (depth > depthMax) throw tooDeep(pathOf(step), depthMax);
      queue[count] = value;
      parents[count] = at;
      steps[count] = step;
      depths[count] = depth;
      mapSet(indexes, value, count);
      count += 1;
      return count - 1;
    }

    /** An own data property's value; an accessor is refused. */
    function read(owner: object, key: PropertyKey, step: string | number): unknown {
      const descriptor = getOwnPropertyDescriptor(owner, key) as PropertyDescriptor;
      if (!hasOwn(descriptor, 'value')) throw fail(step, 'an accessor');
      return descriptor.value;
    }
    function entry(value: Bag): string {
      if (isArray(value)) return arrayEntry(value);
      const prototype = getPrototypeOf(value);
      if (prototype === null) return `["z"${properties(value)}]`;
      if (prototype === ObjectPrototype) return `["o"${properties(value)}]`;
      return specialEntry(value, prototype);
    }
    function properties(value: object): string {
      const names = keys(value);
      let out = '';
      for (let i = 0; i < names.length; i += 1) {
        const name = names[i] as string;
        const step = keyStep(name);
        out += `,${stringify(name)},${slot(read(value, name, step), step)}`;
      }
      return out;
    }
    function arrayEntry(value: unknown[]): string {
      if (protoDepth(value) !== 2) throw fail('', 'an instance of a class');
      const names = keys(value);
      const isDense =
        names.length === value.length &&
        (names.length === 0 || names[names.length - 1] === `${names.length - 1}`);
      let out = isDense ? '["a"' : `["s",${value.length}`;
      for (let i = 0; i < names.length; i += 1) {
        const name = names[i] as string;
        const index = +name;
        const isIndex = isInteger(index) && index >= 0 && index < value.length && `${index}` === name;
        const step = isIndex ? index : keyStep(name);
        if (!isDense) out += isIndex ? `,${index}` : `,${stringify(name)}`;
        out += `,${slot(read(value, name, step), step)}`;
      }
      return `${out}]`;
    }
    function protoDepth(value: object): number {
      let depth = 0;
      for (let proto = getPrototypeOf(value) as object | null; proto !== null && depth < 8; depth += 1) {
        if (isProxy(proto)) return 8;
        proto = getPrototypeOf(proto) as object | null;
      }
      return depth;
    }

    /** Whatever has another prototype: built-in kinds are told by their internal slots, not by names. */
    function specialEntry(value: Bag, prototype: object): string {
      const depth = protoDepth(value);
      if (depth === 8) throw fail('', 'an instance of a class');
      const name = viewName(value);
      if (name !== undefined) return viewEntry(value, name, prototype, depth);
      const text = builtInEntry(value, depth);
      if (text !== undefined) return text;
      // A plain object of another realm: its prototype ends the chain and looks like Object.prototype.
      if (depth === 1 && hasOwn(prototype, 'isPrototypeOf') && objectTag(value) === '[object Object]')
        return `["o"${properties(value)}]`;
      throw fail('', depth === 1 ? 'an object with a prototype of its own' : 'an instance of a class');
    }
    function viewEntry(value: object, name: string, prototype: object, depth: number): string {
      const length = viewLength(value);
      if (bufferPrototype !== undefined && prototype === bufferPrototype) {
        const own = construct(Intrinsics.Uint8Array, [value]) as Uint8Array;
        return `["t","Uint8Array",[${discover(own.buffer, '.buffer')}],0,${length}]`;
      }
      if (depth !== 3) throw fail('', 'an instance of a class');
      return `["t","${name}",[${discover(viewBuffer(value), '.buffer')}],${viewOffset(value)},${length}]`;
    }
    function builtInEntry(value: Bag, depth: number): string | undefined {
      const found = brand(value);
      const kind = found.kind;
      const size = found.size;
      if (kind === '') return undefined;
      if (kind === 'error') return errorEntry(value);
      if (depth !== 2) throw fail('', 'an instance of a class');
      let out = '';
      let nth = 0;
      switch (kind) {
        case 'date':
          return `["d",${size - size === 0 ? size : 'null'}]`;
        case 'regexp':
          return `["r",${stringify(regExpSource(value))},${stringify(regExpFlags(value))}]`;
        case 'buffer':
          return `["b","${base64(new Intrinsics.Uint8Array(value as unknown as ArrayBuffer))}"]`;
        case 'dataview':
          return `["v",[${discover(dataViewBuffer(value), '.buffer')}],${dataViewOffset(value)},${size}]`;
        case 'map':
          mapEach(value, (item: unknown, key: unknown) => {
            out += `,${slot(key, `.key(${nth})`)},${slot(item, `.value(${nth})`)}`;
            nth += 1;
          });
          return `["m"${out}]`;
        default:
          setEach(value, (item: unknown) => {
            out += `,${slot(item, `.value(${nth})`)}`;
            nth += 1;
          });
          return `["S"${out}]`;
      }
    }
    /** Each probe throws unless `value` has the internal slot that it reads. */
    function brand(value: unknown): { readonly kind: string; readonly size: number } {
      for (let i = 0; i < probes.length; i += 1) {
        const probe = probes[i] as (typeof probes)[number];
        try {
          return { kind: probe.kind, size: probe.read(value) };
        } catch {
          // Not of this kind.
        }
      }
      return { kind: objectTag(value) === '[object Error]' ? 'error' : '', size: 0 };
    }
    /** The kind by the nearest standard prototype's name; stack traces are not data. */
    function errorEntry(value: Bag): string {
      const kind = textOf('name', value);
      let standard = 'Error';
      for (
        let proto = getPrototypeOf(value) as object | null;
        proto !== null;
        proto = getPrototypeOf(proto) as object | null
      ) {
        const name = hasOwn(proto, 'name') ? textOf('name', proto) : '';
        if (name in errors) {
          standard = name;
          break;
        }
      }
      let out = `["e","${standard}",${stringify(kind)},${stringify(textOf('message', value))}`;
      out += hasOwn(value, 'cause') ? `,1,${slot(read(value, 'cause', '.cause'), '.cause')}` : ',0,0';
      if (standard === 'AggregateError' && hasOwn(value, 'errors'))
        out += `,${slot(read(value, 'errors', '.errors'), '.errors')}`;
      return `${out}]`;
    }
    /** A string property found along the prototype chain without running an accessor. */
    function textOf(key: string, from: object): string {
      let owner: object | null = from;
      for (let depth = 0; owner !== null && depth < 100 && !isProxy(owner); depth += 1) {
        const descriptor = getOwnPropertyDescriptor(owner, key);
        if (descriptor !== undefined) return typeof descriptor.value === 'string' ? descriptor.value : '';
        owner = getPrototypeOf(owner) as object | null;
      }
      return '';
    }
  }

  function base64(bytes: Uint8Array): string {
    makeTables();
    let out = '';
    let i = 0;
    for (; i + 2 < bytes.length; i += 3) {
      const word = ((bytes[i] as number) << 16) | ((bytes[i + 1] as number) << 8) | (bytes[i + 2] as number);
      out += DIGITS[word >> 12] as string;
      out += DIGITS[word & 4095] as string;
    }
    if (i < bytes.length) {
      const last = i + 1 < bytes.length ? (bytes[i + 1] as number) : 0;
      const word = ((bytes[i] as number) << 16) | (last << 8);
      out += DIGITS[word >> 12] as string;
      out += i + 1 < bytes.length ? `${BASE64[(word >> 6) & 63]}=` : '==';
    }
    return out;
  }

  function decode(text: string, options: { readonly depthMax?: number } = {}): unknown {
    const { depthMax = 1000 } = options;
    if (text.length === 0 || text[0] !== '#') {
      checkNesting(text, depthMax);
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
    function bytesOf(slot: Slot | undefined): ArrayBuffer {
      makeTables();
      const text = slot;
      if (typeof text !== 'string' || text.length % 4 !== 0) throw malformed('wrong bytes');
      const size = text.length;
      const padding = size === 0 || text[size - 1] !== '=' ? 0 : text[size - 2] === '=' ? 2 : 1;
      const bytes = new Intrinsics.Uint8Array((size / 4) * 3 - padding);
      let word = 0;
      for (let i = 0, to = 0; i < size - padding; i += 1) {
        const digit = VALUES[charCodeAt(text, i)];
        if (digit === undefined) throw malformed('wrong bytes');
        word = ((word << 6) | digit) & 0xffffff;
        if (i % 4 === 0) continue;
        bytes[to] = word >> (6 - 2 * (i % 4));
        to += 1;
      }
      return viewBuffer(bytes);
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

  return { encode, decode, isFailure: (error): error is CodecFailure => error instanceof Failure };
}

const hostTypes = process.getBuiltinModule('node:util').types;

/** The parent's own codec: its results have this realm's prototypes. */
export const hostCodec: Codec = makeCodec({ isProxy: hostTypes.isProxy, bufferPrototype: Buffer.prototype });

/** @throws {CodecFailure} with reason UNSERIALIZABLE_VALUE or LIMIT_EXCEEDED. */
export function encodeValue(value: unknown, options: EncodeOptions = {}): string {
  return hostCodec.encode(value, options);
}

/** Takes hostile text. @throws {CodecFailure} with reason MALFORMED_TEXT or LIMIT_EXCEEDED. */
export function decodeValue(text: string, options: { readonly depthMax?: number } = {}): unknown {
  return hostCodec.decode(text, options);
}
