import { expect, test } from 'vitest';
import { linkVersions } from '../../src/cache/link.ts';
import { RequirementError } from '../../src/errors.ts';
import type { SkillVersion } from '../../src/store/store.ts';
import { pinOf, versionOf } from './fixtures.ts';

const limits = { depthMax: 3, bytesMax: 1_000 };

function loader(stored: readonly SkillVersion[]) {
  const asked: string[] = [];
  const load = async (digest: string): Promise<SkillVersion | undefined> => {
    const found = stored.find((one) => one.digest === digest);
    asked.push(found?.name ?? 'missing');
    return found;
  };
  return { load, asked };
}

/** The same version, requiring others than its digest says: what only a damaged store holds. */
function requiring(version: SkillVersion, others: readonly SkillVersion[]): SkillVersion {
  return { ...version, analysis: { ...version.analysis, requires: others.map((one) => pinOf(one)) } };
}

test('links each distinct version once, the asked one first, under its local names', async () => {
  const base = versionOf({ name: 'base' });
  const left = versionOf({ name: 'left', requires: [base] });
  const right = versionOf({ name: 'right', requires: [base] });
  const top = versionOf({ name: 'top', requires: [left, right, base] });
  const { load, asked } = loader([base, left, right]);
  const linked = await linkVersions(top, load, limits);
  expect(linked.map((one) => one.version.name)).toEqual(['top', 'left', 'right', 'base']);
  expect(linked.map((one) => one.requires)).toEqual([
    { left: 1, right: 2, base: 3 },
    { base: 3 },
    { base: 3 },
    {},
  ]);
  expect(asked).toEqual(['left', 'right', 'base']);
});

test('a required version that is not stored is named', async () => {
  const gone = versionOf({ name: 'gone', version: 4 });
  const top = versionOf({ name: 'top', requires: [gone] });
  const failure = linkVersions(top, loader([]).load, limits);
  await expect(failure).rejects.toThrow(RequirementError);
  await expect(failure).rejects.toThrow('top@1 requires gone@4, which is not stored');
});

test('a cycle is named, step by step', async () => {
  const a = versionOf({ name: 'a' });
  const b = versionOf({ name: 'b', requires: [a] });
  const c = versionOf({ name: 'c', requires: [b] });
  const closed = requiring(a, [c]);
  const failure = linkVersions(c, loader([closed, b, c]).load, limits);
  await expect(failure).rejects.toThrow('requirements form a cycle: c@1 → b@1 → a@1 → c@1');
});

test('a skill that requires itself is a cycle', async () => {
  const a = versionOf({ name: 'a' });
  await expect(linkVersions(requiring(a, [a]), loader([a]).load, limits)).rejects.toThrow('a@1 → a@1');
});

test('a chain as long as the limit links, one longer is refused with both numbers', async () => {
  const chain = [versionOf({ name: 's0' })];
  for (let index = 1; index <= 4; index += 1) {
    chain.push(versionOf({ name: `s${index}`, requires: [chain[index - 1] as SkillVersion] }));
  }
  const { load } = loader(chain);
  expect(await linkVersions(chain[3] as SkillVersion, load, limits)).toHaveLength(4);
  const failure = linkVersions(chain[4] as SkillVersion, load, limits);
  await expect(failure).rejects.toThrow('s4@1 requires skills 4 deep or more (at s0@1), the limit is 3');
});

test('the longest way to a shared requirement counts, not the first one found', async () => {
  const end = versionOf({ name: 'end' });
  const middle = versionOf({ name: 'middle', requires: [end] });
  const far = versionOf({ name: 'far', requires: [versionOf({ name: 'step', requires: [middle] })] });
  const step = versionOf({ name: 'step', requires: [middle] });
  const top = versionOf({ name: 'top', requires: [middle, far] });
  const { load } = loader([end, middle, far, step]);
  await expect(linkVersions(top, load, limits)).rejects.toThrow('the limit is 3');
  expect(await linkVersions(top, load, { ...limits, depthMax: 4 })).toHaveLength(5);
});

test('more code than the limit is refused with both numbers, counted in UTF-8', async () => {
  const big = versionOf({ name: 'big', code: `'${'é'.repeat(500)}'` });
  const top = versionOf({ name: 'top', code: '1', requires: [big] });
  const failure = linkVersions(top, loader([big]).load, limits);
  await expect(failure).rejects.toThrow('1003 bytes of code in the first 2 skills, the limit is 1000');
});
