import * as fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import type { CompiledSkill } from '../../src/cache/compile.ts';
import { SkillCache } from '../../src/cache/skill-cache.ts';
import type { SkillCacheObserver } from '../../src/cache/skill-cache.ts';
import { AbortedError, CacheOverflowError, RequirementError, SkillNotFoundError } from '../../src/errors.ts';
import type { SkillVersion } from '../../src/store/store.ts';
import { compiledOf, deferred, versionOf } from './fixtures.ts';

const numRuns = Number(process.env['SKILLCACHE_PROPERTY_RUNS'] ?? 200);

/** A store of pointers in memory, whose loads can be held back. */
class Shelf {
  readonly versions = new Map<string, SkillVersion[]>();
  epochNow = 1;
  loads = 0;
  gate: Promise<unknown> | undefined;
  isAsync = false;

  put(version: SkillVersion): SkillVersion {
    const key = version.name.toLowerCase();
    const before = this.versions.get(key) ?? [];
    this.versions.set(key, [...before.filter((one) => one.version !== version.version), version]);
    this.epochNow += 1;
    return version;
  }

  epoch(): number | Promise<number> {
    return this.isAsync ? Promise.resolve(this.epochNow) : this.epochNow;
  }

  async load(name: string, version?: number): Promise<SkillVersion | undefined> {
    this.loads += 1;
    const all = this.versions.get(name.toLowerCase());
    const found = version === undefined ? all?.at(-1) : all?.find((one) => one.version === version);
    await this.gate;
    return found;
  }
}

interface Setting {
  shelf?: Shelf;
  entriesMax?: number;
  bytesMax?: number;
  observer?: SkillCacheObserver;
  compile?: (version: SkillVersion) => Promise<CompiledSkill>;
}

function open(setting: Setting = {}) {
  const shelf = setting.shelf ?? new Shelf();
  const compile = vi.fn<(version: SkillVersion) => Promise<CompiledSkill>>(
    setting.compile ?? (async (version: SkillVersion) => compiledOf(version)),
  );
  let nowMs = 0;
  const cache = new SkillCache({
    store: shelf,
    compile,
    entriesMax: setting.entriesMax ?? 10,
    bytesMax: setting.bytesMax ?? 10_000,
    clock: () => (nowMs += 5),
    ...(setting.observer && { observer: setting.observer }),
  });
  return { shelf, cache, compile };
}

describe('get', () => {
  test('compiles a version once and then answers from memory, at once', async () => {
    const { shelf, cache, compile } = open();
    const version = shelf.put(versionOf());
    expect(cache.getNow('double')).toBeUndefined();
    const first = await cache.get('double');
    expect(first.version).toBe(version);
    expect(await cache.get('DOUBLE')).toBe(first);
    expect(cache.getNow('Double')).toBe(first);
    expect(compile).toHaveBeenCalledTimes(1);
    expect(shelf.loads).toBe(1);
    expect(cache.stats()).toMatchObject({
      entries: 1,
      bytes: 100,
      hits: 2,
      misses: 1,
      loads: 1,
      hitRate: 2 / 3,
    });
  });

  test('gives the version asked for, and the current one by the name alone', async () => {
    const { shelf, cache } = open();
    const one = shelf.put(versionOf({ code: '1' }));
    const two = shelf.put(versionOf({ code: '2', version: 2 }));
    expect((await cache.get('double', 1)).version).toBe(one);
    expect((await cache.get('double')).version).toBe(two);
    expect((await cache.get('double', 2)).version).toBe(two);
    expect(cache.stats()).toMatchObject({ loads: 2, hits: 1, revalidations: 1 });
  });

  test.each([
    ['nothing', undefined, 'no skill nothing'],
    ['double', 7, 'no version double@7'],
  ])(
    'rejects with SkillNotFoundError for %s @ %s, and does not remember it',
    async (name, version, message) => {
      const { shelf, cache } = open();
      shelf.put(versionOf());
      const failure = await cache.get(name, version).catch((error: unknown) => error);
      expect(failure).toBeInstanceOf(SkillNotFoundError);
      expect(failure).toMatchObject({ message, details: { name } });
      shelf.put(versionOf({ name, version: version ?? 1 }));
      expect((await cache.get(name, version)).version.name).toBe(name);
      expect(cache.stats()).toMatchObject({ misses: 2, loadFailures: 0 });
    },
  );

  test('sees a moved pointer at the next call, and keeps what it had compiled', async () => {
    const { shelf, cache, compile } = open();
    shelf.put(versionOf({ code: '1' }));
    const first = await cache.get('double');
    const two = shelf.put(versionOf({ code: '2', version: 2 }));
    expect(cache.getNow('double')).toBeUndefined();
    expect((await cache.get('double')).version).toBe(two);
    shelf.put(first.version); // The pointer goes back.
    expect(await cache.get('double')).toBe(first);
    expect(compile).toHaveBeenCalledTimes(2);
  });

  test('asks an asynchronous store for its epoch before each use', async () => {
    const { shelf, cache } = open();
    shelf.isAsync = true;
    shelf.put(versionOf());
    const first = await cache.get('double');
    expect(await cache.get('double')).toBe(first);
    expect(cache.getNow('double')).toBeUndefined();
    expect(cache.stats()).toMatchObject({ hits: 1, misses: 1 });
  });

  test('a skill removed and added again is compiled again where its version number differs', async () => {
    const { shelf, cache, compile } = open();
    shelf.put(versionOf({ version: 3 }));
    await cache.get('double');
    shelf.versions.clear();
    shelf.put(versionOf({ version: 1 }));
    expect((await cache.get('double')).version.version).toBe(1);
    expect(compile).toHaveBeenCalledTimes(2);
  });

  test('a load that began before the pointer moved does not answer those who came after', async () => {
    const { shelf, cache } = open();
    const one = shelf.put(versionOf({ code: '1' }));
    const gate = deferred<void>();
    shelf.gate = gate.promise;
    const before = cache.get('double');
    await Promise.resolve();
    const two = shelf.put(versionOf({ code: '2', version: 2 }));
    shelf.gate = undefined;
    const after = await cache.get('double');
    gate.resolve();
    expect((await before).version).toBe(one);
    expect(after.version).toBe(two);
    expect((await cache.get('double')).version).toBe(two);
  });
});

describe('single flight', () => {
  test('concurrent misses share one load and one compilation', async () => {
    const { shelf, cache, compile } = open();
    shelf.put(versionOf());
    const skills = await Promise.all(Array.from({ length: 20 }, () => cache.get('double')));
    expect(new Set(skills).size).toBe(1);
    expect(shelf.loads).toBe(1);
    expect(compile).toHaveBeenCalledTimes(1);
    expect(cache.stats()).toMatchObject({ hits: 0, misses: 20, shared: 19 });
  });

  test('a failed load is told to all who wait, and tried again by the next', async () => {
    const failed: unknown[] = [];
    let isBroken = true;
    const { shelf, cache } = open({
      observer: { loadFailed: ({ error }) => failed.push(error) },
      compile: async (version) => {
        if (isBroken) throw new RequirementError('x@1 is not stored');
        return compiledOf(version);
      },
    });
    shelf.put(versionOf());
    const both = await Promise.allSettled([cache.get('double'), cache.get('double')]);
    expect(both.map((one) => one.status)).toEqual(['rejected', 'rejected']);
    expect(failed).toHaveLength(1);
    isBroken = false;
    expect((await cache.get('double')).version.name).toBe('double');
    expect(cache.stats()).toMatchObject({ loadFailures: 1, loads: 1, misses: 3 });
  });

  test('a store that fails counts as a miss', async () => {
    const { shelf, cache } = open();
    shelf.gate = Promise.reject(new Error('disk'));
    await expect(cache.get('double')).rejects.toThrow('disk');
    expect(cache.stats()).toMatchObject({ misses: 1, loadFailures: 1 });
  });

  test('a caller that aborts leaves the others waiting', async () => {
    const { shelf, cache } = open();
    shelf.put(versionOf());
    const gate = deferred<void>();
    shelf.gate = gate.promise;
    const controller = new AbortController();
    const leaving = cache.get('double', undefined, { signal: controller.signal });
    const staying = cache.get('double', undefined, { signal: new AbortController().signal });
    await Promise.resolve();
    controller.abort();
    await expect(leaving).rejects.toThrow(AbortedError);
    gate.resolve();
    expect((await staying).version.name).toBe('double');
  });

  test('a caller whose signal has fired already asks for nothing', async () => {
    const { shelf, cache } = open();
    shelf.put(versionOf());
    await expect(cache.get('double', undefined, { signal: AbortSignal.abort() })).rejects.toThrow(
      AbortedError,
    );
    expect(shelf.loads).toBe(0);
  });

  test('a signal that fires while the epoch is read is seen', async () => {
    const { shelf, cache } = open();
    shelf.put(versionOf());
    const controller = new AbortController();
    const leaving = cache.get('double', undefined, { signal: controller.signal });
    controller.abort();
    await expect(leaving).rejects.toThrow(AbortedError);
  });
});

describe('bounds', () => {
  const names = ['a', 'b', 'c', 'd'];

  test('the least recently used leaves at the bound on entries; a peek is no use', async () => {
    const gone: string[] = [];
    const { shelf, cache } = open({
      entriesMax: 2,
      observer: { evicted: ({ digest, reason }) => gone.push(`${digest} ${reason}`) },
    });
    const [a, b] = names.map((name) => shelf.put(versionOf({ name }))) as [SkillVersion, SkillVersion];
    await cache.get('a');
    await cache.get('b');
    await cache.get('a');
    expect(cache.peek('b')?.version).toBe(b);
    await cache.get('c');
    expect(gone).toEqual([`${b.digest} entries`]);
    expect(cache.peek('b')).toBeUndefined();
    expect(cache.peek('a')?.version).toBe(a);
    expect(cache.stats()).toMatchObject({ entries: 2, utilization: 1, evictions: { entries: 1 } });
  });

  test('the least recently used leaves at the bound on bytes', async () => {
    const { shelf, cache } = open({ bytesMax: 250 });
    for (const name of names) shelf.put(versionOf({ name }));
    for (const name of names) await cache.get(name);
    expect(cache.stats()).toMatchObject({
      entries: 2,
      bytes: 200,
      utilization: 0.8,
      evictions: { bytes: 2 },
    });
  });

  test('an entry larger than the cache is served and not kept', async () => {
    const gone: string[] = [];
    const { shelf, cache, compile } = open({
      bytesMax: 50,
      observer: { evicted: ({ reason }) => gone.push(reason) },
    });
    shelf.put(versionOf());
    await cache.get('double');
    await cache.get('double');
    expect(compile).toHaveBeenCalledTimes(2);
    expect(gone).toEqual(['overflow', 'overflow']);
    expect(cache.stats()).toMatchObject({ entries: 0, bytes: 0, overflows: 2, misses: 2 });
  });

  test('put keeps an entry, and throws CacheOverflowError where it is larger than the cache', async () => {
    const { shelf, cache, compile } = open({ bytesMax: 150 });
    const version = shelf.put(versionOf());
    cache.put(compiledOf(version));
    await cache.get('double');
    expect(compile).not.toHaveBeenCalled();
    expect(() => cache.put(compiledOf(version, 151))).toThrow(CacheOverflowError);
    expect(() => cache.put(compiledOf(version, 151))).toThrow(
      'double@1 takes 151 bytes compiled, the skill cache holds 150',
    );
  });

  test('clear drops all and says how many', async () => {
    const { shelf, cache } = open();
    for (const name of names) shelf.put(versionOf({ name }));
    for (const name of names) await cache.get(name);
    expect(cache.clear()).toBe(4);
    expect(cache.stats()).toMatchObject({ entries: 0, bytes: 0, evictions: { cleared: 4 } });
    expect((await cache.get('a')).version.name).toBe('a');
  });

  test('the observer is told how long a load took', async () => {
    const durations: number[] = [];
    const { shelf, cache } = open({ observer: { loaded: ({ durationMs }) => durations.push(durationMs) } });
    shelf.put(versionOf());
    await cache.get('double');
    expect(durations).toEqual([5]);
  });
});

test('law: what is served is current, bounds hold, and every get is a hit or a miss', async () => {
  const name = fc.constantFrom('a', 'b', 'c', 'd', 'e');
  const step = fc.oneof(
    { weight: 4, arbitrary: fc.record({ do: fc.constant('get' as const), name, bytes: fc.nat(400) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('move' as const), name, bytes: fc.nat(400) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('clear' as const), name, bytes: fc.nat(400) }) },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      let bytes = 0;
      const { shelf, cache } = open({
        entriesMax: 3,
        bytesMax: 500,
        compile: async (v) => compiledOf(v, bytes),
      });
      let gets = 0;
      let serial = 1;
      let isCurrent = true;
      for (const one of steps) {
        bytes = one.bytes + 1;
        if (one.do === 'clear') cache.clear();
        else if (one.do === 'move') shelf.put(versionOf({ name: one.name, version: (serial += 1) }));
        else {
          gets += 1;
          const current = shelf.versions.get(one.name)?.at(-1);
          const got = await cache.get(one.name).catch(() => undefined);
          isCurrent &&= got?.version === current;
        }
        expect(isCurrent).toBe(true);
        const stats = cache.stats();
        expect(stats.hits + stats.misses).toBe(gets);
        expect(stats.bytes).toBeLessThanOrEqual(500);
        expect(stats.entries).toBeLessThanOrEqual(3);
      }
    }),
    { numRuns },
  );
});
