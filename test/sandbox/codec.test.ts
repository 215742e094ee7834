import { deepStrictEqual } from 'node:assert';
import { runInNewContext } from 'node:vm';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isJsonPure } from '../../src/sandbox/codec-pure.ts';
import { decodeValue, encodeValue, hostCodec, CODEC_SOURCE } from '../../src/sandbox/codec.ts';
import type { CodecFailure } from '../../src/sandbox/codec.ts';

const numRuns = Number(process.env['SKILLCACHE_PROPERTY_RUNS'] ?? 300);
const roundTrip = (value: unknown): unknown => decodeValue(encodeValue(value));

function failureOf(action: () => unknown): CodecFailure {
  try {
    action();
  } catch (error) {
    if (hostCodec.isFailure(error)) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('encodeValue', () => {
  test('writes a JSON-pure value as plain JSON', () => {
    const value = { a: [1, 'two', true, null, { b: {} }], toJSON: 'a key like any other' };
    expect(encodeValue(value)).toBe(JSON.stringify(value));
  });

  test.each([
    ['undefined', undefined],
    ['NaN', NaN],
    ['infinities', [Infinity, -Infinity]],
    ['minus zero', { zero: -0 }],
    ['bigints', [0n, -255n, 2n ** 200n]],
    ['dates', [new Date(0), new Date(-8.64e15)]],
    ['patterns', [/a\/b/giu, /(?<year>\d{4})/dy]],
    ['maps and sets', new Map<unknown, unknown>([[{ k: 1 }, new Set([1, 'x', undefined])]])],
    ['an array with holes', [1, , 3, ,]], // oxlint-disable-line no-sparse-arrays
    ['an array with named properties', Object.assign([1, 2], { index: 7, input: 'text' })],
    ['a match result', 'xay'.match(/(?<letter>a)/)],
    ['a null-prototype object', Object.assign(Object.create(null), { a: 1, nested: Object.create(null) })],
    ['an own __proto__ key', JSON.parse('{"__proto__": {"polluted": true}, "n": -0}')],
    [
      'an own __proto__ key beside a date',
      Object.defineProperty({ d: new Date(1) }, '__proto__', {
        value: 1,
        enumerable: true,
        writable: true,
        configurable: true,
      }),
    ],
    [
      'buffers and views',
      [
        new ArrayBuffer(0),
        new Uint8Array([1, 2, 3]).buffer,
        new Float64Array([-0, NaN, 1.5]),
        new BigInt64Array([-1n]),
      ],
    ],
    ['a data view', new DataView(new Uint8Array([1, 2, 3, 4]).buffer, 1, 2)],
    ['lone surrogates', ['\ud800', { '\udc00': -0 }]],
    ['an empty key', { '': undefined }],
  ])('carries %s without loss', (_name, value) => {
    const back = roundTrip(value);
    deepStrictEqual(back, value);
    expect(Object.is(back, value) || typeof value === 'object').toBe(true);
  });

  test('keeps an invalid date', () => {
    expect((roundTrip([new Date(NaN)]) as [Date])[0].getTime()).toBeNaN();
  });

  test('keeps cycles, shared references and views on one buffer', () => {
    const shared = { n: 1 };
    const value: Record<string, unknown> = { one: shared, two: shared };
    value['self'] = value;
    const bytes = new Uint8Array(8);
    value['views'] = [bytes, new Uint16Array(bytes.buffer, 2, 2)];
    const back = roundTrip(value) as typeof value;
    expect(back['self']).toBe(back);
    expect(back['one']).toBe(back['two']);
    const [first, second] = back['views'] as [Uint8Array, Uint16Array];
    expect(first.buffer).toBe(second.buffer);
    expect(second.byteOffset).toBe(2);
  });

  test('keeps kind, name, message, cause and errors of an error, and no stack', () => {
    const cause = new RangeError('too far');
    const error = Object.assign(new TypeError('wrong', { cause }), { name: 'Mine' });
    const back = roundTrip([error, new AggregateError([cause], 'many')]) as [Error, AggregateError];
    expect(back[0]).toBeInstanceOf(TypeError);
    expect(back[0].name).toBe('Mine');
    expect(back[0].message).toBe('wrong');
    expect(back[0].cause).toBeInstanceOf(RangeError);
    expect(back[1].errors[0]).toBe(back[0].cause);
    expect(back[0].stack).toBe('Mine: wrong');
  });

  test('takes a Buffer as its own bytes, never its pool', () => {
    const back = roundTrip({ file: Buffer.from('hello') }) as { file: Uint8Array };
    expect(back.file.buffer.byteLength).toBe(5);
    expect(new TextDecoder().decode(back.file)).toBe('hello');
  });

  test('takes plain objects and arrays of another realm', () => {
    const foreign: unknown = runInNewContext(
      '({ a: [1, { b: 2 }], m: new Map([[1, 2]]), e: new TypeError("x") })',
    );
    const back = roundTrip(foreign) as { a: unknown; m: unknown; e: unknown };
    expect(back.a).toEqual([1, { b: 2 }]);
    expect(back.m).toEqual(new Map([[1, 2]]));
    expect(back.e).toBeInstanceOf(TypeError);
  });

  test.each([
    ['a function', { rows: [{}, { callback: () => 1 }] }, 'inputs.rows[1].callback'],
    ['a symbol', { s: Symbol('x') }, 'inputs.s'],
    [
      'a getter',
      {
        get g() {
          return 1;
        },
      },
      'inputs.g',
    ],
    [
      'a setter',
      {
        set g(_value: unknown) {
          throw new Error('never set');
        },
      },
      'inputs.g',
    ],
    [
      'a getter of an array',
      Object.defineProperty([1, 2], 1, { get: () => 2, enumerable: true }),
      'inputs[1]',
    ],
    ['a proxy', { p: new Proxy({}, {}) }, 'inputs.p'],
    ['a proxy of an array', [new Proxy([], {})], 'inputs[0]'],
    [
      'a class instance',
      {
        'my key': new (class Point {
          x = 1;
        })(),
      },
      'inputs["my key"]',
    ],
    ['a subclass of Map', [new (class Registry extends Map {})()], 'inputs[0]'],
    ['a subclass of Array', [new (class Row extends Array {})()], 'inputs[0]'],
    ['an object with its own prototype', [Object.create({ inherited: 1 })], 'inputs[0]'],
    ['a weak map', [new WeakMap()], 'inputs[0]'],
    ['a promise', { later: Promise.resolve(1) }, 'inputs.later'],
    ['a boxed number', [Object(1)], 'inputs[0]'],
    ['shared memory', [new SharedArrayBuffer(1)], 'inputs[0]'],
    ['a function in a map', { m: new Map([['k', () => 1]]) }, 'inputs.m.value(0)'],
  ])('refuses %s and names its path', (_name, value, path) => {
    const failure = failureOf(() => encodeValue(value, { root: 'inputs' }));
    expect(failure.reason).toBe('UNSERIALIZABLE_VALUE');
    expect(failure.path).toBe(path);
    expect(failure.message).toContain(path);
  });

  test('runs no getter, toJSON or proxy trap of the value', () => {
    const trap = (): never => {
      throw new Error('ran');
    };
    const trapped = new Proxy(
      {},
      { get: trap, ownKeys: trap, getPrototypeOf: trap, getOwnPropertyDescriptor: trap, has: trap },
    );
    for (const value of [
      { toJSON: trap },
      trapped,
      {
        a: 1,
        get b() {
          return trap();
        },
      },
      Object.create(trapped),
    ])
      expect(failureOf(() => encodeValue(value)).reason).toBe('UNSERIALIZABLE_VALUE');
  });

  test('neither calls nor believes what JSON.stringify would ask beside the enumerable keys', () => {
    let calls = 0;
    const trap = () => ((calls += 1), 'forged');
    const hidden = <T extends object>(value: T, key: string, how: PropertyDescriptor): T =>
      Object.defineProperty(value, key, how);
    const plain = (value: object): object => Object.setPrototypeOf(value, Object.prototype) as object;
    for (const [value, meant] of [
      [hidden({ a: 1 }, 'toJSON', { value: trap }), { a: 1 }],
      [hidden({ a: 1 }, 'toJSON', { get: trap }), { a: 1 }],
      [{ in: [hidden([1], 'toJSON', { value: trap })] }, { in: [[1]] }],
      [plain(new Number(5)), {}],
      [hidden(plain(new String('ab')), 'toString', { value: trap }), { 0: 'a', 1: 'b' }],
      [plain(new Boolean(true)), {}],
    ])
      deepStrictEqual(decodeValue(encodeValue(value)), meant);
    expect(calls).toBe(0);
  });

  test('keeps the other keys of an array whose holes its prototype seems to fill', () => {
    const text: unknown = runInNewContext(
      `
      const codec = ${CODEC_SOURCE}({ isProxy: () => false, isJsonPure });
      Object.defineProperty(Array.prototype, 1, { value: 'inherited' });
      codec.encode(Object.assign([0], { length: 2, other: 9 }));
    `,
      { isJsonPure },
    );
    deepStrictEqual(decodeValue(text as string), Object.assign([0], { length: 2, other: 9 }));
  });

  test('ignores symbol keys and keys that are not enumerable', () => {
    const value = Object.defineProperty({ a: 1, [Symbol('s')]: 2 }, 'hidden', { value: () => 1 });
    expect(encodeValue(value)).toBe('{"a":1}');
  });

  test('refuses what is nested deeper than its limit, at any depth, without overflowing', () => {
    let deep: unknown = 1;
    for (let i = 0; i < 1_000_000; i += 1) deep = { d: deep };
    const failure = failureOf(() => encodeValue(deep));
    expect(failure.reason).toBe('LIMIT_EXCEEDED');
    const within = JSON.parse(`${'['.repeat(1_000)}${']'.repeat(1_000)}`);
    expect(() => encodeValue(within)).not.toThrow();
    expect(failureOf(() => encodeValue([within])).reason).toBe('LIMIT_EXCEEDED');
    const all = encodeValue(deep, { depthMax: 2_000_000 });
    expect(() => decodeValue(all, { depthMax: 2_000_000 })).not.toThrow();
    expect(failureOf(() => decodeValue(all)).reason).toBe('LIMIT_EXCEEDED');
  });

  test.each([
    ['plain text', { a: 'x'.repeat(100) }],
    ['text of many bytes', { a: '\u4e2d'.repeat(40) }],
    ['a table', { a: 'x'.repeat(100), b: -0 }],
    ['bytes', new Uint8Array(100)],
  ])('refuses %s larger than its limit', (_name, value) => {
    expect(failureOf(() => encodeValue(value, { bytesMax: 90 })).reason).toBe('LIMIT_EXCEEDED');
    expect(() => encodeValue(value, { bytesMax: 1_000 })).not.toThrow();
  });

  test('holds when the prototypes of its realm are polluted afterwards', () => {
    const result: unknown = runInNewContext(`
      const codec = ${CODEC_SOURCE}({ isProxy: () => false });
      const answer = { a: [1, { b: new Map([]) }] };
      Object.prototype.toJSON = () => 'stolen';
      Array.prototype.toJSON = () => 'stolen';
      Object.defineProperty(Array.prototype, '0', { set() { throw new Error('seen'); }, configurable: true });
      Array.prototype[Symbol.iterator] = Map.prototype.forEach = JSON.stringify = () => { throw new Error('replaced'); };
      delete Array.prototype[0];
      codec.encode(answer);
    `);
    deepStrictEqual(decodeValue(result as string), { a: [1, { b: new Map() }] });
  });
});

describe('decodeValue', () => {
  test.each([
    '',
    '{',
    'undefined',
    '#',
    '#[]',
    '#{}',
    '#[1',
    '#[[0]]',
    '#[[0],5]',
    '#[[0],["?"]]',
    '#[[1.5],["o"],["o"]]',
    '#[[-1],["o"]]',
    '#[["length"],["o"]]',
    '#[{},["o"]]',
    '#[[0],["o",1,2,3]]',
    '#[[0],["o",{},1]]',
    '#[[0],["o","a"]]',
    '#[[0],["s",-1]]',
    '#[[0],["s",4294967296]]',
    '#[[0],["s",3,7,1]]',
    '#[[0],["s",3,"length",9]]',
    '#[[0],["d","x"]]',
    '#[[0],["r","(","g"]]',
    '#[[0],["r","a","zz"]]',
    '#[[0],["b","A"]]',
    '#[[0],["b","A?=="]]',
    '#[[0],["t","Uint8Array",[1],0,9],["b",""]]',
    '#[[0],["t","__proto__",[1],0,0],["b",""]]',
    '#[[0],["t","Uint8Array",[0],0,0]]',
    '#[[0],["t","Uint8Array",1e9,0,0]]',
    '#[[0],["e","constructor","x","y",0,0]]',
    '#[[0],["e",1]]',
    '#[["n","0xff"]]',
    '#[["n","--1"]]',
    '#[["n"]]',
    '#[["?"]]',
    '#[[0],["m",1]]',
  ])('refuses malformed text with a typed failure: %s', (text) => {
    expect(failureOf(() => decodeValue(text)).reason).toBe('MALFORMED_TEXT');
  });

  test('never sets a prototype', () => {
    for (const text of ['{"__proto__":{"x":1}}', '#[[0],["o","__proto__",[1]],["o","x",1]]']) {
      const value = decodeValue(text) as object;
      expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
      expect(Object.keys(value)).toEqual(['__proto__']);
    }
    expect(({} as { x?: unknown }).x).toBeUndefined();
  });

  test('allocates in proportion to the text', () => {
    const before = process.memoryUsage();
    const value = decodeValue(
      `#[[0],["a",${Array.from({ length: 50 }, (_, i) => `[${i + 1}]`).join(',')}],${Array.from({ length: 50 }, () => '["s",30000000,7,1]').join(',')}]`,
    );
    const grown = process.memoryUsage().rss - before.rss;
    expect((value as unknown[][])[3]?.length).toBe(30_000_000);
    expect((value as unknown[][])[3]?.[7]).toBe(1);
    expect(grown).toBeLessThan(64 * 1024 * 1024);
  });

  test('any text gives a value or a typed failure', () => {
    const piece = fc.constantFrom(
      '#',
      '[',
      ']',
      '{',
      '}',
      '"',
      ',',
      ':',
      '0',
      '1',
      '-',
      '"o"',
      '"a"',
      '"s"',
      '"m"',
      '"t"',
      '["b","AAAA"]',
      '[0]',
      '[1]',
      '"__proto__"',
      'null',
      '\\',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
        try {
          decodeValue(pieces.join(''));
        } catch (error) {
          expect(hostCodec.isFailure(error)).toBe(true);
        }
      }),
      { numRuns: numRuns * 3 },
    );
  });
});

test('whether a value is plain JSON is told without a question to any proxy behind it', () => {
  const asked: PropertyKey[] = [];
  const note = (_target: object, key: PropertyKey): boolean => {
    asked.push(key);
    return false;
  };
  const spy = new Proxy({}, { has: note, get: note });
  const arrays = Object.create(spy) as object;
  const list = Object.setPrototypeOf([1], arrays) as object;
  expect(isJsonPure(list, 10, 1_000, Object.prototype, arrays)).toBe(false);
  const behind = Object.create(spy) as object;
  expect(isJsonPure({ behind, list: [behind] }, 10, 1_000, Object.prototype, Array.prototype)).toBe(false);
  expect(asked).toEqual([]);
});

test('decoding what was encoded gives the same value, prototypes included', () => {
  const anything = fc.anything({
    withBigInt: true,
    withDate: false,
    withMap: true,
    withSet: true,
    withTypedArray: true,
    withSparseArray: true,
    withNullPrototype: true,
    withObjectString: false,
    withBoxedValues: false,
    maxDepth: 4,
    key: fc.oneof(fc.string(), fc.constantFrom('__proto__', 'toJSON', 'length', 'constructor')),
  });
  fc.assert(
    fc.property(anything, (value) => {
      deepStrictEqual(roundTrip(value), value);
    }),
    { numRuns },
  );
});
