/** Reading a source text between the nodes of its tree: blanks, comments, names, line ends. */

const TRIVIA =
  // oxlint-disable-next-line no-control-regex -- the blanks of the ECMAScript grammar, spelled out
  /(?:[\t\v\f\n\r\u0020\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff]+|\/\/[^\n\r\u2028\u2029]*|\/\*[^]*?\*\/)*/y;
const NAME = /(?:[\p{ID_Continue}$\u200c\u200d]|\\u[0-9a-fA-F]{4}|\\u\{[0-9a-fA-F]+\})*/uy;
const LINE_END = /\r\n|[\n\r\u2028\u2029]/g;

/** The offset of the first character at or behind `from` that is neither blank nor comment. */
export function skipTrivia(text: string, from: number): number {
  TRIVIA.lastIndex = from;
  TRIVIA.test(text);
  return TRIVIA.lastIndex;
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
