/** What callers pass beside options: checked where it enters, so that a wrong call says what is wrong with it. */
import { ConfigurationError, SkillInvalidError, SkillNotFoundError, UsageError } from '../errors.ts';
import { CODE_BYTES_MAX } from '../skills/skill.ts';

const LIMIT_MAX = 1_000;
const TEXT_LENGTH_MAX = 1024 * 1024;

/** @throws {UsageError} when `value` is no string, or one of more than 1 MiB. */
export function textArgument(name: string, value: unknown): string {
  if (typeof value !== 'string') throw new UsageError(`${name} must be a string, not ${kindOf(value)}`);
  if (value.length <= TEXT_LENGTH_MAX) return value;
  throw new UsageError(`${name} has ${value.length} characters, at most ${TEXT_LENGTH_MAX} are taken`);
}

/** Looked at before anything parses it. @throws {SkillInvalidError} for no string, or one of more than 1 MiB. */
export function codeArgument(value: unknown): string {
  const problem = typeof value === 'string' ? sizeProblem(value) : `expected a string, not ${kindOf(value)}`;
  if (problem === undefined) return value as string;
  throw new SkillInvalidError(`code: ${problem}`, {
    details: { issues: [{ path: 'code', message: problem }] },
  });
}

function sizeProblem(code: string): string | undefined {
  const bytes = code.length > CODE_BYTES_MAX ? code.length : Buffer.byteLength(code);
  return bytes > CODE_BYTES_MAX ? `it has ${bytes} bytes, at most ${CODE_BYTES_MAX} are taken` : undefined;
}

/** @throws {UsageError} when `value` can be no path. */
export function pathArgument(value: unknown): string {
  const path = textArgument('path', value);
  if (path === '' || path.includes('\0')) throw new UsageError(`${JSON.stringify(path)} is no path`);
  return path;
}

/** @throws {ConfigurationError} when a page's limit is no whole number from 1 to 1000. */
export function pageOptions<Options extends { limit?: number }>(options: Options): Options {
  const { limit } = options;
  if (limit === undefined || (Number.isInteger(limit) && limit >= 1 && limit <= LIMIT_MAX)) return options;
  throw new ConfigurationError(`limit must be a whole number from 1 to ${LIMIT_MAX}, not ${String(limit)}`, {
    details: { issues: [{ path: 'limit', message: `expected a whole number from 1 to ${LIMIT_MAX}` }] },
  });
}

/** `moving-average` or `moving-average@3`. @throws {SkillNotFoundError} for what names no skill. */
export function parseReference(reference: unknown): { name: string; version?: number } {
  const text = textArgument('reference', reference);
  const [, name = '', version] = /^([^@]+?)(?:@([1-9]\d{0,8}))?$/.exec(text) ?? [];
  if (name === '') throw new SkillNotFoundError(`no skill ${text || '""'}`, { details: { reference: text } });
  return version === undefined ? { name } : { name, version: Number(version) };
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'an array' : `a value of type ${typeof value}`;
}
