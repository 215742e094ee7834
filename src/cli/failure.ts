/** An error as the command line tells it: an exit code, a JSON document, or lines for a person. */
import { ERROR_KINDS, SkillCacheError, toError, type ErrorCode, type ErrorDetails } from '../errors.ts';
import type { Paint } from './paint.ts';
import { plainLine, plainText } from './plain-text.ts';
import { valueText } from '../value-text.ts';

export interface Failure {
  readonly code: ErrorCode;
  readonly message: string;
  readonly retryable: boolean;
  readonly details: ErrorDetails;
  readonly exitCode: number;
  /** Of an error nobody expected. */
  readonly stack?: string;
}

/** Anything thrown; what is not a `SkillCacheError` is `INTERNAL`. */
export function failureOf(thrown: unknown): Failure {
  // A library that could not be closed either: what happened first is what matters.
  if (thrown instanceof Error && thrown.name === 'SuppressedError' && 'suppressed' in thrown) {
    return failureOf(thrown.suppressed);
  }
  if (thrown instanceof SkillCacheError) {
    const { code, message, retryable, details, exitCode } = thrown;
    return { code, message, retryable, details, exitCode };
  }
  const error = toError(thrown);
  const { exitCode, retryable } = ERROR_KINDS.INTERNAL;
  const stack = error.stack === undefined ? {} : { stack: error.stack };
  return { code: 'INTERNAL', message: error.message, retryable, details: {}, exitCode, ...stack };
}

/** `{"error":{"code":…,"message":…,"retryable":…,"details":…}}` */
export function failureJson({ code, message, retryable, details }: Failure): string {
  return valueText({ error: { code, message, retryable, details } });
}

const HINTS: Partial<Record<ErrorCode, string>> = {
  EXECUTION_TIMEOUT: '`--timeout-ms` gives a run more time.',
  EXECUTION_MEMORY: '`--memory` gives a run more.',
  SANDBOX_UNAVAILABLE: '`skillcache doctor` says what confinement can be had here, and why.',
};

const DETAIL_WIDTH = 400;

/** What happened on the first line; below it the details that help, then what to do. */
export function failureText(failure: Failure, paint: Paint): string {
  const lines = [`${paint('red', 'error')}: ${plainText(failure.message)}`];
  for (const line of detailLines(failure)) lines.push(`  ${line}`);
  const hint = HINTS[failure.code];
  if (hint) lines.push(paint('dim', hint));
  if (failure.stack !== undefined) lines.push(paint('dim', plainText(failure.stack)));
  return lines.join('\n');
}

function* detailLines({ details, message }: Failure): Generator<string> {
  for (const issue of records(details['issues'])) {
    const text = `${String(issue['path'] ?? '')}: ${String(issue['message'] ?? '')}`;
    // Many messages tell their issues already.
    if (!message.includes(String(issue['message'] ?? ''))) yield plainLine(text);
  }
  for (const failure of records(details['failures'])) {
    yield `example ${Number(failure['index']) + 1}`;
    yield `  expected ${brief(failure['expected'])}`;
    yield `  actual   ${'actual' in failure ? brief(failure['actual']) : plainLine(String(failure['message'] ?? ''))}`;
  }
  for (const flag of records(details['flags'])) {
    yield plainLine(
      `${String(flag['flag'])} at line ${String(flag['line'])}, column ${String(flag['column'])}`,
    );
  }
  const thrown = details['error'];
  if (typeof thrown !== 'object' || thrown === null || !('stack' in thrown)) return;
  const frames = String(thrown.stack).split('\n').slice(1, 9);
  for (const frame of frames) yield plainLine(frame);
}

/** A value on one bounded line. */
export function brief(value: unknown): string {
  // An example's values come as literal text already.
  const text = typeof value === 'string' ? plainLine(value) : valueText(value);
  return text.length <= DETAIL_WIDTH ? text : `${text.slice(0, DETAIL_WIDTH)}…`;
}

function records(value: unknown): Record<string, unknown>[] {
  if (!Array.isArray(value)) return [];
  return value.filter((item): item is Record<string, unknown> => typeof item === 'object' && item !== null);
}
