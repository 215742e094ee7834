import fc from 'fast-check';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { AnswerBursts } from '../../src/http/answer-bursts.ts';
import { DOUBLE, startTestService } from './service.ts';

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'setImmediate', 'performance'] }));
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

/** Lets answers come and tells which have left, by their numbers. */
class Answers {
  readonly left: number[] = [];
  readonly #bursts: AnswerBursts;
  #count = 0;
  constructor(bursts: AnswerBursts) {
    this.#bursts = bursts;
  }
  async come(count: number): Promise<void> {
    for (let at = 0; at < count; at += 1) {
      const n = this.#count;
      this.#count += 1;
      const wait = this.#bursts.next();
      if (wait) void wait.then(() => this.left.push(n));
      else this.left.push(n);
    }
    for (let tick = 0; tick < 4; tick += 1) await Promise.resolve();
  }
  get waiting(): number {
    return this.#count - this.left.length;
  }
}

const upTo = (count: number) => Array.from({ length: count }, (_, n) => n);

test('of many that come together the first go at once, the others at the end of the turn', async () => {
  const answers = new Answers(new AnswerBursts(4));
  await answers.come(8);
  expect(answers.left).toEqual([0, 1, 2]);
  await vi.advanceTimersByTimeAsync(0);
  expect(answers.left).toEqual(upTo(8));
  await answers.come(3);
  expect(answers.waiting).toBe(3);
  await vi.advanceTimersByTimeAsync(0);
  expect(answers.left).toEqual(upTo(11));
});

test('sixteen leave without waiting for the end of the turn', async () => {
  const answers = new Answers(new AnswerBursts(4));
  await answers.come(3 + 15);
  expect(answers.left).toEqual([0, 1, 2]);
  await answers.come(1);
  expect(answers.left).toEqual(upTo(19));
});

test('those that come one at a time never wait, nor any where each leaves by itself', async () => {
  const answers = new Answers(new AnswerBursts(4));
  for (let at = 0; at < 20; at += 1) {
    await answers.come(1);
    expect(answers.waiting).toBe(0);
    vi.advanceTimersByTime(1);
  }
  const single = new Answers(new AnswerBursts(1));
  await single.come(50);
  expect(single.waiting).toBe(0);
});

test('a burst is over after four turns with few, and for a thousand answers none waits', async () => {
  const answers = new Answers(new AnswerBursts(4));
  await answers.come(4);
  for (let at = 0; at < 4; at += 1) {
    await vi.advanceTimersByTimeAsync(0);
    await answers.come(2);
    expect(answers.waiting).toBe(at < 3 ? 2 : 0);
  }
  await answers.come(1_000 - 2);
  expect(answers.waiting).toBe(0);
  await answers.come(10);
  expect(answers.waiting).toBeGreaterThan(0);
});

test('a burst is over when none has come for two milliseconds', async () => {
  const answers = new Answers(new AnswerBursts(4));
  await answers.come(8);
  await vi.advanceTimersByTimeAsync(3);
  await answers.come(3);
  expect(answers.waiting).toBe(0);
});

test('the small turns of a burst that is over are not counted for the next', async () => {
  const answers = new Answers(new AnswerBursts(4));
  await answers.come(4);
  for (let at = 0; at < 2; at += 1) {
    await vi.advanceTimersByTimeAsync(0);
    await answers.come(1);
  }
  await vi.advanceTimersByTimeAsync(3);
  await answers.come(4);
  await vi.advanceTimersByTimeAsync(0);
  await answers.come(1);
  expect(answers.waiting).toBe(1);
});

test('whatever comes when: all leave in their turn, in the order in which they came', async () => {
  const turns = fc.array(fc.record({ count: fc.nat(40), gapMs: fc.constantFrom(0, 1) }), { maxLength: 20 });
  await fc.assert(
    fc.asyncProperty(turns, fc.integer({ min: 1, max: 6 }), async (all, together) => {
      const answers = new Answers(new AnswerBursts(together));
      let came = 0;
      for (const { count, gapMs } of all) {
        await answers.come(count);
        came += count;
        expect(answers.waiting).toBeLessThan(4 * together);
        await vi.advanceTimersByTimeAsync(gapMs);
        expect(answers.left).toEqual(upTo(came));
      }
      expect(vi.getTimerCount()).toBe(0);
    }),
  );
});

test('over HTTP each caller gets its own answer', async () => {
  vi.useRealTimers();
  // Of its clock, all answers come together.
  const still = new AnswerBursts(4, () => 0);
  const { next } = AnswerBursts.prototype;
  const spy = vi.spyOn(AnswerBursts.prototype, 'next').mockImplementation(() => next.call(still));
  await using service = await startTestService();
  await service.ask('PUT', '/v1/skills/double', DOUBLE);
  const ask = (n: number) => service.ask('POST', '/v1/skills/double/run', { inputs: { n } });
  await Promise.all(upTo(32).map(ask));
  const told = await Promise.all(upTo(32).map(ask));
  expect(told.map(({ status, body }) => [status, body['cached'], body['output']])).toEqual(
    upTo(32).map((n) => [200, true, 2 * n]),
  );
  expect(spy.mock.results.some(({ value }) => value instanceof Promise)).toBe(true);
});
