/**
 * Canonical JSON (RFC 8785): one text for equal data, whatever the order of its keys. What is
 * not purely JSON has no canonical text, because a skill could tell it from its JSON form.
 */
import { types } from 'node:util';

/** Deeper data has no canonical text; both walks below use one stack frame a level. */
const DEPTH_MAX = 1_000;

const NOT_PURE = Symbol('not pure JSON');

interface Walk {
  /** Every object met: a second meeting is a cycle or a shared reference, which JSON cannot say. */
  readonly seen: Set<object>;
  /** Set where an object's own order cannot be made canonical, as integer-like keys come first. */
  needsWriter: boolean;
  /** The keys of the last object, as they came, and sorted where they were not. */
  lastKeys: readonly string[];
  lastSorted: readonly string[] | undefined;
}

/**
 * The canonical text of pure JSON data, else undefined. Not pure are: undefined (members too),
 * `NaN`, infinities, `-0`, BigInt, symbols, functions, holes, accessors, proxies, `toJSON`,
 * instances of any class (dates, maps, objects of another realm or without a prototype), named
 * properties of arrays, cycles, references shared by two places, and nesting beyond 1,000.
 * Symbol keys and keys that are not enumerable are no data and are not looked at. A lone
 * surrogate is written as its escape, so that it stays different from every other text.
 */
export function canonicalJson(value: unknown): string | undefined {
  const walk: Walk = { seen: new Set(), needsWriter: false, lastKeys: [], lastSorted: undefined };
  const ordered = inOrder(value, walk, 0);
  if (ordered === NOT_PURE) return undefined;
  return walk.needsWriter ? write(value) : JSON.stringify(ordered);
}

/** `JSON.stringify` of data that is pure in the sense above, keys in the order given. */
export function pureJson(value: unknown): string | undefined {
  const walk: Walk = { seen: new Set(), needsWriter: false, lastKeys: [], lastSorted: undefined };
  return inOrder(value, walk, 0) === NOT_PURE ? undefined : JSON.stringify(value);
}

/** The value itself where each object's keys are in order already, else a copy that is. */
function inOrder(value: unknown, walk: Walk, depth: number): unknown {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return value;
    case 'number':
      // `value - value` is 0 for finite numbers only; -0 is told from 0 by division.
      return value - value === 0 && (value !== 0 || 1 / value > 0) ? value : NOT_PURE;
    case 'object':
      if (value === null) return null;
      if (depth >= DEPTH_MAX || types.isProxy(value) || walk.seen.has(value)) return NOT_PURE;
      walk.seen.add(value);
      if (typeof (value as { toJSON?: unknown }).toJSON === 'function') return NOT_PURE;
      return Array.isArray(value)
        ? arrayInOrder(value, walk, depth + 1)
        : objectInOrder(value as Record<string, unknown>, walk, depth + 1);
    default:
      return NOT_PURE;
  }
}

function arrayInOrder(array: readonly unknown[], walk: Walk, depth: number): unknown {
  if (Object.getPrototypeOf(array) !== Array.prototype) return NOT_PURE;
  // As many keys as elements, and below none of them undefined: no hole and no named property.
  if (Object.keys(array).length !== array.length) return NOT_PURE;
  let copy: unknown[] | undefined;
  for (let index = 0; index < array.length; index += 1) {
    // A descriptor costs 70 ns here, so an accessor is only looked for where the element is an object.
    let item = array[index];
    if (typeof item === 'object' && item !== null) item = dataProperty(array, index);
    const ordered = inOrder(item, walk, depth);
    if (ordered === NOT_PURE) return NOT_PURE;
    if (ordered !== item) copy ??= array.slice();
    if (copy) copy[index] = ordered;
  }
  return copy ?? array;
}

function objectInOrder(object: Readonly<Record<string, unknown>>, walk: Walk, depth: number): unknown {
  if (Object.getPrototypeOf(object) !== Object.prototype) return NOT_PURE;
  const keys = Object.keys(object);
  const sorted = sortedKeys(keys, walk);
  let copy: Record<string, unknown> | undefined = sorted === keys ? undefined : {};
  for (let index = 0; index < sorted.length; index += 1) {
    const key = sorted[index] as string;
    const item = dataProperty(object, key);
    const ordered = typeof item === 'string' ? item : inOrder(item, walk, depth);
    if (ordered === NOT_PURE) return NOT_PURE;
    if (ordered !== item && !copy) copy = prefixOf(object, sorted.slice(0, index), walk);
    if (copy) assign(copy, key, ordered, walk);
  }
  return copy ?? object;
}

/** The own property's value; an accessor, like a hole, gives undefined and so is not pure. */
function dataProperty(holder: object, key: string | number): unknown {
  return Object.getOwnPropertyDescriptor(holder, key)?.value as unknown;
}

/** The keys themselves where they ascend by UTF-16 code unit, else sorted so. */
function sortedKeys(keys: readonly string[], walk: Walk): readonly string[] {
  // Rows have the keys of the row before: comparing those is cheaper than comparing their order.
  if (!isSame(keys, walk.lastKeys)) {
    walk.lastKeys = keys;
    walk.lastSorted = isAscending(keys) ? undefined : keys.toSorted();
  }
  if (!walk.lastSorted) return keys;
  const first = keys[0] as string;
  if (first >= '0' && first < ':') walk.needsWriter = true;
  return walk.lastSorted;
}

function isAscending(keys: readonly string[]): boolean {
  for (let index = 1; index < keys.length; index += 1) {
    if ((keys[index] as string) < (keys[index - 1] as string)) return false;
  }
  return true;
}

function isSame(left: readonly string[], right: readonly string[]): boolean {
  if (left.length !== right.length) return false;
  for (let index = 0; index < left.length; index += 1) if (left[index] !== right[index]) return false;
  return true;
}

function prefixOf(
  object: Readonly<Record<string, unknown>>,
  keys: readonly string[],
  walk: Walk,
): Record<string, unknown> {
  const copy: Record<string, unknown> = {};
  for (const key of keys) assign(copy, key, object[key], walk);
  return copy;
}

/** Assigning `__proto__` would set the copy's prototype; the writer takes it as any other key. */
function assign(copy: Record<string, unknown>, key: string, value: unknown, walk: Walk): void {
  if (key === '__proto__') walk.needsWriter = true;
  else copy[key] = value;
}

/** The same text without help of key order: for the few objects whose order cannot be chosen. */
function write(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(write).join(',')}]`;
  const object = value as Readonly<Record<string, unknown>>;
  const members = Object.keys(object)
    .sort()
    .map((key) => `${JSON.stringify(key)}:${write(object[key])}`);
  return `{${members.join(',')}}`;
}
