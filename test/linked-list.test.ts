import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LinkedList, type ListEntry } from '../src/linked-list.ts';

test('it holds what a Set holds, in the same order, whoever comes and goes', () => {
  const step = fc.record({ comes: fc.boolean(), at: fc.nat(20) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const list = new LinkedList<number>();
      const model = new Map<ListEntry<number>, number>();
      const known: ListEntry<number>[] = [];
      steps.forEach(({ comes, at }, nth) => {
        if (comes) {
          const entry = list.add(nth);
          known.push(entry);
          model.set(entry, nth);
        } else {
          const entry = known[at];
          if (entry !== undefined) expect(list.remove(entry)).toBe(model.delete(entry));
        }
        expect([...list]).toEqual([...model.values()]);
        expect([list.size, list.first]).toEqual([model.size, [...model.values()][0]]);
      });
    }),
  );
});

test('while it is gone through, who leaves is left out, and who comes is met', () => {
  const list = new LinkedList<string>();
  const [, b, , d] = ['a', 'b', 'c', 'd', 'e'].map((each) => list.add(each)) as ListEntry<string>[];
  const met: string[] = [];
  for (const each of list) {
    met.push(each);
    if (each !== 'b') continue;
    for (const gone of [b, d]) list.remove(gone as ListEntry<string>);
    list.add('f');
  }
  expect(met).toEqual(['a', 'b', 'c', 'e', 'f']);
  expect([...list]).toEqual(['a', 'c', 'e', 'f']);
});

test('it is gone through as a Set is, whoever comes and goes at each step', () => {
  const change = fc.record({ gone: fc.array(fc.nat(12), { maxLength: 3 }), comes: fc.boolean() });
  fc.assert(
    fc.property(fc.nat(8), fc.array(change, { maxLength: 20 }), (count, changes) => {
      const list = new LinkedList<number>();
      const entries = Array.from({ length: count }, (_, nth) => list.add(nth));
      const model = new Set(entries.map(({ value }) => value));
      const gone = through(
        list,
        changes,
        (nth) => list.remove(entries[nth] as ListEntry<number>),
        (nth) => entries.push(list.add(nth)),
      );
      const same = through(
        model,
        changes,
        (nth) => model.delete(nth),
        (nth) => model.add(nth),
      );
      expect(gone).toEqual(same);
      expect([...list]).toEqual([...model]);
    }),
  );
});

/** What is met, while what `changes` say happens at each step. */
function through(
  all: Iterable<number>,
  changes: readonly { readonly gone: readonly number[]; readonly comes: boolean }[],
  remove: (nth: number) => unknown,
  add: (nth: number) => unknown,
): number[] {
  const met: number[] = [];
  let next = [...all].length;
  for (const each of all) {
    const change = changes[met.length];
    met.push(each);
    for (const nth of change?.gone ?? []) if (nth < next) remove(nth);
    if (change?.comes !== true) continue;
    add(next);
    next += 1;
  }
  return met;
}
