/** Walks the children of one container, in the order in which its literal lists them. */
import { quote, Unwritable } from './atoms.ts';
import { memberPath } from './value-path.ts';

/** Stands before the first child; `next()` moves on until it says no. */
export interface Cursor {
  readonly value: object;
  /**
   * Whether the content can stand in the literal: `inline` always, `map` only where no cycle leads
   * through it (in a graph it is added later), `late` never.
   */
  readonly content: 'inline' | 'map' | 'late';
  readonly open: string;
  child: unknown;
  next(): boolean;
  /** The text between the child before and this one. */
  lead(): string;
  close(): string;
  /** How code reaches the current child from its container, to assign it. */
  access(): string;
  /** The current child's path for an error message. */
  path(parent: string): string;
}

/** A container whose content can be added after its creation. */
export interface LateCursor extends Cursor {
  /** The container without its content. */
  readonly shell: string;
  /** A statement that puts the current child, written as `text`, into `target`. */
  late(target: string, text: string): string;
  /** A statement that ends what `late` began, if one is needed. */
  lateEnd(target: string): string | undefined;
}

export function isLate(cursor: Cursor): cursor is LateCursor {
  return cursor.content !== 'inline';
}

/** An own property's value; an accessor is refused unread. */
export function readData(owner: object, key: PropertyKey): unknown {
  const descriptor = Object.getOwnPropertyDescriptor(owner, key);
  if (descriptor && 'value' in descriptor) return descriptor.value;
  throw new Unwritable('an accessor');
}

function accessTo(key: string): string {
  return `[${quote(key)}]`;
}

/** A plain object: own enumerable string keys, as data. */
export class ObjectCursor implements Cursor {
  readonly content = 'inline';
  readonly open: string;
  child: unknown;
  readonly value: object;
  readonly #keys: string[];
  #index = -1;

  constructor(value: object, hasPrototype: boolean) {
    this.value = value;
    this.#keys = Object.keys(value);
    this.open = hasPrototype ? '{' : this.#keys.length > 0 ? '{__proto__:null,' : '{__proto__:null';
  }

  /** How many characters the literal has at least. */
  get lengthMin(): number {
    return this.#keys.length * 4;
  }

  next(): boolean {
    if (++this.#index >= this.#keys.length) return false;
    this.child = readData(this.value, this.#key);
    return true;
  }

  lead(): string {
    const key = this.#key;
    const name = key === '__proto__' ? '["__proto__"]' : quote(key);
    return this.#index === 0 ? `${name}:` : `,${name}:`;
  }

  close(): string {
    return '}';
  }

  access(): string {
    return accessTo(this.#key);
  }

  path(parent: string): string {
    return memberPath(parent, this.#key);
  }

  get #key(): string {
    return this.#keys[this.#index]!;
  }
}

/** Up to this length, an array's keys are listed to find properties that are no elements. */
const LISTED_LENGTH_MAX = 4_000_000;
const SAMPLES = 256;
/** A literal shows at most so many holes in a row; longer gaps are left by assigning behind them. */
const GAP_MAX = 1_000;

/** An array, with its holes, and with other properties than elements if it has them. */
export class ArrayCursor implements LateCursor {
  readonly open = '[';
  readonly shell = '[]';
  readonly content: 'inline' | 'late';
  child: unknown;
  readonly value: unknown[];
  /** The keys in order; undefined where every index below the length is tried. */
  readonly #keys: string[] | undefined;
  readonly #length: number;
  #position = -1;
  #index = -1;
  #before = -1;
  #name: string | undefined;

  constructor(value: unknown[]) {
    this.value = value;
    this.#length = value.length;
    this.#keys = keysIfOdd(value);
    const isLate = this.#keys && (hasNames(this.#keys) || hasWideGap(this.#keys, this.#length));
    this.content = isLate ? 'late' : 'inline';
  }

  next(): boolean {
    if (this.#keys) return this.#nextKey(this.#keys);
    this.#before = this.#index;
    while (++this.#index < this.#length) {
      const descriptor = Object.getOwnPropertyDescriptor(this.value, this.#index);
      if (!descriptor) continue;
      if (!('value' in descriptor)) throw new Unwritable('an accessor');
      this.child = descriptor.value;
      return true;
    }
    return false;
  }

  #nextKey(keys: string[]): boolean {
    const key = keys[++this.#position];
    this.#before = this.#index;
    if (key === undefined) {
      this.#index = this.#length;
      return false;
    }
    this.#name = isIndex(key) ? undefined : key;
    if (key === '__proto__') throw new Unwritable('an array with a property `__proto__`');
    if (this.#name === undefined) this.#index = Number(key);
    this.child = readData(this.value, key);
    return true;
  }

  lead(): string {
    return commas(this.#before < 0 ? this.#index : this.#index - this.#before);
  }

  close(): string {
    const holes = this.#length - 1 - this.#before;
    return `${commas(this.#before >= 0 && holes > 0 ? holes + 1 : holes)}]`;
  }

  access(): string {
    return this.#name === undefined ? `[${this.#index}]` : accessTo(this.#name);
  }

  late(target: string, text: string): string {
    return `${target}${this.access()}=${text}`;
  }

  lateEnd(target: string): string | undefined {
    return this.#before < this.#length - 1 ? `${target}.length=${this.#length}` : undefined;
  }

  path(parent: string): string {
    return this.#name === undefined ? `${parent}[${this.#index}]` : memberPath(parent, this.#name);
  }
}

function commas(count: number): string {
  return count === 1 ? ',' : ','.repeat(count);
}

/** The keys of an array that is more, or less, than its elements; undefined if it is dense, or too long to tell. */
function keysIfOdd(array: unknown[]): string[] | undefined {
  const { length } = array;
  if (length > LISTED_LENGTH_MAX && !isSparse(array)) return undefined;
  const keys = Object.keys(array);
  return keys.length === length && (length === 0 || keys.at(-1) === String(length - 1)) ? undefined : keys;
}

/** Judged by samples: it only decides in which of two right ways the elements are found. */
function isSparse(array: unknown[]): boolean {
  let present = 0;
  for (let n = 0; n < SAMPLES; n++) {
    if (Object.hasOwn(array, Math.floor((n * array.length) / SAMPLES))) present++;
  }
  return present < SAMPLES / 8;
}

function isIndex(key: string): boolean {
  const index = Number(key);
  return Number.isInteger(index) && index >= 0 && index < 2 ** 32 - 1 && String(index) === key;
}

/** Indices come first among the keys. */
function hasNames(keys: readonly string[]): boolean {
  const last = keys.at(-1);
  return last !== undefined && !isIndex(last);
}

function hasWideGap(keys: readonly string[], length: number): boolean {
  let before = -1;
  for (const key of keys) {
    const index = Number(key);
    if (index - before > GAP_MAX) return true;
    before = index;
  }
  return length - before > GAP_MAX;
}

/** Named parts in a fixed frame: an error's cause, a view's buffer. */
export class PartsCursor implements Cursor {
  child: unknown;
  #index = -1;
  readonly value: object;
  readonly open: string;
  readonly content = 'inline';
  readonly #parts: readonly Part[];
  readonly #close: string;

  constructor(value: object, open: string, parts: readonly Part[], close: string) {
    this.value = value;
    this.open = open;
    this.#parts = parts;
    this.#close = close;
  }

  next(): boolean {
    if (++this.#index >= this.#parts.length) return false;
    this.child = this.#part.value;
    return true;
  }

  lead(): string {
    return this.#part.lead;
  }

  close(): string {
    return this.#close;
  }

  access(): string {
    return this.#part.access;
  }

  path(parent: string): string {
    return `${parent}${this.#part.path}`;
  }

  get #part(): Part {
    return this.#parts[this.#index]!;
  }
}

export interface Part {
  readonly value: unknown;
  readonly lead: string;
  readonly access: string;
  readonly path: string;
}
