import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compilePattern } from '../../src/skills/pattern.ts';
import { compileValidator, schemaIssues } from '../../src/skills/validate.ts';
import type { JsonSchema } from '../../src/skills/skill.ts';

const numRuns = Number(process.env['SKILLCACHE_PROPERTY_RUNS'] ?? 300);

/** Issues, and that they came within the time that is promised. */
function timed(schema: JsonSchema, value: unknown, timeoutMs = 300): string[] {
  const validate = compileValidator(schema, { timeoutMs });
  const start = performance.now();
  const issues = validate(value) ?? [];
  expect(performance.now() - start).toBeLessThan(timeoutMs + 5_000);
  return issues.map((issue) => issue.message);
}

test('a value that fits has no issues; each that does not is told with its path', () => {
  const validate = compileValidator({
    type: 'object',
    properties: {
      rows: {
        type: 'array',
        items: { type: 'object', properties: { price: { type: 'number' } }, required: ['price'] },
      },
      'odd key': { enum: ['a', 'b'] },
    },
    additionalProperties: false,
  });
  expect(validate({ rows: [{ price: 1 }] })).toBeUndefined();
  expect(validate({ rows: [{ price: 1 }, { price: '2' }, {}], 'odd key': 'c', more: 1 })).toEqual([
    { path: 'inputs.more', message: 'is not expected' },
    { path: 'inputs.rows[1].price', message: 'must be number' },
    { path: 'inputs.rows[2].price', message: 'is required' },
    { path: 'inputs["odd key"]', message: 'must be one of ["a","b"]' },
  ]);
});

test('the root of a path can be named, and a key that looks like an index is none', () => {
  const validate = compileValidator({ additionalProperties: { type: 'string' } }, { root: 'output' });
  expect(validate({ '0': 1 })).toEqual([{ path: 'output["0"]', message: 'must be string' }]);
});

test('at most 20 issues are given, also for a million wrong items', () => {
  const validate = compileValidator({ items: { type: 'string' } });
  expect(validate(Array.from({ length: 1_000_000 }, () => 1))).toHaveLength(20);
});

test('errors of branches that another branch forgives are no issues', () => {
  const numbers = Array.from({ length: 1_000 }, (_, index) => index);
  const schema = { anyOf: [{ items: { type: 'string' } }, { items: { type: 'number' } }] };
  const validate = compileValidator({ properties: { list: schema, n: { type: 'string' } } });
  expect(validate({ list: numbers })).toBeUndefined();
  expect(validate({ list: numbers, n: 1 })).toEqual([{ path: 'inputs.n', message: 'must be string' }]);
});

test('values are not changed: nothing is coerced and no default filled in', () => {
  const value = { n: '1' };
  const validate = compileValidator({ properties: { n: { type: 'number' }, m: { default: 3 } } });
  expect(validate(value)).toHaveLength(1);
  expect(value).toEqual({ n: '1' });
});

test('inherited members are neither present nor checked', () => {
  expect(compileValidator({ required: ['toString'] })({})).toEqual([
    { path: 'inputs.toString', message: 'is required' },
  ]);
  expect(compileValidator({ properties: { constructor: { type: 'string' } } })({})).toBeUndefined();
});

test('what is no JSON is seen as JavaScript sees it', () => {
  const object = compileValidator({ type: 'object', additionalProperties: false });
  for (const value of [new Date(0), new Map([['a', 1]]), new Set([1])]) expect(object(value)).toBeUndefined();
  const number = compileValidator({ type: 'number' });
  for (const value of [Number.NaN, Infinity, 1n]) expect(number(value)).toHaveLength(1);
  expect(compileValidator({ required: ['a'] })({ a: undefined })).toHaveLength(1);
  expect(compileValidator({ type: ['string', 'null'] })(undefined)).toHaveLength(1);
});

test('formats are checked, unknown ones are not, and a long text has none', () => {
  const date = compileValidator({ format: 'date' });
  expect(date('2026-02-28')).toBeUndefined();
  expect(date('2026-02-30')).toHaveLength(1);
  expect(compileValidator({ format: 'no-such-format' })('x')).toBeUndefined();
  expect(compileValidator({ format: 'uri' })(`https://${'a'.repeat(5_000)}`)).toHaveLength(1);
  expect(compileValidator({ format: 'int32' })(2 ** 31)).toHaveLength(1);
  expect(compileValidator({ format: 'byte' })('aGVsbG8=')).toBeUndefined();
});

test('references inside the schema work: recursive, by anchor, by id, dynamic', () => {
  const list: JsonSchema = { properties: { next: { $ref: '#' }, n: { type: 'number' } } };
  expect(compileValidator(list)({ n: 1, next: { n: 'x' } })).toEqual([
    { path: 'inputs.next.n', message: 'must be number' },
  ]);
  const anchored: JsonSchema = { $ref: '#n', $defs: { n: { $anchor: 'n', type: 'number' } } };
  expect(compileValidator(anchored)('x')).toHaveLength(1);
  const named: JsonSchema = { $ref: 'item', $defs: { item: { $id: 'item', type: 'number' } } };
  expect(compileValidator(named)('x')).toHaveLength(1);
  const dynamic: JsonSchema = {
    $dynamicAnchor: 'node',
    properties: { child: { $dynamicRef: '#node' } },
    type: 'object',
  };
  expect(compileValidator(dynamic)({ child: { child: 3 } })).toHaveLength(1);
});

test('one schema does not see the ids of another', () => {
  const id = 'https://example.com/shared';
  expect(schemaIssues({ $id: id, $defs: { a: { $id: 'inner', type: 'string' } } }, 'a')).toEqual([]);
  expect(schemaIssues({ $id: id, $ref: 'inner' }, 'b')).toHaveLength(1);
  expect(schemaIssues({ $id: id }, 'c')).toEqual([]);
});

describe('a schema that is refused says where', () => {
  test.each<[string, unknown, string]>([
    ['an unknown type', { properties: { a: { type: 'text' } } }, 's.properties.a.type'],
    ['a remote reference', { $ref: 'https://example.com/s.json' }, 's'],
    ['a reference to nothing', { properties: { a: { $ref: '#/$defs/none' } } }, 's.properties.a.$ref'],
    [
      'a reference to what is no schema',
      { properties: { a: { $ref: '#/properties' } } },
      's.properties.a.$ref',
    ],
    ['a reference into data', { $ref: '#/default', default: { type: 'string' } }, 's.$ref'],
    ['a pointer into another resource', { $ref: 'x#/a/b' }, 's.$ref'],
    ['another dialect', { $schema: 'http://json-schema.org/draft-07/schema#' }, 's.$schema'],
    ['no regular expression', { pattern: '(' }, 's.pattern'],
    [
      'a pattern of unbounded cost',
      { patternProperties: { '^(a+)+\\1$': {} } },
      's.patternProperties["^(a+)+\\\\1$"]',
    ],
    ['an enormous repeat', { pattern: '(a{1000}){1000}' }, 's.pattern'],
    ['too long a pattern', { pattern: 'a'.repeat(5_000) }, 's.pattern'],
    ['too large a schema', { enum: ['x'.repeat(300_000)] }, 's'],
    ['too many subschemas', { anyOf: Array.from({ length: 1_001 }, () => ({})) }, 's.anyOf[999]'],
    [
      'too many patterns',
      { patternProperties: Object.fromEntries(Array.from({ length: 101 }, (_, index) => [`^${index}`, {}])) },
      's.patternProperties',
    ],
    ['what is no schema', 'text', 's'],
    ['a function', { type: () => 'x' }, 's.type'],
  ])('%s', (_what, schema, path) => {
    expect(schemaIssues(schema, 's').map((issue) => issue.path)).toContain(path);
  });

  test('too deep a schema', () => {
    let schema: JsonSchema = true;
    for (let level = 0; level < 90; level += 1) schema = { not: schema };
    expect(schemaIssues(schema, 's')[0]?.message).toMatch(/deeper than 64/);
  });
});

describe('a hostile schema cannot hang or crash the host', () => {
  test('references that double at each step', () => {
    const $defs: Record<string, unknown> = { d60: true };
    for (let index = 0; index < 60; index += 1) {
      const next = { $ref: `#/$defs/d${index + 1}` };
      $defs[`d${index}`] = { allOf: [next, next] };
    }
    expect(timed({ $defs, $ref: '#/$defs/d0' }, 1)[0]).toMatch(/could not be checked .* within 300 ms/);
  });

  test('references in a circle', () => {
    expect(timed({ $ref: '#' }, 1)[0]).toMatch(/nested too deeply/);
  });

  test('a cyclic value under a recursive schema', () => {
    const value: Record<string, unknown> = {};
    value['next'] = value;
    expect(timed({ properties: { next: { $ref: '#' } } }, value)[0]).toMatch(/nested too deeply/);
  });

  test('uniqueItems over many objects', () => {
    const items = Array.from({ length: 100_000 }, (_, id) => ({ id }));
    expect(timed({ uniqueItems: true }, items, 10_000)).toEqual([]);
    expect(timed({ uniqueItems: true }, [...items, { id: 5 }], 10_000)).toEqual(['must not repeat an item']);
    expect(
      timed({ uniqueItems: true }, [
        { a: 1, b: 2 },
        { b: 2, a: 1 },
      ]),
    ).toHaveLength(1);
    expect(timed({ uniqueItems: true }, [1, '1', [1], ['1'], null, 'null', true])).toEqual([]);
  });

  test('a large enum over many items', () => {
    const names = Array.from({ length: 20_000 }, (_, index) => `name${index}`);
    const items = Array.from({ length: 300_000 }, () => 'no such name');
    const [message] = timed({ items: { anyOf: [{ enum: names }, true] } }, items);
    expect(message ?? 'it was quick').toMatch(/could not be checked|it was quick/);
  });

  test('many patternProperties over many members', () => {
    const patternProperties = Object.fromEntries(
      Array.from({ length: 90 }, (_, index) => [`^(k|l)+${index}$`, true]),
    );
    const value = Object.fromEntries(Array.from({ length: 300_000 }, (_, index) => [`k${index}`, 1]));
    expect(timed({ patternProperties }, value)[0]).toMatch(/could not be checked/);
  });

  test.each([
    '^(a+)+$',
    '^(a|a)*$',
    '^(a|aa)+$',
    '^(.*a){20}$',
    '(x+x+)+y',
    '^([a-z]+\\.?)+$',
    'a*a*a*a*a*b',
  ])('the pattern %s', (pattern) => {
    expect(timed({ pattern }, `${'a'.repeat(30_000)}!`)).toHaveLength(1);
  });

  test('a costly pattern over many texts', () => {
    const texts = Array.from({ length: 5_000 }, (_, index) => `${'a'.repeat(5_000)}${index}`);
    expect(timed({ items: { pattern: '^(a+)+$' } }, texts)[0]).toMatch(/could not be checked|must match/);
    expect(timed({ items: { anyOf: [{ pattern: '^(a+)+$' }, true] } }, texts)[0]).toMatch(
      /could not be checked/,
    );
  });

  test('a pattern with a lookahead is run on short texts only', () => {
    const schema = { pattern: '^(?=.*\\d)(?=.*[a-z]).{8,}$' };
    expect(timed(schema, 'passw0rd')).toEqual([]);
    expect(timed(schema, 'password')).toHaveLength(1);
    expect(timed(schema, 'a'.repeat(100_000))[0]).toMatch(/too many for the pattern/);
  });

  test('text of the schema is never code', () => {
    const marks = globalThis as { injected?: boolean };
    const text = '"]); globalThis.injected = true; //\u2028 ${globalThis.injected = true} `';
    compileValidator({
      properties: { [text]: { const: text, enum: [text] } },
      required: [text],
      patternProperties: { [`${text.replace(/[^\w ]/g, '.')}`]: { minLength: 1 } },
    })({ [text]: 1 });
    expect(marks.injected).toBeUndefined();
  });
});

test('a bounded pattern answers as RegExp does', () => {
  // Where V8 would backtrack for ever on a long text, another way to write the same language is asked.
  const sources: readonly (readonly [source: string, quick?: string])[] = [
    ['^a+b?$'],
    ['^(a|b)*c$'],
    ['^(?:ab|a)+$'],
    ['(a+)+b', 'ab'],
    ['^[^ab]{2,3}$'],
    ['a{2}|^b{0,2}$'],
    ['\\bab\\b'],
    ['^(a?){3}$'],
    ['(|a)+b', 'b'],
    ['[\\w-]+\\.c'],
    ['^\\p{L}+$'],
    ['^(a*)*$', '^a*$'],
    ['\\Ba'],
    ['^(?<x>a)|b$'],
    ['[ab]c|\\d'],
  ];
  const text = fc.string({ unit: fc.constantFrom('a', 'b', 'c', ' ', '.', '1', 'é', '😀'), maxLength: 12 });
  fc.assert(
    fc.property(fc.constantFrom(...sources), text, ([source, quick = source], short) => {
      expect(compilePattern(source).test(short), source).toBe(new RegExp(source, 'u').test(short));
      // Long enough that the automaton is taken where V8 could backtrack much.
      const long = short.repeat(40);
      expect(compilePattern(source).test(long), source).toBe(new RegExp(quick, 'u').test(long));
    }),
    { numRuns },
  );
});

test('a pattern that is valid without the unicode flag only is taken so', () => {
  expect(compileValidator({ pattern: '^[\\w-.]+$' })('a-b.c')).toBeUndefined();
});
