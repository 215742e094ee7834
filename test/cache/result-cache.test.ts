import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ResultCache } from '../../src/cache/result-cache.ts';
import type { CachedResult, ResultCacheOptions } from '../../src/cache/result-cache-types.ts';
import { AbortedError, DatabaseCorruptError, SkillRuntimeError } from '../../src/errors.ts';
import type { StoredResult } from '../../src/store/store.ts';
import { deferred } from './fixtures.ts';

const numRuns = Number(process.env['SKILLCACHE_PROPERTY_RUNS'] ?? 200);
const digest = 'd'.repeat(64);

class Disk {
  readonly results = new Map<string, StoredResult>();
  gate: Promise<unknown> | undefined;
  failure: Error | undefined;

  async getResult(key: string): Promise<StoredResult | undefined> {
    await this.gate;
    if (this.failure) throw this.failure;
    return this.results.get(key);
  }

  async putResult(result: StoredResult): Promise<void> {
    await this.gate;
    if (this.failure) throw this.failure;
    this.results.set(result.key, result);
  }

  async dropResults(of?: string): Promise<number> {
    let count = 0;
    for (const [key, result] of this.results) {
      if (of === undefined || result.digest === of) count += Number(this.results.delete(key));
    }
    return count;
  }
}

function open(options: Partial<ResultCacheOptions> = {}) {
  const clock = { nowMs: 1_000 };
  const cache = new ResultCache({
    entriesMax: 10,
    bytesMax: 10_000,
    ttlMs: 100,
    clock: () => clock.nowMs,
    ...options,
  });
  let runs = 0;
  const run = async (): Promise<string> => `answer ${(runs += 1)}`;
  const use = (key: string | undefined, more: object = {}): Promise<CachedResult> =>
    cache.getOrRun(key, run, { digest, ...more });
  return { cache, clock, use, runCount: () => runs };
}

describe('memory', () => {
  test('runs once and then answers with the same text, and says so', async () => {
    const { cache, use } = open();
    expect(cache.getNow('k')).toBeUndefined();
    expect(await use('k')).toEqual({ text: 'answer 1', cached: false, why: 'never-seen' });
    expect(await use('k')).toEqual({ text: 'answer 1', cached: 'memory', why: 'hit' });
    expect(cache.getNow('k')).toEqual({ text: 'answer 1', cached: 'memory', why: 'hit' });
    expect(cache.stats()).toMatchObject({ entries: 1, hits: 2, misses: 1, hitRate: 2 / 3, inFlight: 0 });
  });

  test('an answer expires at its age, not before', async () => {
    const { cache, clock, use } = open();
    await use('k');
    clock.nowMs += 99;
    expect(cache.peek('k')).toBe('answer 1');
    expect((await use('k')).cached).toBe('memory');
    clock.nowMs += 1;
    expect(cache.peek('k')).toBeUndefined();
    expect(await use('k')).toEqual({ text: 'answer 2', cached: false, why: 'expired' });
    expect(cache.stats().evictions).toEqual({ expired: 1 });
  });

  test('evictExpired drops what is too old, and nothing else', async () => {
    const { cache, clock, use } = open();
    await use('old');
    clock.nowMs += 60;
    await use('new');
    clock.nowMs += 60;
    expect(cache.evictExpired()).toBe(1);
    expect(cache.peek('new')).toBe('answer 2');
    expect(cache.stats()).toMatchObject({ entries: 1, evictions: { expired: 1 } });
  });

  test('the least recently used leaves, and the next caller is told that it was evicted', async () => {
    const gone: string[] = [];
    const { cache, use } = open({
      entriesMax: 2,
      observer: { evicted: ({ key, reason }) => gone.push(`${key} ${reason}`) },
    });
    await use('a');
    await use('b');
    await use('a');
    await use('c');
    expect(gone).toEqual(['b entries']);
    expect(await use('b')).toMatchObject({ why: 'evicted', cached: false });
    expect(cache.stats()).toMatchObject({ utilization: 1, evictions: { entries: 2 } });
  });

  test('an answer larger than the cache is given and not kept', async () => {
    const gone: string[] = [];
    const { cache } = open({ bytesMax: 400, observer: { evicted: ({ reason }) => gone.push(reason) } });
    const big = async (): Promise<string> => 'x'.repeat(100);
    await cache.getOrRun('k', big, { digest });
    expect((await cache.getOrRun('k', big, { digest })).cached).toBe(false);
    expect(gone).toEqual(['overflow', 'overflow']);
    expect(cache.stats()).toMatchObject({ entries: 0, bytes: 0, overflows: 2 });
  });

  test('text beyond Latin-1 counts two bytes a unit', async () => {
    const sizes: number[] = [];
    for (const text of ['éa', '→a']) {
      const { cache } = open();
      await cache.getOrRun('k', async () => text, { digest });
      sizes.push(cache.stats().bytes);
    }
    expect((sizes[1] ?? 0) - (sizes[0] ?? 0)).toBe(2);
  });

  test('the reasons of more keys than are remembered are forgotten, the oldest first', async () => {
    const { cache, use } = open({ entriesMax: 1, bytesMax: 1_000_000 });
    for (let serial = 0; serial <= 10_002; serial += 1) await use(`k${serial}`);
    expect((await use('k0')).why).toBe('never-seen');
    expect((await use('k9000')).why).toBe('evicted');
    expect(cache.stats().entries).toBe(1);
  });
});

describe('modes', () => {
  test('bypass neither reads nor keeps', async () => {
    const { cache, use } = open();
    await use('k');
    expect(await use('k', { mode: 'bypass' })).toEqual({ text: 'answer 2', cached: false, why: 'bypassed' });
    expect((await use('k')).text).toBe('answer 1');
    expect((await use('other', { mode: 'bypass' })).text).toBe('answer 3');
    expect(cache.stats()).toMatchObject({ entries: 1, bypassed: 2, misses: 1, hits: 1 });
  });

  test('refresh runs and replaces what is kept', async () => {
    const disk = new Disk();
    const { cache, use } = open({ store: disk });
    await use('k');
    expect(await use('k', { mode: 'refresh' })).toEqual({
      text: 'answer 2',
      cached: false,
      why: 'refreshed',
    });
    expect((await use('k')).text).toBe('answer 2');
    await cache.flush();
    expect(disk.results.get('k')?.output).toBe('answer 2');
    expect(cache.stats()).toMatchObject({ refreshed: 1, evictions: { replaced: 1 } });
  });

  test('a skill that is not pure is run each time, and why is said', async () => {
    const { cache, use } = open();
    const notPure = ['uses the clock', 'uses randomness'];
    expect(await use('k', { notPure })).toMatchObject({ why: 'not-pure: uses the clock; uses randomness' });
    expect(await use('k', { notPure: [] })).toMatchObject({ why: 'not-pure: declared', cached: false });
    expect(cache.stats()).toMatchObject({ entries: 0, hits: 0, misses: 0 });
  });

  test('data without a key is run, and nothing is kept', async () => {
    const { cache, use } = open();
    expect(await use(undefined)).toMatchObject({ why: 'bypassed', cached: false });
    expect(cache.stats().entries).toBe(0);
  });
});

describe('single flight', () => {
  test('equal callers share one run', async () => {
    const { cache, use, runCount } = open();
    const results = await Promise.all(Array.from({ length: 10 }, () => use('k')));
    expect(runCount()).toBe(1);
    expect(results.map((result) => result.text)).toEqual(Array.from({ length: 10 }, () => 'answer 1'));
    expect(results.filter((result) => result.cached === 'shared' && result.why === 'shared')).toHaveLength(9);
    expect(cache.stats()).toMatchObject({ misses: 10, shared: 9, hits: 0 });
  });

  test('callers under different limits do not share', async () => {
    const { use, runCount } = open();
    await Promise.all([use('k', { shareIf: '100 ms' }), use('k', { shareIf: '200 ms' })]);
    expect(runCount()).toBe(2);
  });

  test('a failure is given to all who shared the run, and is not kept', async () => {
    const { cache, use } = open();
    const fail = async (): Promise<string> => {
      throw new SkillRuntimeError('boom');
    };
    const both = await Promise.allSettled([
      cache.getOrRun('k', fail, { digest }),
      cache.getOrRun('k', fail, { digest }),
    ]);
    for (const one of both)
      expect(one).toMatchObject({ status: 'rejected', reason: { code: 'SKILL_RUNTIME' } });
    expect(await use('k')).toMatchObject({ text: 'answer 1', why: 'never-seen' });
    expect(cache.stats()).toMatchObject({ misses: 3, entries: 1 });
  });

  test('the abort of the first caller does not abort the run of the second', async () => {
    const { cache } = open();
    const answer = deferred<string>();
    const signals: AbortSignal[] = [];
    const run = (signal: AbortSignal): Promise<string> => {
      signals.push(signal);
      return answer.promise;
    };
    const [first, second] = [new AbortController(), new AbortController()];
    const leaving = cache.getOrRun('k', run, { digest, signal: first.signal });
    const staying = cache.getOrRun('k', run, { digest, signal: second.signal });
    first.abort();
    await expect(leaving).rejects.toThrow(AbortedError);
    expect(signals).toHaveLength(1);
    expect(signals[0]?.aborted).toBe(false);
    answer.resolve('late');
    expect((await staying).text).toBe('late');
    expect(cache.peek('k')).toBe('late');
  });

  test('when the last caller has left the run is aborted, and the next caller starts another', async () => {
    const { cache, use } = open();
    const signals: AbortSignal[] = [];
    const started = deferred<void>();
    const hang = (signal: AbortSignal): Promise<string> => {
      signals.push(signal);
      started.resolve();
      return new Promise((_resolve, reject) =>
        signal.addEventListener('abort', () => reject(new Error('killed'))),
      );
    };
    const controller = new AbortController();
    const both = [0, 1].map(() => cache.getOrRun('k', hang, { digest, signal: controller.signal }));
    await started.promise;
    controller.abort();
    const next = use('k');
    for (const one of both) await expect(one).rejects.toThrow(AbortedError);
    expect(signals[0]?.aborted).toBe(true);
    expect((await next).text).toBe('answer 1');
    expect(cache.stats().inFlight).toBe(0);
  });

  test('when all left while the store was read, nothing is run', async () => {
    const disk = new Disk();
    const gate = deferred<void>();
    disk.gate = gate.promise;
    const { cache, runCount, use } = open({ store: disk });
    const controller = new AbortController();
    const leaving = use('k', { signal: controller.signal });
    controller.abort();
    await expect(leaving).rejects.toThrow(AbortedError);
    gate.resolve();
    disk.gate = undefined;
    await use('other');
    expect(runCount()).toBe(1);
    expect(cache.peek('k')).toBeUndefined();
  });

  test.each(['use', 'bypass', 'refresh'] as const)(
    'a signal that has fired already starts no run: %s',
    async (mode) => {
      const { use, runCount } = open();
      await expect(use('k', { mode, signal: AbortSignal.abort() })).rejects.toThrow(AbortedError);
      expect(runCount()).toBe(0);
    },
  );
});

describe('store', () => {
  test('an answer outlives the process', async () => {
    const disk = new Disk();
    const before = open({ store: disk });
    await before.use('k');
    await before.cache.flush();
    const after = open({ store: disk });
    expect(await after.use('k')).toEqual({ text: 'answer 1', cached: 'store', why: 'hit' });
    expect((await after.use('k')).cached).toBe('memory');
    expect(after.runCount()).toBe(0);
    expect(after.cache.stats()).toMatchObject({ hits: 2, storeHits: 1, misses: 0 });
  });

  test('callers that share a read of the store have each a hit', async () => {
    const disk = new Disk();
    disk.results.set('k', { key: 'k', digest, output: 'kept', createdAtMs: 0, expiresAtMs: 5_000 });
    const { cache, use } = open({ store: disk });
    const results = await Promise.all([use('k'), use('k')]);
    expect(results.map((result) => result.cached)).toEqual(['store', 'store']);
    expect(cache.stats()).toMatchObject({ hits: 2, storeHits: 2, misses: 0 });
  });

  test('a stored answer keeps its age in memory', async () => {
    const disk = new Disk();
    disk.results.set('k', { key: 'k', digest, output: 'kept', createdAtMs: 0, expiresAtMs: 1_010 });
    const { clock, use } = open({ store: disk });
    expect((await use('k')).cached).toBe('store');
    clock.nowMs = 1_010;
    expect(await use('k')).toMatchObject({ why: 'expired', text: 'answer 1' });
  });

  test('a store that is only read is not written', async () => {
    const disk = new Disk();
    const { cache, use } = open({ store: { getResult: (key) => disk.getResult(key) } });
    await use('k');
    await cache.flush();
    expect(disk.results.size).toBe(0);
    expect(await cache.drop()).toBe(1);
  });

  test('a store in trouble never fails a run', async () => {
    const told: string[] = [];
    const disk = new Disk();
    disk.failure = new DatabaseCorruptError('result k is damaged');
    const { cache, use } = open({
      store: disk,
      observer: { storeFailed: (event) => told.push(event.operation) },
    });
    expect((await use('k')).text).toBe('answer 1');
    await cache.flush();
    expect(told).toEqual(['get', 'put']);
    expect((await use('k')).cached).toBe('memory');
    expect(cache.stats().storeFailures).toBe(2);
  });

  test('writes under way are bounded; what is beyond is kept in memory alone', async () => {
    const disk = new Disk();
    const { cache, use } = open({ store: disk, storeWritesMax: 1 });
    const gate = deferred<void>();
    await use('warm');
    await cache.flush();
    const get = disk.getResult.bind(disk);
    disk.gate = gate.promise;
    disk.getResult = async (key) => {
      const held = disk.gate;
      disk.gate = undefined;
      const result = await get(key);
      disk.gate = held;
      return result;
    };
    await use('a');
    await use('b');
    gate.resolve();
    await cache.flush();
    expect([...disk.results.keys()]).toEqual(['warm', 'a']);
    expect(cache.peek('b')).toBeDefined();
    expect(cache.stats().storeSkipped).toBe(1);
  });
});

describe('drop', () => {
  const other = 'e'.repeat(64);

  test('takes the answers of one version from memory and store', async () => {
    const disk = new Disk();
    const { cache, use } = open({ store: disk });
    await use('a');
    await use('b', { digest: other });
    await cache.flush();
    expect(await cache.drop(digest)).toBe(1);
    expect(cache.peek('a')).toBeUndefined();
    expect(cache.peek('b')).toBe('answer 2');
    expect([...disk.results.keys()]).toEqual(['b']);
    expect(await use('a')).toMatchObject({ why: 'dropped', cached: false });
    await cache.flush();
    expect(await cache.drop()).toBe(2);
  });

  test.each(['use', 'refresh'] as const)('what is being run is answered and not kept: %s', async (mode) => {
    const disk = new Disk();
    const { cache, use } = open({ store: disk });
    const [started, answer] = [deferred<void>(), deferred<string>()];
    const run = (): Promise<string> => {
      started.resolve();
      return answer.promise;
    };
    const running = cache.getOrRun('k', run, { digest, mode });
    const unrelated = use('other', { digest: other });
    await started.promise;
    await cache.drop(digest);
    answer.resolve('from before');
    expect((await running).text).toBe('from before');
    await unrelated;
    await cache.flush();
    expect(cache.peek('k')).toBeUndefined();
    expect(cache.peek('other')).toBe('answer 1');
    expect([...disk.results.keys()]).toEqual(['other']);
  });

  test('what was read from the store while it was dropped is neither served nor kept', async () => {
    const disk = new Disk();
    disk.results.set('k', { key: 'k', digest, output: 'kept', createdAtMs: 0, expiresAtMs: 5_000 });
    const { cache, use } = open({ store: { getResult: (key) => disk.getResult(key) } });
    const gate = deferred<void>();
    disk.gate = gate.promise;
    const running = use('k');
    await cache.drop(digest);
    gate.resolve();
    expect(await running).toMatchObject({ text: 'answer 1', why: 'dropped' });
    expect(cache.peek('k')).toBeUndefined();
  });

  test('callers after the drop do not share a run from before it', async () => {
    const { cache, use } = open();
    const answer = deferred<string>();
    const before = cache.getOrRun('k', () => answer.promise, { digest });
    await cache.drop();
    const after = use('k');
    answer.resolve('from before');
    expect((await after).text).toBe('answer 1');
    expect((await before).text).toBe('from before');
    expect(cache.peek('k')).toBe('answer 1');
  });

  test('clear empties memory and leaves the store', async () => {
    const disk = new Disk();
    const { cache, use } = open({ store: disk });
    await use('k');
    await cache.flush();
    expect(cache.clear()).toBe(1);
    expect((await use('k')).cached).toBe('store');
  });
});

test('law: a key is only ever answered with its own value; bounds hold; hits and misses are all gets', async () => {
  const step = fc.record({
    do: fc.constantFrom('use', 'use', 'use', 'use', 'bypass', 'refresh', 'drop', 'clear', 'wait', 'fail'),
    key: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'),
    size: fc.nat(500),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 50 }), fc.boolean(), async (steps, hasStore) => {
      const { cache, clock } = open({
        entriesMax: 4,
        bytesMax: 2_000,
        ...(hasStore && { store: new Disk() }),
      });
      const answers: Promise<unknown>[] = [];
      let uses = 0;
      let isOwn = true;
      for (const one of steps) {
        const answer = async (): Promise<string> => `${one.key}${'x'.repeat(one.size)}`;
        const ask = async (mode: 'use' | 'bypass' | 'refresh'): Promise<void> => {
          const { text } = await cache.getOrRun(one.key, answer, { digest: one.key, mode });
          isOwn &&= text.startsWith(one.key);
        };
        if (one.do === 'clear') cache.clear();
        else if (one.do === 'drop') answers.push(cache.drop(one.key));
        else if (one.do === 'wait') await Promise.all(answers);
        else if (one.do === 'fail') {
          uses += 1;
          const failing = (): Promise<string> => Promise.reject(new Error('no'));
          answers.push(cache.getOrRun(one.key, failing, { digest: one.key }).catch(() => undefined));
        } else {
          if (one.do === 'use') uses += 1;
          // Sharing a failing run is a failure, too.
          answers.push(ask(one.do as 'use').catch(() => undefined));
        }
        clock.nowMs += one.size % 40;
        const { bytes, entries } = cache.stats();
        expect(bytes).toBeLessThanOrEqual(2_000);
        expect(entries).toBeLessThanOrEqual(4);
      }
      await Promise.all(answers);
      await cache.flush();
      const stats = cache.stats();
      expect(isOwn).toBe(true);
      expect(stats.hits + stats.misses).toBe(uses);
      expect(stats.inFlight).toBe(0);
    }),
    { numRuns },
  );
});
