/** When two values count as the same: how an example's output is compared with what a run gave. */
import { types } from 'node:util';
import { joinPath } from './plain-json.ts';

export const TOLERANCE_DEFAULT = 1e-9;

export interface Difference {
  /** As in `output.rows[3].price`. */
  readonly path: string;
  readonly expected: unknown;
  readonly actual: unknown;
}

/**
 * Deep equality. Numbers may differ by `tolerance`, relative to the larger (or by 2 ** -52, so that a
 * rounding rest equals zero); without a given tolerance it is 1e-9 and two safe integers must be the
 * same. `0` equals `-0`, NaN equals NaN, a missing member equals one that is `undefined`, the order of
 * keys and prototypes do not count. Map and Set are compared by content, typed arrays by kind too.
 */
export function deepEqualWithTolerance(expected: unknown, actual: unknown, tolerance?: number): boolean {
  return firstDifference(expected, actual, tolerance) === undefined;
}

interface Pair {
  readonly expected: unknown;
  readonly actual: unknown;
  readonly parent: Pair | undefined;
  readonly key: string | number;
}

/** Where two values differ first, in the order of the expected one; nothing when they are equal. */
export function firstDifference(
  expected: unknown,
  actual: unknown,
  tolerance?: number,
  root = 'output',
): Difference | undefined {
  const compared = new Map<object, Set<unknown>>();
  const open: Pair[] = [{ expected, actual, parent: undefined, key: root }];
  for (let pair = open.pop(); pair !== undefined; pair = open.pop()) {
    const verdict = comparePair(pair, tolerance);
    if (verdict === 'different') {
      return { path: pathOf(pair), expected: pair.expected, actual: pair.actual };
    }
    if (verdict === 'equal') continue;
    // A pair met before, in a cycle or shared, is being compared or was found equal.
    const met = compared.get(pair.expected as object) ?? new Set();
    if (met.has(pair.actual)) continue;
    compared.set(pair.expected as object, met.add(pair.actual));
    for (const child of verdict.toReversed()) open.push(child);
  }
  return undefined;
}

function pathOf(pair: Pair): string {
  if (pair.parent === undefined) return String(pair.key);
  const keys: (string | number)[] = [];
  let top = pair;
  while (top.parent !== undefined) {
    keys.push(top.key);
    top = top.parent;
  }
  return keys.toReversed().slice(0, 50).reduce<string>(joinPath, String(top.key));
}

function comparePair(pair: Pair, tolerance: number | undefined): 'equal' | 'different' | Pair[] {
  const { expected, actual } = pair;
  if (Object.is(expected, actual)) return 'equal';
  if (typeof expected === 'number' && typeof actual === 'number') {
    return numbersAgree(expected, actual, tolerance) ? 'equal' : 'different';
  }
  if (typeof expected !== 'object' || typeof actual !== 'object') return 'different';
  if (expected === null || actual === null) return 'different';
  const kind = kindOf(expected);
  if (kind !== kindOf(actual)) return 'different';
  return compareObjects(kind, expected, actual, pair, tolerance);
}

function numbersAgree(expected: number, actual: number, tolerance: number | undefined): boolean {
  if (expected === actual) return true;
  if (!Number.isFinite(expected) || !Number.isFinite(actual)) return false;
  if (tolerance === undefined && Number.isSafeInteger(expected) && Number.isSafeInteger(actual)) return false;
  const difference = Math.abs(expected - actual);
  const largest = Math.max(Math.abs(expected), Math.abs(actual));
  return difference <= largest * (tolerance ?? TOLERANCE_DEFAULT) || difference <= Number.EPSILON;
}

function kindOf(value: object): string {
  if (Array.isArray(value)) return 'array';
  if (types.isDate(value)) return 'date';
  if (types.isRegExp(value)) return 'regexp';
  if (types.isMap(value)) return 'map';
  if (types.isSet(value)) return 'set';
  if (types.isNativeError(value)) return 'error';
  if (types.isAnyArrayBuffer(value)) return 'buffer';
  if (types.isDataView(value)) return 'view';
  if (types.isTypedArray(value)) return value[Symbol.toStringTag];
  return 'object';
}

function compareObjects(
  kind: string,
  expected: object,
  actual: object,
  parent: Pair,
  tolerance: number | undefined,
): 'equal' | 'different' | Pair[] {
  const same = (equal: boolean): 'equal' | 'different' => (equal ? 'equal' : 'different');
  switch (kind) {
    case 'date':
      return same(Object.is((expected as Date).getTime(), (actual as Date).getTime()));
    case 'regexp':
      return same(String(expected) === String(actual));
    case 'error':
      return same(errorText(expected as Error) === errorText(actual as Error));
    case 'buffer':
      return same(Buffer.from(expected as ArrayBuffer).equals(Buffer.from(actual as ArrayBuffer)));
    case 'view':
      return same(bytesOf(expected as DataView).equals(bytesOf(actual as DataView)));
    case 'map':
      return mapPairs(expected as Map<unknown, unknown>, actual as Map<unknown, unknown>, parent, tolerance);
    case 'set':
      return setPairs(expected as Set<unknown>, actual as Set<unknown>, parent, tolerance);
    case 'object':
      return memberPairs(expected as Record<string, unknown>, actual as Record<string, unknown>, parent);
    default:
      return listPairs(expected as ArrayLike<unknown>, actual as ArrayLike<unknown>, parent, tolerance);
  }
}

const errorText = (error: Error): string => `${error.name}\n${error.message}`;
const bytesOf = (view: DataView): Buffer => Buffer.from(view.buffer, view.byteOffset, view.byteLength);

/** Only the items that are not equal at a glance, up to the first that differs at one. */
function listPairs(
  expected: ArrayLike<unknown>,
  actual: ArrayLike<unknown>,
  parent: Pair,
  tolerance: number | undefined,
): 'different' | Pair[] {
  if (expected.length !== actual.length) return 'different';
  const pairs: Pair[] = [];
  for (const key of indexesOf(expected, actual)) {
    const pair = { expected: expected[key], actual: actual[key], parent, key };
    const verdict = isObject(pair.expected) ? undefined : comparePair(pair, tolerance);
    if (verdict === 'equal') continue;
    pairs.push(pair);
    if (verdict === 'different') break;
  }
  return pairs;
}

/** From here on an array is asked where it has items: it may be sparse. */
const SPARSE_LENGTH = 100_000;

/** The indexes, in order, where either list has an item. */
function indexesOf(expected: ArrayLike<unknown>, actual: ArrayLike<unknown>): Iterable<number> {
  const { length } = expected;
  if (length < SPARSE_LENGTH || ArrayBuffer.isView(expected)) return upTo(length);
  const keys = new Set([...indexKeys(expected), ...indexKeys(actual)]);
  return Float64Array.from(keys).sort();
}

function* upTo(length: number): Generator<number> {
  for (let index = 0; index < length; index += 1) yield index;
}

function indexKeys(list: ArrayLike<unknown>): number[] {
  return Object.keys(list)
    .map(Number)
    .filter((index) => index < list.length);
}

function memberPairs(
  expected: Record<string, unknown>,
  actual: Record<string, unknown>,
  parent: Pair,
): Pair[] {
  const own = (from: Record<string, unknown>, key: string): unknown =>
    Object.hasOwn(from, key) ? from[key] : undefined;
  const keys = new Set([...Object.keys(expected), ...Object.keys(actual)]);
  return [...keys].map((key) => ({ expected: own(expected, key), actual: own(actual, key), parent, key }));
}

/** Entries whose key is a primitive are matched by key, the others in their order. */
function mapPairs(
  expected: Map<unknown, unknown>,
  actual: Map<unknown, unknown>,
  parent: Pair,
  tolerance: number | undefined,
): 'different' | Pair[] {
  if (expected.size !== actual.size) return 'different';
  const pairs: Pair[] = [];
  for (const [key, value] of expected) {
    if (isObject(key)) continue;
    if (!actual.has(key)) return 'different';
    pairs.push({ expected: value, actual: actual.get(key), parent, key: keyText(key) });
  }
  const rest = listPairs(
    [...expected].filter(hasObjectKey),
    [...actual].filter(hasObjectKey),
    parent,
    tolerance,
  );
  return rest === 'different' ? rest : [...pairs, ...rest];
}

function setPairs(
  expected: Set<unknown>,
  actual: Set<unknown>,
  parent: Pair,
  tolerance: number | undefined,
): 'different' | Pair[] {
  if (expected.size !== actual.size) return 'different';
  for (const item of expected) if (!isObject(item) && !actual.has(item)) return 'different';
  return listPairs([...expected].filter(isObject), [...actual].filter(isObject), parent, tolerance);
}

/** A Map's key in a path. */
const keyText = (key: unknown): string => (typeof key === 'bigint' ? '(BigInt)' : String(key));
const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null;
const hasObjectKey = ([key]: readonly [unknown, unknown]): boolean => isObject(key);
