/** What others wrote or named: files that never end, answers that never fit, words that move the cursor. */
import { execFileSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { AbortedError, FileNotFoundError, InjectionError, UsageError } from '../../src/errors.ts';
import { readStream, readText } from '../../src/cli/read-file.ts';
import { command, mustEnd, temporaryFolder } from './command.ts';

const folder = temporaryFolder();
const cwd = folder.path;
afterAll(() => folder[Symbol.dispose]());

const write = (name: string, text: string | Uint8Array) => writeFileSync(join(cwd, name), text);
// What a terminal acts on: C0 but tab and newline, DEL, C1, line ends of Unicode, marks that reorder text.
const RAW = /[\0-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/; // oxlint-disable-line no-control-regex
const EVIL = '\u009b2J\u202e\u007f\u2028';

describe('a file that is read', () => {
  test.skipIf(process.platform === 'win32')('may not be a named pipe or a device', async () => {
    const pipe = join(cwd, 'pipe');
    execFileSync('mkfifo', [pipe]);
    await expect(readText(pipe)).rejects.toThrow(UsageError);
    await expect(readText(pipe)).rejects.toThrow('it is no file; `-` reads stdin');
    await expect(readText('/dev/zero')).rejects.toThrow(UsageError);
    const { code, stderr } = await command(['run', 'x', '--inputs', '@pipe', '--json'], { cwd });
    expect({ code, stderr }).toMatchObject({ code: 2, stderr: expect.stringContaining('USAGE') });
    const config = await command(['list', '--config', 'pipe', '--json'], { cwd });
    expect(JSON.parse(config.stderr)).toMatchObject({ error: { code: 'CONFIGURATION' } });
  });

  test('is no larger than its bound, nor is stdin', async () => {
    write('large.txt', new Uint8Array(11));
    const path = join(cwd, 'large.txt');
    expect(await readText(path, { bytesMax: 11 })).toHaveLength(11);
    const refused = readText(path, { bytesMax: 10 });
    await expect(refused).rejects.toThrow(InjectionError);
    await expect(refused).rejects.toMatchObject({ code: 'LIMIT_EXCEEDED', details: { bytesMax: 10 } });
    const endless = (async function* () {
      for (;;) yield 'text';
    })();
    await expect(readStream(endless, 'stdin', 1_000)).rejects.toMatchObject({
      code: 'LIMIT_EXCEEDED',
      message: 'stdin is larger than 1000 bytes',
    });
  });

  test('is given up when the signal fires, and named where it is not there', async () => {
    await expect(readText(join(cwd, 'large.txt'), { signal: AbortSignal.abort() })).rejects.toThrow(
      AbortedError,
    );
    await expect(readText(join(cwd, 'none'))).rejects.toThrow(FileNotFoundError);
  });
});

test.each([
  ['import', 'notes.txt', 'SKILL_INVALID'],
  ['import', 'bad.json', 'SKILL_INVALID'],
  ['import', 'none', 'FILE_NOT_FOUND'],
  ['add', 'notes.txt', 'SKILL_INVALID'],
  ['add', 'bad.json', 'SKILL_INVALID'],
])('%s %s leaves no empty library behind', async (verb, path, errorCode) => {
  write('notes.txt', 'notes');
  write('bad.json', '{"a":');
  const { code, stderr } = await command([verb, path, '--db', 'fresh.db', '--json'], { cwd });
  expect(code).not.toBe(0);
  expect(JSON.parse(stderr)).toMatchObject({ error: { code: errorCode } });
  expect(existsSync(join(cwd, 'fresh.db'))).toBe(false);
});

describe('an answer', () => {
  test('that is a sparse array of four billion places prints as what it holds', async () => {
    write('sparse.js', 'const a = []; a[7] = 1; a.length = 4294967295; export const result = a;');
    const text = '{"$sparse":{"7":1},"length":4294967295}';
    expect(await command(['run', './sparse.js'], { cwd })).toMatchObject({ code: 0, stdout: `${text}\n` });
    const { code, stdout } = await command(['run', './sparse.js', '--json'], { cwd });
    expect({ code, output: (JSON.parse(stdout) as { output: unknown }).output }).toEqual({
      code: 0,
      output: JSON.parse(text),
    });
  });
});

describe('nothing that a terminal acts on is printed', () => {
  beforeAll(async () => {
    const skill = {
      name: 'evil',
      description: `Moves the cursor ${EVIL}.`,
      tags: ['tag'],
      parameters: { p: EVIL },
      code: `/* ${EVIL} */ const n = 1;\nexport const result = n;`,
      examples: [{ inputs: { n: EVIL }, output: EVIL }],
    };
    write('evil.json', JSON.stringify(skill));
    write(
      'evil.js',
      `console.log(${JSON.stringify(EVIL)});\nexport const result = [new RegExp(${JSON.stringify(EVIL)}), new Error(${JSON.stringify(EVIL)}), ${JSON.stringify(EVIL)}];`,
    );
    write('throws.js', `throw new Error(${JSON.stringify(EVIL)});`);
    mustEnd(await command(['add', 'evil.json'], { cwd }));
  });

  test.each([
    [['run', './evil.js']],
    [['run', './evil.js', '--json']],
    [['run', './throws.js']],
    [['run', `./${EVIL}.js`]],
    [['run', 'evil', '--inputs', `{"${EVIL}":1}`]],
    [['list']],
    [['list', '--json']],
    [['list', EVIL]],
    [['show', 'evil']],
    [['show', 'evil', '--json']],
    [['search', 'cursor']],
    [['search', EVIL, 'zzz']],
    [['inject', 'evil', '--diff', '--inputs', JSON.stringify({ n: EVIL, [EVIL]: 1 })]],
    [['inject', 'evil', '--json', '--inputs', JSON.stringify({ n: EVIL })]],
    [['export']],
    [['export', '--json']],
    [['import', 'evil.json']],
    [['import', `${EVIL}.json`]],
    [['verify', '--all']],
    [['init', '--db', `${EVIL}.db`]],
    [['config', '--db', `${EVIL}.db`]],
  ])('by skillcache %j', async (words) => {
    const { stdout, stderr } = await command(words, { cwd });
    expect(RAW.exec(stdout)).toBeNull();
    expect(RAW.exec(stderr)).toBeNull();
    expect(stdout + stderr).not.toBe('');
  });
});
