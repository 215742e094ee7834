import { expect, test } from 'vitest';
import { AbortedError, ClosedError, PoolExhaustedError } from '../../src/errors.ts';
import { FairPermits, type Permit } from '../../src/workers/fair-permits.ts';

const permits = (given: Partial<ConstructorParameters<typeof FairPermits>[0]> = {}) =>
  new FairPermits({ max: 1, waitingMax: 100, acquireTimeoutMs: 60_000, ...given });

const turn = (group: string, label: string, tenant = '') => ({ tenant, group, label });

/** Takes a permit as soon as it may, notes the group, and gives it back. */
function follow(line: FairPermits, groups: readonly string[]): { order: string[]; done: Promise<unknown> } {
  const order: string[] = [];
  const runs = groups.map(async (group) => {
    using _permit = await line.acquire(turn(group, group), undefined);
    order.push(group);
    await Promise.resolve();
  });
  return { order, done: Promise.all(runs) };
}

test('groups take turns: the flood of one delays another by one run', async () => {
  const line = permits();
  const first = await line.acquire(turn('a', 'a'), undefined);
  const { order, done } = follow(line, ['a', 'a', 'a', 'a', 'b', 'b', 'c']);
  expect(line.waiting).toBe(7);
  first[Symbol.dispose]();
  await done;
  expect(order).toEqual(['a', 'b', 'c', 'a', 'b', 'a', 'a']);
  expect([line.running, line.waiting]).toEqual([0, 0]);
});

test('tenants take turns, however many skills one has', async () => {
  const line = permits();
  const first = await line.acquire(turn('a', 'a', 'one'), undefined);
  const order: string[] = [];
  const runs = ['one/a', 'one/b', 'one/c', 'one/a', 'two/a', 'two/a'].map(async (name) => {
    const [tenant, group] = name.split('/') as [string, string];
    using _permit = await line.acquire(turn(group, name, tenant), undefined);
    order.push(name);
    await Promise.resolve();
  });
  first[Symbol.dispose]();
  await Promise.all(runs);
  expect(order).toEqual(['one/a', 'two/a', 'one/b', 'two/a', 'one/c', 'one/a']);
  expect([line.running, line.waiting]).toEqual([0, 0]);
});

test('who comes late does not overtake the line, and no permit is given twice', async () => {
  const line = permits({ max: 2 });
  const held = [await line.acquire(turn('a', 'a'), undefined), await line.acquire(turn('a', 'a'), undefined)];
  let late: Permit | undefined;
  const waiting = Promise.resolve(line.acquire(turn('b', 'b'), undefined)).then((permit) => (late = permit));
  held[0]?.[Symbol.dispose]();
  held[0]?.[Symbol.dispose]();
  await waiting;
  expect(late?.label).toBe('b');
  expect(line.running).toBe(2);
});

test('a wait that runs out says what the others are busy with, and for how long', async () => {
  const line = permits({ acquireTimeoutMs: 30, waitingMax: 1 });
  using _held = await line.acquire(turn('x', 'skill:slow@1'), undefined);
  const pending = Promise.resolve(line.acquire(turn('y', 'skill:y@1'), undefined));
  expect(() => line.acquire(turn('z', 'skill:z@1'), undefined)).toThrow(
    /line for runs is full \(1\/1 in use, 1 waiting/,
  );
  const error: unknown = await pending.catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(PoolExhaustedError);
  expect((error as Error).message).toMatch(
    /no run could start for \d+ ms .*busy with skill:slow@1 for \d+ ms/,
  );
  expect((error as PoolExhaustedError).details).toMatchObject({
    busy: [{ skill: 'skill:slow@1' }],
    inUse: 1,
  });
});

test('an abort leaves the line; a drain refuses it and waits for those under way', async () => {
  const line = permits();
  const held = await line.acquire(turn('a', 'a'), undefined);
  const controller = new AbortController();
  const aborted = Promise.resolve(line.acquire(turn('b', 'b'), controller.signal));
  const refused = Promise.resolve(line.acquire(turn('c', 'c'), undefined));
  controller.abort();
  await expect(aborted).rejects.toBeInstanceOf(AbortedError);
  const drained = line.drain(60_000);
  await expect(refused).rejects.toBeInstanceOf(ClosedError);
  expect(() => line.acquire(turn('d', 'd'), undefined)).toThrow(ClosedError);
  held[Symbol.dispose]();
  await drained;
  await line.drain(0);
});
