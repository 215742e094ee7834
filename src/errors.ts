/**
 * Every error this program throws on purpose. `code` is stable and is what callers match on;
 * HTTP status, exit code and `retryable` follow from it in one table.
 */

/** What follows from an error code. `exitCode` is the command line's, `httpStatus` the endpoint's. */
export interface ErrorKind {
  readonly httpStatus: number;
  readonly exitCode: number;
  /** Whether the same call may succeed later without being changed. */
  readonly retryable: boolean;
}

const kind = (httpStatus: number, exitCode: number, retryable = false): ErrorKind => ({
  httpStatus,
  exitCode,
  retryable,
});

/** The code table: the only source of statuses, exit codes and retry advice. */
export const ERROR_KINDS = {
  // The program or its set-up is at fault.
  INTERNAL: kind(500, 1),
  CONFIGURATION: kind(400, 2),
  USAGE: kind(400, 2),
  CLOSED: kind(503, 9, true),
  ABORTED: kind(499, 130),
  // The endpoint: who asks, how much, and in what words.
  UNAUTHORIZED: kind(401, 3),
  FORBIDDEN: kind(403, 3),
  RATE_LIMITED: kind(429, 9, true),
  OVERLOADED: kind(503, 9, true),
  REQUEST_INVALID: kind(400, 6),
  REQUEST_TIMEOUT: kind(408, 9, true),
  BODY_TOO_LARGE: kind(413, 6),
  HEADERS_TOO_LARGE: kind(431, 6),
  MEDIA_TYPE: kind(415, 6),
  MISDIRECTED: kind(421, 3),
  ROUTE_NOT_FOUND: kind(404, 7),
  METHOD_NOT_ALLOWED: kind(405, 2),
  RUN_NOT_FOUND: kind(404, 7),
  PRECONDITION_FAILED: kind(412, 6),
  IDEMPOTENCY_CONFLICT: kind(409, 6),
  // What was asked for does not exist or is not acceptable.
  SKILL_NOT_FOUND: kind(404, 7),
  FILE_NOT_FOUND: kind(404, 7),
  SKILL_INVALID: kind(422, 6),
  SKILL_SYNTAX: kind(422, 6),
  SKILL_VERIFICATION: kind(422, 5),
  SKILL_IN_USE: kind(409, 6),
  REQUIREMENT: kind(422, 6),
  SECURITY_VALIDATION: kind(422, 8),
  INPUT_VALIDATION: kind(422, 6),
  OUTPUT_VALIDATION: kind(422, 6),
  // Injection.
  PARSE_ERROR: kind(422, 6),
  UNSUPPORTED_TARGET: kind(422, 6),
  UNSUPPORTED_SYNTAX: kind(422, 6),
  INVALID_INPUTS: kind(422, 6),
  UNSERIALIZABLE_VALUE: kind(422, 6),
  LIMIT_EXCEEDED: kind(413, 6),
  // A run.
  SKILL_RUNTIME: kind(422, 5),
  EXECUTION_TIMEOUT: kind(504, 124),
  EXECUTION_MEMORY: kind(507, 9),
  OUTPUT_LIMIT: kind(422, 9),
  WORKER_CRASHED: kind(502, 5, true),
  SANDBOX_UNAVAILABLE: kind(503, 8),
  // Resources.
  POOL_EXHAUSTED: kind(503, 9, true),
  CACHE_OVERFLOW: kind(507, 9),
  DATABASE_CONNECTION: kind(503, 9, true),
  DATABASE_CORRUPT: kind(500, 1),
  DATABASE_FULL: kind(507, 9, true),
  DATABASE_READONLY: kind(503, 9),
  // Batches.
  BATCH_NOT_FOUND: kind(404, 7),
  BATCH_BUSY: kind(409, 9, true),
  BATCH_REFUSED: kind(409, 6),
  BATCH_FAILED: kind(422, 5),
  INPUTS_BROKEN: kind(422, 6),
  OUTPUT_UNWRITABLE: kind(507, 9, true),
} as const satisfies Record<string, ErrorKind>;

export type ErrorCode = keyof typeof ERROR_KINDS;

/** A place in a source text: `line` from 1, `column` from 1, as editors and stack traces count. */
export interface SourcePlace {
  readonly line: number;
  readonly column: number;
}

/** Plain data that goes with an error; shown by `--json` and in problem documents. */
export type ErrorDetails = Readonly<Record<string, unknown>>;

export interface SkillCacheErrorOptions {
  cause?: unknown;
  details?: ErrorDetails;
}

/** The base class. `details` is JSON; `message` says what happened, in numbers. */
export class SkillCacheError extends Error {
  readonly code: ErrorCode;
  readonly details: ErrorDetails;

  constructor(code: ErrorCode, message: string, options: SkillCacheErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.code = code;
    this.details = options.details ?? {};
  }

  get httpStatus(): number {
    return ERROR_KINDS[this.code].httpStatus;
  }

  get exitCode(): number {
    return ERROR_KINDS[this.code].exitCode;
  }

  get retryable(): boolean {
    return ERROR_KINDS[this.code].retryable;
  }

  toJSON(): { name: string; code: ErrorCode; message: string; retryable: boolean; details: ErrorDetails } {
    return {
      name: this.name,
      code: this.code,
      message: this.message,
      retryable: this.retryable,
      details: this.details,
    };
  }
}

/** A subclass whose code never varies: `new PoolExhaustedError(message, { cause, details })`. */
function errorClass(code: ErrorCode) {
  return class extends SkillCacheError {
    constructor(message: string, options: SkillCacheErrorOptions = {}) {
      super(code, message, options);
    }
  };
}

/** No skill, or no such version of it. */
export class SkillNotFoundError extends errorClass('SKILL_NOT_FOUND') {}
/** A file or folder that was named does not exist. */
export class FileNotFoundError extends errorClass('FILE_NOT_FOUND') {}
/** A field of a skill definition is wrong; `details.issues` is `[{ path, message }]`. */
export class SkillInvalidError extends errorClass('SKILL_INVALID') {}
/** The code does not parse; `details.line`, `details.column`. */
export class SkillSyntaxError extends errorClass('SKILL_SYNTAX') {}
/** An example failed before the pointer moved; `details.failures` is `[{ index, expected, actual }]`. */
export class SkillVerificationError extends errorClass('SKILL_VERIFICATION') {}
/** Another skill requires the one to be removed. */
export class SkillInUseError extends errorClass('SKILL_IN_USE') {}
/** A required skill is missing, cyclic, too deep or too large. */
export class RequirementError extends errorClass('REQUIREMENT') {}
/** The code can do what its policy forbids; `details.flags`. */
export class SecurityValidationError extends errorClass('SECURITY_VALIDATION') {}
/** Inputs do not fit the schema; `details.issues` is `[{ path, message }]`. */
export class InputValidationError extends errorClass('INPUT_VALIDATION') {}
/** The output does not fit the schema; `details.issues` is `[{ path, message }]`. */
export class OutputValidationError extends errorClass('OUTPUT_VALIDATION') {}
/** The skill threw; `details.error` is `{ name, message, stack }` in the skill's own lines. */
export class SkillRuntimeError extends errorClass('SKILL_RUNTIME') {}
/** The deadline passed and the worker was killed; `details.timeoutMs`. */
export class ExecutionTimeoutError extends errorClass('EXECUTION_TIMEOUT') {}
/** The worker ran out of its memory bound; `details.memoryBytesMax`. */
export class ExecutionMemoryError extends errorClass('EXECUTION_MEMORY') {}
/** The answer is larger than its bound; `details.outputBytesMax`. */
export class OutputLimitError extends errorClass('OUTPUT_LIMIT') {}
/** The worker died, or spoke out of turn; `details.exitCode`, `details.signal`. */
export class WorkerCrashedError extends errorClass('WORKER_CRASHED') {}
/** The confinement that `sandbox.require` names cannot be had here. */
export class SandboxUnavailableError extends errorClass('SANDBOX_UNAVAILABLE') {}
/** No resource became free in time, or the waiting line is full. */
export class PoolExhaustedError extends errorClass('POOL_EXHAUSTED') {}
/** One entry is larger than the cache that should hold it. */
export class CacheOverflowError extends errorClass('CACHE_OVERFLOW') {}
/** The database cannot be opened or reached; `details.path`. */
export class DatabaseConnectionError extends errorClass('DATABASE_CONNECTION') {}
/** What is on disk is not what was written; `details.path`. */
export class DatabaseCorruptError extends errorClass('DATABASE_CORRUPT') {}
/** The disk is full; nothing was written. */
export class DatabaseFullError extends errorClass('DATABASE_FULL') {}
/** The database or its folder cannot be written. */
export class DatabaseReadonlyError extends errorClass('DATABASE_READONLY') {}
/** No batch of this id. */
export class BatchNotFoundError extends errorClass('BATCH_NOT_FOUND') {}
/** Another process, or another part of this one, is running the batch or writes its output. */
export class BatchBusyError extends errorClass('BATCH_BUSY') {}
/** The batch cannot go on: its inputs, output, skill or checkpoints are not what they were; `details.reasons`. */
export class BatchRefusedError extends errorClass('BATCH_REFUSED') {}
/** More items failed than `failuresMax` lets; `details.failed`. */
export class BatchFailedError extends errorClass('BATCH_FAILED') {}
/** The inputs of a batch are broken off, or not what they are read as: items may be missing; `details.line`. */
export class InputsBrokenError extends errorClass('INPUTS_BROKEN') {}
/** The output of a batch cannot be written any more: a full disk, say. What was kept can be resumed. */
export class OutputUnwritableError extends errorClass('OUTPUT_UNWRITABLE') {}
/** Called after, or during, `close()`. */
export class ClosedError extends errorClass('CLOSED') {}
/** The caller's signal fired. */
export class AbortedError extends errorClass('ABORTED') {}
/** An option is unknown or out of its bounds; `details.issues` is `[{ path, message }]`. */
export class ConfigurationError extends errorClass('CONFIGURATION') {}
/** The skill is not at the version that the caller took it to be at; `details.current`. */
export class PreconditionFailedError extends errorClass('PRECONDITION_FAILED') {}
/** The command line's words are off. */
export class UsageError extends errorClass('USAGE') {}

export type InjectionErrorCode =
  | 'PARSE_ERROR'
  | 'UNSUPPORTED_TARGET'
  | 'UNSUPPORTED_SYNTAX'
  | 'INVALID_INPUTS'
  | 'UNSERIALIZABLE_VALUE'
  | 'LIMIT_EXCEEDED';

/** Data could not be put into the code: `line` and `column` say where in it, or `path` which value. */
export class InjectionError extends SkillCacheError {
  declare readonly code: InjectionErrorCode;

  /** From 1. */
  get line(): number | undefined {
    return this.details['line'] as number | undefined;
  }

  /** From 1. */
  get column(): number | undefined {
    return this.details['column'] as number | undefined;
  }

  /** As `inputs.rows[3].callback`. */
  get path(): string | undefined {
    return this.details['path'] as string | undefined;
  }

  constructor(code: InjectionErrorCode, message: string, options: SkillCacheErrorOptions = {}) {
    super(code, message, options);
  }
}

/** The reason of an aborted signal as our error; a `SkillCacheError` given as the reason is kept. */
export function abortError(signal: AbortSignal): SkillCacheError {
  const reason: unknown = signal.reason;
  if (reason instanceof SkillCacheError) return reason;
  return new AbortedError('the caller aborted', { cause: reason });
}

/** Anything thrown, as an `Error`. */
export function toError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown), { cause: thrown });
}
