import { describe, expect, test } from 'vitest';
import { InlineCache } from '../../src/cache/inline-cache.ts';
import { KeyAliases, resultKey } from '../../src/cache/keys.ts';
import { PurityCheck } from '../../src/cache/purity-check.ts';
import { SkillCache } from '../../src/cache/skill-cache.ts';
import { CacheOverflowError } from '../../src/errors.ts';
import { compiledOf, versionOf } from './fixtures.ts';

function open(bytesMax = 250) {
  const clock = { nowMs: 0 };
  const store = {
    epoch: () => 1,
    load: async (name: string, version = 1) =>
      versionOf({ name, version, code: `export const result = '${name}';` }),
  };
  const compile = async (version: Parameters<typeof compiledOf>[0]) => compiledOf(version, 100);
  const cache = new SkillCache({ store, compile, entriesMax: 10, bytesMax, clock: () => clock.nowMs });
  return { cache, clock };
}

describe('pinned skills', () => {
  test('stay while others come and go, and until the last words that pinned them are unpinned', async () => {
    const { cache } = open();
    await cache.pin('a');
    await cache.pin('a', 1);
    await cache.pin('a');
    for (const name of ['b', 'c', 'd']) await cache.get(name);
    expect([cache.peek('a') !== undefined, cache.stats().pinned]).toEqual([true, 1]);
    expect([cache.unpin('a'), cache.stats().pinned, cache.unpin('a', 1), cache.stats().pinned]).toEqual([
      true,
      1,
      true,
      0,
    ]);
    expect(cache.unpin('never')).toBe(false);
  });

  test('are refused where they do not fit', async () => {
    const { cache } = open(150);
    await cache.pin('a');
    await expect(cache.pin('b')).rejects.toThrow(CacheOverflowError);
  });

  test('outlive clear, age and lowered bounds', async () => {
    const { cache, clock } = open();
    await cache.pin('a');
    await cache.get('b');
    clock.nowMs = 1_000;
    expect(cache.evictOlder(500)).toBe(1);
    await cache.get('b');
    expect(cache.clear()).toBe(1);
    await cache.get('b');
    cache.setShare(0.1);
    expect(cache.stats()).toMatchObject({
      entries: 1,
      pinned: 1,
      evictions: { expired: 1, cleared: 1, memory: 1 },
    });
  });
});

test('compiled inline code gives way by age and when bounds are lowered', async () => {
  const cache = new InlineCache({ store: { epoch: () => 1 }, entriesMax: 10, bytesMax: 1_000 });
  for (const key of ['a', 'b']) await cache.get(key, async () => compiledOf(versionOf(), 400));
  cache.setShare(0.5);
  expect(cache.stats()).toMatchObject({ entries: 1, bytesMax: 500 });
  expect(cache.evictOlder(Date.now() + 1)).toBe(1);
});

test('data in any order has one key, with aliases as without', () => {
  const aliases = new KeyAliases();
  const parts = { digest: 'd', sandboxVersion: '1' };
  const [ordered, unordered] = [
    { a: 1, b: [{ c: 1, d: 2 }] },
    { b: [{ d: 2, c: 1 }], a: 1 },
  ];
  const keys = [ordered, unordered, unordered].map((data) => resultKey({ ...parts, data }, aliases));
  expect(new Set([...keys, resultKey({ ...parts, data: unordered })]).size).toBe(1);
});

test('without a store a version is found impure all the same, even where its results cannot be dropped', async () => {
  const drop = () => Promise.reject(new Error('the store is in trouble'));
  const purity = new PurityCheck({ everyHits: 1, drop });
  const skill = compiledOf(versionOf());
  await purity.load(skill.version.digest);
  purity.check(skill, '1', async () => '2');
  await purity.settled();
  expect(purity.isImpure(skill.version.digest)).toBe(true);
});
