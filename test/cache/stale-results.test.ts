import { expect, test } from 'vitest';
import { ResultCache } from '../../src/cache/result-cache.ts';
import type { StoredResult } from '../../src/store/store.ts';
import { deferred } from './fixtures.ts';

const digest = 'd'.repeat(64);

function open() {
  const clock = { nowMs: 1_000 };
  const stored = new Map<string, StoredResult>();
  const store = {
    getResult: async (key: string) => stored.get(key),
    putResult: async (result: StoredResult) => void stored.set(result.key, result),
  };
  const build = () =>
    new ResultCache({
      entriesMax: 10,
      bytesMax: 10_000,
      ttlMs: 100,
      staleMs: 50,
      clock: () => clock.nowMs,
      store,
    });
  return { clock, cache: build(), build };
}

test('past its age an answer is served while one run renews it', async () => {
  const { cache, clock } = open();
  const gate = deferred<string>();
  let runs = 0;
  await cache.getOrRun('k', async () => 'old', { digest });
  clock.nowMs += 120;
  const renew = (): Promise<string> => {
    runs += 1;
    return gate.promise;
  };
  for (let call = 0; call < 3; call += 1) {
    const stale = await cache.getOrRun('k', renew, { digest });
    expect(stale).toEqual({ text: 'old', cached: 'memory', why: 'stale' });
  }
  expect(runs).toBe(1);
  gate.resolve('new');
  await cache.flush();
  expect(cache.getNow('k')).toEqual({ text: 'new', cached: 'memory', why: 'hit' });
  expect(cache.stats()).toMatchObject({ stale: 3, hits: 4, misses: 1, renewalFailures: 0 });
});

test('a renewal that fails leaves the old answer for what is left of its time', async () => {
  const { cache, clock } = open();
  await cache.getOrRun('k', async () => 'old', { digest });
  clock.nowMs += 120;
  await cache.getOrRun('k', () => Promise.reject(new Error('boom')), { digest });
  await cache.flush();
  expect(cache.stats()).toMatchObject({ stale: 1, renewalFailures: 1 });
  expect(await cache.getOrRun('k', async () => 'new', { digest })).toMatchObject({
    text: 'old',
    why: 'stale',
  });
  await cache.flush();
  clock.nowMs += 200;
  expect(await cache.getOrRun('k', async () => 'newer', { digest })).toEqual({
    text: 'newer',
    cached: false,
    why: 'expired',
  });
});

test('a stored answer past its age is served so too, by the next process', async () => {
  const { cache, build, clock } = open();
  await cache.getOrRun('k', async () => 'old', { digest });
  await cache.flush();
  const next = build();
  clock.nowMs += 120;
  const renewed = deferred<void>();
  const run = async (): Promise<string> => {
    renewed.resolve();
    return 'new';
  };
  expect(await next.getOrRun('k', run, { digest })).toEqual({ text: 'old', cached: 'store', why: 'stale' });
  await renewed.promise;
  await next.flush();
  expect(next.peek('k')).toBe('new');
});
