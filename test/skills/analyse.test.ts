import { describe, expect, test } from 'vitest';
import { InjectionError, RequirementError, SkillSyntaxError } from '../../src/errors.ts';
import { analyseSkill, type ResolvedSkill, type SkillAnalysis } from '../../src/skills/analyse.ts';
import { parseSkillDefinition } from '../../src/skills/skill.ts';

const asked: string[][] = [];

function analyse(code: string, more: object = {}, existing: readonly string[] = []): Promise<SkillAnalysis> {
  const definition = parseSkillDefinition({ name: 'caller', description: 'A caller.', code, ...more });
  return analyseSkill(definition, {
    knownGlobals: ['provided'],
    // As a store does that knows names without regard to case.
    resolve: async (names) => {
      asked.push([...names]);
      const found = new Map<string, ResolvedSkill>();
      for (const name of names) {
        const real = existing.find((one) => one.toLowerCase() === name.toLowerCase());
        if (real !== undefined) found.set(name, { name: real, version: 7, digest: `digest of ${real}` });
      }
      return found;
    },
  });
}

test('TypeScript is kept with its erased form, JavaScript without one', async () => {
  expect((await analyse('export const n: number = 1;')).erasedCode).toBe('export const n         = 1;');
  expect('erasedCode' in (await analyse('export const n = 1;'))).toBe(false);
});

test('a free name that is a skill is pinned and no longer free', async () => {
  const analysis = await analyse('average([1]) + provided + missing', {}, ['average']);
  expect(analysis.requires).toEqual([
    { local: 'average', name: 'average', version: 7, digest: 'digest of average' },
  ]);
  expect(analysis.capabilities.freeNames).toEqual(['missing']);
});

test('an import is pinned under its local name, a requirement with a dash in camel case', async () => {
  const code = "import mean from 'skill:average';\nexport default () => mean(parseCsv(''))";
  const analysis = await analyse(code, { requires: ['parse-csv', 'average'] }, ['average', 'parse-csv']);
  expect(analysis.requires.map(({ local, name }) => [local, name])).toEqual([
    ['mean', 'average'],
    ['parseCsv', 'parse-csv'],
  ]);
  expect(analysis.capabilities.freeNames).toEqual([]);
});

test('a free name is linked by its exact case only, and never to the skill itself', async () => {
  expect((await analyse('Average(1)', {}, ['average'])).requires).toEqual([]);
  expect((await analyse('caller(1)', {}, ['caller'])).requires).toEqual([]);
});

test('a requirement that does not exist is a RequirementError naming it', async () => {
  const code = "import x from 'skill:gone'; x()";
  await expect(analyse(code)).rejects.toThrow(/does not exist: gone/);
  await expect(analyse('1', { requires: ['Gone'] }, ['gone'])).rejects.toThrow(/there is gone; case counts/);
  await expect(analyse(code)).rejects.toBeInstanceOf(RequirementError);
  await expect(analyse("import x from 'skill:caller'; x()")).rejects.toThrow(/requires itself/);
});

test('code that does not parse is a SkillSyntaxError with line and column', async () => {
  const failure = analyse('const a = 1;\nconst b = ;', { language: 'javascript' });
  await expect(failure).rejects.toBeInstanceOf(SkillSyntaxError);
  await expect(failure).rejects.toMatchObject({ details: { line: 2, column: 11 } });
});

test.each([
  ['export default () => 1;\nexport const x = /(?<a>x)(?<a>y)(?<a>z)/;', 2],
  ['export default () => /\\\\p{Script=Greek}/u;', 1],
])('%s is parsed, and no engine compiles it: line %s', async (code, line) => {
  const failure = analyse(code, { language: 'javascript' });
  await expect(failure).rejects.toBeInstanceOf(SkillSyntaxError);
  await expect(failure).rejects.toMatchObject({ details: { line } });
});

describe('what could not run is refused when it is added', () => {
  test.each(["import fs from 'node:fs'; fs", "export * from './other.js'", "import('x')", 'import.meta.url'])(
    '%s',
    async (code) => {
      const failure = analyse(code);
      await expect(failure).rejects.toBeInstanceOf(InjectionError);
      await expect(failure).rejects.toMatchObject({ code: 'UNSUPPORTED_SYNTAX', details: { line: 1 } });
    },
  );
});

test('purity is what was declared, or what the report says', async () => {
  expect((await analyse('1 + 1')).pure.decided).toBe(true);
  expect((await analyse('Math.random()')).pure.decided).toBe(false);
  expect((await analyse('Math.random()', { pure: true })).pure).toEqual({
    decided: true,
    because: ['declared pure'],
  });
  expect((await analyse('1', { pure: false })).pure).toEqual({
    decided: false,
    because: ['declared not pure'],
  });
});

test('without an input schema one is derived from the holes; with one it is not', async () => {
  const code = `
const prices = [1, 2.5];
let window = 3, label = 'x', bare;
const options = { deep: { flag: true }, none: null };
const mixed = [1, 'a'], matrix = [[1], [2]];
const computed = prices.length * 2;
const helper = () => 1;
export const result = prices.map((price) => price * window);`;
  expect((await analyse(code)).derivedInputSchema).toEqual({
    type: 'object',
    properties: {
      prices: { type: 'array', items: { type: 'number' }, default: [1, 2.5] },
      window: { type: 'number', default: 3 },
      label: { type: 'string', default: 'x' },
      bare: {},
      options: {
        type: 'object',
        properties: { deep: { type: 'object', properties: { flag: { type: 'boolean' } } }, none: {} },
        default: { deep: { flag: true }, none: null },
      },
      mixed: { type: 'array', default: [1, 'a'] },
      matrix: { type: 'array', items: { type: 'array' }, default: [[1], [2]] },
      computed: {},
    },
    additionalProperties: true,
  });
  expect((await analyse(code, { inputSchema: {} })).derivedInputSchema).toBeUndefined();
});

test('a TypeScript annotation gives the type', async () => {
  const code = `
const rows: Array<{ a: number }> = [];
const names: readonly string[] = [];
const unit: 'km' | "mi" = 'km';
const id: string | (number | null) = 1;
const table: Record<string, number[]> = {};
const other: Map<string, number> = new Map();
const level: 3 = 3;
export const result = [rows, names, unit, id, table, other, level];`;
  const schema = (await analyse(code)).derivedInputSchema as { properties: Record<string, object> };
  expect(schema.properties).toEqual({
    rows: { type: 'array', items: { type: 'object' }, default: [] },
    names: { type: 'array', items: { type: 'string' }, default: [] },
    unit: { enum: ['km', 'mi'], default: 'km' },
    id: { anyOf: [{ type: 'string' }, { anyOf: [{ type: 'number' }, { type: 'null' }] }], default: 1 },
    table: {
      type: 'object',
      additionalProperties: { type: 'array', items: { type: 'number' } },
      default: {},
    },
    other: {},
    level: { const: 3, default: 3 },
  });
});

test('names are asked for once', async () => {
  asked.length = 0;
  await analyse("import x from 'skill:average'; x(average(1))", { requires: ['average'] }, ['average']);
  expect(asked).toEqual([['average']]);
});
