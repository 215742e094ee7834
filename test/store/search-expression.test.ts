/** Expressions mean what their sets of terms say, whatever the sets: FTS5 itself is asked. */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openDatabase, type SqliteDatabase } from '../../src/store/sqlite/driver.ts';
import { anySetOf, groupsFor, minimalSets, termsOf } from '../../src/store/sqlite/search-expression.ts';

const TERMS = ['a', 'b', 'c', 'd', 'e'];
const ALL = 2 ** TERMS.length - 1;
let database: SqliteDatabase;

// Row n has the terms of set n.
beforeAll(() => {
  database = openDatabase(':memory:', { readonly: false, busyTimeoutMs: 0 });
  database.exec('CREATE VIRTUAL TABLE words USING fts5 (text)');
  const insert = database.prepare('INSERT INTO words (rowid, text) VALUES (?, ?)');
  for (let set = 1; set <= ALL; set += 1) insert.run(set, termsOf(set, TERMS).join(' '));
});
afterAll(() => database.close());

const sets = fc.uniqueArray(fc.integer({ min: 1, max: ALL }), { minLength: 1, maxLength: ALL });
const hasAnyOf = (wanted: readonly number[], set: number) => wanted.some((one) => (one & set) === one);
const rows = Array.from({ length: ALL }, (_, index) => index + 1);
const found = (match: string) =>
  database.prepare('SELECT rowid FROM words WHERE words MATCH ?').pluck().all(match);

test('an expression finds exactly what has all terms of any of its sets', () => {
  fc.assert(
    fc.property(sets, (wanted) => {
      expect(found(anySetOf(wanted, TERMS))).toEqual(rows.filter((row) => hasAnyOf(wanted, row)));
    }),
    { numRuns: 300 },
  );
});

test('of sets only those matter that contain no other', () => {
  expect(minimalSets([0b111, 0b011, 0b100, 0b011])).toEqual([0b011, 0b100]);
});

test('each term is in one group, and what has all terms of a set has one of each group', () => {
  fc.assert(
    fc.property(
      sets,
      fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 5, maxLength: 5 }),
      (wanted, shares) => {
        const groups = groupsFor(wanted, shares);
        expect(groups.reduce((sum, group) => sum + group, 0)).toBe(ALL);
        expect(groups.reduce((union, group) => union | group, 0)).toBe(ALL);
        const isInAll = (row: number) => groups.every((group) => (group & row) !== 0);
        expect(rows.filter((row) => hasAnyOf(wanted, row)).every(isInAll)).toBe(true);
      },
    ),
    { numRuns: 300 },
  );
});

test('the groups are those that let least pass', () => {
  // Four of five words: no two groups of which one has less than two terms hold them all.
  const fourOfFive = rows.filter((row) => termsOf(row, TERMS).length === 4);
  expect(groupsFor(fourOfFive, [0.1, 0.2, 0.3, 0.4, 0.4]).map((group) => termsOf(group, TERMS))).toEqual([
    ['a', 'b'],
    ['c', 'd', 'e'],
  ]);
  expect(groupsFor([0b00111], [0.1, 0.2, 0.3, 0.4, 0.4]).map((group) => termsOf(group, TERMS))).toEqual([
    ['a'],
    ['b'],
    ['c', 'd', 'e'],
  ]);
});

test('eight words are parted too', () => {
  const eight = [...'abcdefgh'];
  const shares = eight.map((_, index) => (index + 1) / 100);
  const groups = groupsFor([0b11110001, 0b00010011, 0b01010001], shares);
  expect(groups.flatMap((group) => termsOf(group, eight)).toSorted()).toEqual(eight);
  expect(groups).toHaveLength(2);
});
