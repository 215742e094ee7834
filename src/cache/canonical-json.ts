/**
 * Canonical JSON (RFC 8785): one text for equal data, whatever the order of its keys. What is
 * not purely JSON has no canonical text, because a skill could tell it from its JSON form.
 */
import { types } from 'node:util';

/** Deeper data has no canonical text; both walks below use one stack frame a level. */
const DEPTH_MAX = 1_000;

/** What a walk through data found: whether JSON says all of it, and each object's keys are in order. */
type Verdict = 'ordered' | 'unordered' | 'not-pure';

interface Walk {
  /** Every object met: a second meeting is a cycle or a shared reference, which JSON cannot say. */
  readonly met: Met;
  isOrdered: boolean;
  /** The keys of the last object, as they came. */
  lastKeys: readonly string[];
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
  const verdict = verdictOn(value);
  if (verdict === 'not-pure') return undefined;
  return verdict === 'ordered' ? JSON.stringify(value) : orderedJson(value);
}

/** `JSON.stringify` of data that is pure in the sense above, keys in the order given. */
export function pureJson(value: unknown): { readonly text: string; readonly isOrdered: boolean } | undefined {
  const verdict = verdictOn(value);
  if (verdict === 'not-pure') return undefined;
  return { text: JSON.stringify(value), isOrdered: verdict === 'ordered' };
}

function verdictOn(value: unknown): Verdict {
  const walk: Walk = { met: new Met(), isOrdered: true, lastKeys: [] };
  if (!isPure(value, walk, 0)) return 'not-pure';
  return walk.isOrdered ? 'ordered' : 'unordered';
}

/** Objects, of which there mostly are few: looking through a short list costs a third of what a set does. */
class Met {
  readonly #few: object[] = [];
  #many: Set<object> | undefined;

  /** False where it was met before. */
  add(value: object): boolean {
    if (this.#many !== undefined) {
      const before = this.#many.size;
      return this.#many.add(value).size > before;
    }
    if (this.#few.includes(value)) return false;
    if (this.#few.push(value) > MET_FEW) this.#many = new Set(this.#few);
    return true;
  }
}

const MET_FEW = 32;

// `value - value` is 0 for finite numbers only; -0 is told from 0 by division.
const isPureNumber = (value: number): boolean => value - value === 0 && (value !== 0 || 1 / value > 0);

function isPure(value: unknown, walk: Walk, depth: number): boolean {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return true;
    case 'number':
      return isPureNumber(value);
    case 'object':
      return value === null || isPureHolder(value, walk, depth);
    default:
      return false;
  }
}

function isPureHolder(value: object, walk: Walk, depth: number): boolean {
  if (depth >= DEPTH_MAX || types.isProxy(value) || !walk.met.add(value)) return false;
  if (typeof (value as { toJSON?: unknown }).toJSON === 'function') return false;
  return Array.isArray(value) ? isPureArray(value, walk, depth + 1) : isPureObject(value, walk, depth + 1);
}

function isPureArray(array: readonly unknown[], walk: Walk, depth: number): boolean {
  if (Object.getPrototypeOf(array) !== Array.prototype) return false;
  // As many keys as elements, and below none of them undefined: no hole and no named property.
  if (Object.keys(array).length !== array.length) return false;
  for (let index = 0; index < array.length; index += 1) {
    // A descriptor costs 70 ns here, so an accessor is only looked for where the element is an object.
    let item = array[index];
    if (typeof item === 'object' && item !== null) item = dataProperty(array, index);
    if (!isPure(item, walk, depth)) return false;
  }
  return true;
}

function isPureObject(object: object, walk: Walk, depth: number): boolean {
  if (Object.getPrototypeOf(object) !== Object.prototype) return false;
  const keys = Object.keys(object);
  if (walk.isOrdered && !isSame(keys, walk.lastKeys)) {
    // Rows have the keys of the row before: comparing those is cheaper than comparing their order.
    walk.lastKeys = keys;
    walk.isOrdered = isAscending(keys);
  }
  for (let index = 0; index < keys.length; index += 1) {
    const item = dataProperty(object, keys[index] as string);
    // A call less for most properties.
    if (typeof item === 'string' || typeof item === 'boolean') continue;
    if (typeof item === 'number') {
      if (!isPureNumber(item)) return false;
    } else if (!isPure(item, walk, depth)) return false;
  }
  return true;
}

/** The own property's value; an accessor, like a hole, gives undefined and so is not pure. */
function dataProperty(holder: object, key: string | number): unknown {
  return Object.getOwnPropertyDescriptor(holder, key)?.value as unknown;
}

interface Order {
  /** Set where an object's own order cannot be made canonical, as integer-like keys come first. */
  needsWriter: boolean;
  lastKeys: readonly string[];
  /** The last keys sorted, where they were not. */
  lastSorted: readonly string[] | undefined;
}

/** The canonical text of data that was found pure. */
function orderedJson(value: unknown): string {
  const order: Order = { needsWriter: false, lastKeys: [], lastSorted: undefined };
  const ordered = inOrder(value, order);
  return order.needsWriter ? write(value) : JSON.stringify(ordered);
}

/** The value itself where each object's keys are in order already, else a copy that is. */
function inOrder(value: unknown, order: Order): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return arrayInOrder(value, order);
  return objectInOrder(value as Record<string, unknown>, order);
}

function arrayInOrder(array: readonly unknown[], order: Order): unknown {
  let copy: unknown[] | undefined;
  for (let index = 0; index < array.length; index += 1) {
    const ordered = inOrder(array[index], order);
    if (ordered !== array[index]) copy ??= array.slice();
    if (copy) copy[index] = ordered;
  }
  return copy ?? array;
}

function objectInOrder(object: Readonly<Record<string, unknown>>, order: Order): unknown {
  const keys = Object.keys(object);
  const sorted = sortedKeys(keys, order);
  const copy: Record<string, unknown> = {};
  let isCopy = sorted !== keys;
  for (const key of sorted) {
    const ordered = inOrder(object[key], order);
    if (ordered !== object[key]) isCopy = true;
    // Assigning `__proto__` would set the copy's prototype; the writer takes it as any other key.
    if (key === '__proto__') order.needsWriter = true;
    else copy[key] = ordered;
  }
  return isCopy ? copy : object;
}

/** The keys themselves where they ascend by UTF-16 code unit, else sorted so. */
function sortedKeys(keys: readonly string[], order: Order): readonly string[] {
  if (!isSame(keys, order.lastKeys)) {
    order.lastKeys = keys;
    order.lastSorted = isAscending(keys) ? undefined : keys.toSorted();
  }
  if (!order.lastSorted) return keys;
  const first = keys[0] as string;
  if (first >= '0' && first < ':') order.needsWriter = true;
  return order.lastSorted;
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
