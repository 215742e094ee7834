/** A worker that was taken over can end itself, and nothing else: the parent believes none of its bytes. */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { NO_ENGINE_GRANTS } from '../../src/sandbox/protocol.ts';
import { Broker } from '../../src/workers/broker.ts';
import type { TaskEnd } from '../../src/workers/task.ts';
import { SpawnedProcess } from '../../src/workers/worker-process.ts';
import { Worker } from '../../src/workers/worker.ts';

const PROGRAM = join(import.meta.dirname, 'hostile-child.mjs');
const header = { outputBytesMax: 1_000, logBytesMax: 1_000 };

function worker(way: string): Worker {
  const flags = () => ['--no-warnings', PROGRAM, way];
  const traits = { memoryBytesMax: 2 ** 27, servesOne: true, engine: NO_ENGINE_GRANTS };
  // In the place of the real program.
  const wrapper = { name: 'bubblewrap', path: process.execPath, flags, isNamespaced: false } as const;
  return new Worker(new SpawnedProcess({ ...traits, confinement: 'kernel', wrapper }), traits);
}

async function runOn(way: string): Promise<{ end: TaskEnd; worker: Worker }> {
  const hostile = worker(way);
  await hostile.hello;
  hostile.bind({ digest: 'd', units: [] });
  return { end: await hostile.run({ header, data: '{}' }), worker: hostile };
}

test('one that behaves is believed, and stays', async () => {
  const { end, worker: honest } = await runOn('honest');
  expect(end).toMatchObject({ kind: 'outcome', outcome: { output: '1' } });
  expect(await honest.check(20_000)).toBe(true);
  await honest.kill('the test is over');
});

test.each([
  'another task',
  'task zero',
  'hello again',
  'idle without an answer',
  'a frame of the parent',
  'a reply to itself',
  'an unknown kind',
  'a size of four gigabytes',
  'an answer above its bound',
  'no header',
  'a header that is not JSON',
  'a header that is a list',
  'a header that is null',
  'a kind of its own',
  'a kind of the prototype',
  'figures that are no numbers',
  'figures below zero',
  'a thrown error that is none',
  'a name that is too long',
  'names without end',
  'a name of another task',
  'a frame of a fork server',
  'a request without grants',
  'a log of another task',
  'rubbish for ever',
])('%s: the run is lost, and the worker killed', async (way) => {
  const { end } = await runOn(way);
  expect(end).toMatchObject({
    kind: 'died',
    death: { signal: 'SIGKILL', cause: expect.stringMatching(/^it broke the protocol: /) },
  });
});

test.each(['twice', 'twice, later', 'idle twice'])(
  '%s: the first answer stands, and the worker is killed',
  async (way) => {
    const { end, worker: hostile } = await runOn(way);
    expect(end).toMatchObject({ kind: 'outcome', outcome: { output: '1' } });
    expect(await hostile.gone).toMatchObject({
      signal: 'SIGKILL',
      cause: expect.stringMatching(/^it broke the protocol: /),
    });
  },
);

test('an answer before the task: it never gets one', async () => {
  expect(await worker('before the task').gone).toMatchObject({
    cause: expect.stringMatching(/^it broke the protocol: /),
  });
});

test.each([
  ['rubbish on its error stream', { signal: 'SIGKILL', cause: 'it wrote past its channel' }],
  ['half a frame, then death', { signal: 'SIGKILL' }],
  ['a closed channel', { exitCode: 0 }],
  ['death by a fault', { signal: 'SIGSEGV' }],
])('%s: the run ends with it', async (way, death) => {
  const { end } = await runOn(way);
  expect(end).toMatchObject({ kind: 'died', death });
});

test.each([
  'a hello that is an answer',
  'a hello of a tier of its own',
  'a hello that is not JSON',
  'a hello without end',
])('%s: it is never ready', async (way) => {
  const hostile = worker(way);
  await expect(hostile.hello).rejects.toThrow(/ended before it was ready/);
  expect(await hostile.gone).toMatchObject({ signal: 'SIGKILL' });
});

test('a request that is not granted is refused by the broker too', async () => {
  const broker = new Broker({ random: true, clock: true, wasm: false, eval: false, sharedMemory: false });
  const ask = {
    id: 1,
    kind: 'fetch',
    url: 'http://x/',
    method: 'GET',
    headers: [],
    secretHeaders: [],
  } as const;
  const { header: reply } = await broker.answer(ask, Buffer.alloc(0), new AbortController().signal);
  expect(reply).toEqual({ id: 1, kind: 'refused', message: 'fetch failed: it is not granted' });
  expect(broker.use).toMatchObject({ refusals: 1, requests: 0 });
});
