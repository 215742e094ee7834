import { expect, test } from 'vitest';
import { ClosedError } from '../../src/errors.ts';
import { dispatcher, failure, MIB, programOf, run } from './runs.ts';

/** A busy machine may take seconds to start a worker. */
const PATIENT = { timeout: 20_000 };
const isLinux = process.platform === 'linux';

test('a version that is bound ahead finds its worker at its first run', async () => {
  await using own = dispatcher({ min: 1, max: 2 });
  const program = programOf('export const result = 1;');
  await own.bindAhead(program);
  await own.bindAhead(program);
  expect(own.stats().starts).toBeLessThanOrEqual(2);
  expect((await run(own, program)).report.start).toBe('bound');
});

test('statistics name each worker, what it serves, and what its runs used', async () => {
  await using own = dispatcher({ min: 0, max: 2 });
  const program = programOf(
    'export default ({ n }) => { let s = 0; for (let i = 0; i < n; i += 1) s += i; return s; };',
  );
  for (let i = 0; i < 2; i += 1) await run(own, program, { inputs: { n: 1e7 } });
  const [worker, ...others] = own.stats().workers;
  expect(others).toEqual([]);
  expect(worker).toMatchObject({ skill: 'skill:main@1', uses: 2, isBusy: false, memoryBytesMax: 128 * MIB });
  expect(worker?.cpuMs).toBeGreaterThan(0);
  expect(worker?.memoryPeakBytes).toBeGreaterThan(10 * MIB);
  expect(own.pids()).toEqual([worker?.processId]);
});

test('clear() ends idle workers at once, and busy ones after their run', async () => {
  await using own = dispatcher({ min: 0, max: 2, concurrency: 2 });
  const idle = programOf('export const result = 1;');
  const busy = programOf('export default () => new Promise((resolve) => setTimeout(resolve, 300, "done"));');
  await run(own, idle);
  const pending = run(own, busy);
  await expect.poll(() => own.stats().workers.some(({ isBusy }) => isBusy), PATIENT).toBe(true);
  await own.clear();
  expect(own.stats().workers).toHaveLength(1);
  expect((await pending).output).toBe('done');
  await expect.poll(() => own.pids(), PATIENT).toEqual([]);
  expect(own.stats().retired.cleared).toBe(2);
  expect((await run(own, idle)).output).toBe(1);
});

test('a version that several call without a pause keeps its workers', async () => {
  await using own = dispatcher({ min: 1, max: 4, concurrency: 2 });
  const program = programOf('export const result = 1;');
  const callALot = async () => {
    for (let i = 0; i < 100; i += 1) await run(own, program);
  };
  await Promise.all([callALot(), callALot(), callALot(), callALot()]);
  const { starts, retired } = own.stats();
  expect(retired).toEqual({});
  expect(starts).toBeLessThanOrEqual(4);
});

test.each(['version', 'library'] as const)('tenants share no worker (isolation: %s)', async (isolation) => {
  await using own = dispatcher({ min: 0, max: 2, isolation });
  const program = programOf('export const result = 1;');
  for (const tenant of ['one', 'two', 'one', 'two']) await run(own, program, { tenant });
  const { workers, boundHits } = own.stats();
  expect(workers.map(({ tenant, uses }) => [tenant, uses])).toEqual([
    ['one', 2],
    ['two', 2],
  ]);
  expect(boundHits).toBe(2);
});

test('a worker that held more than the ceiling is not used again', async () => {
  await using own = dispatcher({ min: 0, max: 1, memoryCeilingBytes: 1 });
  const program = programOf(
    'const all = []; for (let i = 0; i < 150; i += 1) all.push(new Uint8Array(1e6).fill(1)); export const result = 1;',
  );
  await run(own, program);
  await run(own, program);
  await expect.poll(() => own.stats().retired.memory, PATIENT).toBe(2);
});

test.runIf(isLinux)('close() kills a worker that SIGTERM cannot reach', async () => {
  const own = dispatcher({ min: 0, max: 1 });
  const pending = failure(own, 'for (;;);');
  await expect.poll(() => own.stats().workers.some(({ isBusy }) => isBusy), PATIENT).toBe(true);
  const [pid] = own.pids();
  process.kill(pid as number, 'SIGSTOP');
  await own.close(0);
  expect((await pending).error).toBeInstanceOf(ClosedError);
  expect(() => process.kill(pid as number, 0)).toThrow('ESRCH');
});
