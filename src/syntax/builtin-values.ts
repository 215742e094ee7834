/** Members of built-ins, constants and modules: the part of evaluation that needs no syntax tree. */
import type { Constant } from './constant-folding.ts';
import {
  flagsOfPath,
  FOREIGN_NAMES,
  GLOBAL_OBJECTS,
  moduleName,
  NAMESPACES,
  SAME_PATH,
  STANDARD_NAMES,
} from './globals.ts';
import type { Value } from './value.ts';

export const UNKNOWN: Value = { kind: 'unknown' };
/** Prototypes of built-ins that no name leads to. */
export const SOME_PROTOTYPE: Value = { kind: 'builtin', path: '?.prototype' };
const SOME_CONSTRUCTOR: Value = { kind: 'constructor' };
const UNDEFINED: Value = { kind: 'constant', value: undefined };

export function builtin(path: string): Value {
  return { kind: 'builtin', path: SAME_PATH.get(path) ?? path };
}

export function moduleValue(specifier: string): Value {
  const name = moduleName(specifier);
  return builtin(name === 'process' ? 'process' : `module:${name}`);
}

/** A free name. */
export function globalValue(name: string): Value {
  if (name === 'undefined') return UNDEFINED;
  if (name === 'NaN') return { kind: 'constant', value: Number.NaN };
  if (name === 'Infinity') return { kind: 'constant', value: Number.POSITIVE_INFINITY };
  if (GLOBAL_OBJECTS.has(name)) return builtin('globalThis');
  return STANDARD_NAMES.has(name) || FOREIGN_NAMES.has(name) ? builtin(name) : UNKNOWN;
}

export function memberOfBuiltin(path: string, key: string): Value {
  if (path === 'globalThis') return globalValue(key);
  if (path === 'this') return memberOfThis(key);
  if (path.startsWith('module:') && (key === 'default' || key === 'promises')) return builtin(path);
  if (key === 'constructor') return constructorOfBuiltin(path);
  if (key === 'valueOf' && path === 'process') return UNKNOWN;
  return builtin(`${path}.${key}`);
}

/** `this` of a module: undefined where it runs, the global object where its author thought it would. */
function memberOfThis(key: string): Value {
  if (key === 'constructor') return SOME_CONSTRUCTOR;
  const value = globalValue(key);
  const isTelling =
    value.kind === 'builtin' && (value.path === 'globalThis' || flagsOfPath(value.path).length > 0);
  return isTelling || key === 'Function' || key === 'require' ? value : UNKNOWN;
}

function constructorOfBuiltin(path: string): Value {
  if (path === 'module') return builtin('module.constructor');
  if (path === '?.prototype') return SOME_CONSTRUCTOR;
  if (path.endsWith('.prototype')) return builtin(path.slice(0, -'.prototype'.length));
  if (path.startsWith('module:')) return SOME_CONSTRUCTOR;
  return NAMESPACES.has(path) ? builtin('Object') : builtin('Function');
}

export function memberOfConstant(value: Constant, key: string): Value {
  if (typeof value === 'string') {
    if (key === 'length') return { kind: 'constant', value: value.length };
    if (/^\d+$/.test(key)) return { kind: 'constant', value: value[Number(key)] };
    return ofPrototype('String', key);
  }
  if (typeof value === 'number') return ofPrototype('Number', key);
  if (typeof value === 'boolean') return ofPrototype('Boolean', key);
  return UNKNOWN;
}

/** `[].filter`: what an instance inherits. */
export function ofPrototype(constructor: string, key: string): Value {
  return key === 'constructor' ? builtin(constructor) : builtin(`${constructor}.prototype.${key}`);
}

const CONSTRUCTORS: ReadonlyMap<Value['kind'], string> = new Map([
  ['bound', 'Function'],
  ['date', 'Date'],
  ['function', 'Function'],
]);

export function memberOfOther(value: Value, key: string): Value {
  if (value.kind === 'constructor') {
    if (key === 'prototype') return SOME_PROTOTYPE;
    return key === 'constructor' ? builtin('Function') : UNKNOWN;
  }
  if (key !== 'constructor') return UNKNOWN;
  const name = CONSTRUCTORS.get(value.kind);
  return name === undefined ? SOME_CONSTRUCTOR : builtin(name);
}
