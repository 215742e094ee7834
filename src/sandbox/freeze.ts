/**
 * Makes what the language gives this process's own realm unchangeable: code of another realm that got hold of some
 * of it, say through an error that Node made, changes nothing for the harness or for later runs.
 *
 * Node's `--frozen-intrinsics` does as much, and takes as long as the rest of Node's start: it makes accessors of
 * all methods, which are in the way of each call and end the engine's own short cuts for arrays, iterators and
 * promises, in every realm of the process. Here only what objects are known to be assigned over is an accessor.
 */
import { constants, createContext } from 'node:vm';

/**
 * Names that objects are assigned which inherit them. A frozen one in the prototype would forbid that: the "override
 * mistake" of the language, see Hardened JavaScript (https://hardenjs.org).
 */
const OF_OBJECTS = ['constructor', 'hasOwnProperty', 'toLocaleString', 'toString', 'valueOf'];
const OF_ERRORS = ['constructor', 'message', 'name', 'toString'];

/** Globals of the engine's own that are none of the language's. */
const HOSTED = new Set<PropertyKey>(['globalThis', 'console']);

export function freezeIntrinsics(): void {
  const globals = languageGlobals();
  const all = reachable([...globals, ...unnamedPrototypes()]);
  allowOverrides(Object.prototype, OF_OBJECTS);
  for (const { prototype } of [Error, ...globals.filter(isErrorClass)]) allowOverrides(prototype, OF_ERRORS);
  for (const each of all) Object.freeze(each);
}

/** What those names stand for here that a realm with nothing of Node's has too. */
function languageGlobals(): unknown[] {
  const bare: object = createContext(constants.DONT_CONTEXTIFY);
  return Reflect.ownKeys(bare)
    .filter((name) => !HOSTED.has(name))
    .map((name) => Reflect.getOwnPropertyDescriptor(globalThis, name)?.value as unknown);
}

function isErrorClass(value: unknown): value is ErrorConstructor {
  return typeof value === 'function' && Reflect.getPrototypeOf(value) === Error;
}

/** What has no name is reached from one of its kind. */
function unnamedPrototypes(): unknown[] {
  return [
    function* () {},
    async () => {},
    async function* () {},
    [].values(),
    new Map().entries(),
    new Set().values(),
    ''[Symbol.iterator](),
    ''.matchAll(/a/g),
  ].map((kind) => Reflect.getPrototypeOf(kind));
}

function allowOverrides(prototype: object, names: readonly string[]): void {
  for (const name of names) {
    const { value, configurable } = Reflect.getOwnPropertyDescriptor(prototype, name) ?? {};
    if (!configurable) continue;
    const get = () => value as unknown;
    const set = function (this: unknown, own: unknown) {
      if (this === prototype) throw new TypeError(`Cannot assign to read only property '${name}'`);
      const isHeld = Object.hasOwn(this as object, name);
      const kind = isHeld ? {} : { writable: true, enumerable: true, configurable: true };
      Object.defineProperty(this, name, { ...kind, value: own });
    };
    for (const each of [get, set, set.prototype as object]) Object.freeze(each);
    Object.defineProperty(prototype, name, { get, set });
  }
}

function reachable(roots: readonly unknown[]): Set<object> {
  const found = new Set<object>();
  const methods = new Set<object>();
  const waiting = [...roots];
  while (waiting.length > 0) {
    const value = waiting.pop();
    if ((typeof value !== 'object' && typeof value !== 'function') || value === null || found.has(value))
      continue;
    found.add(value);
    waiting.push(Reflect.getPrototypeOf(value));
    for (const key of Reflect.ownKeys(value)) {
      const { value: own, get, set } = Reflect.getOwnPropertyDescriptor(value, key) as PropertyDescriptor;
      // A method has its length and its name, and nothing else.
      if (typeof own === 'function' && !Object.hasOwn(own, 'prototype')) methods.add(own);
      else waiting.push(own);
      if (get) methods.add(get);
      if (set) methods.add(set);
    }
  }
  for (const method of methods) found.add(method);
  return found;
}
