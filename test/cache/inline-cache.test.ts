import { expect, test } from 'vitest';
import type { CompiledSkill } from '../../src/cache/compile.ts';
import { InlineCache } from '../../src/cache/inline-cache.ts';

function compiled(freeNames: string[] = [], bytes = 100): CompiledSkill {
  return {
    bytes,
    version: { analysis: { requires: [], capabilities: { flags: [], freeNames } } },
  } as unknown as CompiledSkill;
}

function cacheAt(state: { epoch: number }): InlineCache {
  return new InlineCache({ entriesMax: 2, bytesMax: 1_000, store: { epoch: () => state.epoch } });
}

test('code is compiled once for as long as it is kept', async () => {
  const cache = cacheAt({ epoch: 1 });
  const skill = compiled();
  expect(await cache.get('a', async () => skill)).toBe(skill);
  expect(await cache.get('a', () => Promise.reject(new Error('compiled again')))).toBe(skill);
  expect(cache.stats()).toMatchObject({ hits: 1, misses: 1, entries: 1 });
  expect(cache.clear()).toBe(1);
});

test('code that calls what the store may hold is compiled again when a pointer moved', async () => {
  const state = { epoch: 1 };
  const cache = cacheAt(state);
  const [first, second, alone] = [compiled(['average']), compiled(['average']), compiled()];
  await cache.get('leaning', async () => first);
  await cache.get('alone', async () => alone);
  state.epoch = 2;
  expect(await cache.get('leaning', async () => second)).toBe(second);
  expect(await cache.get('alone', async () => second)).toBe(alone);
});

test('a failure is not kept, nor is what is larger than the cache', async () => {
  const cache = cacheAt({ epoch: 1 });
  await expect(cache.get('a', () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  await cache.get('a', async () => compiled([], 5_000));
  expect(cache.stats().entries).toBe(0);
  expect(cache.stats().overflows).toBe(1);
});
