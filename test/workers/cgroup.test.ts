/** A cgroup for each worker, where this machine lets them be made; where not, the reason. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { Cgroups } from '../../src/workers/cgroup.ts';
import { dispatcher, failure, MIB, programOf, run } from './runs.ts';

const ONE = 'export const result = 1;';

/** Why there are none here; undefined where there are. */
function whyNone(): string | undefined {
  try {
    new Cgroups().close();
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

const why = whyNone();

test('a group that is none is named with what it lacks', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'no-cgroup-'));
  await using own = dispatcher({ min: 0, max: 1 }, { cgroup: 'auto', cgroupPath: folder });
  expect((await run(own, ONE)).output).toBe(1);
  const { cgroupWhy } = await own.confinement();
  expect(cgroupWhy).toContain(folder);
  expect(readdirSync(folder)).toEqual([]);
  await using strict = dispatcher({ min: 0, max: 1 }, { cgroup: 'require', cgroupPath: folder });
  const { error } = await failure(strict, ONE);
  expect(error.code).toBe('SANDBOX_UNAVAILABLE');
  expect(error.message).toContain(`sandbox.cgroup is require, but there is none: ${folder}`);
  rmdirSync(folder);
});

test('where none can be made, workers go without and say why', async () => {
  await using own = dispatcher({ min: 0, max: 1 }, { cgroup: 'auto' });
  expect((await run(own, ONE)).output).toBe(1);
  if (why === undefined) expect(await own.confinement()).not.toHaveProperty('cgroupWhy');
  else expect(await own.confinement()).toMatchObject({ cgroupWhy: why });
});

describe.runIf(why === undefined)('where they can be made', () => {
  const groupOf = (pid: number) => {
    const path = /^0::(.*)$/m.exec(readFileSync(`/proc/${pid}/cgroup`, 'utf8'))?.[1] ?? '';
    return join('/sys/fs/cgroup', path);
  };

  test.each(['auto', 'never'] as const)(
    'fork server %s: each worker is in one of its own',
    async (forkServer) => {
      const own = dispatcher({ min: 2, max: 2, forkServer }, { cgroup: 'require' });
      await own.warmUp();
      const folders = own.pids().map(groupOf);
      expect(new Set(folders).size).toBe(2);
      for (const folder of folders) {
        expect(readFileSync(join(folder, 'pids.max'), 'utf8').trim()).toBe('32');
        expect(readFileSync(join(folder, 'memory.max'), 'utf8').trim()).toBe(String((128 + 96) * MIB));
        expect(readFileSync(join(folder, 'cpu.max'), 'utf8').trim()).toBe('100000 100000');
      }
      expect((await run(own, ONE)).output).toBe(1);
      await own.close(0);
      expect(folders.filter((folder) => existsSync(folder))).toEqual([]);
    },
  );

  test('what a worker keeps outside its heap is bounded too, and called by its name', async () => {
    await using own = dispatcher({ min: 0, max: 1 }, { cgroup: 'require' });
    const code = 'export default () => { const all = []; for (;;) all.push(new Uint8Array(1e6).fill(1)); };';
    const { error } = await failure(own, programOf(code), { limits: { memoryBytesMax: 32 * MIB } });
    expect(error.code).toBe('EXECUTION_MEMORY');
  });

  test('groups of a process that was killed are removed by the next', async () => {
    const first = new Cgroups();
    first.close();
    const [base] = [groupOf(process.pid)];
    const stale = join(base, 'skillcache-999999999-1');
    mkdirSync(stale);
    mkdirSync(join(stale, 'worker-1'));
    new Cgroups().close();
    expect(existsSync(stale)).toBe(false);
  });
});
