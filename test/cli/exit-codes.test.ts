import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { basename, dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ERROR_KINDS } from '../../src/errors.ts';
import { command, ended, mustEnd, start, temporaryFolder, untilWorker } from './command.ts';

const folder = temporaryFolder();
const cwd = folder.path;
afterAll(() => folder[Symbol.dispose]());

const SQUARE = {
  name: 'square',
  description: 'The square of a number.',
  code: 'const n = 1;\nexport const result = n * n;',
  inputSchema: { type: 'object', properties: { n: { type: 'number' } } },
  outputSchema: { type: 'number', maximum: 100 },
};

function file(name: string, content: unknown): void {
  writeFileSync(join(cwd, name), typeof content === 'string' ? content : JSON.stringify(content));
}

beforeAll(async () => {
  file('square.json', SQUARE);
  file('throws.js', 'const n = 1;\nconsole.log("soon");\nthrow new TypeError("no " + n);');
  file('forever.js', 'for (;;) {}');
  file('broken.js', '// Broken.\nconst = 1;');
  file('wrong.json', { ...SQUARE, examples: [{ inputs: { n: 2 }, output: 5 }] });
  file('evil.js', '// Evaluates.\nexport const result = eval("1");');
  file('large.js', 'export const result = "x".repeat(1000);');
  file('config.json', '{"run":{"timeout":1}}');
  file('malformed.json', '{"name": }');
  file('none.db', 'this is no database, but a text that is long enough to be looked at');
  mustEnd(await command(['add', 'square.json'], { cwd }));
});

describe('an error ends with the exit code of its kind, tells it as JSON on stderr, and leaves stdout empty', () => {
  test.each([
    [2, 'USAGE', ['list', '--colour']],
    [2, 'USAGE', ['lsit']],
    [2, 'USAGE', ['run']],
    [2, 'USAGE', []],
    [2, 'USAGE', ['run', 'square', '--timeout-ms', 'soon']],
    [2, 'USAGE', ['verify']],
    [2, 'USAGE', ['list', '--limit', '0']],
    [2, 'CONFIGURATION', ['list', '--config', 'config.json']],
    [2, 'CONFIGURATION', ['run', 'square', '--timeout-ms', '0']],
    [5, 'SKILL_RUNTIME', ['run', './throws.js']],
    [5, 'SKILL_VERIFICATION', ['add', 'wrong.json']],
    [6, 'INPUT_VALIDATION', ['run', 'square', '--inputs', '{"n":"two"}']],
    [6, 'OUTPUT_VALIDATION', ['run', 'square', '--inputs', '{"n":11}']],
    [6, 'INVALID_INPUTS', ['run', 'square', '--inputs', '{"n":']],
    [6, 'SKILL_SYNTAX', ['add', 'broken.js']],
    [6, 'SKILL_INVALID', ['add', 'malformed.json']],
    [6, 'SKILL_INVALID', ['add', 'square.json', '--name', '1st']],
    [7, 'SKILL_NOT_FOUND', ['show', 'cube']],
    [7, 'SKILL_NOT_FOUND', ['run', 'square@9']],
    [7, 'FILE_NOT_FOUND', ['run', './none.js']],
    [7, 'FILE_NOT_FOUND', ['list', '--db', 'elsewhere.db']],
    [7, 'FILE_NOT_FOUND', ['import', 'nowhere']],
    [9, 'OUTPUT_LIMIT', ['run', './large.js', '--output-max', '100']],
    [124, 'EXECUTION_TIMEOUT', ['run', './forever.js', '--timeout-ms', '300']],
  ] as const)('%i %s: skillcache %j', async (exitCode, errorCode, words) => {
    const { code, stdout, stderr } = await command([...words, '--json'], { cwd });
    expect({ code, stdout }).toEqual({ code: exitCode, stdout: '' });
    const { error } = JSON.parse(stderr) as { error: Record<string, unknown> };
    expect(Object.keys(error)).toEqual(['code', 'message', 'retryable', 'details']);
    expect(error['code']).toBe(errorCode);
  });

  test.each([
    [['run', 'square', '--memory', '1'], /--memory <size>.* 1 byte is under 16 MiB/],
    [['run', 'square', '--timeout-ms', '-1'], /--timeout-ms <ms>.* -1 is under 0/],
    [['remove', 'square@1'], /square@1 is one version, and versions cannot be removed/],
    [['export', '--out', 'new.txt'], /--out new\.txt: say --format ndjson, json or folders/],
    [['export', '--out', 'no/such/x.ndjson'], /there is no folder no\/such/],
  ])('skillcache %j says what is wrong with it', async (words, message) => {
    const { code, stderr } = await command(words, { cwd });
    expect({ code, stderr }).toMatchObject({ code: 2, stderr: expect.stringMatching(message) as string });
  });

  test.each([
    [['show', 'sqaure'], 'error: no skill sqaure; did you mean square?\n'],
    [['run', 'Squares@2'], 'error: no version Squares@2; did you mean square?\n'],
    [['remove', 'circle'], 'error: no skill circle\n'],
    [['run', 'square@9'], 'error: no version square@9\n'],
  ])('skillcache %j names what may have been meant', async (words, stderr) => {
    expect(await command(words, { cwd })).toEqual({ code: 7, stdout: '', stderr });
  });

  test('8 SECURITY_VALIDATION where policy says enforce', async () => {
    const env = { SKILLCACHE_SECURITY_CAPABILITIES: 'enforce' };
    const { code, stderr } = await command(['add', 'evil.js', '--json'], { cwd, env });
    expect(code).toBe(8);
    expect(JSON.parse(stderr)).toMatchObject({ error: { code: 'SECURITY_VALIDATION' } });
  });

  test('a file that is no database is named', async () => {
    const { code, stderr } = await command(['list', '--db', 'none.db', '--json'], { cwd });
    const { error } = JSON.parse(stderr) as { error: { code: keyof typeof ERROR_KINDS; message: string } };
    expect(error.code).toMatch(/^DATABASE_(CONNECTION|CORRUPT)$/);
    expect(code).toBe(ERROR_KINDS[error.code].exitCode);
    expect(error.message).toContain('none.db');
  });
});

test('for a person an error names the place in the skill', async () => {
  const { stderr } = await command(['run', './throws.js', '--input', 'n=5'], { cwd });
  expect(stderr).toMatch(/^soon\nerror: .*no 5/);
  expect(stderr).toMatch(/^ {2}at \.\/throws\.js:3:7$/m);
});

describe.skipIf(process.platform !== 'linux')('SIGINT', () => {
  test('stops a run, with 130', async () => {
    const child = start(['run', './forever.js', '--json'], { cwd });
    const whole = ended(child);
    await untilWorker(child);
    child.kill('SIGINT');
    const { code, stdout, stderr } = await whole;
    expect({ code, stdout }).toEqual({ code: 130, stdout: '' });
    expect(JSON.parse(stderr)).toMatchObject({ error: { code: 'ABORTED' } });
  });

  test('in the middle of an import keeps what was imported, says so, and exits 130', async () => {
    using elsewhere = temporaryFolder();
    const where = { cwd: elsewhere.path };
    writeFileSync(join(elsewhere.path, 'good.js'), '// Good.\nexport const result = 1;');
    // Its example never ends, so that the import is inside it when the signal comes.
    writeSkillFolder(join(elsewhere.path, 'endless'), 'for (;;) {}');
    const child = start(['import', 'good.js', 'endless', '--json'], where);
    const whole = ended(child);
    await untilWorker(child);
    child.kill('SIGINT');
    const { code, stdout, stderr } = await whole;
    expect(code).toBe(130);
    expect(JSON.parse(stdout)).toMatchObject({ imported: 1, refused: 0, interrupted: true });
    expect(JSON.parse(stderr)).toMatchObject({ error: { code: 'ABORTED', details: { imported: 1 } } });
    const list = await command(['list', '--json'], where);
    expect(JSON.parse(list.stdout)).toMatchObject({ skills: [{ name: 'good' }] });
  });
});

function writeSkillFolder(path: string, code: string): void {
  const files = {
    'SKILL.md': `---
name: ${basename(path)}
description: A skill with one example.
metadata:
  skillcache.entry: scripts/main.js
  skillcache.examples: evals/examples.json
---
`,
    'scripts/main.js': code,
    'evals/examples.json': '[{"inputs":{},"output":1}]',
  };
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(path, name)), { recursive: true });
    writeFileSync(join(path, name), text);
  }
}

test('a reader that goes away is no error', async () => {
  const child = start(['export'], { cwd });
  child.stdout.destroy();
  const [code] = (await once(child, 'exit')) as [number];
  expect(code).toBe(0);
});

test.skipIf(process.platform !== 'linux')('a full disk behind stdout is told, with 1', async () => {
  const { code, stderr } = await command(['export'], { cwd, stdoutTo: '/dev/full' });
  expect({ code, stderr }).toEqual({ code: 1, stderr: 'error: stdout cannot be written: ENOSPC\n' });
});

test('help and version go to stdout with 0; no command at all is usage', async () => {
  const version = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  expect(await command(['--version'], { cwd })).toEqual({
    code: 0,
    stdout: `${version.version}\n`,
    stderr: '',
  });
  const help = await command(['run', '--help'], { cwd });
  expect(help).toMatchObject({ code: 0, stderr: '' });
  expect(help.stdout).toMatch(/^Examples:\n/);
  const nothing = await command([], { cwd });
  expect(nothing).toMatchObject({ code: 2, stdout: '' });
  expect(nothing.stderr).toContain('Usage: skillcache');
});

describe('docs/cli.md', () => {
  const text = readFileSync(new URL('../../docs/cli.md', import.meta.url), 'utf8');
  const rows = Array.from(text.matchAll(/^\| *(\d+) *\| [^|]+ \| ([^|]*)\|$/gm));

  test('lists every error code under its exit code', () => {
    const stated = rows.flatMap(([, exit, codes = '']) =>
      Array.from(codes.matchAll(/`(\w+)`/g), ([, code]) => [code, Number(exit)]),
    );
    const real = Object.entries(ERROR_KINDS).map(([code, { exitCode }]) => [code, exitCode]);
    expect(stated.toSorted()).toEqual(real.toSorted());
  });

  test('tells every command', async () => {
    const { stdout } = await command(['--help'], { cwd });
    const names = Array.from(
      stdout.slice(stdout.indexOf('Commands:')).matchAll(/^ {2}([a-z]+) /gm),
      ([, name]) => name,
    );
    expect(names.length).toBeGreaterThan(15);
    for (const name of names.filter((each) => each !== 'help')) expect(text).toContain(`| \`${name}`);
  });
});
