/** What a caller gives to be injected: checked, merged, each value read at most once. */
import { types } from 'node:util';
import { InjectionError } from '../errors.ts';
import type { InjectionPlan } from './injection-plan.ts';
import { inheritsPlainly, isPlainObject } from './plain.ts';
import { memberPath } from './value-path.ts';

export interface InjectionData {
  inputs?: unknown;
  context?: unknown;
  parameters?: unknown;
}

/** Later ones win. */
const LAYERS = ['parameters', 'context', 'inputs'] as const;

/** Where a value is read from; `key` is absent for a whole object. */
export interface Datum {
  readonly owner: object;
  readonly key?: string;
  readonly root: string;
}

export interface MergedData {
  /** The own enumerable string keys of all three, by name. */
  readonly byKey: ReadonlyMap<string, Datum>;
  /** The objects that were given, under their own names. */
  readonly whole: ReadonlyMap<string, Datum>;
}

/** @throws {InjectionError} `INVALID_INPUTS` for anything given that is not a plain object. */
export function mergeData(data: InjectionData): MergedData {
  const byKey = new Map<string, Datum>();
  const whole = new Map<string, Datum>();
  for (const root of LAYERS) {
    if (data[root] === undefined) continue;
    const owner = dataObject(root, data[root]);
    whole.set(root, { owner, root });
    for (const key of Object.keys(owner)) byKey.set(key, { owner, key, root });
  }
  return { byKey, whole };
}

/**
 * Refuses data for a name that is bound, but not by a replaceable initialiser.
 * @throws {InjectionError} `UNSUPPORTED_TARGET` with the place; `INVALID_INPUTS`.
 */
export function checkTargets(plan: InjectionPlan, data: InjectionData): void {
  if (plan.refused.length > 0) return refuseTargets(plan, mergeData(data));
  for (const root of LAYERS) if (data[root] !== undefined) dataObject(root, data[root]);
}

/** The same for data already merged. */
export function refuseTargets(plan: InjectionPlan, { byKey }: MergedData): void {
  for (const { name, reason, line, column } of plan.refused) {
    const datum = byKey.get(name);
    if (!datum) continue;
    const path = memberPath(datum.root, name);
    const message = `${path} cannot be injected: \`${name}\` at line ${line}, column ${column} is ${reason}`;
    throw new InjectionError('UNSUPPORTED_TARGET', message, { details: { name, path, line, column } });
  }
}

/** The value of a datum; an accessor is refused unread. */
export function readDatum({ owner, key, root }: Datum): { value: unknown; path: string } {
  if (key === undefined) return { value: owner, path: root };
  const path = memberPath(root, key);
  const descriptor = Object.getOwnPropertyDescriptor(owner, key);
  if (descriptor && 'value' in descriptor) return { value: descriptor.value, path };
  throw new InjectionError('UNSERIALIZABLE_VALUE', `${path} is an accessor, not data`, { details: { path } });
}

/**
 * Inputs, context or parameters as a plain object. Of an object that inherits from plain ones only
 * (`Object.create(defaults)`) what is its own is taken; what it inherits is not data.
 * @throws {InjectionError} `INVALID_INPUTS` for anything else.
 */
export function dataObject(root: string, value: unknown): object {
  if (isPlainObject(value)) return value;
  if (inheritsPlainly(value)) return Object.create(null, Object.getOwnPropertyDescriptors(value)) as object;
  const message = `${root} must be a plain object, not ${describe(value)}`;
  throw new InjectionError('INVALID_INPUTS', message, { details: { path: root } });
}

function describe(value: unknown): string {
  if (value === null) return 'null';
  if (types.isProxy(value)) return 'a proxy';
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'object' ? 'an instance of a class' : `a ${typeof value}`;
}
