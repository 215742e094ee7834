import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
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

test('two interruptions stop what runs, and it can still be resumed', async () => {
  writeFileSync(
    at('stay.js'),
    '// Gives its number, and stays where it is told to. Use when tested.\nconst n = 0;\nconst stays = false;\nexport default () => { while (stays); return n; };\n',
  );
  mustEnd(await command(['add', 'stay.js'], { cwd }));
  writeFileSync(at('stay.ndjson'), '{"n":1}\n{"n":2,"stays":true}\n{"n":3}\n');
  const words = ['batch', 'run', 'stay', '--inputs', 'stay.ndjson', '--id', 'twice', '--chunk-size', '1'];
  const child = start([...words, '--output', 'twice.ndjson', '--concurrency', '1', '--timeout-ms', '5000'], {
    cwd,
  });
  const isAsked = new Promise<void>((resolve) => {
    child.stderr.on('data', (text: string) => {
      if (String(text).includes('once more to stop now')) resolve();
    });
  });
  const end = ended(child);
  // The first line is there; what runs now does not end by itself for five seconds.
  while (!existsSync(at('twice.ndjson')) || readFileSync(at('twice.ndjson'), 'utf8') === '') await turn();
  child.kill('SIGINT');
  await isAsked;
  child.kill('SIGINT');
  const { code, stderr } = await end;
  expect(code).toBe(130);
  expect(stderr).toContain('1 item done, 0 failed; go on: skillcache batch resume twice');
  const line = '{"index":0,"output":1}\n';
  expect(readFileSync(at('twice.ndjson'), 'utf8')).toBe(line);
  mustEnd(await command(['batch', 'resume', 'twice'], { cwd }));
  const [first, second = '', third] = readFileSync(at('twice.ndjson'), 'utf8').split('\n');
  expect([first, third]).toEqual(['{"index":0,"output":1}', '{"index":2,"output":3}']);
  expect(second).toContain('EXECUTION_TIMEOUT');
});

test('of two processes that resume one batch the second is refused', async () => {
  const run = ['batch', 'run', 'triple', '--inputs', '-', '--output', 'shared.ndjson', '--no-cache'];
  const begun = start([...run, '--id', 'shared'], { cwd });
  const interrupted = ended(begun);
  begun.stdin.write('{"n":1}\n');
  await untilWorker(begun);
  begun.kill('SIGINT');
  expect((await interrupted).code).toBe(130);
  const resume = ['batch', 'resume', 'shared'];
  const first = start(resume, { cwd });
  const firstEnd = ended(first);
  // More may come: it is not over.
  first.stdin.write('{"n":1}\n{"n":2}\n');
  await untilWorker(first);
  const second = await command(resume, { cwd, input: '{"n":1}\n{"n":2}\n' });
  expect(second.code).toBe(9);
  expect(second.stderr).toContain('batch shared is being run by another process');
  first.stdin.end('{"n":3}\n');
  mustEnd(await firstEnd);
  expect(readFileSync(at('shared.ndjson'), 'utf8')).toBe(
    [3, 6, 9].map((output, index) => `${JSON.stringify({ index, output })}\n`).join(''),
  );
});

test('wrong words and a wrong output are refused, with the option’s name', async () => {
  const run = (...words: string[]): ReturnType<typeof command> =>
    command(['batch', 'run', 'triple', '--inputs', 'in.ndjson', ...words], { cwd });
  const retry = await run('--output', 'o', '--on-error', 'sometimes');
  expect([retry.code, retry.stderr]).toEqual([2, expect.stringContaining('--on-error')]);
  const chunk = await run('--output', 'o', '--chunk-size', '0');
  expect([chunk.code, chunk.stderr]).toEqual([2, expect.stringMatching(/^error: --chunk-size: /)]);
  expect((await run('--output', 'in.ndjson')).code).toBe(2);
  expect((await run('--output', '.')).code).toBe(2);
  expect((await run('--output', '/proc/none.ndjson')).code).toBe(2);
  writeFileSync(at('full.ndjson'), 'of last year\n');
  const full = await run('--output', 'full.ndjson');
  expect([full.code, full.stderr]).toEqual([2, expect.stringContaining('--overwrite')]);
  mustEnd(await run('--output', 'full.ndjson', '--overwrite'));
  expect(readFileSync(at('full.ndjson'), 'utf8')).toContain('{"index":19,"output":57}');
});

test('two versions are compared', async () => {
  writeFileSync(
    at('triple.js'),
    '// Triples a number. Use when needed.\nconst n = 0;\nexport const result = n < 19 ? n * 3 : 0;\n',
  );
  mustEnd(await command(['add', 'triple.js'], { cwd }));
  const words = ['batch', 'compare', 'triple@1', 'triple@2', '--inputs', 'in.ndjson'];
  // The answers of the first are known; both are timed all the same, and the place is the one that lines have.
  const { stdout } = await command([...words, '--json'], { cwd });
  const told = JSON.parse(stdout) as { before: { meanMs: number } };
  expect(told).toMatchObject({
    items: 20,
    differing: 1,
    before: { executed: 20 },
    after: { executed: 20 },
    differences: [{ index: 19, line: 20, before: { output: 57 }, after: { output: 0 } }],
  });
  expect(told.before.meanMs).toBeGreaterThan(0);
  const text = await command([...words, '--cache'], { cwd });
  expect(text.stdout).toContain('20 inputs, 1 with another answer\nindex 19 (line 20): 57 → 0\n');
  expect(text.stdout).toMatch(/triple@1 .*–$/m);
});

test('what a bound of failures ended goes on as the hint says', async () => {
  writeFileSync(
    at('odd.js'),
    '// Refuses odd numbers. Use when tested.\nconst n = 0;\nexport default () => { if (n % 2) throw new Error("odd"); return n; };\n',
  );
  mustEnd(await command(['add', 'odd.js'], { cwd }));
  writeFileSync(at('odd.ndjson'), '{"n":0}\n\n{"n":1}\n{"n":2}\n{"n":3}\n{"n":5}\n');
  const run = (...words: string[]): ReturnType<typeof command> =>
    command(['batch', 'run', 'odd', '--inputs', 'odd.ndjson', ...words], { cwd });
  const hinted = async (hint: RegExp, told: string): Promise<void> => {
    const [line = ''] = hint.exec(told) ?? [];
    expect(line, told).not.toBe('');
    mustEnd(await command(line.split(' ').slice(1), { cwd }));
  };
  const stopped = await run('--output', 'stopped', '--on-error', 'stop', '--id', 'stopped');
  expect(stopped.code).toBe(5);
  expect(stopped.stderr).toContain('odd (index 1, line 3); 1 item done, 0 failed; go on past it: ');
  const status = await command(['batch', 'status', 'stopped'], { cwd });
  const hint = /skillcache batch resume stopped --on-error skip/;
  expect(status.stdout).toMatch(hint);
  await hinted(hint, stopped.stderr);
  const few = await run('--output', 'few', '--max-failures', '1', '--id', 'few');
  expect(few.code).toBe(5);
  expect(few.stderr).toContain('2 of 4 items failed, at most 1 may (index 3, line 5)');
  await hinted(/skillcache batch resume few --max-failures \d+/, few.stderr);
  for (const name of ['stopped', 'few']) {
    const lines = readFileSync(at(name), 'utf8').trimEnd().split('\n');
    expect(lines.map((line) => line.includes('error'))).toEqual([false, true, false, true, true]);
  }
});

test('a batch that ended at --max-items goes on to more of them, and what went to stdout does not', async () => {
  const some = ['batch', 'run', 'triple', '--inputs', 'in.ndjson', '--output', 'some', '--id', 'some'];
  const first = await command([...some, '--max-items', '1'], { cwd });
  expect(first.stdout).toContain('completed (items-max): 1 item, 0 failed');
  const resume = (...words: string[]): ReturnType<typeof command> =>
    command(['batch', 'resume', 'some', ...words], { cwd });
  mustEnd(await resume());
  expect(readFileSync(at('some'), 'utf8').split('\n')).toHaveLength(2);
  mustEnd(await resume('--max-items', '3'));
  expect(readFileSync(at('some'), 'utf8').split('\n')).toHaveLength(4);
  expect((await resume('--max-items', '2')).stderr).toContain('--max-items: 3 items are done already');
  mustEnd(await resume('--max-items', '1000', '--time-budget', '1h'));
  expect(readFileSync(at('some'), 'utf8').split('\n')).toHaveLength(21);
  const words = ['batch', 'run', 'triple', '--inputs', 'in.ndjson', '--output', '-', '--on-error', 'stop'];
  const piped = await command([...words, '--timeout-ms', '1', '--no-cache'], { cwd });
  expect(piped.code).toBe(124);
  expect(piped.stderr).toContain('its output went to stdout, so it cannot be resumed');
});
