/**
 * Which skills are worth ranking. BM25 costs some microseconds a row and a phrase, so in a large library not every
 * skill that has any of the words is ranked: those with the most telling words are, and as many as are needed.
 */
import { anyOf, anySetOf, groupsFor, termsOf } from './search-expression.ts';

/** Looks into the index. */
export interface IndexProbe {
  /** About how many skills there are. */
  readonly skills: number;
  /** How many match, counted up to `most` in the order of the index, and the last of those. */
  count(match: string, most: number): { readonly seen: number; readonly lastId: number };
  /** Those that match, in the order of the index, `most` at most. */
  find(match: string, most: number): number[];
}

export interface PlanBounds {
  /** Skills with any of the words that are all ranked: there is nothing to save. */
  readonly rankAll: number;
  /** Words are left out until about this many skills are expected. */
  readonly wanted: number;
  /** Most that are ranked, whatever the words. */
  readonly ranked: number;
}

export const PLAN_BOUNDS: PlanBounds = { rankAll: 2_000, wanted: 500, ranked: 3_000 };

export interface SearchPlan {
  /** The skills worth ranking. */
  readonly ids: readonly number[];
  /** Every term once. Each of those skills has a term of each group, so that the others need not be visited. */
  readonly groups: readonly (readonly string[])[];
}

/** Seen of one word; beyond it, how common it is follows from how dense it was. */
const SEEN_MAX = 1_000;
/** Words whose combinations are tried, the rarest: 255 of them. */
const COMBINED_MAX = 8;
/** What is found must be this share of what would be, for the least telling combinations to be left out. */
const FOUND_SHARE = 0.75;

/** Undefined where all skills that have any of the words are to be ranked. */
export function planSearch(
  terms: readonly string[],
  limit: number,
  probe: IndexProbe,
  bounds: PlanBounds = PLAN_BOUNDS,
): SearchPlan | undefined {
  const byRarity = rarestFirst(terms, probe);
  if (isFew(byRarity, probe, bounds.rankAll)) return undefined;
  const rare = byRarity.slice(0, COMBINED_MAX);
  const names = rare.map(({ term }) => term);
  const shares = rare.map(({ skills }) => Math.min(1, skills / probe.skills));
  const { sets, ids } = chooseSets(rare, shares, limit, probe, bounds);
  const groups = groupsFor(sets, shares).map((group) => termsOf(group, names));
  // The commonest are not asked for, and count where they are: they join the commonest of those that are.
  const widest = groups.find((group) => group.includes(names.at(-1) as string));
  widest?.push(...byRarity.slice(COMBINED_MAX).map(({ term }) => term));
  return { ids, groups };
}

interface RareTerm {
  readonly term: string;
  /** About how many skills have it. */
  readonly skills: number;
}

interface Combination {
  /** The terms that it asks for. */
  readonly bits: number;
  /** How many skills are expected to have this one or one before it. */
  readonly skills: number;
}

function isFew(terms: readonly RareTerm[], probe: IndexProbe, rankAll: number): boolean {
  if (terms.some(({ skills }) => skills > rankAll)) return false;
  if (terms.reduce((sum, { skills }) => sum + skills, 0) <= rankAll) return true;
  return probe.count(anyOf(terms.map(({ term }) => term)), rankAll + 1).seen <= rankAll;
}

/** As many combinations as find enough skills, and what they find. */
function chooseSets(
  rare: readonly RareTerm[],
  shares: readonly number[],
  limit: number,
  probe: IndexProbe,
  { wanted, ranked }: PlanBounds,
): { sets: number[]; ids: number[] } {
  const terms = rare.map(({ term }) => term);
  const combinations = combine(rare, probe.skills);
  const choose = (count: number) => {
    const sets = combinations.slice(0, count).map(({ bits }) => bits);
    return { sets, ids: probe.find(anySetOf(sets, terms), ranked) };
  };
  const expected = combinations.findIndex(({ skills }) => skills >= wanted);
  // Words that go together are found together: there are more than expected, or else more is asked for.
  let count = expected < 0 ? combinations.length : partable(combinations, expected + 1, shares);
  let chosen = choose(count);
  // One combination more may be one too many: a hundred thousand for a handful.
  if (chosen.ids.length === ranked && count > 1) {
    const fewer = choose(count - 1);
    if (fewer.ids.length >= limit) return fewer;
  }
  while (chosen.ids.length < Math.max(limit, wanted / 10) && count < combinations.length) {
    count = Math.min(combinations.length, count * 2);
    chosen = choose(count);
  }
  return chosen;
}

/**
 * As many of the first `count` combinations as can be parted into groups, if they find most of the skills that all of
 * them do: the three commonest of five words may cost half of the time, and tell least.
 */
function partable(combinations: readonly Combination[], count: number, shares: readonly number[]): number {
  const isPartable = (some: number) =>
    groupsFor(
      combinations.slice(0, some).map(({ bits }) => bits),
      shares,
    ).length > 1;
  const needed = (combinations[count - 1] as Combination).skills * FOUND_SHARE;
  let most = count;
  let least = combinations.findIndex(({ skills }) => skills >= needed) + 1;
  if (isPartable(most) || !isPartable(least)) return most;
  while (most - least > 1) {
    const middle = (least + most) >> 1;
    if (isPartable(middle)) least = middle;
    else most = middle;
  }
  return least;
}

function rarestFirst(terms: readonly string[], probe: IndexProbe): RareTerm[] {
  return terms
    .map((term) => ({ term, skills: countOf(term, probe) }))
    .filter(({ skills }) => skills > 0)
    .toSorted((left, right) => left.skills - right.skills);
}

function countOf(term: string, probe: IndexProbe): number {
  const { seen, lastId } = probe.count(anyOf([term]), SEEN_MAX);
  return seen < SEEN_MAX ? seen : seen * Math.max(1, probe.skills / lastId);
}

/** Every combination, the most telling first: all of the terms, then without the least telling … */
function combine(terms: readonly RareTerm[], skills: number): Combination[] {
  const has = (bits: number, index: number) => (bits & (1 << index)) !== 0;
  // How much a word tells is the logarithm of its rarity, as BM25 has it.
  const tells = (bits: number) =>
    terms.reduce(
      (sum, term, index) => (has(bits, index) ? sum + Math.log(1 + skills / term.skills) : sum),
      0,
    );
  const share = (bits: number) =>
    terms.reduce(
      (part, term, index) => (has(bits, index) ? part * Math.min(1, term.skills / skills) : part),
      1,
    );
  let sum = 0;
  return Array.from({ length: 2 ** terms.length - 1 }, (_, index) => index + 1)
    .map((bits) => ({ bits, weight: tells(bits) }))
    .toSorted((left, right) => right.weight - left.weight)
    .map(({ bits }) => ({ bits, skills: (sum += skills * share(bits)) }));
}
