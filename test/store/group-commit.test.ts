/** The line of writes, with a commit that only counts. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { Outcome, Write } from '../../src/store/sqlite/commit.ts';
import { GroupCommit } from '../../src/store/sqlite/group-commit.ts';

function countedWrites() {
  const groups: number[] = [];
  const writes = new GroupCommit({
    async commit(group) {
      groups.push(group.length);
      return group.map(() => ({ ok: true, value: true }));
    },
    waitingMax: 1_000,
  });
  return { groups, write: () => writes.write('remove', { name: 'a' }), writes };
}

test('the callers of a large group are told some at a time, so that the loop turns between', async () => {
  const { groups, write, writes } = countedWrites();
  const told: number[] = [];
  const calls = Array.from({ length: 100 }, (_, index) => write().then(() => told.push(index)));
  let most = 0;
  for (let before = 0; told.length < 100;) {
    await nextTurn();
    most = Math.max(most, told.length - before);
    before = told.length;
  }
  await Promise.all(calls);
  expect(groups).toEqual([100]);
  expect(most).toBeLessThanOrEqual(16);
  expect(writes.stats).toEqual({ commits: 1, writes: 100, writesWaiting: 0 });
});

test('those who write again as soon as they are told are one group again', async () => {
  const { groups, write } = countedWrites();
  await Promise.all(
    Array.from({ length: 64 }, async () => {
      for (let round = 0; round < 3; round += 1) await write();
    }),
  );
  expect(groups).toEqual([64, 64, 64]);
});

test('close waits until the last of a group is told', async () => {
  const { write, writes } = countedWrites();
  let told = 0;
  for (let index = 0; index < 50; index += 1) void write().then(() => (told += 1));
  await writes.close();
  expect(told).toBe(50);
  await expect(write()).rejects.toMatchObject({ code: 'CLOSED' });
});

const runRow = (id: string, record = '{}') => ({ id, skill: undefined, record });

test('records of runs are one write of their group, and each counts', async () => {
  const sent: (readonly Write[])[] = [];
  const writes = new GroupCommit({
    async commit(group) {
      sent.push(group);
      return group.map(({ operation }) => ({ ok: true, value: operation === 'recordRuns' ? [] : true }));
    },
    waitingMax: 4,
  });
  const recorded = ['1', '2', '3'].map((id) => writes.recordRun(runRow(id)));
  const removed = writes.write('remove', { name: 'a' });
  expect(writes.stats.writesWaiting).toBe(4);
  expect(() => writes.recordRun(runRow('4'))).toThrow('the line of writes is full (4 waiting)');
  await Promise.all([...recorded, removed]);
  expect(sent).toEqual([
    [
      { operation: 'remove', given: { name: 'a' } },
      { operation: 'recordRuns', given: ['1', '2', '3'].map((id) => runRow(id)) },
    ],
  ]);
  expect(writes.stats).toEqual({ commits: 1, writes: 4, writesWaiting: 0 });
});

test('a record that is refused harms no other, and all learn of a write that failed', async () => {
  const error = { name: 'Error', message: 'too large', details: {} };
  const outcomes: Outcome[] = [
    { ok: true, value: [{ at: 1, error }] },
    { ok: false, error },
  ];
  const writes = new GroupCommit({ commit: async () => [outcomes.shift() as Outcome], waitingMax: 10 });
  const recordThree = async () => {
    const recorded = ['1', '2', '3'].map((id) => writes.recordRun(runRow(id)));
    await writes.flush();
    return (await Promise.allSettled(recorded)).map(({ status }) => status);
  };
  expect(await recordThree()).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  expect(writes.stats.writes).toBe(2);
  expect(await recordThree()).toEqual(['rejected', 'rejected', 'rejected']);
  expect(writes.stats.writes).toBe(2);
});

test('large records go in several groups, each at least one', async () => {
  const groups: number[] = [];
  const writes = new GroupCommit({
    async commit(group) {
      groups.push(...group.map(({ given }) => (given as unknown[]).length));
      return [{ ok: true, value: [] }];
    },
    waitingMax: 10,
  });
  const sizes = [600_000, 600_000, 1_200_000, 300_000, 300_000];
  for (const [at, size] of sizes.entries()) void writes.recordRun(runRow(`${at}`, 'x'.repeat(size)));
  await writes.close();
  expect(groups).toEqual([1, 1, 1, 2]);
});
