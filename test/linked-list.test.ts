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

test('while it is gone through, who leaves is left out, and who comes is not met', () => {
  const list = new LinkedList<string>();
  const [, b, , d] = ['a', 'b', 'c', 'd', 'e'].map((each) => list.add(each)) as ListEntry<string>[];
  const met: string[] = [];
  for (const each of list) {
    met.push(each);
    if (each !== 'b') continue;
    for (const gone of [b, d]) list.remove(gone as ListEntry<string>);
    list.add('f');
  }
  expect(met).toEqual(['a', 'b', 'c', 'e']);
  expect([...list]).toEqual(['a', 'c', 'e', 'f']);
});
