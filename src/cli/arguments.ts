/** What the words of a command line mean: JSON, files, stdin, `key=value`, sizes. */
import { InjectionError, UsageError, abortError, type ErrorDetails } from '../errors.ts';
import { jsonErrorPlace } from '../json-place.ts';
import { plainLine } from './plain-text.ts';
import { readStream, readText } from './read-file.ts';

export type ReadStdin = () => Promise<string>;
export type Data = Record<string, unknown>;

/**
 * All of stdin, once: a second reader is refused, since the text went to the first. Bounded as files are, and
 * waits no longer than `signal`.
 */
export function stdinReader(stdin: AsyncIterable<Uint8Array | string>, signal: AbortSignal): ReadStdin {
  let isRead = false;
  return async () => {
    if (isRead) throw new UsageError('stdin ("-") can be read once: two arguments ask for it');
    isRead = true;
    const aborted = new Promise<never>((_resolve, reject) => {
      const abort = (): void => reject(abortError(signal));
      if (signal.aborted) abort();
      else signal.addEventListener('abort', abort, { once: true });
    });
    return Promise.race([readStream(stdin, 'stdin'), aborted]);
  };
}

/**
 * `--inputs` and its kin: JSON, `@file` or `-` for stdin. Always an object.
 * @throws {InjectionError} `INVALID_INPUTS`, naming the option and the place.
 */
export async function readData(
  word: string,
  option: string,
  stdin: ReadStdin,
  signal?: AbortSignal,
): Promise<Data> {
  const [text, source] = await dataText(word, option, stdin, signal);
  const value = parseJson(text, source);
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Data;
  const found = value === null ? 'null' : Array.isArray(value) ? 'a list' : `a ${typeof value}`;
  throw new InjectionError('INVALID_INPUTS', `${source} is ${found}; expected a JSON object`);
}

async function dataText(
  word: string,
  option: string,
  stdin: ReadStdin,
  signal: AbortSignal | undefined,
): Promise<[string, string]> {
  if (word === '-') return [await stdin(), `${option} (stdin)`];
  if (word.startsWith('@'))
    return [await readText(word.slice(1), { signal }), `${option} (${word.slice(1)})`];
  return [word, option];
}

/** @throws {InjectionError} `INVALID_INPUTS` with line and column. */
export function parseJson(text: string, source: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    const { message, details } = jsonProblem(text, source);
    throw new InjectionError('INVALID_INPUTS', message, { cause: error, details });
  }
}

/** What to say of a text that is not JSON. */
export function jsonProblem(text: string, source: string): { message: string; details: ErrorDetails } {
  const place = jsonErrorPlace(text);
  const found = plainLine(text.split('\n')[place.line - 1]?.slice(place.column - 1) ?? '');
  const near = found === '' ? 'it ends too early' : `what is wrong begins with ${found.slice(0, 20)}`;
  const message = `${source} is not JSON: line ${place.line}, column ${place.column}: ${near}`;
  return { message, details: { ...place } };
}

/**
 * `--input key=value`, repeated: the value is JSON where it parses as such, else the text itself; `@file` is the
 * file's content (parsed where its name ends in `.json`). The last of a key wins.
 */
export async function readAssignments(words: readonly string[], signal?: AbortSignal): Promise<Data> {
  const entries: [string, unknown][] = [];
  for (const word of words) {
    const at = word.indexOf('=');
    if (at < 1) throw new UsageError(`--input ${word}: expected key=value`);
    entries.push([word.slice(0, at), await assigned(word.slice(at + 1), word.slice(0, at), signal)]);
  }
  // Not by assignment: `__proto__` is a key like any other.
  return Object.fromEntries(entries);
}

async function assigned(text: string, key: string, signal: AbortSignal | undefined): Promise<unknown> {
  if (text.startsWith('@')) {
    const path = text.slice(1);
    const content = await readText(path, { signal });
    return path.endsWith('.json') ? parseJson(content, `--input ${key} (${path})`) : content;
  }
  try {
    return JSON.parse(text) as unknown;
  } catch {
    // Not JSON: the words themselves are the value.
    return text;
  }
}

/** Many objects as one, later ones winning, `__proto__` a key like any other. */
export function mergeData(...parts: readonly (Data | undefined)[]): Data {
  return Object.fromEntries(parts.flatMap((part) => Object.entries(part ?? {})));
}

const UNITS: Readonly<Record<string, number>> = { '': 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30 };

/** `1048576`, `256k`, `64MiB`, `1GB`: powers of 1024 either way. */
export function parseSize(text: string): number {
  const found = /^(\d+(?:\.\d+)?)\s*([kmg]?)(?:i?b)?$/i.exec(text.trim());
  const unit = found ? UNITS[(found[2] ?? '').toLowerCase()] : undefined;
  if (!found || unit === undefined) throw new UsageError(`not a size: ${text}; expected for example 256MiB`);
  return Math.round(Number(found[1]) * unit);
}

/** A whole number in words of digits. */
export function parseCount(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value)) {
    throw new UsageError(`not a whole number: ${text}`);
  }
  return value;
}

/** Ms since 1970, or an ISO 8601 time with its zone. */
export function parseTime(text: string): number | string {
  if (/^-?\d+$/.test(text)) return Number(text);
  if (/^\d{4}-\d\d-\d\dT.*(?:Z|[+-]\d\d:\d\d)$/.test(text) && !Number.isNaN(Date.parse(text))) return text;
  throw new UsageError(`not a time: ${text}; expected for example 2026-01-01T00:00:00Z`);
}
