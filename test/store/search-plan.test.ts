/** In a large library only some skills are ranked: what is found is what ranking all of them finds. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { SearchHit } from '../../src/store/store.ts';
import { openDatabase, type SqliteDatabase } from '../../src/store/sqlite/driver.ts';
import { planSearch } from '../../src/store/sqlite/search-plan.ts';
import { search, type SearchBounds } from '../../src/store/sqlite/search.ts';
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import { Statements } from '../../src/store/sqlite/statements.ts';
import { skillVersion, SQLITE_OPTIONS } from './records.ts';
import { seededRandom } from './seeded-random.ts';

const SKILLS = 2_000;
const WORDS = Array.from(
  { length: 40 },
  (_, index) => `word${String.fromCodePoint(97 + (index % 20), 97 + (index % 17))}`,
);
const folder = mkdtempSync(join(tmpdir(), 'skillcache-test-'));
const path = join(folder, 'skills.db');
const random = seededRandom(7);
// The square: some words are far more common than others.
const word = () => WORDS[Math.floor(random() ** 2 * WORDS.length)] as string;
let database: SqliteDatabase;
let asked = 0;

beforeAll(async () => {
  const store = await openSqliteStore({ ...SQLITE_OPTIONS, path });
  const skills = Array.from({ length: SKILLS }, (_, index) =>
    skillVersion({
      name: `${word()}-${index}`,
      description: Array.from({ length: 6 }, word).join(' '),
      code: `const ${word()} = ${index};`,
      tags: [...(index % 2 === 0 ? ['even'] : []), ...(index % 5 === 0 ? ['fifth'] : [])],
    }),
  );
  await Promise.all(skills.map((skill) => store.add(skill)));
  await store.close();
  database = openDatabase(path, { readonly: true, busyTimeoutMs: 0 });
  database.function('keep_going', { deterministic: false, directOnly: true }, () => {
    asked += 1;
    return 1;
  });
});

afterAll(() => {
  database.close();
  rmSync(folder, { recursive: true });
});

const ALL = { rankAll: 1e9, wanted: 1e9, ranked: 1e9, fewTagged: 0 };
const FEW = { rankAll: 50, wanted: 100, ranked: 600, fewTagged: 0 };
const find = (query: string, bounds: Partial<SearchBounds>, tags: string[] = []) =>
  search({ statements: new Statements(database), path, keepGoing() {} }, { query, limit: 10, tags }, bounds);
const score = (hits: readonly SearchHit[]) => hits.reduce((sum, hit) => sum + hit.score, 0);
const questions = Array.from({ length: 30 }, (_, index) =>
  Array.from({ length: 1 + (index % 10) }, word).join(' '),
);

test('what is ranked has the very score that it has among all', () => {
  for (const query of questions) {
    const all = new Map(find(query, { ...ALL, rankAll: SKILLS }).map((hit) => [hit.name, hit.score]));
    for (const hit of find(query, FEW)) {
      const expected = all.get(hit.name);
      if (expected !== undefined) expect(hit.score).toBeCloseTo(expected, 9);
    }
  }
});

test('the first ten of some have almost all of the score that the first ten of all have', () => {
  const shares = questions.map((query) => score(find(query, FEW)) / score(find(query, ALL)));
  expect(shares.reduce((sum, share) => sum + share, 0) / shares.length).toBeGreaterThan(0.99);
  expect(Math.min(...shares)).toBeGreaterThan(0.85);
});

test('as many are found as are asked for, where there are as many, with tags too', () => {
  for (const query of questions) {
    expect(find(query, FEW)).toHaveLength(find(query, ALL).length);
    expect(find(query, FEW, ['even'])).toHaveLength(find(query, ALL, ['even']).length);
  }
});

test('all are ranked where few have any of the words', () => {
  for (const query of questions) expect(find(query, { ...FEW, rankAll: SKILLS })).toEqual(find(query, ALL));
});

test('the caller is asked again and again whether it still waits', () => {
  asked = 0;
  find(questions[4] as string, FEW);
  expect(asked).toBeGreaterThan(0);
});

test('no step is begun for a caller who has left', () => {
  const left = (steps: number) => {
    let begun = 0;
    const keepGoing = (): void => {
      if ((begun += 1) > steps) throw new Error('nobody waits');
    };
    const context = { statements: new Statements(database), path, keepGoing };
    const query = questions[4] as string;
    return () => search(context, { query, limit: 10, tags: [] }, FEW);
  };
  // The skills worth ranking are looked for, then ranked.
  expect(left(0)).toThrow('nobody waits');
  expect(left(1)).toThrow('nobody waits');
  expect(left(100)()).toHaveLength(10);
});

test('the index is looked through in parts, and nobody looks on for a caller who has left', () => {
  const parts = { ...FEW, foundAtOnce: 100 };
  for (const query of questions) expect(find(query, parts)).toEqual(find(query, FEW));
  let begun = 0;
  const keepGoing = (): void => {
    if ((begun += 1) > 5) throw new Error('nobody waits');
  };
  const context = { statements: new Statements(database), path, keepGoing };
  const query = questions[4] as string;
  expect(() => search(context, { query, limit: 10, tags: [] }, parts)).toThrow('nobody waits');
});

test('all that carry a rare tag and have a word are ranked', () => {
  for (const query of questions) {
    for (const tags of [['even'], ['EVEN', 'fifth'], ['fifth'], ['none'], ['even', 'none']]) {
      expect(find(query, { ...FEW, fewTagged: SKILLS }, tags)).toEqual(find(query, ALL, tags));
    }
  }
});

test('a word that no skill has changes nothing', () => {
  const [query = ''] = questions;
  expect(find(`${query} nowhere`, FEW)).toEqual(find(query, FEW));
  expect(find('nowhere', FEW)).toEqual([]);
});

test('of five common words the rarest are asked for, so that only some of the skills are visited', () => {
  // Of 100,000 skills one in ten has a word: half a thousand are expected to have three of the five.
  const asked: string[] = [];
  const plan = planSearch(['one', 'two', 'three', 'four', 'five'], 10, {
    skills: 100_000,
    count: (_match, most) => ({ seen: most, lastId: most * 12 }),
    find(match) {
      asked.push(match);
      return Array.from({ length: 400 }, (_, index) => index);
    },
  });
  expect(plan?.ids).toHaveLength(400);
  expect(plan?.groups.length).toBeGreaterThan(1);
  expect(plan?.groups.flat().toSorted()).toEqual(['five', 'four', 'one', 'three', 'two']);
  expect(asked).toHaveLength(1);
});
