/** What is taken of the inputs is counted exactly, whatever the lanes that wait for the same block of them. */
import { EventEmitter, once } from 'node:events';
import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { Item } from '../../src/batch/item.ts';
import { OrderedRuns } from '../../src/batch/ordered-runs.ts';
import { linesOf, numbers, openBench } from './fixtures.ts';

test.each([1, 3, 5])('of eight lanes that wait for inputs, together %i items are taken', async (itemsMax) => {
  await using bench = await openBench({ workers: { min: 0, concurrency: 8 } });
  const inputs = bench.write('in.ndjson', numbers(40));
  const options = { inputs, itemsMax, concurrency: 8 };
  const batch = await bench.start('double', { ...options, output: bench.path('out') });
  expect(await batch.finish()).toMatchObject({ done: itemsMax, endedBy: 'items-max', state: 'completed' });
  expect(linesOf(bench.read('out')).map(({ index }) => index)).toEqual([...Array(itemsMax).keys()]);
  expect(await bench.batches.compare('double', 'double', options)).toMatchObject({ items: itemsMax });
});

test('a window of two is one of two, whatever the lanes that wait for the same block', async () => {
  const items = Array.from({ length: 8 }, (_, index) => ({
    index,
    line: index + 1,
    end: index + 1,
    lines: 0,
  }));
  const word = new EventEmitter();
  let isThere = false;
  const source = {
    takeNow: () => (isThere ? items.shift() : undefined),
    fill: async () => void (await once(word, 'block')),
    get isOver() {
      return isThere && items.length === 0;
    },
    stop: () => void (items.length = 0),
  };
  word.setMaxListeners(0);
  let isHeld = true;
  const begun: number[] = [];
  const bounds = { concurrency: 8, windowMax: 2, windowBytesMax: 100, itemsMax: 100, position: 0 };
  const run = async ({ index }: Item): Promise<number> => {
    begun.push(index);
    if (isHeld) await once(word, 'go');
    return index;
  };
  const runs = new OrderedRuns({ source, run, sizeOf: () => 1, ...bounds });
  const first = runs.next();
  isThere = true;
  word.emit('block');
  await turn();
  expect(begun).toEqual([0, 1]);
  isHeld = false;
  word.emit('go');
  expect((await first)?.map(({ result }) => result)).toContain(0);
  runs.stop();
  await runs.ended();
});
