/** Inputs that break off, or are not what they are read as: what was read is kept, and the batch is not complete. */
import { PassThrough, Readable } from 'node:stream';
import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { InputsBrokenError } from '../../src/index.ts';
import { command } from '../cli/command.ts';
import { linesOf, numbers, openBench, type BatchBench } from './fixtures.ts';

let bench: BatchBench;
beforeAll(async () => {
  bench = await openBench({ workers: { min: 0, concurrency: 4 } });
});
afterAll(async () => bench[Symbol.asyncDispose]());

test.each([
  ['in.json', '{"n":1}', 0, 'line 1 on: it is no JSON array'],
  ['in.json', '', 0, 'line 1 on: the array does not end'],
  ['in.json', '[{"n":1},\n{"n":2},\n{"n"', 2, 'line 3 on: the array does not end'],
  ['in.json', '[{"n":1},{"n":2,{"n":3}]', 1, 'line 1 on: the array does not end'],
  ['in.json', '[{"n":1}]\n\n{"n":2}', 1, 'line 3 on: more follows where the array should end'],
  ['in.csv', 'n\n1\n"2\n3\n', 1, 'line 3 on: a quote is not closed'],
  ['in.csv', 'n,n\n1,2\n3,4\n5,6\n', 0, 'line 1 on: the header of the CSV: two columns are named "n"'],
  ['in.csv', '\n', 0, 'line 1 on: a CSV begins with a header, and there is none'],
])('%s of %j keeps %i items and ends with an error', async (name, text, kept, why) => {
  const inputs = bench.write(name, text);
  const batch = await bench.start('double', { inputs, output: bench.path('out'), overwrite: true });
  const { id } = batch;
  const finished = batch.finish();
  await expect(finished).rejects.toThrow(InputsBrokenError);
  await expect(finished).rejects.toThrow(why);
  expect(linesOf(bench.read('out')).map(({ index }) => index)).toEqual([...Array(kept).keys()]);
  expect(await bench.batches.status(id)).toMatchObject({ state: 'interrupted', done: kept, failed: 0 });
  await expect(bench.batches.compare('double', 'double', { inputs })).rejects.toThrow(InputsBrokenError);
  // The same again, from where it was: nothing is lost, and nothing is there twice.
  await expect((await bench.batches.resume(id)).finish()).rejects.toThrow(why);
  expect(linesOf(bench.read('out'))).toHaveLength(kept);
  expect(await bench.batches.cancel(id)).toBe('cancelled');
});

test('where nothing is missing, empty inputs are complete', async () => {
  for (const [name, text] of [
    ['in.ndjson', ''],
    ['in.json', ' [ ]\n'],
    ['in.csv', 'n\n'],
  ] as const) {
    const inputs = bench.write(name, text);
    const batch = await bench.start('double', { inputs, output: bench.path(`${name}.empty`) });
    expect(await batch.finish(), name).toMatchObject({ state: 'completed', done: 0 });
  }
});

test('a stream that broke off goes on when all of it is piped in', async () => {
  const whole = '[{"n":1},{"n":2},{"n":3}]';
  const start = { output: bench.path('stream'), format: 'json', id: 'b' } as const;
  const batch = await bench.start('double', { ...start, inputs: Readable.from([whole.slice(0, 20)]) });
  await expect(batch.finish()).rejects.toThrow(InputsBrokenError);
  const again = await bench.batches.resume('b', { inputs: Readable.from([whole]) });
  expect(await again.finish()).toMatchObject({ state: 'completed', done: 3 });
  expect(linesOf(bench.read('stream'))).toHaveLength(3);
});

test('what is no array is said at once, of inputs that do not end', async () => {
  const inputs = new PassThrough();
  inputs.write('{"n":1}');
  const batch = await bench.start('double', { inputs, output: bench.path('endless'), format: 'json' });
  await expect(batch.finish()).rejects.toThrow(/no JSON array/);
});

test('each failed item has the line that it begins in', async () => {
  const given = {
    'in.ndjson': ['{"n":1}\n\n5\nnull\n\n{"n":"x"}\n{"n":\n{"n":7}\n{"m":1}', [3, 4, 6, 7, 8, 9]],
    'in.json': ['[\n{"n":1},\n\n5,null,\n{"n":\n"x"},\n,\n{"n":7},{"m":1}]', [4, 4, 5, 7, 8, 8]],
    'in.csv': ['\n"n",m\n1,2\n"a\nb",1\n\nx,1\n7,"c\n"\n1\n', [4, 7, 8, 10]],
  } as const;
  for (const [name, [text, lines]] of Object.entries(given)) {
    const inputs = bench.write(name, text);
    await (await bench.start('double', { inputs, output: bench.path(`${name}.lines`) })).finish();
    const failed = linesOf(bench.read(`${name}.lines`)).flatMap(({ error }) => (error ? [error] : []));
    expect(
      failed.map((error) => (error as { line?: number }).line),
      name,
    ).toEqual(lines);
  }
});

test('on the command line broken inputs exit with 6, and it is said what to do', async () => {
  const cwd = bench.folder;
  writeFileSync(bench.path('cut.json'), '[{"n":1},{"n":');
  const run = (...words: string[]): ReturnType<typeof command> =>
    command(['batch', 'run', 'double', '--output', ...words], { cwd, input: numbers(1) });
  const file = await run('a', '--inputs', 'cut.json', '--id', 'one');
  expect([file.code, file.stderr]).toEqual([6, expect.stringContaining('batch cancel one')]);
  const status = await command(['batch', 'status', 'one'], { cwd });
  expect(status.stdout).toContain('batch cancel one');
  const piped = await run('b', '--inputs', '-', '--format', 'json', '--id', 'two');
  expect([piped.code, piped.stderr]).toEqual([6, expect.stringContaining('batch resume two')]);
});
