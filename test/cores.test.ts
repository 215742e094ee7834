import { availableParallelism } from 'node:os';
import { expect, test } from 'vitest';
import { usableCores } from '../src/cores.ts';

const machine = availableParallelism();
const coresWith = (files: Readonly<Record<string, string>>) => usableCores((path) => files[path]);

test('without a quota every core of the machine may be used', () => {
  expect(coresWith({})).toBe(machine);
  expect(coresWith({ '/proc/self/cgroup': '0::/a\n', '/sys/fs/cgroup/a/cpu.max': 'max 100000\n' })).toBe(
    machine,
  );
  expect(usableCores()).toBeGreaterThanOrEqual(1);
});

test('the quota of cgroup v2 bounds them, rounded up', () => {
  expect(coresWith({ '/sys/fs/cgroup/cpu.max': '50000 100000\n' })).toBe(1);
  expect(coresWith({ '/sys/fs/cgroup/cpu.max': '150000 100000\n' })).toBe(Math.min(2, machine));
});

test('the tightest of the groups above counts', () => {
  const files = {
    '/proc/self/cgroup': '0::/pod/box\n',
    '/sys/fs/cgroup/pod/box/cpu.max': 'max 100000\n',
    '/sys/fs/cgroup/pod/cpu.max': '90000 100000\n',
  };
  expect(coresWith(files)).toBe(1);
});

test('so does the quota of cgroup v1', () => {
  const files = {
    '/proc/self/cgroup': '4:cpu,cpuacct:/box\n1:name=systemd:/box\n',
    '/sys/fs/cgroup/cpu/box/cpu.cfs_quota_us': '100000\n',
    '/sys/fs/cgroup/cpu/box/cpu.cfs_period_us': '100000\n',
    '/sys/fs/cgroup/cpu/cpu.cfs_quota_us': '-1\n',
  };
  expect(coresWith(files)).toBe(1);
});
