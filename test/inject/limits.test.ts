/** Limits hold quickly, and errors say where. */
import { expect, test } from 'vitest';
import { InjectionError } from '../../src/errors.ts';
import { injectData, type InjectionLimits } from '../../src/inject/inject.ts';

const CODE = 'const v = 0;\nexport default v;\n';

function errorOf(v: unknown, limits: InjectionLimits = {}, code = CODE): InjectionError {
  try {
    injectData(code, { inputs: { v }, limits });
  } catch (error) {
    if (error instanceof InjectionError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

function nested(depth: number, wrap: (inner: unknown) => unknown): unknown {
  let value: unknown = 1;
  for (let n = 0; n < depth; n++) value = wrap(value);
  return value;
}

const tooMuch: [name: string, make: () => unknown][] = [
  ['arrays nested a million deep', () => nested(1e6, (inner) => [inner])],
  ['objects nested 1,002 deep', () => nested(1_002, (n) => ({ n }))],
  ['maps nested 100,000 deep', () => nested(1e5, (inner) => new Map([[inner, 1]]))],
  ['errors caused 10,000 deep', () => nested(1e4, (cause) => new Error('m', { cause }))],
  ['a sparse array of 100 million', () => [].concat(Object.assign([], { length: 1e8 }))],
  ['the longest array', () => Object.assign([], { length: 2 ** 32 - 1 })],
  ['a string of 100 million', () => 'x'.repeat(1e8)],
  ['a string that grows by escaping', () => '\0'.repeat(2e7)],
  ['many strings', () => Array.from({ length: 7_000 }, () => 'x'.repeat(1e4))],
  ['a typed array of 100 MB', () => new Uint8Array(1e8)],
  ['a buffer of 100 MB behind a view', () => new DataView(new ArrayBuffer(1e8), 1)],
  ['a set of many strings', () => new Set(Array.from({ length: 3e5 }, (_, n) => `${n}${'x'.repeat(230)}`))],
  ['a very large bigint', () => 1n << 400_000_000n],
  [
    'a shared part among much',
    () => ((s: object) => [s, s, ...Array.from({ length: 100 }, () => 'x'.repeat(1e6))])({}),
  ],
];

test.each(tooMuch)('LIMIT_EXCEEDED for %s within a second', (_, make) => {
  const value = make();
  // The thread's own time: other programs share the machine.
  const start = process.cpuUsage();
  expect(errorOf(value).code).toBe('LIMIT_EXCEEDED');
  expect(process.cpuUsage(start).user / 1_000).toBeLessThan(1_000);
});

test('a set and a map as long as the limit allows are written', () => {
  for (const v of [new Set(['ab', 'cd', 1]), new Map([['ab', 'cd']])]) {
    const { code } = injectData(CODE, { inputs: { v } });
    const bytesMax = code.length - CODE.length + 1;
    expect(injectData(CODE, { inputs: { v }, limits: { bytesMax } }).code).toBe(code);
    expect(errorOf(v, { bytesMax: bytesMax - 1 }).code).toBe('LIMIT_EXCEEDED');
  }
});

test('a depth of 1,000 is not too deep', () => {
  const value = nested(1_000, (inner) => [inner]);
  expect(injectData(CODE, { inputs: { v: value } }).injected).toEqual(['v']);
});

test('the limits are options, counted in bytes over all values', () => {
  expect(errorOf([[[1]]], { depthMax: 1 })).toMatchObject({
    code: 'LIMIT_EXCEEDED',
    details: { depthMax: 1 },
  });
  expect(errorOf(new Map([[{ a: [1] }, 1]]), { depthMax: 1 }).code).toBe('LIMIT_EXCEEDED');
  expect(errorOf('é'.repeat(5), { bytesMax: 11 }).code).toBe('LIMIT_EXCEEDED');
  const data = { inputs: { v: 'é'.repeat(5), w: 1 }, limits: { bytesMax: 12 } };
  expect(injectData(CODE, data).injected).toEqual(['v']);
  expect(() => injectData(`${CODE}let w;`, data)).toThrow(/12|0 bytes/);
});

test('a cyclic list longer than the depth is refused, not followed for ever', () => {
  const first: { next?: object } = {};
  let last = first;
  for (let n = 0; n < 5_000; n++) last = (last.next = {}) as { next?: object };
  last.next = first;
  expect(errorOf(first).code).toBe('LIMIT_EXCEEDED');
});

const places: [path: string, value: unknown][] = [
  ['inputs.v', () => 1],
  ['inputs.v[3].callback', [0, 1, 2, { callback() {} }]],
  ['inputs.v["a b"][""]', { 'a b': { '': Symbol('s') } }],
  [
    'inputs.v<Map key 1>',
    new Map<unknown, unknown>([
      [1, 2],
      [() => 1, 2],
    ]),
  ],
  ['inputs.v<Map value 0>.x', new Map([[1, { x: () => 1 }]])],
  ['inputs.v<Set item 1>[0]', new Set([1, [() => 1]])],
  ['inputs.v.cause.f', new Error('m', { cause: { f() {} } })],
  ['inputs.v.errors[0]', new AggregateError([() => 1])],
  ['inputs.v', new Uint8Array(new SharedArrayBuffer(4), 1)],
  [
    'inputs.v.get',
    {
      get get() {
        throw new Error('read');
      },
    },
  ],
  ['inputs.v.extra', Object.assign([1], { extra: () => 1 })],
  [
    'inputs.v.a.self.f',
    ((o: Record<string, unknown>) => ({ a: Object.assign(o, { self: { f() {}, o } }) }))({}),
  ],
];

test.each(places)('UNSERIALIZABLE_VALUE names %s', (path, value) => {
  const error = errorOf(value);
  expect(error).toMatchObject({ code: 'UNSERIALIZABLE_VALUE', details: { path } });
  expect(error.message).toContain(path);
});

test('paths begin with the object that the value came from', () => {
  const bad = { v: { x: Symbol('s') } };
  expect(() => injectData(CODE, { context: bad })).toThrow('context.v.x');
  expect(() => injectData(CODE, { parameters: bad })).toThrow('parameters.v.x');
  expect(() => injectData('let inputs;', { inputs: bad })).toThrow('inputs.v.x');
  expect(() =>
    injectData(CODE, {
      inputs: {
        get v() {
          return 1;
        },
      },
    }),
  ).toThrow('inputs.v is an accessor');
  const long = { ['k'.repeat(500)]: Symbol('s') };
  expect(() => injectData(CODE, { inputs: { v: long } })).toThrow(`${'k'.repeat(60)}…`);
});

test('an own property __proto__ of an array is refused, and a cause that is an accessor', () => {
  const array = Object.defineProperty([1], '__proto__', { value: 1, enumerable: true });
  expect(errorOf(array).details['path']).toBe('inputs.v.__proto__');
  const error = Object.defineProperty(new Error('m'), 'cause', { get: () => 1 });
  expect(errorOf(error).message).toContain('cause');
});

test('no accessor and no trap runs', () => {
  let runs = 0;
  const trap = (): never => {
    runs++;
    throw new Error('ran');
  };
  const handler = new Proxy({}, { get: () => trap });
  const hostile: unknown[] = [
    new Proxy({}, handler),
    Object.create(new Proxy({}, handler)),
    {
      get a() {
        return trap();
      },
    },
    Object.defineProperty(new Error('m'), 'cause', { get: trap }),
    Object.defineProperty(new Map(), 'x', { get: trap, enumerable: true }),
    Object.defineProperty(new Uint8Array(2), 'buffer', { get: trap }),
    Object.defineProperty(/a/, 'flags', { get: trap }),
    Object.defineProperties(new Date(0), { getTime: { get: trap }, [Symbol.toPrimitive]: { get: trap } }),
    Object.defineProperty({ a: 1 }, 'toJSON', { get: trap }),
    Object.defineProperty({ a: 1 }, Symbol.toStringTag, { get: trap }),
  ];
  for (const v of hostile) {
    try {
      injectData(CODE, { inputs: { v } });
    } catch (error) {
      expect(error).toBeInstanceOf(InjectionError);
    }
  }
  expect(runs).toBe(0);
});
