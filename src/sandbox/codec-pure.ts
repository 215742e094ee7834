/**
 * Whether a value is plain JSON. Walks values of any realm, and runs in the host's: there its code is
 * compiled once for all runs, where in a fresh realm it would be interpreted each time.
 */
import { types } from 'node:util';

type Bag = Record<PropertyKey, unknown>;

const { isBoxedPrimitive, isProxy } = types;
const { isArray } = Array;
const { getPrototypeOf, hasOwn, is, keys } = Object;
const getterOf = Function.prototype.call.bind(
  (Object.prototype as unknown as Bag)['__lookupGetter__'] as (key: PropertyKey) => unknown,
) as (self: object, key: PropertyKey) => unknown;
const isEnumerable = Function.prototype.call.bind(Object.prototype.propertyIsEnumerable) as (
  self: object,
  key: PropertyKey,
) => boolean;

/**
 * One verifying walk: true when `JSON.stringify` loses nothing of `root`. Calls nothing of the value's, and
 * reads no accessor. An undefined value (also a hole, or a setter without getter) is not JSON-pure.
 * @param objectPrototype,arrayPrototype those of the value's realm.
 */
export function isJsonPure(
  root: unknown,
  depthMax: number,
  bytesMax: number,
  objectPrototype: object,
  arrayPrototype: object,
): boolean {
  if (root === null || typeof root === 'string' || typeof root === 'boolean') return true;
  if (typeof root === 'number') return root - root === 0 && !is(root, -0);
  if (typeof root !== 'object') return false;
  // Else what stands behind it may be a proxy, which would hear of the questions that follow.
  if (getPrototypeOf(arrayPrototype) !== objectPrototype) return false;
  if (hasOwn(objectPrototype, 'toJSON') || hasOwn(arrayPrototype, 'toJSON')) return false;
  for (const _inherited in objectPrototype) return false;
  const waiting: object[] = [root];
  const depths: number[] = [1];
  const seen = new Set<object>();
  let count = 0;
  let size = 0;

  const takes = (container: Bag, key: string | number, depth: number): boolean => {
    if (getterOf(container, key) !== undefined) return false;
    const value = container[key];
    size += 1;
    // Asked one by one, the engine answers from the value's tag; a `switch` would have the word made first.
    if (typeof value === 'string') {
      size += value.length;
      return true;
    }
    if (typeof value === 'number') return value - value === 0 && (value !== 0 || !is(value, -0));
    if (typeof value === 'boolean' || value === null) return true;
    if (typeof value !== 'object') return false;
    waiting.push(value);
    depths.push(depth + 1);
    return true;
  };

  for (let container = waiting.pop() as Bag | undefined; container !== undefined;) {
    const depth = depths.pop() as number;
    if (depth > depthMax || size > bytesMax || isProxy(container)) return false;
    seen.add(container);
    // One that was there already: to ask before would be to look it up twice.
    if (seen.size !== (count += 1)) return false;
    const isList = isArray(container);
    if (getPrototypeOf(container) !== (isList ? arrayPrototype : objectPrototype)) return false;
    // `JSON.stringify` would call a `toJSON` that is not walked, and ask a boxed primitive for what is in it.
    if (hasOwn(container, 'toJSON') && !isEnumerable(container, 'toJSON')) return false;
    if (isList) {
      const { length } = container;
      const names = keys(container);
      if (names.length !== length) return false;
      // Indexes come first: with a hole, the last one is another key.
      if (length > 0 && names[length - 1] !== `${length - 1}`) return false;
      for (let i = 0; i < length; i += 1) if (!takes(container, i, depth)) return false;
    } else if (isBoxedPrimitive(container)) {
      return false;
    } else {
      for (const key in container) {
        size += key.length;
        if (!takes(container, key, depth)) return false;
      }
    }
    container = waiting.pop() as Bag | undefined;
  }
  return size <= bytesMax;
}
