/** Where a batch may not read or write: whatever belongs to the library, by any name. */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Batches, ConfigurationError, SkillLibrary } from '../../src/index.ts';
import { DOUBLE, numbers, openBench } from './fixtures.ts';

const OWN = /is the library’s own file/;

test('no file of the library is an output or inputs of a batch, whether it is there or not', async () => {
  await using bench = await openBench({ workers: { min: 0 } });
  const inputs = bench.write('in.ndjson', numbers(2));
  const own = [
    ...['', '-wal', '-shm', '-mark', '-journal', '.v3.bak', '.123.part'].map(
      (ending) => `skills.db${ending}`,
    ),
    ...['-batches', '-served-batches', '.tenants'].map((ending) => `skills.db${ending}/x.ndjson`),
  ].map((name) => bench.path(name));
  mkdirSync(bench.path('skills.db.tenants'));
  mkdirSync(bench.path('skills.db-served-batches'));
  writeFileSync(bench.path('skills.db.tenants/x.ndjson'), 'theirs\n');
  for (const output of own)
    await expect(bench.start('double', { inputs, output }), output).rejects.toThrow(OWN);
  for (const path of own.filter((each) => existsSync(each))) {
    await expect(bench.start('double', { inputs: path, output: bench.path('o') }), path).rejects.toThrow(OWN);
    await expect(bench.batches.compare('double', 'double', { inputs: path }), path).rejects.toThrow(OWN);
  }
  expect(readFileSync(bench.path('skills.db.tenants/x.ndjson'), 'utf8')).toBe('theirs\n');
  expect(await bench.batches.list()).toEqual([]);
  // A name that only begins like the library's is another file.
  const batch = await bench.start('double', { inputs, output: bench.path('skills.db-out.ndjson') });
  expect(await batch.finish()).toMatchObject({ done: 2 });
});

test('a link, a second name and a folder reached by a link do not hide a file of the library', async () => {
  await using bench = await openBench({ workers: { min: 0 }, batch: { folder: '' } });
  const inputs = bench.write('in.ndjson', numbers(2));
  await (await bench.start('double', { inputs, output: bench.path('o'), id: 'kept' })).finish();
  const names = [bench.path('link'), bench.path('dangling'), bench.path('hard'), bench.path('job')];
  const [link = '', dangling = '', hard = '', job = ''] = names;
  symlinkSync('skills.db-wal', link);
  symlinkSync('skills.db-journal', dangling);
  linkSync(bench.path('skills.db-wal'), hard);
  linkSync(bench.path('skills.db-batches/kept.job.json'), job);
  symlinkSync(bench.path('skills.db-batches'), bench.path('elsewhere'));
  for (const output of [...names, bench.path('elsewhere/new.ndjson')])
    await expect(bench.start('double', { inputs, output }), output).rejects.toThrow(OWN);
  await expect(bench.start('double', { inputs: hard, output: bench.path('p') })).rejects.toThrow(OWN);
  expect(await bench.batches.status('kept')).toMatchObject({ state: 'completed', done: 2 });
});

test('what a library that is opened by a link keeps beside its file is its own, and so is a named folder', async () => {
  await using bench = await openBench({ workers: { min: 0 } });
  const inputs = bench.write('in.ndjson', numbers(1));
  mkdirSync(bench.path('real'));
  writeFileSync(bench.path('real/other.db'), '');
  symlinkSync('real/other.db', bench.path('other.db'));
  await using library = await SkillLibrary.open({ path: bench.path('other.db'), workers: { min: 0 } });
  await library.add(DOUBLE);
  const batches = new Batches(library, { folder: bench.path('named') });
  for (const name of ['real/other.db-wal', 'other.db-mark', 'named/x', 'real/other.db.tenants'])
    await expect(batches.start('double', { inputs, output: bench.path(name) }), name).rejects.toThrow(
      ConfigurationError,
    );
  const batch = await batches.start('double', { inputs, output: bench.path('real/out') });
  expect(await batch.finish()).toMatchObject({ done: 1 });
});

test('an output that became a link to the library is not cut when its batch is resumed', async () => {
  await using bench = await openBench({ workers: { min: 0 } });
  const inputs = bench.write('in.ndjson', numbers(2));
  const batch = await bench.start('double', { inputs, output: bench.path('out'), onError: 'stop' });
  await batch.close();
  rmSync(bench.path('out'));
  symlinkSync('skills.db', bench.path('out'));
  await expect(bench.batches.resume(batch.id)).rejects.toThrow(OWN);
  expect((await bench.library.get('double')).version).toBe(1);
});

test('a folder that is mounted a second time is the same folder', async ({ skip }) => {
  await using bench = await openBench({ workers: { min: 0 } });
  const inputs = bench.write('in.ndjson', numbers(1));
  await (await bench.start('double', { inputs, output: bench.path('o') })).finish();
  const twice = mkdtempSync('/tmp/skillcache-mounted-');
  try {
    execFileSync('mount', ['--bind', bench.path('skills.db-batches'), twice], { stdio: 'ignore' });
  } catch {
    rmSync(twice, { recursive: true });
    return skip('mounting is not permitted here');
  }
  try {
    await expect(bench.start('double', { inputs, output: join(twice, 'x') })).rejects.toThrow(OWN);
  } finally {
    execFileSync('umount', ['-l', twice]);
    rmSync(twice, { recursive: true });
  }
});

test('run options that no run may have are refused before anything runs', async () => {
  await using bench = await openBench({ workers: { min: 0 } });
  const inputs = bench.write('in.ndjson', numbers(1));
  const run = { timeoutMs: 0 };
  await expect(bench.start('double', { inputs, output: bench.path('o'), run })).rejects.toThrow(/timeoutMs/);
  expect(await bench.batches.list()).toEqual([]);
});

test('an output that holds something is kept, unless it may be overwritten', async () => {
  await using bench = await openBench({ workers: { min: 0 } });
  const inputs = bench.write('in.ndjson', numbers(2));
  const output = bench.write('out', 'of last year\n');
  const refused = bench.start('double', { inputs, output });
  await expect(refused).rejects.toThrow(/has 13 bytes: .*--overwrite, `overwrite: true`/);
  await expect(refused).rejects.toThrow(ConfigurationError);
  expect(bench.read('out')).toBe('of last year\n');
  expect(await bench.batches.list()).toEqual([]);
  const batch = await bench.start('double', { inputs, output, overwrite: true, id: 'over' });
  await batch.close();
  // Begun and left, it goes on with what is its own.
  await (await bench.batches.resume('over')).finish();
  expect(bench.read('out').split('\n')).toHaveLength(3);
  await expect(bench.start('double', { inputs, output })).rejects.toThrow(/--overwrite/);
  const empty = bench.write('empty', '');
  expect(await (await bench.start('double', { inputs, output: empty })).finish()).toMatchObject({ done: 2 });
});

test('what was written into the output of a batch that never began is not cut away by its resumption', async () => {
  await using bench = await openBench({ workers: { min: 0 } });
  const inputs = bench.write('in.ndjson', numbers(2));
  const batch = await bench.start('double', { inputs, output: bench.path('out') });
  await batch.close();
  bench.write('out', 'by another program\n');
  await expect(bench.batches.resume(batch.id)).rejects.toThrow(/has 19 bytes/);
  expect(bench.read('out')).toBe('by another program\n');
});

test.each(['/proc/x.ndjson', 'socket'])('%s is refused as any wrong output is', async (name) => {
  await using bench = await openBench({ workers: { min: 0 } });
  const inputs = bench.write('in.ndjson', numbers(1));
  const server = createServer().listen(bench.path('socket'));
  await once(server, 'listening');
  const output = name === 'socket' ? bench.path(name) : name;
  await expect(bench.start('double', { inputs, output })).rejects.toThrow(ConfigurationError);
  expect(await bench.batches.list()).toEqual([]);
  server.close();
});
