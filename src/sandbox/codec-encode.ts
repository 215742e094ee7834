/** From a value to its text. Refers to nothing outside itself. */
import type { ByteText } from './codec-bytes.ts';
import type { Captured } from './codec-intrinsics.ts';
import type { CodecFailure, EncodeOptions } from './codec.ts';

export function makeEncoder(
  captured: Captured,
  base64: ByteText['base64'],
): (value: unknown, options?: EncodeOptions) => string {
  'use strict';
  type Bag = Record<PropertyKey, unknown>;
  const {
    brand,
    isProxy,
    isJsonPure,
    bufferPrototype,
    stringify,
    isArray,
    isInteger,
    keys,
    is,
    hasOwn,
    getPrototypeOf,
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
    regExpSource,
    regExpFlags,
    mapEach,
    mapGet,
    mapSet,
    setEach,
    bigIntText,
    slice,
    matches,
    Intrinsics,
    errors,
    failure,
    isFailure,
    tooDeep,
    tooLarge,
    exceeds,
  } = captured;
  const PLAIN_KEY = /^[A-Za-z_$][\w$]*$/;
  // Told to people, and within what a worker may say of a failure.
  const KEY_SHOWN = 100;
  const PATH_SHOWN = 4_000;

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
      if (error instanceof RangeError && !isFailure(error)) throw tooLarge(root, bytesMax);
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
        if (path.length > PATH_SHOWN) return `…${slice(path, -PATH_SHOWN)}`;
        if (owner < 0) break;
        last = steps[owner] as string | number;
        owner = parents[owner] as number;
      }
      return path !== '' && path[0] === '.' ? slice(path, 1) : path;
    }
    function fail(step: string | number, what: string): CodecFailure {
      const path = pathOf(step);
      return failure('UNSERIALIZABLE_VALUE', path, `${path || 'the value'} is ${what}, not plain data`);
    }
    function keyStep(key: string): string {
      if (key.length > KEY_SHOWN) return `[${stringify(`${slice(key, 0, KEY_SHOWN)}…`)}]`;
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
  return encode;
}
