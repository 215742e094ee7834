import { expect, test } from 'vitest';
import { PurityCheck } from '../../src/cache/purity-check.ts';
import { ClosedError, SkillRuntimeError } from '../../src/errors.ts';
import type { StoredResult } from '../../src/store/store.ts';
import { compiledOf, versionOf } from './fixtures.ts';

function open(everyHits = 1) {
  const stored = new Map<string, StoredResult>();
  const dropped: string[] = [];
  const store = {
    getResult: async (key: string) => stored.get(key),
    putResult: async (result: StoredResult) => void stored.set(result.key, result),
  };
  const build = () =>
    new PurityCheck({ everyHits, store, clock: () => 7, drop: async (digest) => void dropped.push(digest) });
  return { purity: build(), build, dropped, stored };
}

test('one in N hits is due, none where N is 0', () => {
  const { purity } = open(3);
  expect([1, 2, 3].map(() => purity.isDue())).toEqual([false, false, true]);
  expect(open(0).purity.isDue()).toBe(false);
});

test('an equal answer changes nothing', async () => {
  const { purity, dropped } = open();
  const skill = compiledOf(versionOf());
  purity.check(skill, '1', async () => '1');
  await purity.settled();
  expect(purity.numbers()).toEqual({ checks: 1, differing: 0, inconclusive: 0, found: [] });
  expect([purity.isImpure(skill.version.digest), dropped]).toEqual([false, []]);
});

test('a differing answer marks the version, drops its results, and is remembered by those who open later', async () => {
  const { purity, build, dropped } = open();
  const skill = compiledOf(versionOf());
  const { name, version, digest } = skill.version;
  purity.check(skill, '1', async () => '2');
  await purity.settled();
  expect(purity.isImpure(digest)).toBe(true);
  expect(dropped).toEqual([digest]);
  expect(purity.numbers()).toMatchObject({ differing: 1, found: [{ name, version, digest, foundAtMs: 7 }] });
  expect(purity.because(skill)).toEqual(['it gave two answers to the same data']);
  const later = build();
  expect(later.isImpure(digest)).toBe(false);
  await later.load(digest);
  expect(later.isImpure(digest)).toBe(true);
});

test('to throw where it answered before is to differ; to find no worker is not', async () => {
  const { purity } = open();
  purity.check(compiledOf(versionOf()), '1', () => Promise.reject(new ClosedError('the workers are closed')));
  await purity.settled();
  expect(purity.numbers()).toMatchObject({ differing: 0, inconclusive: 1 });
  purity.check(compiledOf(versionOf()), '1', () => Promise.reject(new SkillRuntimeError('boom')));
  await purity.settled();
  expect(purity.numbers()).toMatchObject({ differing: 1, inconclusive: 1 });
});

test('marks are stored again after all results were dropped', async () => {
  const { purity, stored } = open();
  purity.check(compiledOf(versionOf()), '1', async () => '2');
  await purity.settled();
  stored.clear();
  purity.remark();
  await purity.settled();
  expect(stored.size).toBe(1);
});

test('close stops the check under way', async () => {
  const { purity } = open();
  purity.check(
    compiledOf(versionOf()),
    '1',
    (signal) =>
      new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error))),
  );
  await purity.close();
  expect(purity.numbers()).toMatchObject({ checks: 1, inconclusive: 1 });
  expect(purity.isDue()).toBe(false);
});
