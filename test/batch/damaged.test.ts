/** Files of batches that are not what they were: one of them hides nothing of the others. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { BatchRefusedError, type DamagedBatch } from '../../src/index.ts';
import { command, mustEnd } from '../cli/command.ts';
import { numbers, openBench } from './fixtures.ts';

test('progress that cannot be read is no progress: status and list tell of the checkpoint', async () => {
  await using bench = await openBench({ workers: { min: 0 } });
  const inputs = bench.write('in.ndjson', numbers(2));
  for (const id of ['a', 'b'])
    await (await bench.start('double', { inputs, output: bench.path(id), id })).finish();
  const path = bench.path('skills.db-batches/a.progress.json');
  for (const text of ['', '{"id":"a","done":', '[]', '5', 'null', '\0\0']) {
    writeFileSync(path, text);
    const status = await bench.batches.status('a');
    expect(status, text).toMatchObject({ state: 'completed', done: 2 });
    expect(status, text).not.toHaveProperty('progress');
    expect((await bench.batches.list()).map(({ id }) => id)).toEqual(['b', 'a']);
  }
  rmSync(path);
  mkdirSync(path);
  expect(await bench.batches.status('a')).toMatchObject({ state: 'completed', done: 2 });
  expect((await bench.batches.status('b')).progress).toMatchObject({ done: 2 });
});

test('batches of which job or checkpoint are damaged are named, and the others are listed', async () => {
  await using bench = await openBench({ workers: { min: 0 } });
  const inputs = bench.write('in.ndjson', numbers(2));
  const folder = bench.path('skills.db-batches');
  const ids = ['empty', 'half', 'other', 'torn', 'lock', 'whole'];
  for (const id of ids) await (await bench.start('double', { inputs, output: bench.path(id), id })).finish();
  const write = (name: string, text: string): void => writeFileSync(join(folder, name), text);
  write('empty.job.json', '');
  write('half.job.json', '{"id":"half","skill":{}}');
  write('other.job.json', '[]');
  mkdirSync(join(folder, 'strange.job.json'));
  write('Not an id.job.json', '{}');
  for (const slot of [0, 1]) write(`torn.checkpoint-${slot}.json`, 'x');
  write('lock.lock', 'this is no lock, '.repeat(100));
  const damaged: DamagedBatch[] = [];
  const found = await bench.batches.list({ onDamaged: (one) => void damaged.push(one) });
  expect(found.map(({ id }) => id)).toEqual(['whole']);
  expect(damaged.map(({ id }) => id).toSorted()).toEqual(
    ['empty', 'half', 'lock', 'other', 'strange', 'torn'], // by name
  );
  expect(damaged.find(({ id }) => id === 'half')?.reason).toBe('the job of batch half is damaged');
  await expect(bench.batches.status('half')).rejects.toThrow(BatchRefusedError);

  const cwd = bench.folder;
  const list = await command(['batch', 'list'], { cwd });
  mustEnd(list);
  expect(list.stdout).toContain('whole');
  expect(list.stderr).toContain('batch half cannot be read: the job of batch half is damaged');
  const json = await command(['batch', 'list', '--json'], { cwd });
  expect(JSON.parse(json.stdout)).toMatchObject({ damaged: { length: 6 }, batches: [{ id: 'whole' }] });
  expect(json.stderr).toBe('');
});
