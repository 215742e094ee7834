import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { AbortedError, FileNotFoundError, SkillInvalidError } from '../../src/errors.ts';
import { readImport, type ImportCandidate } from '../../src/skills/importers.ts';
import { parseSkillDefinition } from '../../src/skills/skill.ts';

const root = await mkdtemp(join(tmpdir(), 'importers-'));
afterAll(() => rm(root, { recursive: true, force: true }));

async function file(path: string, text: string): Promise<string> {
  await mkdir(dirname(join(root, path)), { recursive: true });
  await writeFile(join(root, path), text);
  return join(root, path);
}

async function all(path: string): Promise<ImportCandidate[]> {
  const candidates: ImportCandidate[] = [];
  for await (const candidate of readImport(path)) candidates.push(candidate);
  return candidates;
}

test('a script is a skill named after its file and described by its first comment', async () => {
  const path = await file(
    'my tool.ts',
    '/**\n * Adds tax.\n * Rounds up.\n * @param n net\n */\nexport default (n: number) => n',
  );
  const [candidate] = await all(path);
  expect(candidate?.warnings).toEqual(['the name "my tool" became my-tool']);
  expect(parseSkillDefinition(candidate?.definition)).toMatchObject({
    name: 'my-tool',
    description: 'Adds tax. Rounds up.',
    language: 'typescript',
  });
  const [lines] = await all(await file('lines.mjs', '#!/usr/bin/env node\n// Says hello.\n// Twice.\n1'));
  expect(lines?.definition?.description).toBe('Says hello. Twice.');
  const [bare] = await all(await file('makeTea.js', '// eslint-disable-next-line\n1'));
  expect(bare?.definition?.description).toBe('Make tea.');
  expect(bare?.warnings).toEqual(['no description; one was made from the name']);
});

test('a Voyager map gives its skills with sensible descriptions, required ones first', async () => {
  const path = await file(
    'voyager.json',
    JSON.stringify({
      outer: {
        code: 'async function outer(bot) { await inner(bot) }',
        description: 'async function outer(bot) {\n    // The function is about mining wood.\n}',
      },
      broken: { description: 'no code' },
      inner: { code: 'async function inner(bot) {}', description: 'Name: inner; Description:Digs  a hole.' },
      plain: '// Just code.\n1',
    }),
  );
  const candidates = await all(path);
  expect(candidates.map((one) => one.name)).toEqual(['inner', 'outer', 'broken', 'plain']);
  expect(candidates.map((one) => one.definition?.description ?? one.refused?.reason)).toEqual([
    'Digs a hole.',
    'Mining wood.',
    'broken has no code',
    'Just code.',
  ]);
});

test('definitions come from an array, from one object, and from lines', async () => {
  const one = { name: 'one', description: 'One.', code: '1' };
  expect((await all(await file('one.json', JSON.stringify(one))))[0]?.definition).toEqual(one);
  const list = JSON.stringify([
    { ...one, name: 'two', requires: ['one'], version: 3 },
    one,
    5,
    { code: '1' },
    { name: 'x' },
  ]);
  const candidates = await all(await file('list.json', list));
  expect(candidates.map((candidate) => candidate.name)).toEqual(['one', 'two', undefined, undefined, 'x']);
  expect(candidates[1]?.warnings).toEqual(['unknown fields were left out: version']);
  expect(candidates.slice(2).map((candidate) => candidate.refused?.reason)).toEqual([
    'item 2 is no object',
    'item 3 has no name',
    'item 4 has no code',
  ]);
  const lines = await file(
    'list.ndjson',
    `${JSON.stringify(one)}\n\n{oops\n${JSON.stringify({ ...one, name: 'three' })}\n`,
  );
  const read = await all(lines);
  expect(read.map((candidate) => candidate.name ?? candidate.refused?.code)).toEqual([
    'one',
    'SKILL_INVALID',
    'three',
  ]);
  expect(read[1]?.refused?.reason).toMatch(/list\.ndjson:3 is not JSON: unexpected "o" at line 1, column 2/);
});

test('skills that call each other in a circle all come, each once', async () => {
  const skill = (name: string, calls: string): object => ({ name, description: name, code: `${calls}()` });
  const path = await file(
    'cycle.json',
    JSON.stringify([skill('a', 'b'), skill('b', 'c'), skill('c', 'a'), skill('d', 'd')]),
  );
  expect((await all(path)).map((one) => one.name)).toEqual(['c', 'b', 'a', 'd']);
});

test('a tree of skill folders is walked, bad ones are refused, links are not followed', async () => {
  const text = (name: string): string => `---\nname: ${name}\ndescription: ${name}.\n---\n`;
  await file('tree/deep/er/alpha/SKILL.md', text('alpha'));
  await file('tree/deep/er/alpha/scripts/main.js', 'beta()');
  await file('tree/beta/SKILL.md', text('beta'));
  await file('tree/beta/scripts/main.js', '1');
  await file('tree/broken/SKILL.md', 'no head');
  await file('tree/node_modules/x/SKILL.md', text('x'));
  await symlink(join(root, 'tree'), join(root, 'tree', 'deep', 'loop'));
  const candidates = await all(join(root, 'tree'));
  expect(candidates.map((one) => one.name)).toEqual(['beta', 'broken', 'alpha']);
  expect(candidates[1]?.refused?.reason).toMatch(/has no front matter/);
  expect((await all(join(root, 'tree', 'beta', 'SKILL.md')))[0]?.name).toBe('beta');
});

test('a folder without any SKILL.md gives its scripts', async () => {
  await file('scripts-only/a.js', '1');
  await file('scripts-only/b.d.ts', '');
  await file('scripts-only/notes.txt', '');
  expect((await all(join(root, 'scripts-only'))).map((one) => one.name)).toEqual(['a']);
});

test('files beside the scripts of a folder that may hold skills too are named', async () => {
  for (const name of ['a.js', 'b.js', 'more.json', 'lines.ndjson', 'package.json'])
    await file(`mixed/${name}`, '1');
  const [first, second, ...rest] = await all(join(root, 'mixed'));
  expect(rest).toEqual([]);
  expect(first?.warnings.at(-1)).toMatch(/import these by name: lines\.ndjson, more\.json$/);
  expect(second?.warnings).not.toContain(first?.warnings.at(-1));
});

describe('what cannot be imported', () => {
  test('a path where nothing is gives FileNotFoundError', async () => {
    await expect(all(join(root, 'nothing.json'))).rejects.toBeInstanceOf(FileNotFoundError);
  });

  test.each([
    ['malformed.json', '{\n  "a": 1,\n}', /malformed\.json is not JSON: unexpected "}" at line 3, column 1/],
    ['short.json', '[1, "x', /unexpected "\\"" at line 1, column 5/],
    ['early.json', '[1, ', /the text ends too early at line 1, column 5/],
    ['word.json', '[nope]', /unexpected "n" at line 1, column 2/],
    ['twice.json', '{} {}', /unexpected "\{" at line 1, column 4/],
    ['colon.json', '{"a" 1}', /unexpected "1" at line 1, column 6/],
    ['number.json', '[01]', /unexpected "0" at line 1, column 2/],
    ['other.json', '{"a": 1}', /no known kind of library/],
    ['scalar.json', '3', /no known kind of library/],
    ['program.py', 'print(1)', /no known kind of library/],
  ])('%s gives SkillInvalidError', async (name, text, message) => {
    const path = await file(name, text);
    await expect(all(path)).rejects.toThrow(message);
    await expect(all(path)).rejects.toBeInstanceOf(SkillInvalidError);
  });

  test('an empty folder gives SkillInvalidError', async () => {
    await mkdir(join(root, 'empty'));
    await expect(all(join(root, 'empty'))).rejects.toThrow(/expected a folder with a SKILL\.md/);
  });
});

test('a signal that fires ends the import', async () => {
  const path = await file('many.ndjson', '{"name":"a","description":"a","code":"1"}\n'.repeat(20_000));
  await expect(readImport(path, { signal: AbortSignal.abort() }).next()).rejects.toBeInstanceOf(AbortedError);
  const controller = new AbortController();
  const reading = readImport(path, { signal: controller.signal });
  await reading.next();
  controller.abort();
  await expect(
    (async () => {
      for await (const _ of reading) void _;
    })(),
  ).rejects.toBeInstanceOf(AbortedError);
});

describe('a snippet', () => {
  const snippet = async (
    code: string,
    expectations: [string, string][],
    example = '',
  ): Promise<ImportCandidate> => {
    const item = {
      name: 'fn',
      tags: 'a, b',
      description: 'A function.',
      code,
      example,
      expectations: expectations.map(([expr, expected]) => ({ expr, expected })),
    };
    const [candidate] = await all(await file('snippet.json', JSON.stringify([item])));
    return candidate as ImportCandidate;
  };

  test('takes its parameters as inputs, with their defaults', async () => {
    const { definition } = await snippet("const fn = (data, sep = ',', ...rest) => 1;", [
      ["fn('x', ';', 1, 2)", '1'],
    ]);
    expect(definition?.code).toMatch(
      /export default \(inputs\) => fn\(inputs\.data, inputs\.sep, \.\.\.\(inputs\.rest \?\? \[\]\)\);\n$/,
    );
    expect(definition?.inputSchema).toEqual({
      type: 'object',
      properties: { data: {}, sep: { default: ',' }, rest: { type: 'array' } },
    });
    expect(definition?.examples).toEqual([{ inputs: { data: 'x', sep: ';', rest: [1, 2] }, output: 1 }]);
    expect(definition?.tags).toEqual(['a', 'b']);
  });

  test('with a destructured parameter, or one named like a module’s binding, takes args', async () => {
    const { definition } = await snippet('function fn({ a }, [b]) {}', [['fn({ a: 1 }, [2])', 'null;']]);
    expect(definition?.examples).toEqual([{ inputs: { args: [{ a: 1 }, [2]] }, output: null }]);
    expect((await snippet('const n = 1; const fn = (n) => n', [])).definition?.code).toMatch(/inputs\.args/);
  });

  test('reads approximate values, spread lists, constants and calls over several lines', async () => {
    const usage = "const list = [1, 2];\nfn(list); // 3\nfn(\n  'a'\n); // 'b'\nfn('http://x'); // true\n";
    const { definition, warnings } = await snippet(
      'const fn = (...n) => n',
      [
        ['fn(...[1, -2])', '~2.24'],
        ['fn(list)', '3'],
        [')', "'b'"],
      ],
      usage,
    );
    expect(warnings).toEqual([]);
    expect(definition?.examples).toEqual([
      { inputs: { n: [1, -2] }, output: 2.24, tolerance: 0.01 / 2.24 },
      { inputs: { n: [[1, 2]] }, output: 3 },
      { inputs: { n: ['a'] }, output: 'b' },
    ]);
  });

  test('counts what is no example, with the reason, and is imported without it', async () => {
    const { definition, warnings } = await snippet('const fn = (a) => a', [
      ['fn(x => x)', '1'],
      ['fn(1).then(log)', '1'],
      ['fn(1)', 'logs 1'],
      ['fn(1)', 'undefined'],
      ['fn(1, 2)', '1'],
    ]);
    expect(definition?.examples).toEqual([]);
    expect(warnings).toEqual([
      '1 of the expectations: an argument is not JSON data',
      '1 of the expectations: not one call of the function',
      '2 of the expectations: the expected value is not JSON data',
      '1 of the expectations: more arguments than parameters',
    ]);
  });

  test('without the function, or with code that does not parse, is left as it is', async () => {
    expect(await snippet('class Fn {}', [['fn()', '1']])).toMatchObject({
      definition: { code: 'class Fn {}' },
      warnings: ['1 expectations were not read: there is no function fn'],
    });
    expect((await snippet('const fn = (', [])).definition?.code).toBe('const fn = (');
    expect((await snippet('const fn = () => 1; export default fn', [])).definition?.code).not.toMatch(
      /inputs/,
    );
  });
});
