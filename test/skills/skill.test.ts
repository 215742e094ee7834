import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SkillInvalidError } from '../../src/errors.ts';
import { resolveOptions } from '../../src/options.ts';
import { parseSkillDefinition } from '../../src/skills/skill.ts';

const base = { name: 'double', description: 'Doubles n.', code: 'const n = 1; n * 2' };

function issuesOf(input: unknown): { path: string; message: string }[] {
  try {
    parseSkillDefinition(input);
  } catch (error) {
    expect(error).toBeInstanceOf(SkillInvalidError);
    const { details, message } = error as SkillInvalidError;
    const issues = details['issues'] as { path: string; message: string }[];
    for (const issue of issues) expect(message).toContain(issue.path);
    return issues;
  }
  return [];
}

const pathsOf = (input: unknown): string[] => issuesOf(input).map((issue) => issue.path);

test('a definition of three fields gets every default', () => {
  expect(parseSkillDefinition(base)).toEqual({
    ...base,
    language: 'javascript',
    parameters: {},
    tags: [],
    requires: [],
    examples: [],
    pure: 'auto',
    capabilities: [],
    limits: {},
  });
});

test('a definition that was parsed parses to itself', () => {
  const parsed = parseSkillDefinition({
    ...base,
    code: 'export const n: number = 1;',
    inputSchema: {},
    outputSchema: true,
    examples: [{ inputs: {}, output: null, tolerance: 0.1 }],
    capabilities: ['net'],
    limits: { timeoutMs: 5 },
  });
  expect(parsed.language).toBe('typescript');
  expect(parseSkillDefinition(parsed)).toEqual(parsed);
});

describe.each([
  ['name', { name: '1st' }],
  ['name', { name: 'a'.repeat(65) }],
  ['name', { name: 'a/b' }],
  ['name', { name: undefined }],
  ['description', { description: ' ' }],
  ['description', { description: 'd'.repeat(1025) }],
  ['description', { description: 'half \ud800' }],
  ['code', { code: '\n' }],
  ['code', { code: 'é'.repeat(600_000) }],
  ['code', { code: '"\udc00"' }],
  ['language', { language: 'python' }],
  ['inputSchema', { inputSchema: 3 }],
  ['inputSchema.type', { inputSchema: { type: 'text' } }],
  ['outputSchema.properties.rows.items', { outputSchema: { properties: { rows: { items: [] } } } }],
  ['parameters', { parameters: [] }],
  ['parameters.at', { parameters: { at: new Date(0) } }],
  ['tags[0]', { tags: ['t'.repeat(65)] }],
  ['tags', { tags: Array.from({ length: 33 }, (_, index) => `t${index}`) }],
  ['tags', { tags: ['a', 'a'] }],
  ['requires[1]', { requires: ['ok', 'not ok'] }],
  ['requires', { requires: ['double'] }],
  ['examples[0].output', { examples: [{ inputs: {} }] }],
  ['examples[0].inputs', { examples: [{ inputs: [], output: 1 }] }],
  ['examples[0].output[1]', { examples: [{ inputs: {}, output: [1, Number.NaN] }] }],
  ['examples[0].extra', { examples: [{ inputs: {}, output: 1, extra: 1 }] }],
  ['examples[0].tolerance', { examples: [{ inputs: {}, output: 1, tolerance: -1 }] }],
  ['pure', { pure: 'yes' }],
  ['capabilities[0]', { capabilities: ['toString'] }],
  ['limits.timeoutMs', { limits: { timeoutMs: 0 } }],
  ['limits.cpu', { limits: { cpu: 1 } }],
  ['version', { version: 1 }],
])('a wrong %s', (path, wrong) => {
  test(`is named: ${JSON.stringify(wrong).slice(0, 60)}`, () => {
    expect(pathsOf({ ...base, ...wrong })).toContain(path);
  });
});

test('every wrong field is named, not the first only', () => {
  expect(pathsOf({ name: '', one: 1, two: 2 })).toEqual(['name', 'description', 'code', 'one', 'two']);
});

test('what is no object is refused', () => {
  for (const input of [null, undefined, 3, 'text', [], new Map(), () => base]) {
    expect(issuesOf(input)).toHaveLength(1);
  }
});

test('an accessor is refused and never called', () => {
  let called = 0;
  const input = Object.defineProperty({ ...base }, 'tags', {
    enumerable: true,
    get: () => {
      called += 1;
      return [];
    },
  });
  expect(issuesOf(input)).toEqual([{ path: 'tags', message: 'an accessor is not data' }]);
  expect(called).toBe(0);
});

test('__proto__ is a key: unknown at the top, data inside parameters', () => {
  expect(pathsOf(JSON.parse(`{ "__proto__": {}, ${JSON.stringify(base).slice(1)}`))).toEqual(['__proto__']);
  const text = '{"__proto__":{"polluted":true}}';
  const { parameters } = parseSkillDefinition({ ...base, parameters: JSON.parse(text) as object });
  expect(JSON.stringify(parameters)).toBe(text);
  expect(Object.getPrototypeOf(parameters)).toBe(Object.prototype);
});

test('cycles and endless nesting are refused', () => {
  const cycle: Record<string, unknown> = {};
  cycle['self'] = cycle;
  expect(pathsOf({ ...base, parameters: cycle })).toEqual(['parameters.self']);
  let deep: unknown = 1;
  for (let level = 0; level < 10_000; level += 1) deep = [deep];
  expect(issuesOf({ ...base, parameters: { deep } })[0]?.message).toMatch(/deeper than/);
});

test('the definition is a copy: changing what was given changes nothing', () => {
  const parameters = { list: [1] };
  const parsed = parseSkillDefinition({ ...base, parameters });
  parameters.list.push(2);
  expect(parsed.parameters).toEqual({ list: [1] });
});

test('the bounds of limits are those of the run options', () => {
  const edges = {
    timeoutMs: [0, 1, 86_400_000, 86_400_001],
    memoryBytesMax: [2 ** 24 - 1, 2 ** 24, 2 ** 36, 2 ** 36 + 1],
    outputBytesMax: [0, 1, 2 ** 30, 2 ** 30 + 1],
    logBytesMax: [-1, 0, 2 ** 30, 2 ** 30 + 1],
  };
  const passes = (check: () => unknown): boolean => {
    try {
      check();
      return true;
    } catch {
      // A refusal is one of the two answers.
      return false;
    }
  };
  for (const [limit, values] of Object.entries(edges)) {
    for (const value of values) {
      const asLimit = passes(() => parseSkillDefinition({ ...base, limits: { [limit]: value } }));
      expect(asLimit, `${limit} ${value}`).toBe(passes(() => resolveOptions({ run: { [limit]: value } })));
    }
  }
});

test('whatever is given, the answer is a definition or a SkillInvalidError', () => {
  const anything = fc.anything({ withNullPrototype: true, withMap: true, withDate: true, withBigInt: true });
  const field = fc.constantFrom('name', 'code', 'tags', 'examples', 'inputSchema', 'limits', 'pure');
  fc.assert(
    fc.property(field, anything, (key, value) => {
      issuesOf({ ...base, [key]: value });
    }),
    { numRuns: Number(process.env['SKILLCACHE_PROPERTY_RUNS'] ?? 300) },
  );
});
