import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { RunTurns } from '../../src/library/run-turns.ts';

/** Begins `count` runs that take `ms` each; which of them began by each turn of the loop. */
async function begin(count: number, ms: number): Promise<number[][]> {
  let nowMs = 0;
  const turns = new RunTurns(() => nowMs);
  const begun: number[] = [];
  const run = async (n: number): Promise<void> => {
    const wait = turns.next();
    if (wait) await wait;
    begun.push(n);
    nowMs += ms;
  };
  const all = Array.from({ length: count }, (_, n) => run(n));
  const seen = [[...begun]];
  while (begun.length < count) {
    await turn();
    seen.push([...begun]);
  }
  await Promise.all(all);
  return seen;
}

test('runs that take little are begun at once', async () => {
  expect(await begin(25, 0.1)).toHaveLength(1);
});

test('of many that take long a few begin each turn, in their order', async () => {
  const seen = await begin(10, 1.2);
  expect(seen[0]).toEqual([0, 1, 2]);
  expect(seen.at(-1)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  expect(seen.length).toBeGreaterThan(3);
});

test('one that takes longer than a turn holds up the next, not all', async () => {
  expect((await begin(3, 100)).map(({ length }) => length)).toEqual([1, 2, 3]);
});

/** A run in line while a newcomer is met at each turn, each of which takes `turnMs`; the turns until it begins. */
async function turnsUntilBegun(turnMs: number, newcomers: number): Promise<number> {
  let nowMs = 0;
  const turns = new RunTurns(() => nowMs);
  nowMs = 100;
  const begun: true[] = [];
  const all = Promise.resolve(turns.next()).then(() => begun.push(true));
  let count = 0;
  while (begun.length === 0) {
    if (count < newcomers) turns.newcomer();
    nowMs += turnMs;
    count += 1;
    await turn();
  }
  await all;
  return count;
}

test('who waits for a turn lets newcomers in first', async () => {
  expect(await turnsUntilBegun(1, 0)).toBe(1);
  expect(await turnsUntilBegun(1, 20)).toBe(21);
});

test('and for 50 ms only', async () => {
  expect(await turnsUntilBegun(1, Infinity)).toBe(50);
  expect(await turnsUntilBegun(60, Infinity)).toBe(1);
});

test('those that waited too long begin a few each turn, newcomers or not', async () => {
  let nowMs = 0;
  const turns = new RunTurns(() => nowMs);
  nowMs = 100;
  const begun: number[] = [];
  const all = Array.from({ length: 12 }, async (_, n) => {
    await turns.next();
    begun.push(n);
    nowMs += 1;
  });
  const seen: number[] = [];
  nowMs += 60;
  while (begun.length < 12) {
    turns.newcomer();
    await turn();
    seen.push(begun.length);
  }
  await Promise.all(all);
  expect(seen).toEqual([3, 6, 9, 12]);
});
