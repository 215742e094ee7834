import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readlinkSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { MemoryMonitor, memoryLimitBytes } from '../../src/monitor/memory.ts';
import type { MemoryNumbers } from '../../src/monitor/metrics.ts';

const GIB = 1024 ** 3;

describe('memoryLimitBytes', () => {
  const none = { machineBytes: 8 * GIB, constrainedBytes: undefined, cgroupTexts: [] };

  test.each([
    ['nothing else is known', none, 8 * GIB],
    ['the constraint is 0', { ...none, constrainedBytes: 0 }, 8 * GIB],
    ['the constraint is 2^64', { ...none, constrainedBytes: 2 ** 64 }, 8 * GIB],
    ['the container may use less', { ...none, constrainedBytes: GIB }, GIB],
    ['the cgroup says max', { ...none, cgroupTexts: ['max\n', undefined] }, 8 * GIB],
    ['the cgroup says less', { ...none, cgroupTexts: [`${2 * GIB}\n`] }, 2 * GIB],
    [
      'the cgroup of version 1 says its largest number',
      { ...none, cgroupTexts: ['9223372036854771712\n'] },
      8 * GIB,
    ],
    ['the file is empty', { ...none, cgroupTexts: [''] }, 8 * GIB],
  ])('is the smallest there is: %s', (_when, sources, limit) => {
    expect(memoryLimitBytes(sources)).toBe(limit);
  });

  test('of this machine is a number of bytes', () => {
    expect(memoryLimitBytes()).toBeGreaterThan(16 * 1024 ** 2);
    expect(Number.isSafeInteger(memoryLimitBytes())).toBe(true);
  });
});

describe('MemoryMonitor', () => {
  test('samples this process and its workers, the dead ones left out', async () => {
    const worker = spawn(process.execPath, ['-e', 'process.stdin.resume()'], {
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    await once(worker, 'spawn');
    const dead = spawn(process.execPath, ['-e', '']);
    await once(dead, 'close');
    const monitor = new MemoryMonitor({ pids: () => [worker.pid as number, dead.pid as number] });
    try {
      const sample = await monitor.sample();
      expect(sample).toMatchObject({ processes: 2 });
      const { selfBytes, workerBytes, limitBytes, share } = sample as MemoryNumbers;
      expect(selfBytes).toBeGreaterThan(10_000_000);
      expect(workerBytes).toBeGreaterThan(1_000_000);
      expect(share).toBeCloseTo((selfBytes + workerBytes) / limitBytes);
      expect(monitor.last).toBe(sample);
    } finally {
      worker.kill('SIGKILL');
      await once(worker, 'close');
    }
  });

  test.runIf(process.platform === 'linux')(
    'keeps no descriptor of the processes it was asked of',
    async () => {
      const worker = spawn(process.execPath, ['-e', 'for (;;) {}'], { stdio: 'ignore' });
      await once(worker, 'spawn');
      const monitor = new MemoryMonitor({ pids: () => [worker.pid as number] });
      await monitor.sample();
      const held = (): string[] =>
        readdirSync('/proc/self/fd').flatMap((name) => {
          try {
            return [readlinkSync(`/proc/self/fd/${name}`)];
          } catch {
            // The one that the folder was read with.
            return [];
          }
        });
      expect(held().filter((path) => path.startsWith(`/proc/${worker.pid}/`))).toEqual([]);
      // It computes and does nothing else: what it uses is seen between two samples.
      while (((await monitor.sample())?.cpuCores ?? 0) < 0.05);
      const end = once(worker, 'close');
      worker.kill('SIGKILL');
      await end;
      expect(await monitor.sample()).toMatchObject({ processes: 1 });
    },
  );

  test('adds up what it is told, each process once', async () => {
    const asked: (readonly number[])[] = [];
    const monitor = new MemoryMonitor({
      pids: () => [7, 7, process.pid],
      limitBytes: 1_000,
      clock: () => 42,
      usage: async (pids) => {
        asked.push(pids);
        return { [process.pid]: { cpu: 50, memory: 300 }, 7: { cpu: 100, memory: 200 }, 9: null };
      },
    });
    expect(await monitor.sample()).toEqual({
      sampledAtMs: 42,
      limitBytes: 1_000,
      selfBytes: 300,
      workerBytes: 200,
      share: 0.5,
      cpuCores: 1.5,
      processes: 2,
    });
    expect(asked).toEqual([[process.pid, 7]]);
  });

  test('callers at one moment share a sample', async () => {
    let samples = 0;
    const usage = async (): Promise<Record<string, { cpu: number; memory: number }>> => {
      samples += 1;
      return { [process.pid]: { cpu: 0, memory: 1 } };
    };
    const monitor = new MemoryMonitor({ pids: () => [], usage });
    await Promise.all([monitor.sample(), monitor.sample()]);
    expect(samples).toBe(1);
    await monitor.sample();
    expect(samples).toBe(2);
  });

  test('a failure is told once, and again only after a sample that worked', async () => {
    const told: unknown[] = [];
    let failure: Error | undefined = new Error('no /proc');
    const monitor = new MemoryMonitor({
      pids: () => [],
      usage: async () => {
        if (failure) throw failure;
        return { [process.pid]: { cpu: 0, memory: 1 } };
      },
      onFailure: (error) => told.push(error),
    });
    expect(await monitor.sample()).toBeUndefined();
    expect(await monitor.sample()).toBeUndefined();
    expect(told).toEqual([failure]);
    failure = undefined;
    expect(await monitor.sample()).toMatchObject({ processes: 1 });
    failure = new Error('gone again');
    await monitor.sample();
    expect(told).toHaveLength(2);
    expect(monitor.last).toBeUndefined();
  });

  test('a sample without this process is a failure', async () => {
    const told: Error[] = [];
    const monitor = new MemoryMonitor({
      pids: () => [],
      usage: async () => ({}),
      onFailure: (error) => told.push(error as Error),
    });
    expect(await monitor.sample()).toBeUndefined();
    expect(told[0]?.message).toContain(`pid ${process.pid}`);
  });

  test('has no timer before it is started, and none after it is stopped', async () => {
    let sampled!: () => void;
    const once = new Promise<void>((resolve) => (sampled = resolve));
    const monitor = new MemoryMonitor({
      pids: () => [],
      usage: async () => {
        sampled();
        return { [process.pid]: { cpu: 0, memory: 1 } };
      },
    });
    const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
    const before = timers();
    monitor.start(1);
    monitor.start(2);
    // The timer keeps no process alive, and so is not among the active ones.
    expect(timers()).toBe(before);
    await once;
    monitor.stop();
    monitor.stop();
    expect(timers()).toBe(before);
  });
});
