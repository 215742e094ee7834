/** Which prototype a value has, asked so that none of its own code runs; any realm will do. */
import { types } from 'node:util';

/** How many steps lie between `value` and an `Object.prototype` (its own prototype is 1); 0 if it has none. */
export function stepsToObjectPrototype(value: object): number {
  let steps = 1;
  let prototype: unknown = Object.getPrototypeOf(value);
  for (; typeof prototype === 'object' && prototype !== null && !types.isProxy(prototype); steps++) {
    if (isObjectPrototype(prototype)) return steps;
    prototype = Object.getPrototypeOf(prototype);
  }
  return 0;
}

/** An object literal's kind of object, or one without a prototype; of this realm or another. */
export function isPlainObject(value: unknown): value is object {
  if (typeof value !== 'object' || value === null || types.isProxy(value)) return false;
  if (Array.isArray(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === null) return !types.isModuleNamespaceObject(value);
  return stepsToObjectPrototype(value) === 1 && !hasOtherNature(value);
}

/** Whether an object's prototypes are all plain objects: none of them is a class's, a proxy or of another nature. */
export function inheritsPlainly(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  for (let one: unknown = value; one !== null; one = Object.getPrototypeOf(one)) {
    if (typeof one !== 'object' || types.isProxy(one) || Array.isArray(one)) return false;
    if (isObjectPrototype(one)) return one !== value;
    if (hasOtherNature(one) || Object.hasOwn(one, 'constructor')) return false;
  }
  return true;
}

/** Whether an object behaves as another kind than its prototype says (a Map whose prototype was replaced). */
export function hasOtherNature(value: object): boolean {
  return (
    types.isMap(value) ||
    types.isSet(value) ||
    types.isDate(value) ||
    types.isRegExp(value) ||
    types.isNativeError(value) ||
    types.isPromise(value) ||
    types.isBoxedPrimitive(value) ||
    types.isAnyArrayBuffer(value) ||
    types.isArrayBufferView(value) ||
    types.isWeakMap(value) ||
    types.isWeakSet(value) ||
    types.isGeneratorObject(value) ||
    types.isMapIterator(value) ||
    types.isSetIterator(value) ||
    types.isExternal(value)
  );
}

function isObjectPrototype(prototype: object): boolean {
  if (prototype === Object.prototype) return true;
  return (
    Object.getPrototypeOf(prototype) === null &&
    Object.hasOwn(prototype, 'hasOwnProperty') &&
    Object.hasOwn(prototype, 'isPrototypeOf') &&
    Object.hasOwn(prototype, 'propertyIsEnumerable')
  );
}
