/** A list by tags finds the same page whichever way it goes, and neither way is a long one that cannot be stopped. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openDatabase, type SqliteDatabase } from '../../src/store/sqlite/driver.ts';
import { list } from '../../src/store/sqlite/list.ts';
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import { Statements } from '../../src/store/sqlite/statements.ts';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { skillVersion, SQLITE_OPTIONS } from './records.ts';

const SKILLS = 1_000;
const folder = mkdtempSync(join(tmpdir(), 'skillcache-list-'));
const path = join(folder, 'skills.db');
let database: SqliteDatabase;
let asked = 0;
let patience = Number.POSITIVE_INFINITY;

beforeAll(async () => {
  const store = await openSqliteStore({ ...SQLITE_OPTIONS, path });
  const tagsOf = (index: number) => [
    'all',
    ...(index % 2 === 0 ? ['Even'] : ['odd']),
    ...(index % 7 === 0 ? ['seventh'] : []),
    ...(index === 500 ? ['one'] : []),
  ];
  await Promise.all(
    Array.from({ length: SKILLS }, (_, index) =>
      store.add(skillVersion({ name: `skill${(index * 7_919) % SKILLS}`, tags: tagsOf(index) })),
    ),
  );
  await store.close();
  database = openDatabase(path, { readonly: true, busyTimeoutMs: 0 });
  database.function('keep_going', { deterministic: false, directOnly: true }, () => {
    asked += 1;
    if (asked > patience) throw new Error('nobody waits');
    return 1;
  });
});
afterAll(() => {
  database.close();
  rmSync(folder, { recursive: true });
});

const [BY_NAME, BY_TAG] = [0, SKILLS];

function names(tags: string[], few?: number, { after, limit = 20 }: { after?: string; limit?: number } = {}) {
  asked = 0;
  const context = { statements: new Statements(database), path, keepGoing: () => {} };
  return list(context, { limit, after, tags }, few).map(({ name }) => name);
}

test('both ways give the same pages', () => {
  for (const tags of [
    ['all'],
    ['even'],
    ['seventh', 'odd'],
    ['one'],
    ['one', 'odd'],
    ['none'],
    ['even', 'odd'],
  ]) {
    let after: string | undefined;
    for (let page = 0; page < 5; page += 1) {
      const from = after === undefined ? {} : { after };
      const byName = names(tags, BY_NAME, from);
      expect(names(tags, BY_TAG, from), `${tags.join()} after ${after}`).toEqual(byName);
      expect(byName).toEqual(byName.toSorted());
      after = byName.at(-1);
      if (after === undefined) break;
    }
  }
  expect(names(['seventh'], BY_TAG, { limit: SKILLS })).toHaveLength(Math.ceil(SKILLS / 7));
});

test('a tag that few skills carry is found without a look at all the others', () => {
  expect(names(['one'])).toHaveLength(1);
  expect(asked).toBe(1);
  expect(names(['all', 'none'])).toEqual([]);
  expect(asked).toBe(0);
});

test.each([
  ['by name', BY_NAME],
  ['by tag', BY_TAG],
])('a long list %s stops when nobody waits for it any more', (_, few) => {
  expect(names(['even', 'odd'], few)).toEqual([]);
  expect(asked).toBeGreaterThan(3);
  patience = 2;
  expect(() => names(['even', 'odd'], few)).toThrow('nobody waits');
  expect(asked).toBe(3);
  patience = Number.POSITIVE_INFINITY;
});
