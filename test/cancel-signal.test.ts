import { setTimeout as pause } from 'node:timers/promises';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CancelSignal } from '../src/cancel-signal.ts';

test('who listens is told once, in order, and who left is not', () => {
  const signal = new CancelSignal();
  const heard: string[] = [];
  const left = (): void => void heard.push('left');
  signal.addEventListener('abort', () => heard.push('first'), { once: true });
  signal.addEventListener('abort', left);
  signal.addEventListener('abort', () => heard.push('second'));
  signal.removeEventListener('abort', left);
  signal.abort(new Error('enough'));
  signal.abort(new Error('again'));
  expect(heard).toEqual(['first', 'second']);
  expect(signal.aborted).toBe(true);
  expect(() => signal.throwIfAborted()).toThrow('enough');
});

test('who is taken away while it fires is not told, nor who comes then', () => {
  const signal = new CancelSignal();
  const heard: string[] = [];
  const taken = (): void => void heard.push('taken');
  signal.addEventListener('abort', () => {
    heard.push('first');
    signal.removeEventListener('abort', taken);
    signal.addEventListener('abort', () => heard.push('late'));
  });
  signal.addEventListener('abort', taken);
  signal.abort(new Error('enough'));
  expect(heard).toEqual(['first']);
});

test('it is an event target in all else', () => {
  const signal = new CancelSignal();
  const heard: string[] = [];
  const stop = new AbortController();
  signal.addEventListener('abort', (event) => heard.push(event.type));
  signal.addEventListener('abort', { handleEvent: () => heard.push('object') });
  signal.addEventListener('other', () => heard.push('other'));
  signal.addEventListener('abort', () => heard.push('stopped'), { signal: stop.signal });
  stop.abort();
  signal.dispatchEvent(new Event('other'));
  signal.abort(undefined);
  expect(heard).toEqual(['other', 'abort', 'object']);
});

test('what waits by a signal of Node’s waits by it', async () => {
  const signal = new CancelSignal();
  const waiting = pause(60_000, undefined, { signal });
  signal.abort(new Error('enough'));
  await expect(waiting).rejects.toMatchObject({ name: 'AbortError', cause: signal.reason });
});

test('it tells the same as a signal of Node’s, whoever comes and goes', () => {
  const step = fc.record({ listener: fc.nat(4), comes: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      const told = [new CancelSignal(), new AbortController()].map((one) => {
        const signal = one instanceof CancelSignal ? one : one.signal;
        const heard: number[] = [];
        const listeners = Array.from({ length: 5 }, (_, n) => (): void => void heard.push(n));
        for (const { listener, comes } of steps) {
          const each = listeners[listener] as () => void;
          if (comes) signal.addEventListener('abort', each);
          else signal.removeEventListener('abort', each);
        }
        one.abort(new Error('enough'));
        return heard;
      });
      expect(told[0]).toEqual(told[1]);
    }),
  );
});
