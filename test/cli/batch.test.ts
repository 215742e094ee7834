import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { command, ended, mustEnd, start, temporaryFolder, untilWorker } from './command.ts';

const folder = temporaryFolder();
const cwd = folder.path;
afterAll(() => folder[Symbol.dispose]());
const at = (name: string): string => join(cwd, name);

beforeAll(async () => {
  writeFileSync(
    at('triple.js'),
    '// Triples a number. Use when needed.\nconst n = 0;\nexport const result = n * 3;\n',
  );
  mustEnd(await command(['add', 'triple.js'], { cwd }));
  writeFileSync(at('in.ndjson'), Array.from({ length: 20 }, (_, n) => `{"n":${n}}\n`).join(''));
});

test('a batch is run, listed and looked at', async () => {
  const words = ['batch', 'run', 'triple', '--inputs', 'in.ndjson', '--output', 'out.ndjson', '--id', 'one'];
  const run = await command([...words, '--json'], { cwd });
  expect(JSON.parse(run.stdout)).toMatchObject({ id: 'one', state: 'completed', done: 20, failed: 0 });
  expect(readFileSync(at('out.ndjson'), 'utf8').split('\n')[2]).toBe('{"index":2,"output":6}');
  const status = await command(['batch', 'status', 'one', '--json'], { cwd });
  expect(JSON.parse(status.stdout)).toMatchObject({ id: 'one', state: 'completed', done: 20 });
  expect((await command(['batch', 'list'], { cwd })).stdout).toContain('triple@1');
  expect((await command(['batch', 'status', 'two'], { cwd })).code).toBe(7);
  expect((await command(['batch', 'cancel', 'one'], { cwd })).code).toBe(6);
});

test('stdin goes to stdout line by line, and the summary elsewhere', async () => {
  const words = ['batch', 'run', 'triple', '--inputs', '-', '--output', '-'];
  const { code, stdout, stderr } = await command(words, { cwd, input: '{"n":5}\nx\n' });
  expect(code).toBe(0);
  expect(stdout.split('\n')[0]).toBe('{"index":0,"output":15}');
  expect(stdout.split('\n')[1]).toContain('INVALID_INPUTS');
  expect(stderr).toContain('2 items, 1 failed');
});

test('one interruption finishes what runs, says how to go on, and exits with 130; the rest comes later', async () => {
  const words = [
    'batch',
    'run',
    'triple',
    '--inputs',
    '-',
    '--output',
    'later.ndjson',
    '--id',
    'later',
    '--no-cache',
  ];
  const child = start(words, { cwd });
  const end = ended(child);
  // The inputs do not end by themselves.
  child.stdin.write('{"n":1}\n');
  await untilWorker(child);
  child.kill('SIGINT');
  const { code, stderr } = await end;
  expect(code).toBe(130);
  expect(stderr).toContain('skillcache batch resume later');
  const resumed = await command(['batch', 'resume', 'later'], { cwd, input: '{"n":1}\n{"n":2}\n' });
  expect(resumed.code).toBe(0);
  expect(readFileSync(at('later.ndjson'), 'utf8')).toBe('{"index":0,"output":3}\n{"index":1,"output":6}\n');
});

test('wrong words and a wrong output are refused, with the option’s name', async () => {
  const run = (...words: string[]): ReturnType<typeof command> =>
    command(['batch', 'run', 'triple', '--inputs', 'in.ndjson', ...words], { cwd });
  const retry = await run('--output', 'o', '--on-error', 'sometimes');
  expect([retry.code, retry.stderr]).toEqual([2, expect.stringContaining('--on-error')]);
  expect((await run('--output', 'in.ndjson')).code).toBe(2);
  expect((await run('--output', '.')).code).toBe(2);
});

test('two versions are compared', async () => {
  writeFileSync(
    at('triple.js'),
    '// Triples a number. Use when needed.\nconst n = 0;\nexport const result = n < 19 ? n * 3 : 0;\n',
  );
  mustEnd(await command(['add', 'triple.js'], { cwd }));
  const words = ['batch', 'compare', 'triple@1', 'triple@2', '--inputs', 'in.ndjson', '--json'];
  const { stdout } = await command(words, { cwd });
  expect(JSON.parse(stdout)).toMatchObject({
    items: 20,
    differing: 1,
    differences: [{ index: 19, before: { output: 57 }, after: { output: 0 } }],
  });
});
