import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { OutputLimitError } from '../src/errors.ts';
import { valueText } from '../src/value-text.ts';

const runs = Number(process.env['SKILLCACHE_PROPERTY_RUNS'] ?? 500);

test('what JSON can say reads back as it was', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      expect(JSON.parse(valueText(value))).toEqual(value);
    }),
    { numRuns: runs },
  );
});

test('any plain data, pretty or not, is valid JSON of the same meaning', () => {
  const anything = fc.anything({
    withBigInt: true,
    withDate: true,
    withMap: true,
    withSet: true,
    withTypedArray: true,
    withSparseArray: true,
    withNullPrototype: true,
  });
  fc.assert(
    fc.property(anything, (value) => {
      expect(JSON.parse(valueText(value, { pretty: true }))).toEqual(JSON.parse(valueText(value)));
    }),
    { numRuns: runs },
  );
});

test.each([
  [undefined, 'null'],
  [[undefined, 1], '[null,1]'],
  [[1, , 2], '[1,null,2]'], // oxlint-disable-line no-sparse-arrays
  [{ a: undefined, b: 1 }, '{"b":1}'],
  [Number.NaN, '{"$number":"NaN"}'],
  [-Infinity, '{"$number":"-Infinity"}'],
  [-0, '-0'],
  [12n, '{"$bigint":"12"}'],
  [new Date(0), '{"$date":"1970-01-01T00:00:00.000Z"}'],
  [new Date(Number.NaN), '{"$date":null}'],
  [/a"b/g, '{"$regexp":"/a\\"b/g"}'],
  [new Map<unknown, unknown>([[{ k: 1 }, new Set([1])]]), '{"$map":[[{"k":1},{"$set":[1]}]]}'],
  [new Uint8Array([1, 2]).buffer, '{"$bytes":"AQI="}'],
  [new DataView(new Uint8Array([1, 2]).buffer, 1), '{"$bytes":"Ag=="}'],
  [new Float64Array([0.5, Number.NaN]), '{"$Float64Array":[0.5,{"$number":"NaN"}]}'],
  [new BigInt64Array([5n]), '{"$BigInt64Array":[{"$bigint":"5"}]}'],
  [new TypeError('no'), '{"$error":{"name":"TypeError","message":"no"}}'],
  [JSON.parse('{"__proto__":1}'), '{"__proto__":1}'],
  ['\u009b31m\u202e', '"\\u009b31m\\u202e"'],
  [new RegExp('\u009b\u202e\u007f'), '{"$regexp":"/\\u009b\\u202e\\u007f/"}'],
  [
    Object.assign(new Error('\u009b2J\u2028'), { name: '\u061c\u001b' }),
    '{"$error":{"name":"\\u061c\\u001b","message":"\\u009b2J\\u2028"}}',
  ],
  [{ '\u009b': 1 }, '{"\\u009b":1}'],
])('prints value %# in its stated form', (value, text) => {
  expect(valueText(value)).toBe(text);
});

test('a cycle is a reference by path', () => {
  const rows: unknown[] = [];
  const value = { rows: [{ all: rows }] };
  rows.push(value);
  expect(valueText(value)).toBe('{"rows":[{"all":[{"$ref":"$"}]}]}');
  const map = new Map<string, unknown>();
  map.set('self', map);
  expect(valueText({ map })).toBe('{"map":{"$map":[["self",{"$ref":"$.map"}]]}}');
});

test('a shared value is printed each time, and sharing cannot blow the text up', () => {
  const shared = { n: 1 };
  expect(valueText([shared, shared])).toBe('[{"n":1},{"n":1}]');
  let doubled: unknown = [1];
  for (let depth = 0; depth < 60; depth += 1) doubled = [doubled, doubled];
  expect(valueText(doubled).length).toBeLessThan(5_000_000);
});

test('depth is no limit', () => {
  let deep: unknown = 1;
  for (let depth = 0; depth < 20_000; depth += 1) deep = [deep];
  expect(valueText(deep)).toHaveLength(40_001);
  expect(valueText(deep, { pretty: true }).length).toBeGreaterThan(40_001);
});

test('pretty text keeps short lists on one line', () => {
  expect(valueText({ a: [1, 2], b: { c: 'd' }, e: [[1], [2]], f: [] }, { pretty: true })).toBe(
    '{\n  "a": [1, 2],\n  "b": { "c": "d" },\n  "e": [\n    [1],\n    [2]\n  ],\n  "f": []\n}',
  );
});

test('an array that is mostly holes prints what it holds, however long it is', () => {
  const sparse: unknown[] = [];
  sparse[70_000] = { a: [1] };
  sparse.length = 4_294_967_295;
  const text = '{"$sparse":{"70000":{"a":[1]}},"length":4294967295}';
  expect(valueText({ sparse })).toBe(`{"sparse":${text}}`);
  expect(JSON.parse(valueText(sparse, { pretty: true }))).toEqual(JSON.parse(text));
  const empty: unknown[] = [];
  empty.length = 1_001;
  expect(valueText(empty)).toBe('{"$sparse":{},"length":1001}');
  empty.length = 1_000;
  expect(valueText(empty)).toBe(`[${'null,'.repeat(999)}null]`);
});

test('a text is never larger than its bound', () => {
  expect(valueText('é'.repeat(4), { bytesMax: 10 })).toHaveLength(6);
  for (const large of ['é'.repeat(5), Array.from({ length: 6 }, () => 0), 'x'.repeat(9)]) {
    expect(() => valueText(large, { bytesMax: 10 })).toThrow(OutputLimitError);
  }
  const endless: unknown[] = Array.from({ length: 600_000 }, () => 0);
  endless.length = 4_294_967_295;
  expect(() => valueText(endless, { bytesMax: 10_000_000 })).toThrow('larger than 10000000 bytes');
});
