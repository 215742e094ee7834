/** Whether a value is plain JSON. Refers to nothing outside itself. */
import type { Captured } from './codec-intrinsics.ts';

export type PureTest = (root: unknown, depthMax: number, bytesMax: number) => boolean;

export function makePureTest(captured: Captured): PureTest {
  'use strict';
  type Bag = Record<PropertyKey, unknown>;
  const {
    isProxy,
    isArray,
    keys,
    is,
    getPrototypeOf,
    list,
    ObjectPrototype,
    ArrayPrototype,
    lookupGetter,
    setAdd,
    setHas,
    Intrinsics,
  } = captured;
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
  return isJsonPure;
}
