import { expect, test } from 'vitest';
import { RunSignals } from '../../src/library/run-signals.ts';

test('a run hears of its caller, and of the end of the library, with the reason of each', () => {
  const closing = new AbortController();
  const signals = new RunSignals(closing.signal);
  const [left, waits] = [new AbortController(), new AbortController()];
  const [one, other] = [signals.lend(left.signal), signals.lend(waits.signal)];
  const heard: string[] = [];
  one.addEventListener('abort', () => heard.push('one'));
  other.addEventListener('abort', () => heard.push('other'));
  left.abort(new Error('left'));
  expect([one.aborted, other.aborted]).toEqual([true, false]);
  expect(() => one.throwIfAborted()).toThrow('left');
  closing.abort(new Error('closed'));
  expect(() => other.throwIfAborted()).toThrow('closed');
  expect(() => one.throwIfAborted()).toThrow('left');
  expect(heard).toEqual(['one', 'other']);
});

test('a signal that is lent again does not hear its former caller', () => {
  const signals = new RunSignals(new AbortController().signal);
  const [former, next] = [new AbortController(), new AbortController()];
  const lent = signals.lend(former.signal);
  signals.giveBack(lent);
  expect(signals.lend(next.signal)).toBe(lent);
  former.abort();
  expect(lent.aborted).toBe(false);
  next.abort();
  expect(lent.aborted).toBe(true);
});

test('a signal that has fired is not lent again, and one given back twice is lent once', () => {
  const signals = new RunSignals(new AbortController().signal);
  const fired = signals.lend(AbortSignal.abort());
  expect(fired.aborted).toBe(true);
  signals.giveBack(fired);
  const caller = new AbortController().signal;
  const lent = signals.lend(caller);
  expect(lent).not.toBe(fired);
  signals.giveBack(lent);
  signals.giveBack(lent);
  expect(signals.lend(caller)).not.toBe(signals.lend(caller));
});

test('after the end of the library every signal has fired', () => {
  const signals = new RunSignals(AbortSignal.abort(new Error('closed')));
  const lent = signals.lend(new AbortController().signal);
  expect(lent.aborted).toBe(true);
  expect(() => lent.throwIfAborted()).toThrow('closed');
});
