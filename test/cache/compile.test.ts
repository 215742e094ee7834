import vm from 'node:vm';
import { describe, expect, test } from 'vitest';
import { compileSkill } from '../../src/cache/compile.ts';
import type { CompiledSkill } from '../../src/cache/compile.ts';
import { RequirementError } from '../../src/errors.ts';
import type { SkillVersion } from '../../src/store/store.ts';
import { versionOf } from './fixtures.ts';

function compile(version: SkillVersion, stored: readonly SkillVersion[] = []): Promise<CompiledSkill> {
  return compileSkill(version, {
    loadDigest: async (digest) => stored.find((one) => one.digest === digest),
    limits: { depthMax: 32, bytesMax: 1_000_000 },
    encode: (value) => JSON.stringify(value),
  });
}

/** Fills each hole from the data and answers with the first candidate's value, as a realm does. */
function evaluate(skill: CompiledSkill, unit = 0, data: Readonly<Record<string, unknown>> = {}): unknown {
  const { source, holes, requires } = skill.program.units[unit] as CompiledSkill['program']['units'][number];
  const links = Object.fromEntries(
    Object.entries(requires).map(([local, index]) => [
      local,
      (...args: unknown[]) => {
        const answer = evaluate(skill, index);
        return typeof answer === 'function' ? (answer as (...all: unknown[]) => unknown)(...args) : answer;
      },
    ]),
  );
  const scope = {
    has: holes.map((name) => Object.hasOwn(data, name)),
    values: holes.map((name) => data[name]),
    links,
  };
  const body = (vm.runInThisContext(source) as (given: typeof scope) => () => { value: unknown }[])(scope);
  return body()[0]?.value;
}

test('a compiled skill runs, its holes filled by value', async () => {
  const version = versionOf({ code: 'const n = 1;\nexport const result = n * 2;\n', version: 3 });
  const skill = await compile(version);
  expect(skill.version).toBe(version);
  expect(skill.program.digest).toBe(version.digest);
  expect(skill.program.units).toHaveLength(1);
  // Only module-level names are holes; `result` is one too.
  expect(skill.program.units[0]).toMatchObject({
    fileName: 'skill:double@3',
    holes: ['n', 'result'],
    parameters: '{}',
    requires: {},
  });
  expect(evaluate(skill)).toBe(2);
  expect(evaluate(skill, 0, { n: 21 })).toBe(42);
});

test('a required skill is called by its name, linked to the version it was pinned to', async () => {
  const sum = versionOf({ name: 'sum', code: 'function sum(a, b) { return a + b; }' });
  const twice = versionOf({
    name: 'twice',
    code: 'function twice(a) { return sum(a, a); }',
    requires: [sum],
  });
  const top = versionOf({ name: 'top', code: 'const result = sum(twice(3), 1);', requires: [sum, twice] });
  const skill = await compile(top, [sum, twice]);
  expect(skill.program.units.map((unit) => unit.requires)).toEqual([{ sum: 1, twice: 2 }, {}, { sum: 1 }]);
  expect(evaluate(skill)).toBe(7);
});

test('a required skill whose name cannot be an identifier leaves the template sound', async () => {
  const dashed = versionOf({ name: 'parse-csv', code: 'export default 1;' });
  const word = versionOf({ name: 'delete', code: 'export default 1;' });
  const top = versionOf({ name: 'top', code: 'const result = 5;', requires: [dashed, word] });
  expect(evaluate(await compile(top, [dashed, word]))).toBe(5);
});

test('parameters travel as codec text', async () => {
  const skill = await compile(versionOf({ definition: { parameters: { window: 3 } } }));
  expect(skill.program.units[0]?.parameters).toBe('{"window":3}');
});

test('the erased code is what runs', async () => {
  const code = 'const result: number = 4;';
  const erasedCode = code.replace(': number', ' '.repeat(8));
  const version = versionOf({ code: erasedCode });
  const typed: SkillVersion = {
    ...version,
    definition: { ...version.definition, code, language: 'typescript' },
    analysis: { ...version.analysis, erasedCode },
  };
  expect(evaluate(await compile(typed))).toBe(4);
});

test('rejects with RequirementError when a required version is missing', async () => {
  const gone = versionOf({ name: 'gone' });
  await expect(compile(versionOf({ requires: [gone] }))).rejects.toThrow(RequirementError);
});

describe('validators', () => {
  test('are there for the schemas that are declared', async () => {
    const schema = { type: 'object', properties: { n: { type: 'number' } }, required: ['n'] };
    const skill = await compile(
      versionOf({ definition: { inputSchema: schema, outputSchema: { type: 'number' } } }),
    );
    expect(skill.inputValidator?.({ n: 1 })).toBeUndefined();
    expect(skill.inputValidator?.({})).toHaveLength(1);
    expect(skill.outputValidator?.('text')).toEqual([expect.objectContaining({ path: 'output' })]);
  });

  test('are absent where nothing is declared, whatever schema was derived', async () => {
    const version = versionOf();
    const derived = { ...version, analysis: { ...version.analysis, derivedInputSchema: { type: 'object' } } };
    const skill = await compile(derived);
    expect(skill.inputValidator).toBeUndefined();
    expect(skill.outputValidator).toBeUndefined();
  });
});

describe('purity', () => {
  test('is kept where all units are pure', async () => {
    const base = versionOf({ name: 'base', because: ['declared pure'] });
    const top = versionOf({ name: 'top', requires: [base], because: ['nothing impure found'] });
    expect(await compile(top, [base])).toMatchObject({ pure: true, pureBecause: ['nothing impure found'] });
  });

  test('is lost to the skill itself and to each required one, with their reasons', async () => {
    const clock = versionOf({ name: 'clock', pure: false, because: ['nondeterminism at 1:1'] });
    const silent = versionOf({ name: 'silent', pure: false });
    const middle = versionOf({ name: 'middle', requires: [clock] });
    const top = versionOf({
      name: 'top',
      requires: [middle, silent],
      pure: false,
      because: ['module-state at 2:1'],
    });
    expect(await compile(top, [clock, middle, silent])).toMatchObject({
      pure: false,
      pureBecause: [
        'module-state at 2:1',
        'requires silent: not pure',
        'requires clock: nondeterminism at 1:1',
      ],
    });
  });
});

describe('seesKeyOrder', () => {
  test.each([
    ['const rows = []; const result = rows.map((row) => row.price * 2);', false],
    ['const inputsIn = {}; const result = inputsIn.a + 1; // binary', false],
    ['const o = {}; const result = Object.keys(o).join();', true],
    ['const o = {}; let result = ""; for (const key in o) result += key;', true],
    ['const o = {}; const result = JSON.stringify(o);', true],
    ['const o = {}; const result = Reflect.ownKeys(o);', true],
    ['const o = {}; const result = String(new URLSearchParams(o));', true],
    ['const o = {}; const result = o.constructor.keys(o);', true],
    ['const o = {}; const result = \\u004fbject.keys(o);', true],
  ])('%s: %s', async (code, sees) => {
    expect((await compile(versionOf({ code }))).seesKeyOrder).toBe(sees);
  });

  test('is that of any unit', async () => {
    const base = versionOf({ name: 'base', code: 'function base(o) { return Object.keys(o); }' });
    const top = versionOf({ name: 'top', code: 'const result = base({});', requires: [base] });
    expect((await compile(top, [base])).seesKeyOrder).toBe(true);
  });
});

test('the estimate of bytes grows with the code, its schemas and what it requires', async () => {
  const small = versionOf({ name: 'small' });
  const sizes = [
    small,
    versionOf({ code: `${small.definition.code}// ${'x'.repeat(10_000)}` }),
    versionOf({ code: `${small.definition.code}// ${'→'.repeat(10_000)}` }),
  ].map(async (version) => (await compile(version)).bytes);
  const [plain = 0, long = 0, wide = 0] = await Promise.all(sizes);
  expect(plain).toBeGreaterThan(1_000);
  expect(long - plain).toBeGreaterThanOrEqual(20_000);
  expect(wide - long).toBeGreaterThanOrEqual(20_000);
  const linked = await compile(versionOf({ requires: [small] }), [small]);
  expect(linked.bytes).toBeGreaterThan(plain + 2_000);
  const checked = await compile(versionOf({ definition: { inputSchema: { type: 'object' } } }));
  expect(checked.bytes).toBeGreaterThan(plain + 10_000);
});
