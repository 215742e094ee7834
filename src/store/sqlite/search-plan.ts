/**
 * Which skills are worth ranking. BM25 costs some microseconds a row and a phrase, so in a large library not every
 * skill that has any of the words is ranked: those with the most telling words are, and as many as are needed.
 */

/** Looks into the index. */
export interface IndexProbe {
  /** About how many skills there are. */
  readonly skills: number;
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

/** Seen of one word; beyond it, how common it is follows from how dense it was. */
const SEEN_MAX = 2_000;
/** Words whose combinations are tried, the rarest: 255 of them. */
const COMBINED_MAX = 8;

/** The skills worth ranking; undefined where all that have any of the words are. */
export function planSearch(
  terms: readonly string[],
  limit: number,
  probe: IndexProbe,
  { rankAll, wanted, ranked }: PlanBounds = PLAN_BOUNDS,
): number[] | undefined {
  if (probe.find(anyOf(terms), rankAll + 1).length <= rankAll) return undefined;
  const rare = rarestFirst(terms, probe).slice(0, COMBINED_MAX);
  const combinations = combine(rare, probe.skills);
  const expected = combinations.findIndex(({ skills }) => skills >= wanted);
  // Words that go together are found together: there are more than expected, or else more is asked for.
  let count = expected < 0 ? combinations.length : expected + 1;
  let found = probe.find(expression(combinations, count, rare), ranked);
  // One combination more may be one too many: a hundred thousand for a handful.
  if (found.length === ranked && count > 1) {
    const fewer = probe.find(expression(combinations, count - 1, rare), ranked);
    if (fewer.length >= limit) return fewer;
  }
  while (found.length < Math.max(limit, wanted / 10) && count < combinations.length) {
    count = Math.min(combinations.length, count * 2);
    found = probe.find(expression(combinations, count, rare), ranked);
  }
  return found;
}

export const anyOf = (terms: readonly string[]): string => terms.map((term) => `"${term}"`).join(' OR ');

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

function rarestFirst(terms: readonly string[], probe: IndexProbe): RareTerm[] {
  return terms
    .map((term) => ({ term, skills: countOf(term, probe) }))
    .filter(({ skills }) => skills > 0)
    .toSorted((left, right) => left.skills - right.skills);
}

function countOf(term: string, probe: IndexProbe): number {
  const seen = probe.find(anyOf([term]), SEEN_MAX);
  const lastId = seen.at(-1) ?? 0;
  return seen.length < SEEN_MAX ? seen.length : seen.length * Math.max(1, probe.skills / lastId);
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

/** The first combinations as an FTS5 expression, each word asked for as seldom as can be. */
function expression(combinations: readonly Combination[], count: number, terms: readonly RareTerm[]): string {
  const sets = combinations.slice(0, count).map(({ bits }) => bits);
  // A combination that contains another of them asks for more and finds nothing new.
  return factor(
    sets.filter((bits) => !sets.some((other) => other !== bits && (other & bits) === other)),
    terms,
  );
}

function factor(sets: readonly number[], terms: readonly RareTerm[]): string {
  return terms
    .flatMap(({ term }, index) => {
      const bit = 1 << index;
      const rest = sets.filter((bits) => (bits & -bits) === bit).map((bits) => bits ^ bit);
      if (rest.length === 0) return [];
      return rest.includes(0) ? [`"${term}"`] : [`("${term}" AND (${factor(rest, terms)}))`];
    })
    .join(' OR ');
}
