/** Errors as RFC 9457 problem documents. Status and code come from the table in `errors.ts`, and from nowhere else. */
import { ERROR_KINDS, SkillCacheError, type ErrorCode, type ErrorDetails } from '../errors.ts';
import { valueText } from '../value-text.ts';

export const PROBLEM_TYPE = 'application/problem+json; charset=utf-8';

export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: ErrorCode;
  readonly retryable: boolean;
  readonly [member: string]: unknown;
}

/** What may be told of the machine: nothing. Their messages name files and addresses. */
const SAID_INSTEAD: Partial<Record<ErrorCode, string>> = {
  INTERNAL: 'something went wrong that should not; the log of the service says what',
  CONFIGURATION: 'the service cannot do this as it is configured',
  FILE_NOT_FOUND: 'a file that this needs is not there',
  DATABASE_CONNECTION: 'the database cannot be reached',
  DATABASE_CORRUPT: 'what is stored is damaged; the log of the service says where',
  DATABASE_FULL: 'the disk of the service is full; nothing was written',
  DATABASE_READONLY: 'the service serves a library that it may only read',
  OUTPUT_UNWRITABLE: 'the output cannot be written: the disk of the service is full, or cannot be reached',
  SANDBOX_UNAVAILABLE: 'the confinement that the service demands cannot be had on its machine',
};

/** Details that help a caller and tell nothing of the machine. */
const TOLD = [
  'issues',
  'failures',
  'flags',
  'logs',
  'line',
  'column',
  'name',
  'version',
  'reference',
  'requiredBy',
  'through',
  'timeoutMs',
  'memoryBytesMax',
  'outputBytesMax',
  'expected',
  'current',
  'retryAfterSeconds',
  'run',
  'id',
] as const; // oxfmt keeps it readable

export function problemOf(thrown: unknown): Problem {
  const known = knownError(thrown);
  const { httpStatus: status, retryable } = ERROR_KINDS[known.code];
  const said = SAID_INSTEAD[known.code];
  return {
    type: `/docs#${known.code}`,
    title: titleOf(known.code),
    status,
    detail: said ?? known.message,
    code: known.code,
    retryable,
    ...(said === undefined && toldDetails(known)),
  };
}

/** Bounded: what a skill threw or said is in it. */
export function problemText(problem: Problem): string {
  try {
    return valueText(problem, { bytesMax: 8 * 2 ** 20 });
  } catch {
    // Its details are too large: without them it says what happened all the same.
    const { type, title, status, detail, code, retryable } = problem;
    return JSON.stringify({ type, title, status, detail: detail.slice(0, 2_000), code, retryable });
  }
}

/** `SKILL_NOT_FOUND` → `Skill not found`. */
export function titleOf(code: ErrorCode): string {
  const words = code.toLowerCase().replaceAll('_', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** Fastify's own errors by their codes; what nobody expected is INTERNAL. */
export function knownError(thrown: unknown): SkillCacheError {
  if (thrown instanceof SkillCacheError) return thrown;
  const {
    code,
    statusCode = 500,
    message,
  } = thrown as { code?: string; statusCode?: number; message?: string };
  const cause = { cause: thrown };
  if (code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE') {
    return new SkillCacheError('MEDIA_TYPE', 'the body must be application/json', cause);
  }
  if (statusCode >= 400 && statusCode < 500) {
    return new SkillCacheError(
      'REQUEST_INVALID',
      String(message ?? 'the request is wrong').slice(0, 300),
      cause,
    );
  }
  return new SkillCacheError('INTERNAL', String(message ?? thrown), cause);
}

function toldDetails({ code, details }: SkillCacheError): ErrorDetails {
  const told: Record<string, unknown> = {};
  for (const key of TOLD) if (details[key] !== undefined) told[key] = details[key];
  // Of a value in the data; other errors' paths are files.
  if (ERROR_KINDS[code].httpStatus === 422 && typeof details['path'] === 'string')
    told['path'] = details['path'];
  const thrown = details['error'];
  if (typeof thrown === 'object' && thrown !== null) {
    const { name, message } = thrown as { name?: unknown; message?: unknown };
    told['error'] = { name, message };
  }
  return told;
}
