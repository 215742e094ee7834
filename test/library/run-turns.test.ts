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
