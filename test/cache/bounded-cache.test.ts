import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BoundedCache, type CachePolicy, type EvictReason } from '../../src/cache/bounded-cache.ts';

const numRuns = Number(process.env['SKILLCACHE_PROPERTY_RUNS'] ?? 200);
const POLICIES: readonly CachePolicy[] = ['lru', 's3-fifo'];

interface Item {
  readonly bytes: number;
  readonly id: number;
}

const key = fc.integer({ min: 0, max: 12 }).map((number) => `k${number}`);
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant('set'), key, bytes: fc.integer({ min: 1, max: 30 }) }),
  },
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constantFrom('get', 'peek', 'delete', 'pin', 'unpin'), key }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('share'), share: fc.constantFrom(0.2, 0.5, 1) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('clear') }) },
);

describe.each(POLICIES)('%s', (policy) => {
  test('is never over a bound, counts all that leaves, and gives what was last set', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
        const left: string[] = [];
        const pinned = new Set<string>();
        const held = new Map<string, Item>();
        const cache = new BoundedCache<Item>({ entriesMax: 5, bytesMax: 60, policy }, (gone, value) => {
          expect(held.get(gone)).toBe(value);
          held.delete(gone);
          left.push(gone);
        });
        for (const [id, one] of steps.entries()) {
          const at = 'key' in one ? one.key : '';
          if (one.kind === 'set' && 'bytes' in one) {
            const item = { bytes: one.bytes, id };
            const wasPinned = pinned.has(at);
            if (cache.set(at, item)) held.set(at, item);
            else if (wasPinned) pinned.delete(at);
          }
          if (one.kind === 'get') expect(cache.get(at)).toBe(held.get(at));
          if (one.kind === 'peek') expect(cache.peek(at)).toBe(held.get(at));
          if (one.kind === 'delete' && cache.delete(at, 'dropped')) pinned.delete(at);
          if (one.kind === 'pin' && cache.pin(at)) pinned.add(at);
          if (one.kind === 'unpin') expect(cache.unpin(at)).toBe(pinned.delete(at));
          if (one.kind === 'share' && 'share' in one) cache.setShare(one.share);
          if (one.kind === 'clear') cache.clear();
          const bytes = [...held.values()].reduce((sum, item) => sum + item.bytes, 0);
          expect([cache.entries, cache.bytes, cache.pinned]).toEqual([held.size, bytes, pinned.size]);
          for (const name of pinned) expect(held.has(name)).toBe(true);
          // Only what is pinned may be over bounds that were lowered under it.
          if (pinned.size === 0) {
            expect(cache.entries).toBeLessThanOrEqual(cache.bounds.entriesMax);
            expect(cache.bytes).toBeLessThanOrEqual(cache.bounds.bytesMax);
          }
        }
        const counted = Object.values(cache.evictions).reduce((sum, count) => sum + count, 0);
        expect(counted).toBe(left.length);
      }),
      { numRuns },
    );
  });

  test('refuses an entry that is larger than the cache, or than what pinned ones leave of it', () => {
    const cache = new BoundedCache<Item>({ entriesMax: 3, bytesMax: 100, policy });
    expect(cache.set('large', { bytes: 101, id: 0 })).toBe(false);
    cache.set('a', { bytes: 60, id: 1 });
    expect(cache.pin('a')).toBe(true);
    expect(cache.set('b', { bytes: 50, id: 2 })).toBe(false);
    expect(cache.set('c', { bytes: 40, id: 3 })).toBe(true);
    expect(cache.overflows).toBe(2);
    expect(cache.unpin('a')).toBe(true);
    expect(cache.set('b', { bytes: 50, id: 2 })).toBe(true);
    expect(cache.peek('b')).toMatchObject({ id: 2 });
  });

  test('an entry that is too large for bounds lowered while it was pinned leaves when it is unpinned', () => {
    const cache = new BoundedCache<Item>({ entriesMax: 5, bytesMax: 60, policy });
    cache.set('a', { bytes: 13, id: 1 });
    cache.pin('a');
    cache.setShare(0.2);
    expect(cache.bytes).toBe(13);
    expect(cache.unpin('a')).toBe(true);
    expect([cache.bytes, cache.bounds.bytesMax, cache.evictions]).toEqual([0, 12, { memory: 1 }]);
  });

  test('names the bound that pushed an entry out', () => {
    const reasons: EvictReason[] = [];
    const cache = new BoundedCache<Item>({ entriesMax: 2, bytesMax: 100, policy }, (_key, _value, reason) =>
      reasons.push(reason),
    );
    for (const [id, name] of ['a', 'b', 'c'].entries()) cache.set(name, { bytes: 10, id });
    cache.set('d', { bytes: 95, id: 4 });
    cache.setShare(0.5);
    expect(reasons).toEqual(['entries', 'entries', 'bytes', 'memory']);
    expect(cache.entries).toBe(0);
    cache.setShare(1);
    expect(cache.set('e', { bytes: 95, id: 5 })).toBe(true);
  });
});

test('a scan pushes what is used again out of an LRU cache, and not out of an S3-FIFO one', () => {
  const survivors = POLICIES.map((policy) => {
    const cache = new BoundedCache<Item>({ entriesMax: 100, bytesMax: 1e6, policy });
    const use = (name: string): void => {
      if (!cache.get(name)) cache.set(name, { bytes: 1, id: 0 });
    };
    for (let round = 0; round < 3; round += 1) for (let hot = 0; hot < 50; hot += 1) use(`hot ${hot}`);
    for (let cold = 0; cold < 1_000; cold += 1) use(`cold ${cold}`);
    return Array.from({ length: 50 }, (_, hot) => cache.peek(`hot ${hot}`)).filter(Boolean).length;
  });
  expect(survivors).toEqual([0, 50]);
});

test('a key that comes back soon after it left the small queue stays through the next scan', () => {
  const cache = new BoundedCache<Item>({ entriesMax: 20, bytesMax: 1e6, policy: 's3-fifo' });
  const put = (name: string): boolean => cache.set(name, { bytes: 1, id: 0 });
  put('again');
  for (let cold = 0; cold < 20; cold += 1) put(`first ${cold}`);
  expect(cache.peek('again')).toBeUndefined();
  put('again');
  for (let cold = 0; cold < 200; cold += 1) put(`second ${cold}`);
  expect(cache.peek('again')).toBeDefined();
});

test('looking and listing refresh nothing', () => {
  const cache = new BoundedCache<Item>({ entriesMax: 2, bytesMax: 100 });
  cache.set('a', { bytes: 1, id: 1 });
  cache.set('b', { bytes: 1, id: 2 });
  cache.peek('a');
  expect(cache.deleteWhere(() => false, 'dropped')).toBe(0);
  cache.set('c', { bytes: 1, id: 3 });
  expect(cache.peek('a')).toBeUndefined();
});
