/** A value from outside, copied into plain JSON: nothing it does afterwards, and no getter, reaches us. */

import { types } from 'node:util';

export interface JsonIssue {
  readonly path: string;
  readonly message: string;
}

const DEPTH_MAX = 200;
/** More than a definition may have, in values and in characters; what is shared counts each time. */
const VALUES_MAX = 2_500_000;
const LENGTH_MAX = 16 * 1024 * 1024;

/** `base.key`, or `base["odd key"]` where the key is no identifier, or `base[3]`. */
export function joinPath(base: string, key: string | number): string {
  if (typeof key === 'number') return `${base}[${key}]`;
  if (!/^[A-Za-z_$][\w$]*$/.test(key)) return `${base}[${JSON.stringify(shorten(key, 64))}]`;
  return base === '' ? key : `${base}.${key}`;
}

/** `text`, cut to `max` characters with a mark, never through a surrogate pair. */
export function shorten(text: string, max: number): string {
  if (text.length <= max) return text;
  return `${text.slice(0, max - 1).replace(/[\uD800-\uDBFF]$/, '')}…`;
}

/** Sets an own member, `__proto__` included. */
export function setOwn(target: object, key: string, value: unknown): void {
  Object.defineProperty(target, key, { value, writable: true, enumerable: true, configurable: true });
}

/**
 * Copies `value` as JSON. Members that are `undefined` are left out, as JSON does; all else that
 * JSON cannot say (functions, symbols, accessors, class instances, NaN, cycles, holes in arrays) is
 * reported in `issues` under its path. `-0` becomes `0`. Own enumerable string keys count.
 * Copying stops where the copy would be larger than any definition may be.
 */
export function toPlainJson(value: unknown, path: string, issues: JsonIssue[]): unknown {
  const open = new Set<object>();
  const refuse = (at: string, message: string): undefined => {
    issues.push({ path: at || '(definition)', message });
    return undefined;
  };
  let valuesLeft = VALUES_MAX;
  let lengthLeft = LENGTH_MAX;
  let isOver = false;
  const isSpent = (at: string, text: string): boolean => {
    lengthLeft -= text.length;
    if (isOver || (valuesLeft >= 0 && lengthLeft >= 0)) return isOver;
    isOver = true;
    const limit = valuesLeft < 0 ? `${VALUES_MAX} values` : `${LENGTH_MAX} characters`;
    refuse(shorten(at, 300), `with all before it is more than ${limit}`);
    return true;
  };
  const copy = (from: unknown, at: string, depth: number): unknown => {
    valuesLeft -= 1;
    if (isSpent(at, typeof from === 'string' ? from : '')) return undefined;
    if (from === null || typeof from === 'string' || typeof from === 'boolean') return from;
    if (typeof from === 'number') {
      if (!Number.isFinite(from)) return refuse(at, `${from} is not JSON`);
      return from === 0 ? 0 : from;
    }
    if (typeof from !== 'object') return refuse(at, `${describe(from)} is not JSON`);
    if (open.has(from)) return refuse(at, 'a cycle is not JSON');
    if (depth > DEPTH_MAX) return refuse(at, `nested deeper than ${DEPTH_MAX} levels`);
    if (isTrapped(from)) return refuse(at, 'a proxy is not JSON');
    if (!Array.isArray(from) && !isPlainObject(from)) return refuse(at, `${describe(from)} is not JSON`);
    open.add(from);
    const result = Array.isArray(from) ? copyArray(from, at, depth) : copyObject(from, at, depth);
    open.delete(from);
    return result;
  };
  const copyArray = (from: readonly unknown[], at: string, depth: number): unknown[] => {
    const result: unknown[] = [];
    for (let index = 0; index < from.length; index += 1) {
      const member = dataMember(from, String(index));
      const place = joinPath(at, index);
      if (member === undefined) refuse(place, 'a hole in an array is not JSON');
      else if (member === 'accessor') refuse(place, 'an accessor is not data');
      else result.push(copy(member.value, place, depth + 1));
      if (isOver || issues.length > 20) break;
    }
    return result;
  };
  const copyObject = (from: object, at: string, depth: number): object => {
    const result = {};
    for (const key of Object.keys(from)) {
      const member = dataMember(from, key);
      const place = joinPath(at, key);
      if (member === 'accessor') refuse(place, 'an accessor is not data');
      else if (member !== undefined && member.value !== undefined) {
        if (isSpent(place, key)) break;
        setOwn(result, key, copy(member.value, place, depth + 1));
      }
      if (isOver || issues.length > 20) break;
    }
    return result;
  };
  return copy(value, path, 0);
}

/** An object literal of any realm, or one without a prototype. */
export function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return (
    prototype === null ||
    prototype === Object.prototype ||
    (Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype as object, 'hasOwnProperty'))
  );
}

/** Whether asking the object what it is would run somebody's code. */
function isTrapped(value: object): boolean {
  return types.isProxy(value) || types.isProxy(Object.getPrototypeOf(value));
}

function dataMember(from: object, key: string): { value: unknown } | 'accessor' | undefined {
  const descriptor = Object.getOwnPropertyDescriptor(from, key);
  if (descriptor === undefined) return undefined;
  return 'value' in descriptor ? { value: descriptor.value as unknown } : 'accessor';
}

function describe(value: unknown): string {
  if (typeof value === 'object' && value !== null) {
    const tag = tagOf(value);
    return tag === 'Object' ? 'an object with a prototype of its own' : `a ${shorten(tag, 64)}`;
  }
  if (value === undefined) return 'undefined';
  return `a ${typeof value}`;
}

/** `Map` of a Map. A class may name its instances by a getter: one that throws names nothing. */
function tagOf(value: object): string {
  try {
    return Object.prototype.toString.call(value).slice(8, -1);
  } catch {
    return 'Object';
  }
}
