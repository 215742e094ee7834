import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readCall, readLiteral, readUsage } from '../../src/syntax/literals.ts';
import { moduleSignature } from '../../src/syntax/signature.ts';

describe('a literal is read', () => {
  test.each<[string, unknown]>([
    ["[1, -2, +3, 'a', `b`, true, null]", [1, -2, 3, 'a', 'b', true, null]],
    ["{ a: 1, 'b c': [2], 3: {} }", { a: 1, 'b c': [2], '3': {} }],
    ['[...[1, 2], 3]', [1, 2, 3]],
    ['0x10', 16],
    ['known', 7],
    ['[known]', [7]],
  ])('%s', (text, value) => {
    expect(readLiteral(text, new Map([['known', 7]]))).toEqual({ value });
  });
});

describe('what is no JSON literal is not read', () => {
  test.each([
    'some prose',
    "'foo' (red letters)",
    "'a', 1",
    'undefined',
    'NaN',
    '1e999',
    '-"a"',
    '!true',
    '-0',
    '/a/',
    '1n',
    '`${1}`',
    '`\\u{110000}`',
    'new Date()',
    'x => x',
    '[,1]',
    '[...1]',
    '{ __proto__: 1 }',
    '{ [a]: 1 }',
    '{ a() {} }',
    '{ ...{} }',
    '{ a }',
    'f(1)',
    '1; 2',
    '',
    '(',
    `${'['.repeat(300)}${']'.repeat(300)}`,
  ])('%s', (text) => {
    expect(readLiteral(text)).toBeUndefined();
  });
});

test('every JSON value reads back from its own text', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 4 }), (value) => {
      const text = JSON.stringify(value);
      fc.pre(!text.includes('"__proto__"'));
      expect(readLiteral(text)?.value).toEqual(JSON.parse(text));
    }),
    { numRuns: Number(process.env['SKILLCACHE_PROPERTY_RUNS'] ?? 200) },
  );
});

test('a call of the function with data gives its arguments, anything else a reason', () => {
  expect(readCall('f(1, ...[2])', 'f')).toEqual({ args: [1, 2] });
  expect(readCall('g(1)', 'f')).toEqual({ failure: 'no-call' });
  expect(readCall('o.f(1)', 'f')).toEqual({ failure: 'no-call' });
  expect(readCall('f', 'f')).toEqual({ failure: 'no-call' });
  expect(readCall('f(', 'f')).toEqual({ failure: 'no-call' });
  expect(readCall('f(x)', 'f')).toEqual({ failure: 'no-data' });
});

test('a usage text gives its calls with their comments, and its constants', () => {
  const { usages, constants } = readUsage(
    'const a = [1], { b } = {}, c = d;\nlet e;\nf(a); // one\n// more\ng();',
    'f',
  );
  expect([...constants]).toEqual([['a', [1]]]);
  expect(usages).toEqual([
    { call: { args: [[1]] }, comment: 'one\nmore' },
    { call: { failure: 'no-call' }, comment: '' },
  ]);
  expect(readUsage('not js at all', 'f')).toEqual({ usages: [], constants: new Map() });
});

test('a signature names the parameters of each kind of function', () => {
  const parameters = (code: string): unknown => moduleSignature(code, 'f', 'typescript').parameters;
  const expected = [
    { kind: 'name', name: 'a' },
    { kind: 'name', name: 'b', default: { value: [1] } },
    { kind: 'name', name: 'c' },
    { kind: 'pattern' },
    { kind: 'rest', name: 'd' },
  ];
  const list = '(a: number, b = [1], c = x, { y }, ...d)';
  expect(parameters(`function f${list} {}`)).toEqual(expected);
  expect(parameters(`export const f = ${list} => 1`)).toEqual(expected);
  expect(parameters(`export default async function f${list} {}`)).toEqual(expected);
  expect(parameters(`let f = function${list} {}`)).toEqual(expected);
  expect(parameters('const f = ({ a } = {}, ...[b]) => 1')).toEqual([
    { kind: 'pattern' },
    { kind: 'pattern' },
  ]);
  expect(parameters('class f {}')).toBeUndefined();
  expect(parameters('const f = 1')).toBeUndefined();
});

test('a signature tells the module’s names and whether it has a default export', () => {
  const { names, hasDefaultExport } = moduleSignature(
    "import x from 'skill:x'; let a, { b } = {}; class C {} export { a }; export default 1; a;",
    'f',
    'javascript',
  );
  expect([...names]).toEqual(['a', 'C']);
  expect(hasDefaultExport).toBe(true);
});
