import fc from 'fast-check';
import { expect, test } from 'vitest';
import { NO_ENGINE_GRANTS, PROGRAMS_MAX } from '../../src/sandbox/protocol.ts';
import { SpawnedProcess } from '../../src/workers/worker-process.ts';
import { Worker } from '../../src/workers/worker.ts';
import { dispatcher, failure, MIB, programOf, run } from './runs.ts';

const COUNT = 'globalThis.n = (globalThis.n ?? 0) + 1; export const result = globalThis.n;';

test('isolation by run: each run has a process of its own, started ahead', async () => {
  await using own = dispatcher({ isolation: 'run', min: 1, max: 3 });
  const program = programOf(COUNT);
  const pids = new Set<number>();
  for (let i = 0; i < 4; i += 1) {
    await own.warmUp();
    for (const pid of own.pids()) pids.add(pid);
    const { output, report } = await run(own, program);
    expect([output, report.start]).toEqual([1, 'warm']);
  }
  expect(pids.size).toBeGreaterThanOrEqual(4);
  expect(own.stats()).toMatchObject({ boundHits: 0, warmHits: 4 });
});

test('isolation by library: one worker serves any version, each run in a fresh realm', async () => {
  await using own = dispatcher({ isolation: 'library', min: 0, max: 1 });
  const programs = [programOf(COUNT), programOf(`${COUNT.replace('result =', 'result = -')}`)];
  const outputs: unknown[] = [];
  for (let i = 0; i < 6; i += 1) {
    const program = programs[i % 2];
    if (program !== undefined) outputs.push((await run(own, program)).output);
  }
  expect(outputs).toEqual([1, -1, 1, -1, 1, -1]);
  expect(own.stats()).toMatchObject({ starts: 1, boundHits: 4 });
});

test('a worker of any version forgets the version used longest ago, and takes it again', async () => {
  await using own = dispatcher({ isolation: 'library', min: 0, max: 1 });
  const first = programOf('export const result = 0;');
  expect((await run(own, first)).output).toBe(0);
  for (let n = 1; n <= PROGRAMS_MAX; n += 1)
    expect((await run(own, programOf(`export const result = ${n};`))).output).toBe(n);
  const { output, report } = await run(own, first);
  expect(output).toBe(0);
  expect(report.start).not.toBe('bound');
  expect((await run(own, first)).report.start).toBe('bound');
  expect(own.stats().starts).toBe(1);
});

test('both sides forget the same versions, in whatever order they are bound, with a run or without', async () => {
  const programs = Array.from({ length: PROGRAMS_MAX + 8 }, (_, n) =>
    programOf(`export const result = ${n};`),
  );
  const header = { outputBytesMax: 1_000, logBytesMax: 1_000 };
  const data = '{"inputs":{},"context":{},"parameters":{}}';
  const step = fc.record({ at: fc.nat(programs.length - 1), isRun: fc.boolean() });
  const each = programs.map((_, at) => ({ at, isRun: at % 2 === 0 }));
  const steps = fc.array(step, { minLength: 100, maxLength: 200 });
  await fc.assert(
    fc.asyncProperty(steps, async (random) => {
      const traits = { memoryBytesMax: 256 * MIB, servesOne: false, engine: NO_ENGINE_GRANTS };
      const worker = new Worker(new SpawnedProcess({ ...traits, confinement: 'permission' }), traits);
      await worker.hello;
      try {
        for (const { at, isRun } of [...each, ...random]) {
          worker.bind(programs[at] as (typeof programs)[0]);
          if (!isRun) continue;
          const end = await worker.run({ header, data });
          expect(end).toMatchObject({ kind: 'outcome', outcome: { output: String(at) } });
        }
      } finally {
        await worker.kill('the test is over');
      }
    }),
    { numRuns: 3 },
  );
});

test('a version that breaks its worker does not break the next one', async () => {
  await using own = dispatcher({ isolation: 'library', min: 0, max: 1 });
  const { error } = await failure(own, 'for (;;);', { limits: { timeoutMs: 200 } });
  expect(error.code).toBe('EXECUTION_TIMEOUT');
  expect((await run(own, 'export const result = 1;')).output).toBe(1);
});

test('isolation run keeps half of the workers ready for the version that ran last', async () => {
  await using own = dispatcher({ min: 2, max: 4, isolation: 'run' });
  const program = programOf('let n = 0; export default () => (n += 1);');
  const pids = new Set<number>();
  await run(own, program);
  for (let i = 0; i < 3; i += 1) {
    const ready = () => own.stats().workers.filter(({ skill, uses }) => skill !== undefined && uses === 0);
    const isFull = () => own.stats().pool.creating === 0 && ready().length > 0;
    await expect.poll(isFull, { timeout: 20_000 }).toBe(true);
    for (const { processId } of ready()) pids.add(processId);
    const { output, report } = await run(own, program);
    expect([output, report.start]).toEqual([1, 'bound']);
  }
  expect(pids.size).toBeGreaterThanOrEqual(3);
});

test('isolation run waits once, and no more, with a version that no worker can take', async () => {
  const memoryBytesMax = 32 * MIB;
  await using own = dispatcher({ min: 2, max: 4, isolation: 'run' }, { memoryBytesMax });
  await own.warmUp();
  const limits = { memoryBytesMax };
  const program = programOf('export const result = 1;');
  const [unit] = program.units as [(typeof program.units)[0]];
  const heavy = { digest: 'heavy', units: [{ ...unit, source: unit.source + ' '.repeat(48 * MIB) }] };
  const { error } = await failure(own, heavy, { limits });
  expect(['EXECUTION_MEMORY', 'WORKER_CRASHED']).toContain(error.code);
  await expect.poll(() => own.stats().pool.idle, { timeout: 20_000 }).toBe(2);
  expect(own.stats().pool.createFailures).toBe(1);
  expect(own.stats().workers).toHaveLength(2);
  for (let i = 0; i < 3; i += 1) expect((await run(own, program, { limits })).output).toBe(1);
});
