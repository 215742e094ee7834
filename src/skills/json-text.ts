/** JSON text whose errors say where: `JSON.parse` tells no place for some mistakes. */
import { SkillInvalidError, type SourcePlace } from '../errors.ts';

/**
 * Parses JSON. `source` names the text in the error.
 * @throws {SkillInvalidError} with `details.line` and `details.column` of the first mistake.
 */
export function parseJsonText(text: string, source: string): unknown {
  const json = text.startsWith('\uFEFF') ? text.slice(1) : text;
  try {
    return JSON.parse(json) as unknown;
  } catch (cause) {
    const offset = mistakeOffset(json);
    const place = placeAt(json, offset);
    const found =
      offset >= json.length ? 'the text ends too early' : `unexpected ${JSON.stringify(json[offset])}`;
    const message = `${source} is not JSON: ${found} at line ${place.line}, column ${place.column}`;
    const issues = [{ path: source, message: `${found} at line ${place.line}, column ${place.column}` }];
    throw new SkillInvalidError(message, { cause, details: { issues, ...place } });
  }
}

/** Line and column, both from 1, of an offset. */
export function placeAt(text: string, offset: number): SourcePlace {
  const before = text.slice(0, offset);
  const lineStart = before.lastIndexOf('\n') + 1;
  return { line: before.split('\n').length, column: offset - lineStart + 1 };
}

const BLANKS = /[ \t\n\r]*/y;
const WORD = /(?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)(?![\w.+-])/y;

interface Token {
  readonly kind: 'string' | 'word' | '{' | '}' | '[' | ']' | ',' | ':';
  readonly end: number;
}

/** Where the first token stands that JSON does not allow there; the length if the text ends too early. */
function mistakeOffset(text: string): number {
  const open: string[] = [];
  let wanted: 'value' | 'value or ]' | 'key' | 'key or }' | ':' | ', or end' = 'value';
  let at = 0;
  for (;;) {
    const start = endOf(BLANKS, text, at) ?? at;
    const token = tokenAt(text, start);
    if (token === undefined) return start;
    const { kind } = token;
    const inObject = open.at(-1) === '{';
    const mayClose = wanted === ', or end' || wanted === (inObject ? 'key or }' : 'value or ]');
    if (open.length > 0 && kind === (inObject ? '}' : ']') && mayClose) {
      open.pop();
      wanted = ', or end';
    } else if (wanted === ', or end') {
      if (kind !== ',' || open.length === 0) return start;
      wanted = inObject ? 'key' : 'value';
    } else if (wanted === ':') {
      if (kind !== ':') return start;
      wanted = 'value';
    } else if (wanted === 'key' || wanted === 'key or }') {
      if (kind !== 'string') return start;
      wanted = ':';
    } else if (kind === '{' || kind === '[') {
      open.push(kind);
      wanted = kind === '{' ? 'key or }' : 'value or ]';
    } else {
      if (kind !== 'string' && kind !== 'word') return start;
      wanted = ', or end';
    }
    at = token.end;
  }
}

function tokenAt(text: string, start: number): Token | undefined {
  const char = text[start];
  if (char === undefined) return undefined;
  if ('{}[],:'.includes(char)) return { kind: char as Token['kind'], end: start + 1 };
  const end = char === '"' ? stringEnd(text, start) : endOf(WORD, text, start);
  return end === undefined ? undefined : { kind: char === '"' ? 'string' : 'word', end };
}

function endOf(token: RegExp, text: string, from: number): number | undefined {
  token.lastIndex = from;
  return token.test(text) ? token.lastIndex : undefined;
}

/** Behind the closing quote; nothing for a string that is not closed, or has a bad escape or line break. */
function stringEnd(text: string, start: number): number | undefined {
  for (let at = start + 1; at < text.length; at += 1) {
    const char = text[at] as string;
    if (char === '"') return at + 1;
    if (char < ' ') return undefined;
    if (char !== '\\') continue;
    const escape = /^(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/.exec(text.slice(at + 1, at + 6))?.[0];
    if (escape === undefined) return undefined;
    at += escape.length;
  }
  return undefined;
}
