/**
 * Whether a regular expression can take exponential time. It can when one text leads from a place of
 * the pattern back to that place in two ways: `(a+)+`, `(a|a)*`, `(\w+\s?)*`. The places are the
 * pattern's characters (Glushkov's automaton); two ways are looked for in pairs of places.
 */
import { overlaps, parsePattern, type CharSet, type Pattern } from './regex-syntax.ts';

/** Patterns with more places than this are not judged. */
const PLACES_MAX = 400;
/** Pairs of places that are looked at. */
const PAIRS_MAX = 40_000;
/** A bounded repeat of at least so many rounds is as slow as an endless one. */
const MANY = 10;

/** A part of the automaton: where it begins and ends, and whether it can be skipped. */
interface Fragment {
  readonly first: readonly number[];
  readonly last: readonly number[];
  readonly nullable: boolean;
}

const NOTHING: Fragment = { first: [], last: [], nullable: true };

/** `spend` is told what it takes. */
export function isCatastrophic(
  pattern: string,
  flags: string,
  spend: (steps: number) => void = () => undefined,
): boolean {
  if (!/[*+}]/.test(pattern)) return false;
  const automaton = new Automaton(spend);
  const tree = parsePattern(pattern, flags);
  automaton.add(tree);
  return automaton.isAmbiguous();
}

class Automaton {
  readonly #sets: CharSet[] = [];
  /** Places behind a lookaround: it may be what tells them from their rivals. */
  readonly #guarded = new Set<number>();
  readonly #next: number[][] = [];
  readonly #spend: (steps: number) => void;
  #guard = false;
  #isTwoWays = false;

  constructor(spend: (steps: number) => void) {
    this.#spend = spend;
  }

  add(tree: Pattern): Fragment {
    if (this.#sets.length > PLACES_MAX) return NOTHING;
    switch (tree.kind) {
      case 'empty':
        return NOTHING;
      case 'assertion':
        this.add(tree.inner);
        this.#guard = true;
        return NOTHING;
      case 'set':
        return this.#place(tree.set);
      case 'sequence':
        return this.#sequence(tree.items);
      case 'choice':
        return this.#choice(tree.items);
      case 'repeat':
        return this.#repeat(tree.inner, tree.min, tree.max);
      default:
        throw new Error(`unreachable: ${tree satisfies never}`);
    }
  }

  #place(set: CharSet): Fragment {
    const place = this.#sets.push(set) - 1;
    this.#next.push([]);
    if (this.#guard) this.#guarded.add(place);
    this.#guard = false;
    return { first: [place], last: [place], nullable: false };
  }

  #sequence(items: readonly Pattern[]): Fragment {
    let whole = NOTHING;
    for (const item of items) {
      const part = this.add(item);
      this.#connect(whole.last, part.first);
      whole = {
        first: whole.nullable ? [...whole.first, ...part.first] : whole.first,
        last: part.nullable ? [...whole.last, ...part.last] : part.last,
        nullable: whole.nullable && part.nullable,
      };
    }
    return whole;
  }

  #choice(items: readonly Pattern[]): Fragment {
    const parts = items.map((item) => this.add(item));
    return {
      first: parts.flatMap((part) => part.first),
      last: parts.flatMap((part) => part.last),
      nullable: parts.some((part) => part.nullable),
    };
  }

  #repeat(inner: Pattern, min: number, max: number): Fragment {
    if (max === 0) return NOTHING;
    if (max > MANY) {
      const part = this.add(inner);
      this.#loop(part);
      return { ...part, nullable: part.nullable || min === 0 };
    }
    // Few rounds: one after the other, as many as there may be, with no way back.
    let whole = NOTHING;
    for (let round = 0; round < max && this.#sets.length <= PLACES_MAX; round++) {
      const part = this.add(inner);
      this.#connect(whole.last, part.first);
      const nullable = part.nullable || round >= min;
      whole = {
        first: whole.nullable ? [...whole.first, ...part.first] : whole.first,
        last: nullable ? [...whole.last, ...part.last] : part.last,
        nullable: whole.nullable && nullable,
      };
    }
    return whole;
  }

  #connect(from: readonly number[], to: readonly number[]): void {
    if (this.#sets.length > PLACES_MAX) return;
    this.#spend(from.length * to.length);
    for (const place of from) {
      for (const next of to) this.#next[place]?.push(next);
    }
  }

  /** Ways back from the ends of a part to its beginnings; one that was there already makes two. */
  #loop(part: Fragment): void {
    if (this.#sets.length > PLACES_MAX) return;
    for (const place of part.last) {
      const ways = this.#next[place] as number[];
      this.#spend(part.first.length * (1 + (ways.length >> 3)));
      for (const next of part.first) {
        if (ways.includes(next)) this.#isTwoWays = true;
        else ways.push(next);
      }
    }
  }

  isAmbiguous(): boolean {
    if (this.#sets.length > PLACES_MAX) return false;
    if (this.#isTwoWays) return true;
    return this.#sets.some((_, place) => this.#leadsBackTwice(place));
  }

  /** Looks for two different ways from `start` to `start` that one text takes. */
  #leadsBackTwice(start: number): boolean {
    const seen = new Set<number>();
    const stack: [number, number, boolean][] = [[start, start, false]];
    const width = this.#sets.length + 1;
    for (let pair = stack.pop(); pair !== undefined; pair = stack.pop()) {
      const others = this.#next[pair[1]] as number[];
      for (const a of this.#next[pair[0]] as number[]) {
        this.#spend(4 * others.length);
        for (const b of others) {
          const hasParted = pair[2] || a !== b;
          if (a !== b && !this.#mayMeet(a, b)) continue;
          if (hasParted && a === start && b === start) return true;
          const key = (a * width + b) * 2 + (hasParted ? 1 : 0);
          if (seen.has(key) || seen.size > PAIRS_MAX) continue;
          seen.add(key);
          stack.push([a, b, hasParted]);
        }
      }
    }
    return false;
  }

  #mayMeet(a: number, b: number): boolean {
    if (this.#guarded.has(a) || this.#guarded.has(b)) return false;
    const [left, right] = [this.#sets[a] as CharSet, this.#sets[b] as CharSet];
    this.#spend(left.length + right.length);
    return overlaps(left, right);
  }
}
