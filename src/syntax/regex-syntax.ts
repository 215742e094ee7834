/** A regular expression as a tree, as far as matching time hangs on it. */

/** Code units, as sorted, disjoint, inclusive ranges. */
export type CharSet = readonly (readonly [from: number, to: number])[];

export type Pattern =
  | { readonly kind: 'empty' }
  /** What a lookaround asserts; it consumes nothing. */
  | { readonly kind: 'assertion'; readonly inner: Pattern; readonly negative: boolean }
  | { readonly kind: 'set'; readonly set: CharSet }
  | { readonly kind: 'sequence'; readonly items: readonly Pattern[] }
  | { readonly kind: 'choice'; readonly items: readonly Pattern[] }
  | { readonly kind: 'repeat'; readonly inner: Pattern; readonly min: number; readonly max: number };

const LAST = 0xffff;
const EMPTY: Pattern = { kind: 'empty' };
const DIGITS: CharSet = [[48, 57]];
const WORD: CharSet = [
  [48, 57],
  [65, 90],
  [95, 95],
  [97, 122],
];
const SPACES: CharSet = [
  [9, 13],
  [32, 32],
  [160, 160],
  [0x1680, 0x1680],
  [0x2000, 0x200a],
  [0x2028, 0x2029],
  [0x202f, 0x202f],
  [0x205f, 0x205f],
  [0x3000, 0x3000],
  [0xfeff, 0xfeff],
];
const LINE_ENDS: CharSet = [
  [10, 10],
  [13, 13],
  [0x2028, 0x2029],
];
const CLASSES: ReadonlyMap<string, CharSet> = new Map([
  ['d', DIGITS],
  ['D', complement(DIGITS)],
  ['w', WORD],
  ['W', complement(WORD)],
  ['s', SPACES],
  ['S', complement(SPACES)],
]);
const CONTROLS: ReadonlyMap<string, number> = new Map([
  ['n', 10],
  ['r', 13],
  ['t', 9],
  ['v', 11],
  ['f', 12],
  ['0', 0],
]);

/** Parses `pattern`, which V8 has accepted or would refuse: what is odd is read as plain characters. */
export function parsePattern(pattern: string, flags: string): Pattern {
  return new PatternParser(pattern, flags).parse();
}

class PatternParser {
  readonly #text: string;
  readonly #ignoresCase: boolean;
  readonly #dotAll: boolean;
  #at = 0;

  constructor(text: string, flags: string) {
    this.#text = text;
    this.#ignoresCase = flags.includes('i');
    this.#dotAll = flags.includes('s');
  }

  parse(): Pattern {
    const items: Pattern[] = [];
    while (this.#at < this.#text.length) {
      items.push(this.#choice());
      // A stray `)`.
      this.#at++;
    }
    return items.length === 1 && items[0] ? items[0] : { kind: 'sequence', items };
  }

  #choice(): Pattern {
    const items = [this.#sequence()];
    while (this.#take('|')) items.push(this.#sequence());
    return items.length === 1 && items[0] ? items[0] : { kind: 'choice', items };
  }

  #sequence(): Pattern {
    const items: Pattern[] = [];
    while (this.#at < this.#text.length && !'|)'.includes(this.#peek())) {
      items.push(this.#quantified(this.#atom()));
    }
    return { kind: 'sequence', items };
  }

  #quantified(inner: Pattern): Pattern {
    const rest = this.#text.slice(this.#at, this.#at + 24);
    const match = /^(?:[*+?]|\{(\d+)(?:(,)(\d*))?\})/.exec(rest);
    if (!match) return inner;
    this.#at += match[0].length;
    this.#take('?');
    const sign = match[0];
    if (sign === '*') return { kind: 'repeat', inner, min: 0, max: Infinity };
    if (sign === '+') return { kind: 'repeat', inner, min: 1, max: Infinity };
    if (sign === '?') return { kind: 'repeat', inner, min: 0, max: 1 };
    const min = Number(match[1]);
    const open = match[2] === ',';
    return { kind: 'repeat', inner, min, max: match[3] ? Number(match[3]) : open ? Infinity : min };
  }

  #atom(): Pattern {
    const char = this.#peek();
    this.#at++;
    switch (char) {
      case '^':
      case '$':
        return EMPTY;
      case '.':
        return { kind: 'set', set: this.#dotAll ? [[0, LAST]] : complement(LINE_ENDS) };
      case '(':
        return this.#group();
      case '[':
        return { kind: 'set', set: this.#class() };
      case '\\':
        return this.#escapedAtom();
      default:
        return this.#single(char.charCodeAt(0));
    }
  }

  #group(): Pattern {
    const opening =
      /^\?(?:[:=!]|<[=!]|<[^>]*>|[a-z-]*:)/.exec(this.#text.slice(this.#at, this.#at + 64))?.[0] ?? '';
    this.#at += opening.length;
    const inner = this.#choice();
    this.#take(')');
    return /[=!]$/.test(opening) ? { kind: 'assertion', inner, negative: opening.endsWith('!') } : inner;
  }

  #escapedAtom(): Pattern {
    const char = this.#peek();
    if (char === 'b' || char === 'B') {
      this.#at++;
      return EMPTY;
    }
    // What a back reference matches is fixed by then: it adds no choice.
    const reference = /^(?:[1-9]\d*|k<[^>]*>)/.exec(this.#text.slice(this.#at, this.#at + 64))?.[0];
    if (reference !== undefined) {
      this.#at += reference.length;
      return EMPTY;
    }
    return { kind: 'set', set: this.#folded(this.#escape()) };
  }

  /** What follows a backslash, as a set. */
  #escape(): CharSet {
    const char = this.#peek();
    this.#at++;
    const known = CLASSES.get(char);
    if (known) return known;
    const code = CONTROLS.get(char);
    if (code !== undefined) return [[code, code]];
    const rest = this.#text.slice(this.#at, this.#at + 40);
    const hex = /^x([\da-f]{2})|^u([\da-f]{4})|^u\{([\da-f]+)\}/i.exec(char + rest);
    if (hex) {
      this.#at += hex[0].length - 1;
      const point = Math.min(LAST, Number.parseInt(hex[1] ?? hex[2] ?? hex[3] ?? '0', 16));
      return [[point, point]];
    }
    if (char === 'p' || char === 'P') {
      this.#at += /^\{[^}]*\}/.exec(rest)?.[0].length ?? 0;
      // Which characters have a property is not looked up: letters stand for all of them.
      return char === 'p' ? [...WORD, [0xaa, LAST]] : complement(WORD);
    }
    return char === '' ? [] : [[char.charCodeAt(0), char.charCodeAt(0)]];
  }

  #class(): CharSet {
    const negated = this.#take('^');
    const ranges: (readonly [number, number])[] = [];
    while (this.#at < this.#text.length && this.#peek() !== ']') {
      const from = this.#classItem();
      const first = from[0];
      const isRange = this.#peek() === '-' && this.#text[this.#at + 1] !== ']' && from.length === 1;
      if (!isRange || first === undefined || first[0] !== first[1]) {
        for (const range of from) ranges.push(range);
        continue;
      }
      this.#at++;
      const to = this.#classItem();
      const end = to[0];
      if (to.length === 1 && end !== undefined && end[0] === end[1] && end[0] >= first[0])
        ranges.push([first[0], end[0]]);
      else {
        ranges.push(first, [45, 45]);
        for (const range of to) ranges.push(range);
      }
    }
    this.#at++;
    const set = this.#folded(sorted(ranges));
    return negated ? complement(set) : set;
  }

  #classItem(): CharSet {
    const char = this.#peek();
    this.#at++;
    if (char !== '\\') return [[char.charCodeAt(0), char.charCodeAt(0)]];
    if (this.#take('b')) return [[8, 8]];
    return this.#escape();
  }

  #single(code: number): Pattern {
    return { kind: 'set', set: this.#folded([[code, code]]) };
  }

  /** Both cases of the letters, where the flag asks for it. */
  #folded(set: CharSet): CharSet {
    if (!this.#ignoresCase) return set;
    const both = [...set];
    for (const [from, to] of set) {
      for (const [first, shift] of [
        [65, 32],
        [97, -32],
      ] as const) {
        const low = Math.max(from, first);
        const high = Math.min(to, first + 25);
        if (low <= high) both.push([low + shift, high + shift]);
      }
    }
    return sorted(both);
  }

  #peek(): string {
    return this.#text[this.#at] ?? '';
  }

  #take(char: string): boolean {
    if (this.#peek() !== char) return false;
    this.#at++;
    return true;
  }
}

export function overlaps(a: CharSet, b: CharSet): boolean {
  return a.some(([from, to]) => b.some(([first, last]) => from <= last && first <= to));
}

function sorted(ranges: readonly (readonly [number, number])[]): CharSet {
  const merged: [number, number][] = [];
  for (const [from, to] of ranges.toSorted((a, b) => a[0] - b[0])) {
    const last = merged.at(-1);
    if (last !== undefined && from <= last[1] + 1) last[1] = Math.max(last[1], to);
    else merged.push([from, to]);
  }
  return merged;
}

export function complement(set: CharSet): CharSet {
  const rest: [number, number][] = [];
  let next = 0;
  for (const [from, to] of set) {
    if (from > next) rest.push([next, from - 1]);
    next = to + 1;
  }
  if (next <= LAST) rest.push([next, LAST]);
  return rest;
}
