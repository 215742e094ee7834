import fc from 'fast-check';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { AnswerGroups } from '../../src/http/answer-groups.ts';
import { startTestService } from './service.ts';

const MANY = 64;

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }));
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

/** Answers that come `gapMs` apart, each of `running` runs; in which order they left, told by their numbers. */
function answers(groups: AnswerGroups): { come(n: number, running?: number): void; readonly left: number[] } {
  const left: number[] = [];
  const come = (n: number, running = MANY): void => {
    const wait = groups.next(running);
    if (wait) void wait.then(() => left.push(n));
    else left.push(n);
  };
  return { come, left };
}

test('the first goes at once, those that follow it leave together', async () => {
  const { come, left } = answers(new AnswerGroups(3));
  for (const n of [0, 1, 2]) come(n);
  await vi.advanceTimersByTimeAsync(0);
  expect(left).toEqual([0]);
  come(3);
  await vi.advanceTimersByTimeAsync(0);
  expect(left).toEqual([0, 1, 2, 3]);
  expect(vi.getTimerCount()).toBe(0);
});

test('one that no other follows waits a millisecond', async () => {
  const { come, left } = answers(new AnswerGroups(3));
  for (const n of [0, 1]) come(n);
  await vi.advanceTimersByTimeAsync(0);
  expect(left).toEqual([0]);
  await vi.advanceTimersByTimeAsync(1);
  expect(left).toEqual([0, 1]);
});

test('where answers come one at a time, or few runs are under way, or a group is one, none waits', async () => {
  const apart = answers(new AnswerGroups(4));
  for (const n of [0, 1, 2]) {
    apart.come(n);
    await vi.advanceTimersByTimeAsync(2);
  }
  const few = answers(new AnswerGroups(4));
  for (const n of [0, 1, 2]) few.come(n, 15);
  const single = answers(new AnswerGroups(1));
  for (const n of [0, 1, 2]) single.come(n);
  for (const { left } of [apart, few, single]) expect(left).toEqual([0, 1, 2]);
});

test('whatever comes when: all leave, a millisecond late at most, and fewer wait than a group has', async () => {
  const coming = fc.array(
    fc.record({ gapMs: fc.integer({ min: 0, max: 3 }), running: fc.integer({ min: 0, max: 80 }) }),
  );
  let held = 0;
  await fc.assert(
    fc.asyncProperty(coming, fc.integer({ min: 1, max: 10 }), async (all, size) => {
      const groups = new AnswerGroups(size);
      const waiting = new Set<number>();
      const late: number[] = [];
      for (const [n, { gapMs, running }] of all.entries()) {
        await vi.advanceTimersByTimeAsync(gapMs);
        const cameMs = performance.now();
        const wait = groups.next(running);
        if (!wait) continue;
        waiting.add(n);
        held += 1;
        void wait.then(() => waiting.delete(n) && late.push(performance.now() - cameMs));
        await vi.advanceTimersByTimeAsync(0);
        expect(waiting.size).toBeLessThan(size);
      }
      await vi.advanceTimersByTimeAsync(1);
      expect(waiting.size).toBe(0);
      expect(late.filter((ms) => ms > 1)).toEqual([]);
      expect(vi.getTimerCount()).toBe(0);
    }),
  );
  expect(held).toBeGreaterThan(0);
});

test('over HTTP each caller gets its own answer', async () => {
  vi.useRealTimers();
  // Of its clock, all answers but the first come at once.
  const still = new AnswerGroups(2, () => 0);
  const { next } = AnswerGroups.prototype;
  const spy = vi.spyOn(AnswerGroups.prototype, 'next').mockImplementation(() => next.call(still, MANY));
  await using service = await startTestService();
  const code = 'export default ({ n }) => n + 1;';
  const asked = Array.from({ length: MANY }, (_, n) =>
    service.ask('POST', '/v1/run', { code, inputs: { n }, cache: 'bypass' }),
  );
  const told = await Promise.all(asked);
  expect(told.map(({ status }) => status)).toEqual(told.map(() => 200));
  expect(told.map(({ body }) => body['output'])).toEqual(told.map((_, n) => n + 1));
  expect(spy.mock.results.some(({ value }) => value instanceof Promise)).toBe(true);
});
