/** The plan: what it finds, and what it says of what it refuses. */
import vm from 'node:vm';
import { expect, test } from 'vitest';
import { InjectionError } from '../../src/errors.ts';
import { checkTargets } from '../../src/inject/data.ts';
import { injectData, injectWithPlan } from '../../src/inject/inject.ts';
import { planInjection } from '../../src/inject/planner.ts';
import { buildTemplate } from '../../src/inject/template.ts';
import { runTemplate } from './evaluate.ts';

const planOf = (code: string, language?: 'javascript' | 'typescript') =>
  planInjection(code, language ? { language } : {}).plan;

test('a hole tells its name, kind, place, default and type', () => {
  const { holes } = planOf(
    'const a: number[] = [1, -2, "x", { b: null, "c": true, 3: 1.5 }];\nlet b!: Map<string, 1>;\nvar c = f();',
    'typescript',
  );
  expect(holes).toMatchObject([
    {
      name: 'a',
      kind: 'const',
      line: 1,
      column: 7,
      typeText: 'number[]',
      defaultValue: { json: [1, -2, 'x', { b: null, c: true, 3: 1.5 }] },
    },
    { name: 'b', kind: 'let', line: 2, column: 5, typeText: 'Map<string, 1>' },
    { name: 'c', kind: 'var', line: 3, defaultText: 'f()' },
  ]);
  expect(holes[1]!.start).toBe(holes[1]!.end);
  expect(holes[1]).not.toHaveProperty('defaultText');
  expect(holes[2]).not.toHaveProperty('defaultValue');
});

test.each([
  '[1,,2]',
  '[...x]',
  '{ ...x }',
  '{ [k]: 1 }',
  '{ f() {} }',
  '{ __proto__: null }',
  '`t`',
  '1e999',
  '-0',
  '-x',
  '[x]',
  '{ a: x }',
  '[-1e999]',
  '({ 1n: 1 })',
  `${'['.repeat(60)}${']'.repeat(60)}`,
])('a default like %s has no JSON value', (text) => {
  expect(planOf(`const x = 0, k = 1, a = ${text};`).holes[2]).not.toHaveProperty('defaultValue');
});

test('a default is shown by its first 200 characters', () => {
  expect(planOf(`const a = '${'x'.repeat(500)}'`).holes[0]!.defaultText).toHaveLength(200);
});

test('the plan is JSON', () => {
  const { plan } = planInjection("import x from 'skill:y'; const a = [1], f = () => {}; export default a");
  expect(JSON.parse(JSON.stringify(plan))).toEqual(plan);
});

const answers: [code: string, answers: object[]][] = [
  ['export default 1; function run() {}', [{ kind: 'default' }]],
  ['export default function f() {}', [{ kind: 'default', name: 'f' }]],
  ['export default class A {}', [{ kind: 'default', name: 'A' }]],
  ['const f = 1; export { f as default }', [{ kind: 'default', name: 'f' }]],
  ["const f = 1; export { f as 'default' }", [{ kind: 'default', name: 'f' }]],
  ['function main() {} function run() {} function f() {}', [{ kind: 'function', name: 'run' }]],
  [
    'const run = g(); function main() {} ',
    [
      { kind: 'function', name: 'run' },
      { kind: 'function', name: 'main' },
    ],
  ],
  ['function go() {} function h() {} export { go as run }', [{ kind: 'function', name: 'go' }]],
  ['class run {}\nconst result = 1; 5', [{ kind: 'binding', name: 'result' }]],
  ['if (x) { var result = 1 }', [{ kind: 'binding', name: 'result' }]],
  ['const total = 1; export { total as result }', [{ kind: 'binding', name: 'total' }]],
  ['const run = () => 1', [{ kind: 'function', name: 'run' }]],
  ['function f() {} const a = 1; a + 1', [{ kind: 'function', name: 'f' }]],
  [
    'const f = () => 1; f; f() + 1',
    [
      { kind: 'function', name: 'f' },
      { kind: 'expression', start: 22, end: 29 },
    ],
  ],
  ['function f() {} function g() {} f(1); if (x) {}', [{ kind: 'expression', start: 32, end: 36 }]],
  ['const a = 1', []],
  ["'hello'", [{ kind: 'expression', start: 0, end: 7 }]],
  ["'use strict'", []],
];

test.each(answers)('answers of %s', (code, expected) => {
  expect(planOf(code).answers).toEqual(expected);
});

const runs: [code: string, data: object, value: unknown][] = [
  ['const a = 1; export default a + 1', { a: 2 }, 3],
  ['export default 5 // end', {}, 5],
  ['export /* a */ default\n/* b */ (6) /* ; */ ;', {}, 6],
  ['export default(7)', {}, 7],
  ['export\tdefault\tasync function () { return 1 }', {}, 1],
  ['const o = {}; export default o.f = (i, c) => [i, c, o.f.name]', { a: 1 }, [{ a: 1 }, {}, '']],
  ['export default () => 1', {}, 1],
  ['const a = 1; a; (a, a + 5) // x', { a: 2 }, 7],
  ['let a = 1\n;((a)) /* y */', { a: 2 }, 2],
  ['function f({ a }) { return a }', { a: 4 }, 4],
  ['const run = 5; const result = 6', {}, 6],
  ['const run = 5; const result = 6', { run: 7 }, 6],
  ['const x = await 3; export const result = x', {}, 3],
  ["'hello'", {}, 'hello'],
  ['const a = 1', {}, undefined],
  ['export default function () { return arguments.length }\n[1].map(String)', {}, 2],
];

test.each(runs)('the template of %j answers', async (code, inputs, value) => {
  const { plan, source } = planInjection(code);
  const answer = await runTemplate(buildTemplate(source, plan, 't'), plan, { inputs });
  expect(typeof answer === 'function' ? String(answer) : answer).toEqual(value);
});

test('default exports are named default, or by themselves', async () => {
  for (const [code, name] of [
    ['export default () => 1', 'default'],
    ['export default class {}', 'default'],
    ['export default (function () {});', 'default'],
    ['export default function f() {}', 'f'],
  ] as const) {
    const { plan, source } = planInjection(code);
    const { source: text } = buildTemplate(source, plan, 't');
    const body = vm.runInThisContext(text) as (scope: object) => () => { value: { name: string } }[];
    expect(body({ has: [], values: [], links: {} })()[0]!.value.name).toBe(name);
  }
});

test('names of functions are kept in holes of a template', async () => {
  const code =
    'const f = () => 1, C = class {}, g = function () {}, __proto__ = () => 1;\nexport const result = [f, C, g, __proto__].map((x) => x.name)';
  const { plan, source } = planInjection(code);
  expect(await runTemplate(buildTemplate(source, plan, 't'), plan, {})).toEqual(['f', 'C', 'g', '__proto__']);
});

test('errors of a template stand in the lines of the skill, columns moved by its shifts', () => {
  const code = 'const a = 1, b = 2;\nlet c; c.x; export const d = () => null.y\n';
  const { plan, source } = planInjection(code);
  const template = buildTemplate(source, plan, 'skill:x@1');
  const body = vm.runInThisContext(template.source, { filename: 'skill:x@1', lineOffset: -1 }) as (
    s: object,
  ) => () => unknown;
  let stack = '';
  try {
    body({ has: [false, false, false, false], values: [], links: {} })();
  } catch (error) {
    stack = (error as Error).stack!;
  }
  const [, line, column] = /skill:x@1:(\d+):(\d+)/.exec(stack)!;
  let own = Number(column);
  for (const shift of template.shifts) {
    if (shift.line === Number(line) && own >= shift.column + shift.shift) own -= shift.shift;
  }
  expect([Number(line), own]).toEqual([2, 10]);
});

test('required skills are called by their local names', async () => {
  const code =
    "import avg, { default as sum } from 'skill:stats'\nexport default () => [avg(1), sum(2), max(3), own()]\nfunction own() { return 4 }";
  const { plan, source } = planInjection(code);
  expect(plan.imports).toEqual([
    { local: 'avg', skill: 'stats' },
    { local: 'sum', skill: 'stats' },
  ]);
  const template = buildTemplate(source, plan, 't', ['max', 'own', 'avg']);
  expect(template.links).toEqual(['avg', 'sum', 'max']);
  const links = { avg: (x: number) => x, sum: (x: number) => x, max: (x: number) => x };
  expect(await runTemplate(template, plan, {}, links)).toEqual([1, 2, 3, 4]);
});

const untemplated: [code: string, line: number, column: number, reason: RegExp][] = [
  ["const a = 1;\n  import x from 'node:fs'", 2, 3, /node:fs/],
  ["import { x } from 'skill:y'", 1, 1, /imports other than/],
  ["import 'skill:y'", 1, 1, /imports other than/],
  ["import * as x from 'skill:y'", 1, 1, /imports other than/],
  ["export * from 'skill:y'", 1, 1, /re-exports/],
  ["export { x } from 'skill:y'", 1, 1, /re-exports/],
  ["const f = () =>\n import('x')", 2, 2, /import\(\)/],
  ['const u = import.meta.url', 1, 11, /import\.meta/],
  ['const a = 1; let b = 2;\nexport const result = a <!--b', 2, 25, /<!--/],
];

test.each(untemplated)('UNSUPPORTED_SYNTAX for the template of %j', (code, line, column, reason) => {
  const { plan, source } = planInjection(code);
  expect(plan.templateRefusal).toMatchObject({ line, column });
  expect(() => buildTemplate(source, plan, 't')).toThrow(reason);
  expect(() => buildTemplate(source, plan, 't')).toThrow(InjectionError);
});

test.each([
  'const a = "import(x)"; a.import; /<!--/; `<!--${a}<!--` // <!-- import.meta',
  'let n = 1; while (n --> 0);',
  "const \\u0061 = 'import'",
])('a template of %j is not refused', (code) => {
  expect(planOf(code)).not.toHaveProperty('templateRefusal');
});

test('UNSUPPORTED_TARGET has the reason and the place; targets without data are no error', () => {
  const { plan } = planInjection(
    "import m from 'x'; class C {} function f() {}\nconst { d } = {}; if (1) { var v }",
  );
  expect(plan.refused.map(({ name }) => name)).toEqual(['m', 'C', 'f', 'd', 'v']);
  expect(() => checkTargets(plan, { inputs: { z: 1 } })).not.toThrow();
  expect(() => checkTargets(plan, { context: { d: 1 } })).toThrow(
    'context.d cannot be injected: `d` at line 2, column 9 is bound by destructuring',
  );
  expect(planOf('using n = x; await using m = y;').refused).toMatchObject([
    { name: 'n', reason: 'a `using` declaration' },
    { name: 'm' },
  ]);
});

test('a var with an initialiser is a hole though a nested statement declares it again', () => {
  const { plan } = planInjection('var n = 1; if (n) { var n = 2 }');
  expect(plan.refused).toEqual([]);
  expect(plan.holes).toHaveLength(1);
});

test('PARSE_ERROR has line and column', () => {
  for (const language of ['javascript', 'typescript'] as const) {
    expect(() => planInjection('let a;\n let a;', { language })).toThrow(/line 2, column 6/);
  }
  try {
    planInjection('const a = 1;\nconst = 2');
  } catch (error) {
    expect(error).toMatchObject({ code: 'PARSE_ERROR', details: { line: 2, column: 7 } });
  }
  expect(() => planInjection('('.repeat(100_000))).toThrow(/too deeply/);
  expect(() => planInjection(5 as unknown as string)).toThrow('code is a number, not a text');
});

test('without a language, the one that parses is taken, or the error of the one that got further', () => {
  expect(planOf('const a = 1').language).toBe('javascript');
  expect(planOf('const a: number = 1').language).toBe('typescript');
  expect(() => planInjection('const a: number = 1;\nconst b: = 2')).toThrow(/line 2/);
  expect(() => planInjection('const a = 1;\nconst b c')).toThrow(/line 2, column 8/);
});

test('injected and unused name what was filled, in source order, and what was not, in data order', () => {
  const result = injectData('var b = 1, a = 2; var b = 3; const inputs = 0', {
    inputs: { z: 1, a: 5, y: 2 },
    parameters: { q: 1, b: 6 },
  });
  expect(result.injected).toEqual(['b', 'a', 'inputs']);
  expect(result.unused).toEqual(['q', 'z', 'y']);
  expect(result.code).toBe('var b = 6, a = 5; var b = 6; const inputs = {"z":1,"a":5,"y":2}');
});

test('an object that is not given leaves its hole as it is', () => {
  const code = 'const context = 1, parameters = 2';
  expect(injectData(code).code).toBe(code);
  const { plan, source } = planInjection(code);
  expect(injectWithPlan(source, plan, { context: {} }).code).toBe('const context = {}, parameters = 2');
});

test('objects of another realm are plain, instances are not', () => {
  const foreign = vm.runInNewContext(
    '({ a: [1, new Map([[{}, new Set()]]), new TypeError("m"), new Uint8Array(1), /x/g, new Date(0)] })',
  ) as object;
  expect(injectData('let a;', { inputs: foreign }).code).toContain('new globalThis.TypeError("m")');
  expect(() => injectData('let a;', { inputs: vm.runInNewContext('new (class A {})()') as object })).toThrow(
    'an instance of a class',
  );
});
