import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { FileNotFoundError, SkillInvalidError, UsageError } from '../../src/errors.ts';
import { parseSkillDefinition } from '../../src/skills/skill.ts';
import { readSkillFolder, writeSkillFolder } from '../../src/skills/skill-folder.ts';

const root = await mkdtemp(join(tmpdir(), 'skill-folder-'));
afterAll(() => rm(root, { recursive: true, force: true }));
let made = 0;

/** A folder `name` with these files, in a place of its own. */
async function folderOf(files: Record<string, string>, name = 'demo'): Promise<string> {
  const folder = join(root, String((made += 1)), name);
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
  return folder;
}

const head = (lines: string): string => `---\nname: demo\ndescription: A demo.\n${lines}---\n`;
const withEntry = (entry: string): string =>
  head(`metadata:\n  skillcache.entry: ${JSON.stringify(entry)}\n`);

test('what is written reads back as the same definition', async () => {
  const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 });
  const odd = fc.constantFrom(
    '---',
    'a: b # c',
    '"quoted"',
    "it's",
    ' lead',
    'trail ',
    'a\nb',
    '- x',
    '\u0085\u2028',
    '&a *a',
    '|',
    '\t',
    '\ufeffx',
    'true',
    '1.0',
    '~',
  );
  const word = fc.oneof(text, odd).filter((one) => one.trim() !== '');
  const json = fc.jsonValue({ maxDepth: 3 });
  const record = fc.dictionary(fc.string({ maxLength: 8 }), json, { maxKeys: 3 });
  const definition = fc.record(
    {
      name: fc.constant('demo'),
      description: word,
      code: fc.constantFrom('1 + 1', 'const n: number = 1\r\n', "\ufeff'bom'", 'export default "é😀"'),
      inputSchema: fc.constantFrom({}, true, { type: 'object', properties: { 'a b': { const: 'x' } } }),
      parameters: record,
      tags: fc.uniqueArray(
        word.filter((one) => one.length <= 64),
        { maxLength: 3 },
      ),
      requires: fc.constantFrom([], ['a'], ['a-b', 'c_d']),
      examples: fc.array(fc.record({ inputs: record, output: json }), { maxLength: 2 }),
      pure: fc.constantFrom(true, false, 'auto'),
      capabilities: fc.constantFrom([], ['net', 'fs']),
      limits: fc.constantFrom(
        {},
        { timeoutMs: 5, logBytesMax: 0, outputBytesMax: 9, memoryBytesMax: 2 ** 25 },
      ),
    },
    { requiredKeys: ['name', 'description', 'code'] },
  );
  let run = 0;
  await fc.assert(
    fc.asyncProperty(definition, async (given) => {
      const folder = join(root, `law-${(run += 1)}`, 'demo');
      const skill = parseSkillDefinition(given);
      await writeSkillFolder(folder, skill);
      const { definition: back, warnings } = await readSkillFolder(folder);
      expect(warnings).toEqual([]);
      expect(JSON.stringify(parseSkillDefinition(back))).toBe(JSON.stringify(skill));
    }),
    { numRuns: Number(process.env['SKILLCACHE_PROPERTY_RUNS'] ?? 150) },
  );
});

const skill = { name: 'demo', description: 'A demo.', code: '1 + 1' };

test('the front matter has the legal keys only, and metadata maps strings to strings', async () => {
  const folder = join(root, 'legal', 'demo');
  await writeSkillFolder(folder, { ...skill, tags: ['a, b'], pure: true, limits: { timeoutMs: 5 } });
  expect(await readFile(join(folder, 'SKILL.md'), 'utf8')).toMatch(
    /^---\nname: demo\ndescription: A demo\.\ncompatibility: Requires skillcache\.\nmetadata:\n {2}skillcache\.entry: scripts\/main\.js\n {2}skillcache\.tags: "\[\\"a, b\\"\]"\n {2}skillcache\.timeout-ms: "5"\n {2}skillcache\.pure: "true"\n---\n/,
  );
});

test('a folder that is there is replaced only when told, and only if it is a skill’s', async () => {
  const folder = join(root, 'taken', 'demo');
  await writeSkillFolder(folder, skill);
  await expect(writeSkillFolder(folder, skill)).rejects.toBeInstanceOf(UsageError);
  await writeFile(join(folder, 'stale.txt'), 'x');
  await writeSkillFolder(folder, { ...skill, code: '2' }, { overwrite: true });
  expect((await readdir(folder)).toSorted()).toEqual(['SKILL.md', 'scripts']);
  const foreign = await folderOf({ 'precious.txt': 'x' });
  await expect(writeSkillFolder(foreign, skill, { overwrite: true })).rejects.toBeInstanceOf(UsageError);
  expect(await readdir(foreign)).toEqual(['precious.txt']);
  expect(await readdir(dirname(folder))).toEqual(['demo']);
});

test('a folder of another name, and a wrong definition, are refused before anything is written', async () => {
  await expect(writeSkillFolder(join(root, 'strict', 'other'), skill)).rejects.toBeInstanceOf(
    SkillInvalidError,
  );
  await expect(writeSkillFolder(join(root, 'strict', 'demo'), { ...skill, code: '' })).rejects.toThrow(
    /code/,
  );
  await expect(readdir(join(root, 'strict'))).rejects.toThrow(/ENOENT/);
});

test('a foreign folder is read with warnings', async () => {
  const folder = await folderOf({
    'SKILL.md': `\ufeff---\r\nname: Other Name\r\ndescription: ${'long '.repeat(400)}\r\nversion: 2\r\nmetadata:\r\n  author: me\r\n  n: 1\r\n  skillcache.unknown: x\r\n  nested: { a: 1 }\r\n---\r\nText`,
    'scripts/main.mjs': '1',
    'scripts/other.js': '2',
    'scripts/main.test.ts': '3',
  });
  const { definition, warnings } = await readSkillFolder(folder);
  expect(definition).toMatchObject({ name: 'Other-Name', code: '1', language: 'javascript' });
  expect(definition.description).toHaveLength(1024);
  expect(warnings).toEqual([
    'unknown front-matter key "version"',
    'metadata.n should be a string',
    'metadata.nested is no text and was ignored',
    'unknown metadata key skillcache.unknown',
    "the name Other Name is not the folder's (demo)",
    'the name "Other Name" became Other-Name',
    'the description was cut from 1999 to 1024 characters',
  ]);
  expect(parseSkillDefinition(definition).name).toBe('Other-Name');
});

test('without scripts the program is the first block of JavaScript or TypeScript', async () => {
  const folder = await folderOf({
    'SKILL.md': '---\ndescription: x\n---\n```sh\nls\n```\n```ts\nlet n: number;\n```\n',
  });
  const { definition, warnings } = await readSkillFolder(folder);
  expect(definition.code).toBe('let n: number;\n');
  expect(warnings).toEqual(["the front matter has no name; the folder's is taken"]);
});

test('the only script is the program; several without a main, or none, are refused', async () => {
  const one = await folderOf({ 'SKILL.md': head(''), 'scripts/tool.ts': 'let n: number' });
  expect((await readSkillFolder(one)).definition.code).toBe('let n: number');
  const two = await folderOf({
    'SKILL.md': head(''),
    'scripts/a.js': '1',
    'scripts/b.js': '2',
    'scripts/c.py': '',
  });
  await expect(readSkillFolder(two)).rejects.toThrow(/has no program/);
});

describe('a path that leads out of the folder is refused', () => {
  test.each([
    '../secret.js',
    '../../../../etc/passwd',
    '/etc/passwd',
    'scripts/../../secret.js',
    '..\\secret.js',
    'link.js',
    '.',
    'scripts/up/secret.js',
  ])('%s', async (entry) => {
    const folder = await folderOf({
      'SKILL.md': withEntry(entry),
      '../secret.js': 'secret',
      'scripts/x.js': '1',
    });
    await symlink('../secret.js', join(folder, 'link.js'));
    await symlink('../..', join(folder, 'scripts', 'up'));
    await expect(readSkillFolder(folder)).rejects.toThrow(/leads out of the folder/);
    await expect(readSkillFolder(folder)).rejects.toBeInstanceOf(SkillInvalidError);
  });
});

describe('a malformed folder is refused with the place', () => {
  test.each<[string, Record<string, string>, RegExp]>([
    ['no front matter', { 'SKILL.md': '# Title' }, /has no front matter/],
    ['broken YAML', { 'SKILL.md': '---\nname: "x\n---\n' }, /no YAML: .* at line 2/],
    ['repeated keys', { 'SKILL.md': '---\nname: a\nname: b\n---\n' }, /Map keys must be unique at line 3/],
    ['a list', { 'SKILL.md': '---\n- a\n---\n' }, /no map of keys/],
    [
      'an alias bomb',
      {
        'SKILL.md': `---\na: &a [x]\nb: &b [${'*a,'.repeat(9)}]\nc: &c [${'*b,'.repeat(9)}]\nd: [${'*c,'.repeat(9)}]\n---\n`,
      },
      /too many aliases/,
    ],
    [
      'broken JSON',
      { 'SKILL.md': head(''), 'scripts/main.js': '1', 'evals/examples.json': '[\n  {,}\n]' },
      /examples\.json is not JSON: unexpected "," at line 2, column 4/,
    ],
    [
      'a schema that is named and missing',
      { 'SKILL.md': head('metadata:\n  skillcache.input-schema: x.json\n'), 'scripts/main.js': '1' },
      /there is no .*x\.json/,
    ],
    [
      'a program that is no text',
      { 'SKILL.md': withEntry('scripts'), 'scripts/main.js': '1' },
      /is not a file|cannot be read/,
    ],
    [
      'an enormous program',
      { 'SKILL.md': head(''), 'scripts/main.js': ' '.repeat(1_100_000) },
      /larger than 1048576 bytes/,
    ],
  ])('%s', async (_what, files, message) => {
    await expect(readSkillFolder(await folderOf(files))).rejects.toThrow(message);
  });

  test('bytes that are no UTF-8', async () => {
    const folder = await folderOf({ 'SKILL.md': head(''), 'scripts/x': '' });
    await writeFile(join(folder, 'scripts', 'main.js'), Buffer.from([0x22, 0xff, 0x22]));
    await expect(readSkillFolder(folder)).rejects.toThrow(/is not UTF-8 text/);
  });
});

test('a folder without SKILL.md is a FileNotFoundError', async () => {
  await expect(readSkillFolder(join(root, 'nowhere'))).rejects.toBeInstanceOf(FileNotFoundError);
});

test('a limit that is no number is refused by name when the definition is checked', async () => {
  const folder = await folderOf({
    'SKILL.md': head('metadata:\n  skillcache.timeout-ms: soon\n  skillcache.pure: maybe\n'),
    'scripts/main.js': '1',
  });
  const { definition } = await readSkillFolder(folder);
  expect(() => parseSkillDefinition(definition)).toThrow(/pure: .*; limits\.timeoutMs: /);
});

test('a named pipe in place of the program is refused, not waited for', async () => {
  const folder = await folderOf({ 'SKILL.md': withEntry('scripts/main.js'), 'scripts/x.txt': '' });
  execFileSync('mkfifo', [join(folder, 'scripts', 'main.js')]);
  await expect(readSkillFolder(folder)).rejects.toThrow(/is not a file/);
});
