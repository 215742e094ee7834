/** The line of writes, with a commit that only counts. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, test } from 'vitest';
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
