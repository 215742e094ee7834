/** Reads built-in objects by their internal slots: own properties of a value cannot mislead it. */

type Read<T> = (value: object) => T;

function getter<T>(prototype: object, key: PropertyKey): Read<T> {
  const { get } = Object.getOwnPropertyDescriptor(prototype, key) as { get: () => T };
  return (value) => Reflect.apply(get, value, []);
}

function method<T>(prototype: object, key: string): Read<T> {
  const { value: call } = Object.getOwnPropertyDescriptor(prototype, key) as { value: () => T };
  return (value) => Reflect.apply(call, value, []);
}

const TypedArrayPrototype = Object.getPrototypeOf(Uint8Array.prototype) as object;

export const viewName = getter<string | undefined>(TypedArrayPrototype, Symbol.toStringTag);
export const viewBuffer = getter<ArrayBufferLike>(TypedArrayPrototype, 'buffer');
export const viewOffset = getter<number>(TypedArrayPrototype, 'byteOffset');
export const viewByteLength = getter<number>(TypedArrayPrototype, 'byteLength');
export const viewLength = getter<number>(TypedArrayPrototype, 'length');
export const dataViewBuffer = getter<ArrayBufferLike>(DataView.prototype, 'buffer');
export const dataViewOffset = getter<number>(DataView.prototype, 'byteOffset');
export const dataViewLength = getter<number>(DataView.prototype, 'byteLength');
export const bufferLength = getter<number>(ArrayBuffer.prototype, 'byteLength');
export const dateTime = method<number>(Date.prototype, 'getTime');
export const regExpSource = getter<string>(RegExp.prototype, 'source');

const FLAGS = [
  ['d', 'hasIndices'],
  ['g', 'global'],
  ['i', 'ignoreCase'],
  ['m', 'multiline'],
  ['s', 'dotAll'],
  ['u', 'unicode'],
  ['v', 'unicodeSets'],
  ['y', 'sticky'],
].map(([letter, key]) => [letter, getter<boolean>(RegExp.prototype, key!)] as const);

export function regExpFlags(value: object): string {
  return FLAGS.filter(([, isSet]) => isSet(value))
    .map(([letter]) => letter)
    .join('');
}

const forEachEntry = Map.prototype.forEach;
const forEachItem = Set.prototype.forEach;

/** The entries of a Map as `[key, value, key, value, …]`. */
export function mapItems(map: object): unknown[] {
  const items: unknown[] = [];
  Reflect.apply(forEachEntry, map, [(value: unknown, key: unknown) => items.push(key, value)]);
  return items;
}

export function setItems(set: object): unknown[] {
  const items: unknown[] = [];
  Reflect.apply(forEachItem, set, [(item: unknown) => items.push(item)]);
  return items;
}
