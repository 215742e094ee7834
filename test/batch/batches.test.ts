import { PassThrough, Readable } from 'node:stream';
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test, vi } from 'vitest';
import {
  AbortedError,
  BatchBusyError,
  BatchFailedError,
  BatchNotFoundError,
  BatchRefusedError,
  Batches,
  ConfigurationError,
  FileNotFoundError,
  OutputLimitError,
  OutputUnwritableError,
  SkillLibrary,
  SkillRuntimeError,
  type BatchItem,
} from '../../src/index.ts';
import { linesOf, numbers, openBench } from './fixtures.ts';

test('each input has a line in its order, a failed one with its typed error and its place', async () => {
  await using bench = await openBench();
  const inputs = bench.write('in.ndjson', '{"n":1}\n\n{"n":\n{"n":7}\n{"n":"x"}\n5\n{"n":2}');
  const batch = await bench.start('double', { inputs, output: bench.path('out.ndjson') });
  const seen: BatchItem[] = [];
  for await (const item of batch) seen.push(item);
  const lines = linesOf(bench.read('out.ndjson'));
  expect(lines.map(({ index }) => index)).toEqual([0, 1, 2, 3, 4, 5]);
  expect(lines[0]).toEqual({ index: 0, output: { n: 1, double: 2 } });
  expect(lines.map(({ error }) => (error as { code?: string } | undefined)?.code)).toEqual([
    undefined,
    'INVALID_INPUTS',
    'SKILL_RUNTIME',
    'INPUT_VALIDATION',
    'INVALID_INPUTS',
    undefined,
  ]);
  expect((lines[1] as { error: { message: string; line: number } }).error).toMatchObject({ line: 3 });
  expect(seen.map(({ index }) => index)).toEqual([0, 1, 2, 3, 4, 5]);
  expect(batch.report()).toMatchObject({ state: 'completed', endedBy: 'inputs', done: 6, failed: 4 });
  expect(await bench.batches.status(batch.id)).toMatchObject({ state: 'completed', done: 6, failed: 4 });
});

test('a JSON array, a CSV and a stream give what lines give', async () => {
  await using bench = await openBench();
  const given = {
    'in.ndjson': '{"n":1}\n{"n":2}\n',
    'in.json': '[{"n":1},\n{"n":2}]',
    'in.csv': 'n\r\n1\r\n2\r\n',
  };
  const outputs: string[] = [];
  for (const [name, text] of Object.entries(given)) {
    const inputs = bench.write(name, text);
    await (await bench.start('double', { inputs, output: bench.path(`${name}.out`) })).finish();
    outputs.push(bench.read(`${name}.out`));
  }
  const output = new PassThrough();
  const batch = await bench.start('double', { inputs: Readable.from(['{"n":1}\n{"n', '":2}']), output });
  await batch.finish();
  outputs.push(String(output.read()));
  expect(new Set(outputs).size).toBe(1);
  expect(linesOf(outputs[0] ?? '')).toHaveLength(2);
});

test('a record of a CSV with too few fields is a failed item', async () => {
  await using bench = await openBench();
  const inputs = bench.write('in.csv', 'n,spin\n1,false\n2\n"3",\n');
  await (await bench.start('slow', { inputs, output: bench.path('out') })).finish();
  const lines = linesOf(bench.read('out'));
  expect(lines.map(({ output }) => output)).toEqual([1, undefined, 3]);
  expect(JSON.stringify(lines[1])).toContain('it has 1 field, the header 2');
});

test('what cannot be read or written is refused before anything runs', async () => {
  await using bench = await openBench();
  const inputs = bench.write('in.ndjson', numbers(3));
  const start = (output: string, from = inputs): Promise<unknown> =>
    bench.start('double', { inputs: from, output });
  await expect(start(bench.folder)).rejects.toThrow(ConfigurationError);
  await expect(start(inputs)).rejects.toThrow(/is the inputs/);
  await expect(start(join(bench.folder, 'none', 'out'))).rejects.toThrow(/does not exist/);
  await expect(start(bench.path('skills.db'))).rejects.toThrow(/is the library/);
  await expect(start(bench.path('out'), bench.path('absent'))).rejects.toThrow(FileNotFoundError);
  await expect(start(bench.path('out'), bench.folder)).rejects.toThrow(/is a folder/);
  await expect(bench.start('double', { inputs, output: bench.path('o'), chunkSize: 0 })).rejects.toThrow(
    /chunkSize/,
  );
  expect(bench.read('in.ndjson')).toBe(numbers(3));
  expect(await bench.batches.list()).toEqual([]);
});

test('what was stopped is resumed to the same bytes, and a torn line is repaired', async () => {
  await using bench = await openBench();
  const inputs = bench.write('in.ndjson', numbers(60));
  await (await bench.start('double', { inputs, output: bench.path('plain') })).finish();
  const stop = new AbortController();
  const output = bench.path('out');
  const batch = await bench.start('double', {
    inputs,
    output,
    chunkSize: 10,
    windowMax: 5,
    signal: stop.signal,
  });
  const read = async (): Promise<void> => {
    for await (const { index } of batch) if (index === 25) stop.abort();
  };
  await expect(read()).rejects.toThrow(AbortedError);
  const { state, done } = await bench.batches.status(batch.id);
  expect(state).toBe('interrupted');
  expect(done).toBe(linesOf(bench.read('out')).length);
  writeFileSync(output, `${bench.read('out')}{"index":99,"outp`);
  expect((await (await bench.batches.resume(batch.id)).finish()).state).toBe('completed');
  expect(bench.read('out')).toBe(bench.read('plain'));
  // Once more there is nothing to do.
  expect(await (await bench.batches.resume(batch.id)).finish()).toMatchObject({ done: 60 });
  expect(bench.read('out')).toBe(bench.read('plain'));
});

test.each(['in.json', 'in.csv'])(
  '%s is resumed within its text',
  async (name) => {
    await using bench = await openBench();
    const values = Array.from({ length: 30 }, (_, n) => n);
    const text = name === 'in.csv' ? `n\n${values.join('\n')}\n` : JSON.stringify(values.map((n) => ({ n })));
    const inputs = bench.write(name, text);
    await (await bench.start('double', { inputs, output: bench.path('plain') })).finish();
    const batch = await bench.start('double', { inputs, output: bench.path('out'), windowMax: 2 });
    for await (const { index } of batch) if (index === 4) break;
    const again = await bench.batches.resume(batch.id);
    for await (const { index } of again) if (index === 17) break;
    expect(await (await bench.batches.resume(batch.id)).finish()).toMatchObject({ done: 30 });
    expect(bench.read('out')).toBe(bench.read('plain'));
  },
  60_000,
);

test('inputs from a stream are resumed by the same stream, and by no other', async () => {
  await using bench = await openBench();
  const inputs = bench.write('in.ndjson', numbers(30));
  await (await bench.start('double', { inputs, output: bench.path('plain') })).finish();
  const stream = (text: string): Readable => Readable.from(text.match(/[\s\S]{1,16}/g) ?? []);
  const batch = await bench.start('double', {
    inputs: stream(numbers(30)),
    output: bench.path('out'),
    windowMax: 3,
  });
  for await (const { index } of batch) if (index === 9) break;
  await expect(bench.batches.resume(batch.id)).rejects.toThrow(/give the same again/);
  const other = stream(numbers(30).replace('{"n":3}', '{"n":4}'));
  await expect(bench.batches.resume(batch.id, { inputs: other })).rejects.toThrow(BatchRefusedError);
  await (await bench.batches.resume(batch.id, { inputs: stream(numbers(30)) })).finish();
  expect(bench.read('out')).toBe(bench.read('plain'));
});

test('a damaged or foreign checkpoint is refused with its reason, and the last good one is used', async () => {
  await using bench = await openBench();
  const inputs = bench.write('in.ndjson', numbers(40));
  await (await bench.start('double', { inputs, output: bench.path('plain') })).finish();
  const batch = await bench.start('double', {
    inputs,
    output: bench.path('out'),
    chunkSize: 5,
    windowMax: 2,
  });
  for await (const { index } of batch) if (index === 22) break;
  const base = join(`${bench.path('skills.db')}-batches`, batch.id);
  const slots = [0, 1].map((slot) => `${base}.checkpoint-${slot}.json`);
  const sequenceOf = (path: string): number =>
    (JSON.parse(readFileSync(path, 'utf8')) as { checkpoint: { sequence: number } }).checkpoint.sequence;
  const [older = '', newer = ''] = slots.toSorted((left, right) => sequenceOf(left) - sequenceOf(right));
  const good = readFileSync(newer);
  truncateSync(newer, good.length - 20);
  const resumed = await bench.batches.resume(batch.id);
  expect(resumed.refused).toEqual([expect.stringContaining('it is incomplete')]);
  await resumed.close();
  writeFileSync(newer, good.toString().replace('"done":', '"done":9'));
  expect((await bench.batches.status(batch.id)).refused[0]).toContain('its digest is another');
  await (await bench.batches.resume(batch.id)).finish();
  expect(bench.read('out')).toBe(bench.read('plain'));
  writeFileSync(older, 'x');
  writeFileSync(newer, '');
  await expect(bench.batches.resume(batch.id)).rejects.toThrow(/no checkpoint of batch .* can be used/);
});

test('a resumption is refused where inputs, output or batch are not what they were', async () => {
  await using bench = await openBench();
  const inputs = bench.write('in.ndjson', numbers(20));
  const batch = await bench.start('double', { inputs, output: bench.path('out'), windowMax: 2 });
  for await (const { index } of batch) if (index === 5) break;
  const { mtime } = statSync(inputs);
  const output = bench.read('out');
  const refusal = (why: RegExp): Promise<void> => expect(bench.batches.resume(batch.id)).rejects.toThrow(why);
  writeFileSync(inputs, numbers(21));
  await refusal(/had \d+ bytes, and has \d+/);
  writeFileSync(inputs, numbers(20).replace('{"n":1}', '{"n":2}'));
  await refusal(/was written to since|bytes are others/);
  writeFileSync(inputs, numbers(20));
  utimesSync(inputs, mtime, mtime);
  writeFileSync(bench.path('out'), output.slice(0, 20));
  await refusal(/was written to since|is not the output/);
  await expect(bench.batches.resume('nothing')).rejects.toThrow(BatchNotFoundError);
  await expect(bench.batches.resume('../skills')).rejects.toThrow(BatchNotFoundError);
  expect(await bench.batches.cancel(batch.id)).toBe('cancelled');
  await refusal(/it was cancelled/);
});

test('one batch is run once at a time, and one output is written by one batch', async () => {
  await using bench = await openBench();
  const inputs = bench.write('in.ndjson', numbers(10));
  const output = bench.path('out');
  await using batch = await bench.start('double', { inputs, output });
  await expect(bench.batches.resume(batch.id)).rejects.toThrow(BatchBusyError);
  await expect(bench.batches.resume(batch.id)).rejects.toThrow(/is being run by this process already/);
  await expect(bench.start('double', { inputs, output })).rejects.toThrow(BatchRefusedError);
  expect((await bench.batches.list()).map(({ state }) => state)).toEqual(['running']);
  await batch.close();
  await (await bench.batches.resume(batch.id)).finish();
  await expect(bench.start('double', { inputs, output, id: batch.id })).rejects.toThrow(/already/);
});

test('a running batch that is cancelled finishes what runs and ends for good', async () => {
  await using bench = await openBench();
  const inputs = bench.write('in.ndjson', numbers(5));
  const pipe = new PassThrough();
  pipe.write(readFileSync(inputs));
  const batch = await bench.start('double', { inputs: pipe, output: bench.path('out') });
  const finished = batch.finish();
  expect(await bench.batches.cancel(batch.id)).toBe('asked');
  // More inputs may come: it is the word of cancelling that ends it.
  expect(await finished).toMatchObject({ state: 'cancelled', endedBy: 'cancelled' });
  await expect(bench.batches.resume(batch.id)).rejects.toThrow(/it was cancelled/);
});

test('a failed item stops the batch before its line where it is to, and after too many', async () => {
  await using bench = await openBench();
  const inputs = bench.write('in.ndjson', numbers(30));
  const stopped = await bench.start('double', { inputs, output: bench.path('a'), onError: 'stop' });
  await expect(stopped.finish()).rejects.toThrow(SkillRuntimeError);
  expect(linesOf(bench.read('a'))).toHaveLength(7);
  const few = await bench.start('double', { inputs, output: bench.path('b'), failuresMax: 2 });
  await expect(few.finish()).rejects.toThrow(BatchFailedError);
  expect(linesOf(bench.read('b'))).toHaveLength(21);
  const retried = await bench.start('double', {
    inputs,
    output: bench.path('c'),
    onError: { retry: 2 },
    itemsMax: 8,
  });
  const before = bench.library.metrics().runs.errors['SKILL_RUNTIME'] ?? 0;
  expect(await retried.finish()).toMatchObject({
    state: 'completed',
    endedBy: 'items-max',
    done: 8,
    failed: 1,
  });
  expect((bench.library.metrics().runs.errors['SKILL_RUNTIME'] ?? 0) - before).toBe(3);
});

test('a poisoned item holds up no other', async () => {
  await using bench = await openBench({ workers: { concurrency: 2 } });
  const lines = ['{"spin":true}', ...Array.from({ length: 20 }, (_, n) => JSON.stringify({ n }))];
  const inputs = bench.write('in.ndjson', lines.join('\n'));
  const batch = await bench.start('slow', { inputs, output: bench.path('out'), run: { timeoutMs: 3_000 } });
  const first = batch[Symbol.asyncIterator]();
  // All others have run by the time the first is given up.
  expect((await first.next()).value).toMatchObject({ index: 0, error: { code: 'EXECUTION_TIMEOUT' } });
  expect(bench.library.metrics().runs.ok).toBeGreaterThanOrEqual(20);
  await first.return?.(undefined);
});

test('equal inputs of a pure skill run once, unless the cache is passed by', async () => {
  await using bench = await openBench();
  const inputs = bench.write('in.ndjson', '{"n":1}\n'.repeat(20));
  const executed = (): number => bench.library.metrics().runs.total - bench.library.metrics().runs.cached;
  const once = await bench.start('double', { inputs, output: bench.path('a') });
  await once.finish();
  expect(bench.library.metrics().caches.results.entries).toBe(1);
  const before = executed();
  const each = await bench.start('double', { inputs, output: bench.path('b'), run: { cache: 'bypass' } });
  expect(await each.finish()).toMatchObject({ cached: 0 });
  expect(executed() - before).toBe(20);
  expect(bench.read('a')).toBe(bench.read('b'));
});

test('an output that is full ends the batch with a typed error', async () => {
  await using bench = await openBench();
  const inputs = bench.write('in.ndjson', numbers(10));
  const batch = await bench.start('double', { inputs, output: '/dev/full' });
  await expect(batch.finish()).rejects.toThrow(OutputUnwritableError);
});

test('an output that would grow past its bound ends the batch before it does', async () => {
  await using bench = await openBench();
  const inputs = bench.write('in.ndjson', numbers(40));
  const bounds = { bufferBytes: 100, outputFileBytesMax: 1_000, chunkSize: 5 };
  const batch = await bench.start('double', { inputs, output: bench.path('out'), ...bounds });
  await expect(batch.finish()).rejects.toThrow(OutputLimitError);
  expect(statSync(bench.path('out')).size).toBeLessThanOrEqual(1_000);
  expect(await bench.batches.status(batch.id)).toMatchObject({ state: 'interrupted' });
});

test('each chunk has workers of its own', async () => {
  await using bench = await openBench({ workers: { min: 0, max: 4, concurrency: 1 } });
  const inputs = bench.write('in.ndjson', numbers(6));
  const processes = (): number[] => bench.library.metrics().workers.each.map(({ processId }) => processId);
  const batch = await bench.start('double', { inputs, output: bench.path('out'), chunkSize: 2 });
  let first: number[] = [];
  for await (const { index } of batch) if (index === 0) first = processes();
  expect(first.length).toBeGreaterThan(0);
  // Fresh ones take over as they come.
  await vi.waitFor(() => expect(processes().filter((id) => first.includes(id))).toEqual([]), 20_000);
});

test('batches, items and checkpoints are counted', async () => {
  await using bench = await openBench();
  const inputs = bench.write('in.ndjson', numbers(20));
  const batch = await bench.start('double', { inputs, output: bench.path('out'), chunkSize: 10 });
  for await (const { index } of batch) if (index === 0) break;
  const { running, begun, ended } = bench.library.metrics().batches;
  expect({ running, begun, ended }).toEqual({
    running: 0,
    begun: 1,
    ended: { completed: 0, interrupted: 1, cancelled: 0 },
  });
  await (await bench.batches.resume(batch.id)).finish();
  const { checkpointMs, ...counts } = bench.library.metrics().batches;
  expect(counts).toMatchObject({
    running: 0,
    resumed: 1,
    ended: { completed: 1, interrupted: 1, cancelled: 0 },
    items: { ok: 18, failed: 2 },
    outputBytes: statSync(bench.path('out')).size,
  });
  expect(checkpointMs.count).toBeGreaterThanOrEqual(4);
});

test('who is no longer wanted is forgotten, unless it runs', async () => {
  await using bench = await openBench();
  const inputs = bench.write('in.ndjson', numbers(3));
  const batch = await bench.start('double', { inputs, output: bench.path('out') });
  await expect(bench.batches.remove(batch.id)).rejects.toThrow(BatchBusyError);
  await batch.finish();
  await bench.batches.remove(batch.id);
  await expect(bench.batches.status(batch.id)).rejects.toThrow(BatchNotFoundError);
  expect(linesOf(bench.read('out'))).toHaveLength(3);
});

test('two versions are compared on the same inputs', async () => {
  await using bench = await openBench();
  await bench.library.add({
    name: 'double',
    description: 'Doubles a number, and a three otherwise. Use when versions are compared.',
    code: 'const n = 0;\nexport default () => ({ n, double: n === 3 ? 7 : n * 2 });',
  });
  const inputs = bench.write('in.ndjson', numbers(10));
  const differing: number[] = [];
  const onDifference = ({ index }: { index: number }): void => void differing.push(index);
  const comparison = await bench.batches.compare('double@1', 'double@2', { inputs, onDifference });
  expect(differing).toEqual([3, 7]);
  expect(comparison).toMatchObject({ items: 10, same: 8, differing: 2 });
  expect(comparison.before).toMatchObject({ failed: 1, errorRate: 0.1 });
  expect(comparison.after).toMatchObject({ failed: 0 });
  // What is known by now is run and timed again, unless the cache is to be used.
  const again = await bench.batches.compare('double@1', 'double@2', { inputs });
  expect([again.before.executed, again.after.executed]).toEqual([9, 10]);
  const cached = { inputs, run: { cache: 'use' } } as const;
  await bench.batches.compare('double@1', 'double@2', cached);
  expect((await bench.batches.compare('double@1', 'double@2', cached)).after.executed).toBe(0);
});

test('finished batches are kept up to a bound, and a library in memory has no place for them', async () => {
  await using bench = await openBench({ batch: { keptMax: 1 } });
  const inputs = bench.write('in.ndjson', numbers(1));
  for (const id of ['a', 'b', 'c', 'd']) {
    await (await bench.start('double', { inputs, id, output: bench.path(id) })).finish();
  }
  expect((await bench.batches.list()).map(({ id }) => id)).toEqual(['d', 'c']);
  const folder = `${bench.path('skills.db')}-batches`;
  expect(readdirSync(folder).filter((name) => name.startsWith('a.'))).toEqual([]);
  mkdirSync(dirname(folder), { recursive: true });
  await using library = await SkillLibrary.open({ path: ':memory:', workers: { min: 0 } });
  expect(() => new Batches(library)).toThrow(ConfigurationError);
});

test('at the end of its time budget a batch stops, and can go on', async () => {
  await using bench = await openBench();
  const pipe = new PassThrough();
  pipe.write(numbers(3));
  const batch = await bench.start('double', { inputs: pipe, output: bench.path('out'), timeBudgetMs: 300 });
  // The inputs do not end.
  expect(await batch.finish()).toMatchObject({ state: 'interrupted', endedBy: 'time-budget' });
  expect((await bench.batches.status(batch.id)).state).toBe('interrupted');
});

test('batches that begin within one second are listed in their order', async () => {
  await using bench = await openBench({ workers: { min: 0 } });
  const inputs = bench.write('in.ndjson', numbers(1));
  const begun: string[] = [];
  for (let n = 0; n < 6; n += 1) {
    const batch = await bench.start('double', { inputs, output: bench.path(`o${n}`) });
    begun.unshift(batch.id);
    await batch.close();
  }
  expect((await bench.batches.list()).map(({ id }) => id)).toEqual(begun);
});
