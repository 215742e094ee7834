import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { command, mustEnd, temporaryFolder, type Ended } from './command.ts';

const folder = temporaryFolder();
const cwd = folder.path;
afterAll(() => folder[Symbol.dispose]());

const DOUBLE = `// Doubles a number. Use when a number is to be doubled.
const n = 1;
console.log('doubling', n);
export const result = n * 2;
`;
const TRIPLE = {
  name: 'triple',
  description: 'Three times a number.',
  code: 'const n: number = 1;\nfunction times() { return n * 3 }\ntimes();',
  language: 'typescript',
  tags: ['maths'],
  inputSchema: { type: 'object', properties: { n: { type: 'number' } } },
  examples: [{ inputs: { n: 2 }, output: 6 }],
};

async function skillcache(...words: string[]): Promise<Ended> {
  return command(words, { cwd });
}

async function json(...words: string[]): Promise<Record<string, unknown>> {
  const { code, stdout, stderr } = await skillcache(...words, '--json');
  expect({ code, stderr }).toMatchObject({ code: 0 });
  return JSON.parse(stdout) as Record<string, unknown>;
}

beforeAll(async () => {
  writeFileSync(join(cwd, 'double.js'), DOUBLE);
  writeFileSync(join(cwd, 'triple.json'), JSON.stringify(TRIPLE));
  mustEnd(await skillcache('init'));
  mustEnd(await skillcache('add', 'double.js'));
});

test('init says that a library is there already', async () => {
  expect(await json('init')).toEqual({ path: 'skills.db', created: false, empty: false });
});

test('add takes a definition, with flags over it, and says when nothing changed', async () => {
  expect(await json('add', 'triple.json')).toMatchObject({
    name: 'triple',
    version: 1,
    status: 'added',
    verified: 1,
  });
  expect((await skillcache('add', 'triple.json')).stdout).toBe('triple@1 is there already, unchanged\n');
  const changed = await json('add', 'triple.json', '--description', 'Threefold.', '--tag', 'a', '--tag', 'b');
  expect(changed).toMatchObject({ name: 'triple', version: 2, status: 'added' });
});

test('list and search print tables, and all of it as JSON', async () => {
  const [{ stdout }, page, last, found, none] = await Promise.all([
    skillcache('list'),
    json('list', '--limit', '1'),
    json('list', '--after', 'double', '--limit', '1'),
    json('search', 'doubles', 'a', 'number'),
    skillcache('search', 'zebra'),
  ]);
  expect(stdout.split('\n')[0]).toMatch(/^NAME +VERSION +PURE +TAGS +DESCRIPTION$/);
  expect(stdout).toMatch(/^double +1 /m);
  expect(page).toMatchObject({ skills: [{ name: 'double' }], next: 'double' });
  expect(last).toMatchObject({ next: null });
  expect(found).toMatchObject({ hits: [{ name: 'double' }, {}] });
  expect(none).toEqual({ code: 0, stdout: '', stderr: 'nothing found for: zebra\n' });
});

test('show tells holes, schema, purity and versions; --code prints the code byte for byte', async () => {
  const [{ stdout }, code, shown] = await Promise.all([
    skillcache('show', 'triple@1'),
    skillcache('show', 'double', '--code'),
    json('show', 'double'),
  ]);
  expect(stdout).toContain('triple@1  Three times a number.');
  expect(stdout).toMatch(/^ +n +const +number +1:\d+ +1$/m);
  expect(stdout).toContain('Input schema\n');
  expect(stdout).toMatch(/^ +1 .* [0-9a-f]{12}$/m);
  expect(code.stdout).toBe(DOUBLE);
  expect(shown).toMatchObject({
    name: 'double',
    analysis: { plan: { holes: [{ name: 'n' }, { name: 'result' }] } },
    versions: [{ version: 1, current: true }],
  });
});

describe('run', () => {
  test('prints the answer on stdout and the logs on stderr', async () => {
    expect(await skillcache('run', 'double', '--input', 'n=21')).toEqual({
      code: 0,
      stdout: '42\n',
      stderr: 'doubling 21\n',
    });
    expect(await skillcache('run', 'double', '--quiet', '--inputs', '{"n":4}')).toMatchObject({
      stdout: '8\n',
      stderr: '',
    });
  });

  test('with --json tells all about the run; the second comes from the cache', async () => {
    const first = await json('run', 'triple', '--inputs', '{"n":5}');
    expect(first).toMatchObject({ skill: 'triple', version: 2, output: 15, cached: false });
    expect(String(first['durationMs'])).toMatch(/^\d+(?:\.\d{1,3})?$/);
    expect(await json('run', 'triple', '--inputs', '{"n":5}')).toMatchObject({ output: 15, cached: true });
    expect(await json('run', 'triple', '--inputs', '{"n":5}', '--no-cache')).toMatchObject({ cached: false });
    expect(await json('run', 'triple@1', '--inputs', '{"n":5}', '--explain')).toMatchObject({
      version: 1,
      explain: expect.any(String) as string,
    });
  });

  test('takes a file or stdin, without any library', async () => {
    using elsewhere = temporaryFolder();
    const where = { cwd: elsewhere.path };
    writeFileSync(
      join(elsewhere.path, 'try.ts'),
      'const n: number = 1;\nexport default () => new Map([["n", n]]);',
    );
    expect(await command(['run', './try.ts', '--input', 'n=2'], where)).toMatchObject({
      code: 0,
      stdout: '{"$map":[["n",2]]}\n',
    });
    const piped = await command(['run', '-', '--context', '{"n":3}'], {
      ...where,
      input: 'const n = 1; n + 1;',
    });
    expect(piped).toMatchObject({ code: 0, stdout: '4\n', stderr: '' });
    expect(readdirSync(elsewhere.path)).toEqual(['try.ts']);
  });

  test('replays with --seed and --now', async () => {
    const words = ['run', '-', '--seed', '7', '--now', '2026-01-01T00:00:00Z'];
    const input = 'export const result = [Date.now(), Math.random()];';
    const [first, second] = await Promise.all([
      command(words, { cwd, input }),
      command(words, { cwd, input }),
    ]);
    expect(first.stdout).toMatch(/^\[1767225600000,0\.\d+\]\n$/);
    expect(second.stdout).toBe(first.stdout);
  });

  test('gives what --grant says, and nothing else', async () => {
    using elsewhere = temporaryFolder();
    const where = { cwd: elsewhere.path };
    writeFileSync(join(elsewhere.path, 'in.csv'), '1,2');
    const input =
      'export default async () => { await files.write("out", (await files.readText("in")) + eval("3")); return typeof fetch; };';
    const words = [
      'run',
      '-',
      '--grant',
      'read=in=in.csv',
      '--grant',
      'write=out=out.csv',
      '--grant',
      'eval',
    ];
    expect(await command(words, { ...where, input })).toMatchObject({ code: 0, stdout: '"undefined"\n' });
    expect(readFileSync(join(elsewhere.path, 'out.csv'), 'utf8')).toBe('1,23');
    expect((await command(['run', '-'], { ...where, input })).code).toBe(5);
    expect((await command(['run', '-', '--grant', 'all'], { ...where, input })).code).toBe(2);
  });
});

test('inject prints the filled source, and --diff marks what changed', async () => {
  const [filled, { stdout }, told] = await Promise.all([
    skillcache('inject', 'double', '--input', 'n=5', '--input', 'x=1'),
    skillcache('inject', './double.js', '--input', 'n=5', '--diff'),
    json('inject', 'triple', '--input', 'n=5'),
  ]);
  expect(filled).toEqual({
    code: 0,
    stdout: DOUBLE.replace('n = 1', 'n = 5'),
    stderr: 'filled: n\nnot a hole of this code: x\n',
  });
  expect(stdout.split('\n').slice(1, 4)).toEqual([
    '- 2  const n = 1;',
    '+ 2  const n = 5;',
    "  3  console.log('doubling', n);",
  ]);
  expect(told).toMatchObject({
    injected: ['n'],
    changed: [{ line: 1, before: 'const n         = 1;', after: 'const n         = 5;' }],
  });
});

test('verify runs stored examples again', async () => {
  expect((await skillcache('verify', '--all')).stdout).toMatch(/^triple +2 +1 +-$/m);
  expect(await json('verify', 'triple@1')).toMatchObject({
    reports: [{ name: 'triple', version: 1, passed: 1 }],
  });
});

test('verify ends with exit code 5 and the report when an example fails', async () => {
  using elsewhere = temporaryFolder();
  const where = { cwd: elsewhere.path };
  const wrong = { ...TRIPLE, examples: [{ inputs: { n: 2 }, output: 7 }] };
  writeFileSync(join(elsewhere.path, 'wrong.json'), JSON.stringify(wrong));
  expect(await command(['add', 'wrong.json', '--no-verify'], where)).toMatchObject({ code: 0 });
  const failed = await command(['verify', 'triple', '--json'], where);
  expect(failed.code).toBe(5);
  expect(JSON.parse(failed.stdout)).toMatchObject({
    reports: [{ passed: 0, failures: [{ expected: '7', actual: '6' }] }],
  });
  expect(JSON.parse(failed.stderr)).toMatchObject({ error: { code: 'SKILL_VERIFICATION' } });
});

test('rollback and remove', async () => {
  expect(await json('rollback', 'triple')).toMatchObject({ name: 'triple', version: 1 });
  expect((await skillcache('rollback', 'triple', '--to', '2')).stdout).toMatch(/^triple is at version 2 now/);
  writeFileSync(join(cwd, 'gone.js'), '/** Soon gone. */\nexport const result = 1;');
  await json('add', 'gone.js');
  expect((await skillcache('remove', 'gone')).stdout).toBe('removed gone\n');
});

describe('import and export', () => {
  test('an import goes on past a bad skill and says why it was refused', async () => {
    using elsewhere = temporaryFolder();
    const where = { cwd: elsewhere.path };
    mkdirSync(join(elsewhere.path, 'in'));
    writeFileSync(join(elsewhere.path, 'in', 'broken.js'), '// Broken.\nconst = 1;');
    writeFileSync(join(elsewhere.path, 'in', 'good.js'), '// Good.\nconst n = 1;\nexport const result = n;');
    const told = await command(['import', 'in/broken.js', 'in/good.js'], where);
    expect(told.code).toBe(0);
    expect(told.stdout).toMatch(/^imported +1 /m);
    expect(told.stdout).toMatch(/^refused +1$/m);
    expect(told.stdout).toMatch(/^broken +SKILL_SYNTAX +.*line 2/m);
    const strict = await command(['import', 'in/broken.js', 'in/good.js', '--strict', '--json'], where);
    expect(strict.code).toBe(6);
    expect(JSON.parse(strict.stdout)).toMatchObject({ imported: 0, unchanged: 1, refused: 1 });
  });

  test('an import goes on past a bad path, and says why it was refused', async () => {
    using elsewhere = temporaryFolder();
    const where = { cwd: elsewhere.path };
    writeFileSync(join(elsewhere.path, 'bad.json'), '{bad');
    writeFileSync(join(elsewhere.path, 'good.js'), '// Good.\nexport const result = 1;');
    writeFileSync(join(elsewhere.path, 'last.js'), '// Last.\nexport const result = 2;');
    const told = await command(['import', 'good.js', 'bad.json', 'nowhere', 'last.js'], where);
    expect(told.code).toBe(0);
    expect(told.stdout).toMatch(/^bad\.json +SKILL_INVALID +bad\.json is not JSON/m);
    expect(told.stdout).toMatch(/^nowhere +FILE_NOT_FOUND /m);
    expect(told.stdout).toMatch(/imported +2 .*\nunchanged +0\nrefused +2\n$/);
    expect((await command(['import', 'bad.json'], where)).code).toBe(6);
    expect((await command(['import', 'nowhere', 'never'], where)).code).toBe(7);
  });

  test('an import tells each warning once, on stderr, and counts the skills with examples', async () => {
    using elsewhere = temporaryFolder();
    const where = { cwd: elsewhere.path };
    const lines = ['a', 'b'].map((name) => JSON.stringify({ ...TRIPLE, name, colour: 'red' }));
    writeFileSync(join(elsewhere.path, 'some.ndjson'), lines.join('\n'));
    const { stdout, stderr } = await command(['import', 'some.ndjson'], where);
    expect(stdout).toMatch(/^imported +2  with examples 2 \(2 held\)$/m);
    expect(stdout).not.toContain('WARNING');
    expect(stderr).toBe('warning: unknown fields were left out: colour (a, b)\n');
  });

  test('an import that must end early tells what is in, and why it ended', async () => {
    using elsewhere = temporaryFolder();
    writeFileSync(join(elsewhere.path, 'good.js'), '// Good.\nexport const result = 1;');
    writeFileSync(join(elsewhere.path, 'triple.ndjson'), JSON.stringify(TRIPLE));
    // No worker starts in a millisecond, and only the second has examples to run.
    const env = { SKILLCACHE_WORKERS_MIN: '0', SKILLCACHE_WORKERS_ACQUIRE_TIMEOUT_MS: '1' };
    const told = await command(['import', 'good.js', 'triple.ndjson'], { cwd: elsewhere.path, env });
    expect(told.code).toBe(9);
    expect(told.stdout).toMatch(/^imported +1 /m);
    expect(told.stderr).toMatch(/^error: 1 skill is in and stays, the rest was not looked at: no worker/m);
  });

  test('what is exported as folders can be imported and added again', async () => {
    using elsewhere = temporaryFolder();
    const where = { cwd: elsewhere.path };
    expect(await json('export', '--out', elsewhere.path)).toMatchObject({ format: 'folders', skills: 2 });
    expect(existsSync(join(elsewhere.path, 'triple', 'SKILL.md'))).toBe(true);
    const again = await command(['import', '.', '--json'], where);
    expect(JSON.parse(again.stdout)).toMatchObject({ imported: 2, refused: 0 });
    const added = await command(['add', 'triple', '--name', 'other'], where);
    expect(added.stdout).toBe('added other@1, 1 example held\n');
  });

  test('export prints one definition a line, or one document', async () => {
    const [all, document, file] = await Promise.all([
      skillcache('export'),
      json('export', 'triple'),
      skillcache('export', 'double', '--out', 'double.json'),
    ]);
    const lines = all.stdout.trim().split('\n');
    expect(lines.map((line) => (JSON.parse(line) as { name: string }).name)).toEqual(['double', 'triple']);
    expect(document).toMatchObject([{ name: 'triple' }]);
    expect(file.stdout).toBe('wrote 1 skill to double.json\n');
    expect(JSON.parse(readFileSync(join(cwd, 'double.json'), 'utf8'))).toMatchObject([{ code: DOUBLE }]);
  });
});

test('metrics are JSON or Prometheus text', async () => {
  const [numbers, { stdout }] = await Promise.all([
    json('metrics'),
    skillcache('metrics', '--format', 'prometheus'),
  ]);
  expect(Object.keys(numbers).length).toBeGreaterThan(0);
  expect(stdout).toMatch(/^# HELP skillcache_/m);
  expect(stdout).toMatch(/^# TYPE skillcache_/m);
});

test('doctor runs a program and names the confinement', async () => {
  const { ok, checks } = await json('doctor', '--deep');
  expect(ok).toBe(true);
  const names = (checks as { name: string }[]).map(({ name }) => name);
  expect(names).toEqual([
    'node',
    'better-sqlite3',
    'koffi',
    'write',
    'disk',
    'library',
    'confinement',
    'wrapper',
    'cgroup',
    'fork server',
    'trial run',
  ]);
});

test('config tells each value and where it comes from; config schema is what is shipped', async () => {
  writeFileSync(join(cwd, 'c.json'), '{"run":{"timeoutMs":5000}}');
  const { stdout, stderr } = await command(['config', '--config', 'c.json'], {
    cwd,
    env: { SKILLCACHE_READONLY: 'true', SKILLCACHE_READ: 'true' },
  });
  expect(stderr).toBe(
    'warning: SKILLCACHE_READ is set and is no option: `skillcache config` names them all\n',
  );
  expect(stdout).toMatch(/^run\.timeoutMs +5000 +file \(c\.json\) +SKILLCACHE_RUN_TIMEOUT_MS$/m);
  expect(stdout).toMatch(/^readonly +true +env \(SKILLCACHE_READONLY\)/m);
  expect(stdout).toMatch(/^path +"skills\.db" +default +SKILLCACHE_DB$/m);
  const shipped: unknown = JSON.parse(
    readFileSync(new URL('../../config/schema.json', import.meta.url), 'utf8'),
  );
  expect(await json('config', 'schema')).toEqual(shipped);
});

test('cache warms, sweeps and clears what is kept, and refreshes from disk', async () => {
  using folder = temporaryFolder();
  const at = { cwd: folder.path };
  const ask = async (...words: string[]): Promise<unknown> =>
    JSON.parse((await command(['cache', ...words, '--json'], at)).stdout);
  writeFileSync(
    join(folder.path, 'double.js'),
    '// Doubles n.\nconst n = 1;\nexport const result = n * 2;\n',
  );
  await command(['import', 'double.js'], at);
  await command(['run', 'double', '--input', 'n=4'], at);
  expect(await ask('warm', '--limit', '5')).toMatchObject({
    skills: [{ name: 'double', version: 1, runs: 1 }],
  });
  expect(await ask('evict')).toEqual({ skills: 0, results: 0 });
  expect(await ask('clear')).toEqual({ skills: 0, results: 1 });
  expect(await ask('refresh', 'double.js')).toEqual({ changed: [], unchanged: 1 });
  writeFileSync(
    join(folder.path, 'double.js'),
    '// Doubles n.\nconst n = 2;\nexport const result = n * 2;\n',
  );
  expect(await ask('refresh', 'double.js')).toMatchObject({ changed: [{ name: 'double', version: 2 }] });
  expect((await command(['cache', 'refresh', 'nowhere'], at)).code).toBe(7);
});
