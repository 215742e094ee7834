import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  type Alert,
  CacheOverflowError,
  ConfigurationError,
  InjectionError,
  SkillLibrary,
  SkillNotFoundError,
} from '../../src/index.ts';
import { RunRequest } from '../../src/library/run.ts';
import { RunSignals } from '../../src/library/run-signals.ts';
import { movingAverage, openTestLibrary } from './fixtures.ts';

const double = {
  name: 'double',
  description: 'Doubles a number. Use when one is needed twice.',
  code: 'const n = 1;\nexport const result = n * 2;\n',
};
/** Declared pure, and not. */
const liar = {
  name: 'liar',
  description: 'Claims to be pure. Use when that is to be found out.',
  code: 'const n = 1;\nexport const result = n + Math.random();\n',
  pure: true,
};

async function settled(library: SkillLibrary, isDone: () => Promise<boolean>): Promise<void> {
  while (!(await isDone())) await library.list({ limit: 1 });
}

describe('clearing and sweeping', () => {
  test('clearCaches makes the next run a real one; stored: false keeps the results on disk', async () => {
    await using opened = await openTestLibrary();
    const { library } = opened;
    await library.add(double);
    const why = async (): Promise<string | undefined> =>
      (await library.run('double', { n: 4 }, { explain: true })).explain;
    expect(await why()).toBe('never-seen');
    expect(await why()).toBe('hit');
    await settled(library, async () => (await library.sampleMetrics()).store?.results === 1);
    expect(await library.clearCaches({ stored: false })).toEqual({ skills: 1, results: 1 });
    expect(await why()).toBe('hit');
    expect(await library.clearCaches()).toEqual({ skills: 1, results: 1 });
    expect(await why()).toBe('dropped');
  });

  test('evictExpired drops what is past its age, on disk too', async () => {
    await using opened = await openTestLibrary({ cache: { resultTtlMs: 1 } });
    const { library } = opened;
    await library.add(double);
    await library.run('double', { n: 4 });
    expect((await library.sampleMetrics()).caches.results.entries).toBe(1);
    await settled(library, async () => {
      await library.evictExpired();
      return (await library.sampleMetrics()).store?.results === 0;
    });
    const { caches } = await library.sampleMetrics();
    expect([caches.results.entries, caches.stored?.entries]).toEqual([0, 0]);
  });
});

test('refresh imports what changed on disk, and says what did not', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'skillcache-refresh-'));
  try {
    await using opened = await openTestLibrary();
    const { library } = opened;
    await library.add(double);
    await library.add(movingAverage);
    await library.exportFolder(folder);
    await library.add({ ...double, code: 'const n = 1;\nexport const result = n * 3;\n' });
    const outcomes = [];
    for await (const { name, status } of library.refresh([folder])) outcomes.push(`${name} ${status}`);
    expect(outcomes.toSorted()).toEqual(['double imported', 'moving-average unchanged']);
    expect((await library.run('double', { n: 2 })).output).toBe(4);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test('warmUp compiles the most used skills, and the library does so when it is opened if told to', async () => {
  await using opened = await openTestLibrary();
  const { library, path } = opened;
  await library.add(double);
  await library.add(movingAverage);
  for (const n of [1, 2, 3]) await library.run('double', { n });
  await library.run('moving-average', { prices: [1, 2, 3] });
  await library.clearCaches();
  const { skills, runsSeen } = await library.warmUp({ skills: 1 });
  expect({ skills, runsSeen }).toEqual({ skills: [{ name: 'double', version: 1, runs: 3 }], runsSeen: 4 });
  const { starts, boundHits } = library.metrics().workers;
  await library.run('double', { n: 4 }, { cache: 'bypass' });
  expect(library.metrics().workers.boundHits).toBe(boundHits + 1);
  await library.clearWorkers();
  expect(library.metrics().workers.each.filter(({ uses }) => uses > 0)).toEqual([]);
  expect(starts).toBeGreaterThan(0);
  await using other = await SkillLibrary.open({ path, cache: { warmUpSkills: 5 } });
  expect((await other.sampleMetrics()).caches.skills).toMatchObject({ entries: 2, hits: 0 });
});

describe('pinning', () => {
  test('a pinned skill outlives others, until it is unpinned', async () => {
    await using opened = await openTestLibrary({ cache: { skillEntriesMax: 2 } });
    const { library } = opened;
    for (const name of ['a', 'b', 'c', 'd']) await library.add({ ...double, name });
    await library.pin('A');
    for (const name of ['b', 'c', 'd']) await library.run(name);
    const loads = async (): Promise<number> => (await library.sampleMetrics()).caches.skills.misses;
    const before = await loads();
    await library.run('a');
    expect(await loads()).toBe(before);
    expect((await library.sampleMetrics()).caches.skills.pinned).toBe(1);
    expect([library.unpin('a'), library.unpin('a')]).toEqual([true, false]);
    await expect(library.pin('no-such')).rejects.toThrow(SkillNotFoundError);
  });

  test('pinned entries that fill the cache refuse another; whoever runs it is served all the same', async () => {
    await using opened = await openTestLibrary({ cache: { skillEntriesMax: 1 } });
    const { library } = opened;
    await library.add(double);
    await library.add(movingAverage);
    await library.pin('double');
    await expect(library.pin('moving-average')).rejects.toThrow(CacheOverflowError);
    expect((await library.run('moving-average', { prices: [1, 2, 3] })).output).toEqual([2]);
  });
});

test('a skill that lies about its purity is found out, is not cached from then on, and raises an alert', async () => {
  await using opened = await openTestLibrary({
    cache: { purityCheckHits: 2 },
    monitor: { sampleIntervalMs: 20 },
  });
  const { library, path } = opened;
  const told = new Promise<Alert>((resolve) => {
    library.on('alert', (alert) => alert.type === 'impure-skill' && resolve(alert));
  });
  await library.add(liar);
  const first = await library.run('liar');
  expect((await library.run('liar')).output).toBe(first.output);
  await library.run('liar');
  await settled(library, async () => (await library.sampleMetrics()).purity.differing === 1);
  const after = await library.run('liar', {}, { explain: true });
  expect(after).toMatchObject({ cached: false, explain: 'not-pure: it gave two answers to the same data' });
  expect(await told).toMatchObject({ subject: 'liar@1', state: 'firing', severity: 'critical' });
  await library.close();
  await using later = await SkillLibrary.open({ path });
  expect((await later.run('liar', {}, { explain: true })).explain).toContain('not-pure');
});

test('a known answer is refused to data that a skill could not be given', async () => {
  await using opened = await openTestLibrary();
  const { library } = opened;
  await library.add(double);
  await library.run('double', { n: 4 });
  const accessor = Object.defineProperty({}, 'n', { enumerable: true, get: () => 4 });
  await expect(library.run('double', accessor)).rejects.toThrow(InjectionError);
  await expect(library.run('double', [4])).rejects.toThrow(InjectionError);
  await expect(library.run('double', { n: 4 }, { timeoutMs: 0 })).rejects.toThrow(ConfigurationError);
  await expect(library.run('double', { n: 4 }, { timeout: 1 } as never)).rejects.toThrow(ConfigurationError);
  await expect(library.run('double', { n: 4 }, { signal: AbortSignal.abort() })).rejects.toThrow('abort');
});

test('options that are good by hand are good by the schema', () => {
  const { signal } = new AbortController();
  const signals = new RunSignals(signal);
  for (const options of [
    {},
    { context: {}, parameters: {}, cache: 'refresh', explain: true, seed: 1, now: 5, signal },
    { timeoutMs: 86_400_000, memoryBytesMax: 16_777_216, outputBytesMax: 1, logBytesMax: 0 },
    { now: '2026-01-01T00:00:00Z', timeoutMs: undefined },
  ] as const) {
    expect(new RunRequest(options as never, signals).options).toBe(options);
  }
  for (const wrong of [{ seed: -1 }, { now: 'soon' }, { cache: 'no' }, { context: 5 }, { toString: 1 }, []]) {
    expect(() => new RunRequest(wrong as never, signals)).toThrow(ConfigurationError);
  }
});
