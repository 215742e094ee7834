/** What befalls a batch from outside: a full disk, somebody who reads along, the same again in another process. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { Batches, OutputUnwritableError } from '../../src/index.ts';
import { numbers, openBench, type BatchBench } from './fixtures.ts';

const READER = fileURLToPath(new URL('progress-reader.mjs', import.meta.url));

/** A small file system of its own; undefined where that is not permitted. */
function mountDisk(
  path: string,
  size: string,
): { grow(size: string): void; [Symbol.dispose]: () => void } | undefined {
  mkdirSync(path);
  const mount = (...options: string[]): void => {
    execFileSync('mount', [...options, 'tmpfs', path], { stdio: 'ignore' });
  };
  try {
    mount('-t', 'tmpfs', '-o', `size=${size}`);
  } catch {
    // Not root, or in a container without the right: the test says that it was skipped.
    return undefined;
  }
  return {
    grow: (larger) => mount('-o', `remount,size=${larger}`),
    [Symbol.dispose]: () => execFileSync('umount', ['-l', path]),
  };
}

async function undisturbed(bench: BatchBench, inputs: string): Promise<string> {
  await (await bench.start('double', { inputs, output: bench.path('plain') })).finish();
  return bench.read('plain');
}

test('a disk that is full of output ends a batch, and when there is room it goes on to the same bytes', async ({
  skip,
}) => {
  await using bench = await openBench();
  using disk = mountDisk(bench.path('disk'), '8k');
  if (!disk) return skip('mounting a file system is not permitted here');
  const inputs = bench.write('in.ndjson', numbers(300));
  const expected = await undisturbed(bench, inputs);
  const output = join(bench.path('disk'), 'out');
  const batch = await bench.start('double', { inputs, output, chunkSize: 50, bufferBytes: 1_000 });
  await expect(batch.finish()).rejects.toThrow(OutputUnwritableError);
  const { state, done } = await bench.batches.status(batch.id);
  expect(state).toBe('interrupted');
  expect(done).toBeGreaterThan(0);
  // Still full: it is refused again, and loses nothing by it.
  await expect((await bench.batches.resume(batch.id)).finish()).rejects.toThrow(OutputUnwritableError);
  expect((await bench.batches.status(batch.id)).done).toBeGreaterThanOrEqual(done);
  disk.grow('1m');
  expect(await (await bench.batches.resume(batch.id)).finish()).toMatchObject({
    state: 'completed',
    done: 300,
  });
  expect(readFileSync(output, 'utf8')).toBe(expected);
});

test('a disk that has no room for a checkpoint ends a batch as a full one does', async ({ skip }) => {
  await using bench = await openBench();
  using disk = mountDisk(bench.path('disk'), '40k');
  if (!disk) return skip('mounting a file system is not permitted here');
  const inputs = bench.write('in.ndjson', numbers(40));
  const expected = await undisturbed(bench, inputs);
  const folder = join(bench.path('disk'), 'batches');
  const batches = new Batches(bench.library, { folder });
  const batch = await batches.start('double', { inputs, output: bench.path('out'), chunkSize: 5 });
  // All that is left is taken by somebody else.
  let isFull = false;
  for await (const { index } of batch) if (index === 3) break;
  for (let n = 0; !isFull; n += 1) {
    try {
      writeFileSync(join(bench.path('disk'), `other-${n}`), 'x'.repeat(1_000));
    } catch {
      isFull = true;
    }
  }
  const again = await batches.resume(batch.id);
  expect(await batches.status(batch.id)).toMatchObject({ state: 'running' });
  await expect(again.finish()).rejects.toThrow(OutputUnwritableError);
  disk.grow('1m');
  await (await batches.resume(batch.id)).finish();
  expect(bench.read('out')).toBe(expected);
});

test('a reader that never pauses sees no half of the progress, from the first item to the last', async () => {
  await using bench = await openBench();
  const inputs = bench.write('in.ndjson', numbers(400));
  const options = { progressItems: 1, progressMs: 1, chunkSize: 50, id: 'watched' };
  const path = `${bench.path('skills.db')}-batches/watched.progress.json`;
  const reader = spawn(process.execPath, [READER, path], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: reader.stdout });
  await once(lines, 'line');
  const batch = await bench.start('double', { inputs, output: bench.path('out'), ...options });
  await batch.finish();
  const told = once(lines, 'line') as Promise<[string]>;
  reader.stdin.end();
  const [text] = await told;
  const { reads, torn, last } = JSON.parse(text) as { reads: number; torn: number; last: object };
  expect(torn).toBe(0);
  expect(reads).toBeGreaterThan(100);
  expect(last).toMatchObject({ done: 400, state: 'completed' });
});
