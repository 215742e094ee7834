/**
 * FTS5 expressions for sets of terms. A set is a number, a bit for each of its terms.
 *
 * FTS5 walks the list of a word once for each time the word is named, so naming it seldom is what costs least.
 */

export const anyOf = (terms: readonly string[]): string => terms.map((term) => `"${term}"`).join(' OR ');

/** Those that contain no other: one that does asks for more and finds nothing new. */
export function minimalSets(sets: readonly number[]): number[] {
  return [...new Set(sets)].filter((set) => sets.every((other) => other === set || (other & set) !== other));
}

/** Finds what has all terms of any of the sets, none of them empty. The rarest term comes first. */
export function anySetOf(sets: readonly number[], terms: readonly string[]): string {
  return express(minimalSets(sets), terms, 0, terms.length);
}

/**
 * Parts the terms into groups such that whatever has all terms of any of the sets has one of each group, and few
 * others do: `shares[i]` of all have term i. Each term is in one group.
 */
export function groupsFor(sets: readonly number[], shares: readonly number[]): number[] {
  const needed = minimalSets(sets);
  const all = 2 ** shares.length - 1;
  // All of one set, alone: every term that it needs is a group.
  if (needed.length === 1) return split(needed[0] as number, all);
  let best = { groups: [all], found: found([all], shares) };
  for (const groups of partitions(shares.length)) {
    if (!needed.every((set) => groups.every((group) => (group & set) !== 0))) continue;
    const these = { groups, found: found(groups, shares) };
    if (these.found < best.found) best = these;
  }
  return best.groups;
}

/** The terms of a set, in their order. */
export const termsOf = (set: number, terms: readonly string[]): string[] =>
  terms.filter((_, index) => (set & (1 << index)) !== 0);

/**
 * The terms from `from` to `to`, in two halves: sets whose second halves are the same share it, and the first halves
 * before it are expressed likewise.
 */
function express(sets: readonly number[], terms: readonly string[], from: number, to: number): string {
  if (to - from === 1) return `"${terms[from]}"`;
  const middle = (from + to) >> 1;
  const isFirst = 2 ** middle - 1;
  const firsts = new Map<string, { first: number[]; second: number[] }>();
  for (const first of new Set(sets.map((set) => set & isFirst))) {
    const second = sets.filter((set) => (set & isFirst) === first).map((set) => set & ~isFirst);
    const key = second.toSorted((left, right) => left - right).join();
    const shared = firsts.get(key);
    if (shared === undefined) firsts.set(key, { first: [first], second });
    else shared.first.push(first);
  }
  return [...firsts.values()]
    .map(({ first, second }) => {
      // Sets contain none of each other, so an empty half is alone.
      if (first.includes(0)) return express(second, terms, middle, to);
      const before = express(first, terms, from, middle);
      return second.includes(0) ? before : `((${before}) AND (${express(second, terms, middle, to)}))`;
    })
    .join(' OR ');
}

function split(set: number, all: number): number[] {
  const groups: number[] = [];
  for (let bit = 1; bit <= all; bit *= 2) if ((set & bit) !== 0) groups.push(bit);
  // What it does not need goes with the last, the commonest: it is not asked for, and counts where it is.
  groups[groups.length - 1] = (groups.at(-1) as number) | (all & ~set);
  return groups;
}

/** Every way to part `count` terms into two groups, or into three where that is soon done; the first is in the first. */
function* partitions(count: number): Generator<number[]> {
  const most = count > 6 ? 2 : 3;
  for (let way = 1; way < most ** (count - 1); way += 1) {
    const groups = [1, 0, 0];
    for (let index = 1, rest = way; index < count; index += 1, rest = Math.floor(rest / most)) {
      groups[rest % most] = (groups[rest % most] as number) | (1 << index);
    }
    yield groups.filter((group) => group !== 0);
  }
}

/** The share of all that has a term of each group, were terms independent. */
function found(groups: readonly number[], shares: readonly number[]): number {
  return groups.reduce((product, group) => {
    const none = shares.reduce(
      (part, share, index) => ((group & (1 << index)) !== 0 ? part * (1 - share) : part),
      1,
    );
    return product * (1 - none);
  }, 1);
}
