/** A text in which pieces become blanks, and the marks that keep the rest from running together. */
import { InjectionError } from '../errors.ts';
import { blank, continuesExpression, skipTrivia, TriviaSkipper } from './source-text.ts';

interface Range {
  readonly start: number;
  readonly end: number;
}

/** What a class member may begin with that an expression before it would swallow. */
const CONTINUES_FIELD = /^(?:[[*(]|in\b|instanceof\b)/;
const LINE_END = /[\n\r\u2028\u2029]/;

export class BlankedText {
  readonly #text: string;
  readonly #blanks: Range[] = [];
  readonly #statements: Range[] = [];
  readonly #members: Range[] = [];
  readonly #statementEnds = new Set<number>();
  readonly #fieldEnds = new Set<number>();
  readonly #headEnds = new Set<number>();
  readonly #beginnings: { at: number; wrong: RegExp }[] = [];
  readonly #keywordEnds: number[] = [];
  readonly #marks = new Map<number, string>();

  constructor(text: string) {
    this.#text = text;
  }

  blank(start: number, end: number): void {
    this.#blanks.push({ start, end });
  }

  /** Blanks a whole statement. */
  blankStatement(start: number, end: number): void {
    this.blank(start, end);
    this.#statements.push({ start, end });
  }

  /** Blanks a class member, or its first word. */
  blankMember(start: number, end: number): void {
    this.blank(start, end);
    this.#members.push({ start, end });
  }

  /** A character that stands there whatever else is blanked. */
  put(at: number, character: string): void {
    this.#marks.set(at, character);
  }

  endsStatement(end: number): void {
    this.#statementEnds.add(end);
  }

  endsField(end: number): void {
    this.#fieldEnds.add(end);
  }

  /** A declaration in a loop's head ends there; it is no statement. */
  isHead(end: number): void {
    this.#headEnds.add(end);
  }

  /** What stands at `at` must not come to begin with `wrong`, which means something else there. */
  begins(at: number, wrong: RegExp): void {
    if (this.#text[at] === '<') this.#beginnings.push({ at, wrong });
  }

  /** What follows a keyword must stay on its line. */
  follows(keywordEnd: number): void {
    this.#keywordEnds.push(keywordEnd);
  }

  spansLines(start: number, end: number): boolean {
    return LINE_END.test(this.#text.slice(start, end));
  }

  /** @throws {InjectionError} `UNSUPPORTED_SYNTAX` where blanks alone would change the meaning. */
  finish(): string {
    const erased = this.#erase();
    const trivia = new TriviaSkipper(erased);
    this.#check(erased, trivia);
    const marks = [...this.#marks, ...this.#semicolons(erased, trivia)].sort(([a], [b]) => a - b);
    let text = '';
    let from = 0;
    for (const [at, mark] of marks) {
      if (at < from) continue;
      text += erased.slice(from, at) + mark;
      from = at + 1;
    }
    return text + erased.slice(from);
  }

  #erase(): string {
    let text = '';
    let from = 0;
    for (const { start, end } of this.#blanks.sort((a, b) => a.start - b.start)) {
      if (end <= from) continue;
      const begin = Math.max(start, from);
      text += this.#text.slice(from, begin) + blank(this.#text.slice(begin, end));
      from = end;
    }
    return text + this.#text.slice(from);
  }

  #semicolons(erased: string, trivia: TriviaSkipper): [number, string][] {
    const found: [number, string][] = [];
    const isFieldNext = (end: number): boolean => {
      const next = trivia.skip(end);
      return CONTINUES_FIELD.test(erased.slice(next, next + 12));
    };
    for (const { start, end } of this.#statements) {
      if (continuesExpression(erased, trivia.skip(end))) found.push([start, ';']);
    }
    for (const { start, end } of this.#members) {
      if (isFieldNext(end)) found.push([start, ';']);
    }
    // A cast and its type end at one place: the first blank is the one behind the value.
    const tails = new Map<number, number>();
    for (const { start, end } of this.#blanks) if (!tails.has(end)) tails.set(end, start);
    for (const [end, start] of tails) {
      const isStatement = this.#statementEnds.has(end) && !this.#headEnds.has(end);
      const isSwallowed = isStatement
        ? continuesExpression(erased, trivia.skip(end))
        : this.#fieldEnds.has(end) && isFieldNext(end);
      if (isSwallowed) found.push([start, ';']);
    }
    return found;
  }

  #check(erased: string, trivia: TriviaSkipper): void {
    for (const { at, wrong } of this.#beginnings) {
      const next = trivia.skip(at);
      if (wrong.test(erased.slice(next, next + 40))) this.#refuse(at);
    }
    for (const end of this.#keywordEnds) {
      const before = this.#text.slice(end, skipTrivia(this.#text, end));
      const after = erased.slice(end, trivia.skip(end));
      if (LINE_END.test(after) && !LINE_END.test(before) && !this.#marks.has(skipTrivia(this.#text, end))) {
        this.#refuse(skipTrivia(this.#text, end));
      }
    }
  }

  #refuse(at: number): never {
    const lines = this.#text.slice(0, at).split(/\r\n|[\n\r\u2028\u2029]/);
    const place = { line: lines.length, column: lines.at(-1)!.length + 1 };
    const message = `the type assertion at line ${place.line}, column ${place.column} cannot be erased in place; write it with \`as\``;
    throw new InjectionError('UNSUPPORTED_SYNTAX', message, { details: place });
  }
}
