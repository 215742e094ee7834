/** Reading a source text between the nodes of its tree: blanks, comments, names, line ends. */

const TRIVIUM =
  // oxlint-disable-next-line no-control-regex -- the blanks of the ECMAScript grammar, spelled out
  /[\t\v\f\n\r\u0020\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff]+|\/\/[^\n\r\u2028\u2029]*|\/\*[^]*?\*\//y;
const NAME = /(?:[\p{ID_Continue}$\u200c\u200d]|\\u[0-9a-fA-F]{4}|\\u\{[0-9a-fA-F]+\})*/uy;
const LINE_END = /\r\n|[\n\r\u2028\u2029]/g;

/** The offset of the first character at or behind `from` that is neither blank nor comment. */
export function skipTrivia(text: string, from: number): number {
  let at = from;
  TRIVIUM.lastIndex = at;
  while (TRIVIUM.test(text)) at = TRIVIUM.lastIndex;
  return at;
}

/**
 * `skipTrivia` for a text in which long stretches are blank: asked from many places of one stretch,
 * it is walked once. Places inside a comment are not to be asked for.
 */
export class TriviaSkipper {
  readonly #text: string;
  /** Where the trivia around each place ends; 0 where it was not walked yet. */
  readonly #ends: Int32Array;

  constructor(text: string) {
    this.#text = text;
    this.#ends = new Int32Array(text.length + 1);
  }

  skip(from: number): number {
    const ends = this.#ends;
    let at = from;
    while (ends[at] === 0) {
      if (isPlainBlank(this.#text.charCodeAt(at))) {
        at += 1;
        continue;
      }
      TRIVIUM.lastIndex = at;
      if (!TRIVIUM.test(this.#text)) break;
      at = TRIVIUM.lastIndex;
    }
    const end = ends[at] || at;
    for (let known = from; known < at; known += 1) ends[known] = end;
    return end;
  }
}

const SPACE = 0x20;
const TAB = 0x09;
const CARRIAGE_RETURN = 0x0d;

function isPlainBlank(code: number): boolean {
  return code === SPACE || (code >= TAB && code <= CARRIAGE_RETURN);
}

/** The offset behind the name (escapes included) that begins at `from`. */
export function endOfName(text: string, from: number): number {
  NAME.lastIndex = from;
  NAME.test(text);
  return NAME.lastIndex;
}

/** Every line end in `text`, in order and as written. */
export function lineEnds(text: string): readonly string[] {
  return text.match(LINE_END) ?? [];
}

/** `text` as blanks of the same length; line ends stay. */
export function blank(text: string): string {
  return text.replaceAll(/[^\n\r\u2028\u2029]/g, ' ');
}

/** Whether an expression that ended before `next` would swallow what begins there. */
export function continuesExpression(text: string, next: number): boolean {
  const first = text[next];
  if (first === undefined) return false;
  if (first === '+' || first === '-') return text[next + 1] !== first;
  return '([`/*.'.includes(first) && !(first === '.' && /\d/.test(text[next + 1] ?? ''));
}
