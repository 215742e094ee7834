/** Where a text stops being JSON: V8 does not always say. */

export interface Place {
  readonly line: number;
  readonly column: number;
}

/** A mark, the quote that begins a string, or another scalar. */
const TOKEN = /[ \t\r\n]*(?:([{}[\],:])|(")|(-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null))/y;
const ESCAPE = /\\(?:["\\/bfnrt]|u[\da-fA-F]{4})/y;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
/** The first that a string may hold as it is. */
const SPACE = 0x20;

/** Line and column, both from 1, of the first token that does not belong; of the end, where more was expected. */
export function jsonErrorPlace(text: string): Place {
  return placeAt(text, errorOffset(text));
}

/** What may come next: a value, a key, `:`, or `,`; with `orEnd`, also what closes the list or record. */
interface Expected {
  readonly next: 'value' | 'key' | 'colon' | 'comma' | 'nothing';
  readonly orEnd?: boolean;
}

function errorOffset(text: string): number {
  const open: string[] = [];
  let expected: Expected = { next: 'value' };
  TOKEN.lastIndex = 0;
  for (;;) {
    const from = TOKEN.lastIndex;
    const [whole, mark, quote, scalar] = TOKEN.exec(text) ?? [];
    const token = mark ?? quote ?? scalar;
    if (whole === undefined || token === undefined)
      return from + (/^[ \t\r\n]*/.exec(text.slice(from))?.[0].length ?? 0);
    const at = from + whole.length - token.length;
    const end = quote === undefined ? from + whole.length : stringEnd(text, at);
    if (end === undefined) return at;
    const next = after(expected, { token, isString: quote !== undefined, isMark: mark !== undefined }, open);
    if (!next) return at;
    expected = next;
    TOKEN.lastIndex = end;
  }
}

/** Behind the closing quote; undefined if there is none. By hand: a pattern may take exponential time to find none. */
function stringEnd(text: string, start: number): number | undefined {
  for (let at = start + 1; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) return at + 1;
    if (code < SPACE) return undefined;
    if (code !== BACKSLASH) continue;
    ESCAPE.lastIndex = at;
    const escape = ESCAPE.exec(text);
    if (escape === null) return undefined;
    at += escape[0].length - 1;
  }
  return undefined;
}

function after(
  expected: Expected,
  { token, isString, isMark }: { token: string; isString: boolean; isMark: boolean },
  open: string[],
): Expected | undefined {
  const isClose = (token === ']' && open.at(-1) === '[') || (token === '}' && open.at(-1) === '{');
  if (isMark && isClose) {
    if (!expected.orEnd) return undefined;
    open.pop();
    return behindValue(open);
  }
  switch (expected.next) {
    case 'value':
      if (!isMark) return behindValue(open);
      if (token !== '[' && token !== '{') return undefined;
      open.push(token);
      return { next: token === '[' ? 'value' : 'key', orEnd: true };
    case 'key':
      return isString ? { next: 'colon' } : undefined;
    case 'colon':
      return token === ':' ? { next: 'value' } : undefined;
    case 'comma':
      return token === ',' ? { next: open.at(-1) === '{' ? 'key' : 'value' } : undefined;
    case 'nothing':
      return undefined;
    default:
      throw new Error(`unreachable: ${expected.next satisfies never}`);
  }
}

function behindValue(open: readonly string[]): Expected {
  return open.length === 0 ? { next: 'nothing' } : { next: 'comma', orEnd: true };
}

function placeAt(text: string, offset: number): Place {
  const before = text.slice(0, offset).split('\n');
  return { line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
}
