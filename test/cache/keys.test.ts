import { createHash } from 'node:crypto';
import vm from 'node:vm';
import { isDeepStrictEqual } from 'node:util';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { pureJson } from '../../src/cache/canonical-json.ts';
import { canonicalJson } from '../../src/cache/canonical-json.ts';
import { contentDigest, resultKey, sha256Hex } from '../../src/cache/keys.ts';
import type { SkillDefinition } from '../../src/skills/skill.ts';

const numRuns = Number(process.env['SKILLCACHE_PROPERTY_RUNS'] ?? 500);

const definition: SkillDefinition = {
  name: 'double',
  description: 'Doubles a number.',
  code: 'const n = 1;\nexport const result = n * 2;\n',
  language: 'javascript',
  parameters: {},
  tags: ['math'],
  requires: [],
  examples: [],
  pure: 'auto',
  capabilities: [],
  limits: {},
};

/** Pure JSON data; keys that are integers, empty, or mean something to objects come up often. */
const pureData = fc.letrec((tie) => ({
  leaf: fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.boolean(),
    fc.constant(null),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((n) => (Object.is(n, -0) ? 0 : n)),
  ),
  key: fc.oneof(
    fc.constantFrom(
      '__proto__',
      'constructor',
      'toString',
      'length',
      '',
      '0',
      '10',
      '9',
      '01',
      '4294967295',
      '😀',
      '\ufb33',
    ),
    fc.string({ unit: 'binary', maxLength: 4 }),
  ),
  object: fc
    .array(fc.tuple(tie('key') as fc.Arbitrary<string>, tie('any')), { maxLength: 6 })
    .map((entries) => Object.fromEntries(entries)),
  any: fc.oneof({ maxDepth: 4 }, tie('leaf'), fc.array(tie('any'), { maxLength: 5 }), tie('object')),
})).any;

/** The same data, each object's keys inserted in another order. */
function reordered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reordered);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toReversed()
      .map(([key, item]) => [key, reordered(item)]),
  );
}

describe('canonicalJson', () => {
  test('sorts keys by UTF-16 code unit, as RFC 8785 section 3.2.3 shows', () => {
    const data = {
      '\u20ac': 'Euro Sign',
      '\r': 'Carriage Return',
      '\ufb33': 'Hebrew Letter Dalet With Dagesh',
      '1': 'One',
      '\ud83d\ude00': 'Emoji: Grinning Face',
      '\u0080': 'Control',
      '\u00f6': 'Latin Small Letter O With Diaeresis',
    };
    const order = ['\\r', '1', '\u0080', '\u00f6', '\u20ac', '\ud83d\ude00', '\ufb33'];
    const text = canonicalJson(data);
    expect([...(text ?? '').matchAll(/"([^"]+)":/g)].map((match) => match[1])).toEqual(order);
  });

  test('writes the literals, strings and numbers of RFC 8785 section 3.2.2', () => {
    const data = {
      numbers: [333333333.3333333, 1e30, 4.5, 2e-3, 0.000000000000000000000000001],
      string: '\u20ac$\u000f\u000aA\'\u0042\u0022\u005c\\"/',
      literals: [null, true, false],
    };
    expect(canonicalJson(data)).toBe(
      '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],' +
        '"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
    );
  });

  test.each([
    [0, '0'],
    [Number.MIN_VALUE, '5e-324'],
    [-Number.MIN_VALUE, '-5e-324'],
    [Number.MAX_VALUE, '1.7976931348623157e+308'],
    [9007199254740992, '9007199254740992'],
    [-9007199254740992, '-9007199254740992'],
    [295147905179352830000, '295147905179352830000'],
    [9.999999999999997e22, '9.999999999999997e+22'],
    [1e23, '1e+23'],
    [1.0000000000000001e23, '1.0000000000000001e+23'],
    [999999999999999700000, '999999999999999700000'],
    [1e21, '1e+21'],
    [9.999999999999997e-7, '9.999999999999997e-7'],
    [0.000001, '0.000001'],
    [333333333.3333332, '333333333.3333332'],
    [-0.0000033333333333333333, '-0.0000033333333333333333'],
    [1424953923781206.25, '1424953923781206.2'],
  ])('writes the number %d as ECMAScript does', (number, text) => {
    expect(canonicalJson(number)).toBe(text);
  });

  const cyclic: unknown[] = [];
  cyclic.push({ cyclic });
  const shared = { a: 1 };
  let deep: unknown = 1;
  for (let depth = 0; depth < 100_000; depth += 1) deep = [deep];
  const wide: unknown[] = [];
  wide.push(wide, wide);

  test.each<[string, unknown]>([
    ['undefined', undefined],
    ['an undefined member', { a: undefined }],
    ['an undefined element', [undefined]],
    ['NaN', Number.NaN],
    ['Infinity', [Number.POSITIVE_INFINITY]],
    ['-Infinity', { a: Number.NEGATIVE_INFINITY }],
    ['-0, which a skill can tell from 0', { a: -0 }],
    ['a BigInt', 1n],
    ['a symbol', [Symbol('s')]],
    ['a function', { a: () => 1 }],
    ['a date', new Date(0)],
    ['a map', new Map()],
    ['a typed array', new Uint8Array(2)],
    ['a boxed string', Object('text')],
    ['an error', new Error('e')],
    [
      'an instance of a class',
      new (class Point {
        x = 1;
      })(),
    ],
    ['an array of a subclass', new (class List extends Array {})()],
    ['an object without a prototype', Object.create(null)],
    ['an object of another realm', vm.runInNewContext('({a: 1})')],
    ['a hole', [1, , 2]], // eslint-disable-line no-sparse-arrays
    ['a hole made up for by a named property', Object.assign([1, , 2], { x: 1 })], // eslint-disable-line no-sparse-arrays
    ['a named property of an array', Object.assign([1], { x: 1 })],
    [
      'an accessor',
      {
        get a() {
          return 1;
        },
      },
    ],
    [
      'an accessor in an array that gives an object',
      Object.defineProperty([0], 0, { get: () => ({}), enumerable: true }),
    ],
    ['a proxy', new Proxy({ a: 1 }, {})],
    ['a proxy of an array', [new Proxy([1], {})]],
    ['toJSON', { toJSON: () => 1 }],
    ['an inherited toJSON', Object.create({ toJSON: () => 1 })],
    ['toJSON that is not enumerable', Object.defineProperty({}, 'toJSON', { value: () => 1 })],
    ['toJSON of an array', Object.defineProperty([], 'toJSON', { value: () => 1 })],
    ['a cycle', cyclic],
    ['a cycle of many branches', wide],
    ['a reference shared by two places', { x: shared, y: shared }],
    ['nesting of 100,000', deep],
    ['something impure behind keys out of order', { b: 1, a: { d: 1, c: -0 } }],
  ])('has no text for %s', (_what, value) => {
    expect(canonicalJson(value)).toBeUndefined();
    expect(pureJson(value)).toBeUndefined();
  });

  test('a getter is not called', () => {
    let calls = 0;
    canonicalJson({ get a() { return (calls += 1); } }); // prettier-ignore
    expect(calls).toBe(0);
  });

  test('takes toJSON that is data, and does not look at symbol keys', () => {
    expect(canonicalJson({ toJSON: 'text', [Symbol('s')]: 1 })).toBe('{"toJSON":"text"}');
  });

  test('nests 1,000 deep', () => {
    let value: unknown = 1;
    for (let depth = 0; depth < 1_000; depth += 1) value = { b: value };
    expect(canonicalJson(value)).toHaveLength(6 * 1_000 + 1);
    expect(canonicalJson([value])).toBeUndefined();
  });

  test('lone surrogates neither crash nor collide', () => {
    const values = ['\ud800', '\ud801', '\udc00', '\ufffd', '\\ud800', '\ud800\udc00'];
    const texts = new Set(values.map((value) => canonicalJson({ [value]: value })));
    expect(texts.size).toBe(values.length);
    for (const text of texts) expect(Buffer.from(text ?? '', 'utf8').toString('utf8')).toBe(text);
  });

  test('rows of one shape, and of other shapes between them, are each put in order', () => {
    const rows = [
      { b: 1, a: 2 },
      { b: 3, a: 4 },
      { c: 5, a: 6 },
      { c: 5, b: 6, a: 7 },
      { b: 8, a: 9 },
    ];
    expect(canonicalJson(rows)).toBe(
      '[{"a":2,"b":1},{"a":4,"b":3},{"a":6,"c":5},{"a":7,"b":6,"c":5},{"a":9,"b":8}]',
    );
  });

  test('`__proto__` is a key as any other, in and out of order', () => {
    expect(canonicalJson(JSON.parse('{"__proto__":{"b":1,"a":2}}'))).toBe('{"__proto__":{"a":2,"b":1}}');
    expect(canonicalJson(JSON.parse('{"a":1,"__proto__":{"x":1}}'))).toBe('{"__proto__":{"x":1},"a":1}');
    expect(canonicalJson(JSON.parse('{"__proto__":1,"a":{"c":1,"b":2}}'))).toBe(
      '{"__proto__":1,"a":{"b":2,"c":1}}',
    );
  });

  test('leaves the data as it was', () => {
    const data = Object.freeze({ b: Object.freeze([Object.freeze({ d: 1, c: 2 })]), a: 1 });
    const before = JSON.stringify(data);
    canonicalJson(data);
    expect(JSON.stringify(data)).toBe(before);
  });

  test('law: equal data has one text, whatever the order of its keys', () => {
    fc.assert(
      fc.property(pureData, (data) => {
        const text = canonicalJson(data);
        expect(text).toBeDefined();
        expect(canonicalJson(reordered(data))).toBe(text);
      }),
      { numRuns },
    );
  });

  test('law: parsing the text gives the data back, and its text again', () => {
    fc.assert(
      fc.property(pureData, (data) => {
        const back: unknown = JSON.parse(canonicalJson(data) ?? '');
        expect(isDeepStrictEqual(back, data)).toBe(true);
        expect(canonicalJson(back)).toBe(canonicalJson(data));
      }),
      { numRuns },
    );
  });

  test('law: keys ascend in every object of the text', () => {
    fc.assert(
      fc.property(pureData, (data) => {
        const text = canonicalJson(data) ?? '';
        expect(text).toBe(reference(data));
      }),
      { numRuns },
    );
  });

  test('law: different data has different texts', () => {
    fc.assert(
      fc.property(pureData, pureData, (one, other) => {
        const isEqual = reference(one) === reference(other);
        expect(canonicalJson(one) === canonicalJson(other)).toBe(isEqual);
      }),
      { numRuns },
    );
  });
});

/** RFC 8785 in its plainest form. */
function reference(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(reference).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([key, item]) => `${JSON.stringify(key)}:${reference(item)}`).join(',')}}`;
}

describe('sha256Hex', () => {
  test('is the SHA-256 of the text as UTF-8', () => {
    const text = 'skill: „Größe“ 😀';
    expect(sha256Hex(text)).toBe(createHash('sha256').update(text, 'utf8').digest('hex'));
  });

  test('tells parts apart by where they are cut', () => {
    const digests = [
      sha256Hex('ab', 'c'),
      sha256Hex('a', 'bc'),
      sha256Hex('abc'),
      sha256Hex('abc', ''),
      sha256Hex(),
    ];
    expect(new Set(digests).size).toBe(digests.length);
  });

  test('tells lone surrogates from each other and from the mark that replaces them', () => {
    const digests = ['\ud800', '\ud801', '\ufffd'].map((text) => sha256Hex(text));
    expect(new Set(digests).size).toBe(3);
  });
});

describe('contentDigest', () => {
  const pin = { local: 'average', name: 'average', version: 3, digest: 'd'.repeat(64) };
  const other = { local: 'total', name: 'sum', version: 1, digest: 'e'.repeat(64) };

  test('does not depend on the order of keys or of requirements, nor on a round through JSON', () => {
    const shuffled = reordered(definition) as SkillDefinition;
    expect(contentDigest(shuffled)).toBe(contentDigest(definition));
    expect(contentDigest(definition, [pin, other])).toBe(contentDigest(definition, [other, pin]));
    const loose = {
      ...definition,
      inputSchema: undefined,
      examples: [{ inputs: { n: -0 }, output: Number.NaN }],
    };
    const stored: SkillDefinition = JSON.parse(JSON.stringify(loose));
    expect(contentDigest(loose as unknown as SkillDefinition)).toBe(contentDigest(stored));
  });

  test.each<[string, Partial<SkillDefinition>]>([
    ['code', { code: `${definition.code} ` }],
    ['name', { name: 'Double' }],
    ['parameters', { parameters: { n: 2 } }],
    ['tags', { tags: [] }],
    ['limits', { limits: { timeoutMs: 5 } }],
  ])('changes with the %s', (_field, change) => {
    expect(contentDigest({ ...definition, ...change })).not.toBe(contentDigest(definition));
  });

  test('changes with what is required, by local name, name and digest, and not with its version number', () => {
    const digests = [
      contentDigest(definition),
      contentDigest(definition, [pin]),
      contentDigest(definition, [{ ...pin, local: 'mean' }]),
      contentDigest(definition, [{ ...pin, name: 'mean' }]),
      contentDigest(definition, [{ ...pin, digest: 'f'.repeat(64) }]),
    ];
    expect(new Set(digests).size).toBe(digests.length);
    expect(contentDigest(definition, [{ ...pin, version: 4 }])).toBe(digests[1]);
  });

  test('has a digest for a definition nested deeper than canonical text goes', () => {
    let schema: { [keyword: string]: unknown } = {};
    for (let depth = 0; depth < 1_100; depth += 1) schema = { not: schema };
    expect(contentDigest({ ...definition, inputSchema: schema })).toMatch(/^[0-9a-f]{64}$/);
  });
});

describe('resultKey', () => {
  const parts = { digest: 'a'.repeat(64), sandboxVersion: '1', data: { inputs: { b: 1, a: [2] } } };

  test('is equal for equal data in any order of keys', () => {
    expect(resultKey(parts)).toMatch(/^[0-9a-f]{64}$/);
    expect(resultKey({ ...parts, data: { inputs: { a: [2], b: 1 } } })).toBe(resultKey(parts));
    const required = ['c'.repeat(64), 'b'.repeat(64)];
    expect(resultKey({ ...parts, requiredDigests: required })).toBe(
      resultKey({ ...parts, requiredDigests: required.toReversed() }),
    );
  });

  test('tells the order of keys apart for a skill that can see it', () => {
    const given = resultKey({ ...parts, keyOrder: 'given' });
    expect(resultKey({ ...parts, keyOrder: 'given', data: { inputs: { a: [2], b: 1 } } })).not.toBe(given);
    expect(resultKey({ ...parts, keyOrder: 'given' })).toBe(given);
  });

  test('differs with each thing an answer depends on', () => {
    const keys = [
      resultKey(parts),
      resultKey({ ...parts, digest: 'b'.repeat(64) }),
      resultKey({ ...parts, requiredDigests: ['b'.repeat(64)] }),
      resultKey({ ...parts, sandboxVersion: '2' }),
      resultKey({ ...parts, sandboxVersion: '1\n' }),
      resultKey({ ...parts, seed: 0 }),
      resultKey({ ...parts, now: 0 }),
      resultKey({ ...parts, seed: 7 }),
      resultKey({ ...parts, now: 7 }),
      resultKey({ ...parts, data: { inputs: { b: 1, a: [3] } } }),
      resultKey({ ...parts, keyOrder: 'given' }),
      resultKey({ ...parts, data: undefined, dataText: '{"inputs":{"a":[2],"b":1}}' }),
    ];
    expect(new Set(keys).size).toBe(keys.length);
    expect(keys).not.toContain(undefined);
  });

  test('data that is not pure JSON has the key of its codec text, and without that none', () => {
    const data = { inputs: { when: new Date(0) } };
    expect(resultKey({ ...parts, data })).toBeUndefined();
    const one = resultKey({ ...parts, data, dataText: '#[["date",0]]' });
    expect(one).toMatch(/^[0-9a-f]{64}$/);
    expect(resultKey({ ...parts, data, dataText: '#[["date",1]]' })).not.toBe(one);
  });

  test('of data that is pure JSON the text is not looked at', () => {
    expect(resultKey({ ...parts, dataText: 'any' })).toBe(resultKey(parts));
  });
});
