/** SQLite's errors as ours, with the path and what to do; and both across the border of a thread. */
import {
  AbortedError,
  CacheOverflowError,
  ConfigurationError,
  DatabaseConnectionError,
  DatabaseCorruptError,
  DatabaseFullError,
  DatabaseReadonlyError,
  PreconditionFailedError,
  RequirementError,
  SkillCacheError,
  SkillInUseError,
  SkillNotFoundError,
  toError,
  type ErrorCode,
  type ErrorDetails,
  type SkillCacheErrorOptions,
} from '../../errors.ts';

type ErrorConstructor = new (message: string, options?: SkillCacheErrorOptions) => SkillCacheError;

const CLASSES: Partial<Record<ErrorCode, ErrorConstructor>> = {
  ABORTED: AbortedError,
  CACHE_OVERFLOW: CacheOverflowError,
  CONFIGURATION: ConfigurationError,
  DATABASE_CONNECTION: DatabaseConnectionError,
  DATABASE_CORRUPT: DatabaseCorruptError,
  DATABASE_FULL: DatabaseFullError,
  DATABASE_READONLY: DatabaseReadonlyError,
  PRECONDITION_FAILED: PreconditionFailedError,
  REQUIREMENT: RequirementError,
  SKILL_IN_USE: SkillInUseError,
  SKILL_NOT_FOUND: SkillNotFoundError,
};

/**
 * An error of SQLite (or anything thrown) as one of ours; what is not about the database stays as it is.
 * `subject`: what was read, named where it is damaged.
 */
export function databaseError(thrown: unknown, path: string, subject?: string): Error {
  if (thrown instanceof SkillCacheError) return thrown;
  const cause = toError(thrown);
  const sqliteCode = 'code' in cause && typeof cause.code === 'string' ? cause.code : '';
  const failure = describe(sqliteCode, path, cause.message);
  if (failure?.class === DatabaseCorruptError && subject !== undefined) {
    const details = { path, sqliteCode, subject };
    return new DatabaseCorruptError(`${subject} cannot be read: ${failure.message}`, { cause, details });
  }
  const options = { cause, details: { path, sqliteCode } };
  return failure === undefined ? cause : new failure.class(failure.message, options);
}

function describe(
  code: string,
  path: string,
  text: string,
): { class: ErrorConstructor; message: string } | undefined {
  if (code === 'SQLITE_NOTADB') {
    return { class: DatabaseCorruptError, message: `${path} is not a SQLite database; name another file` };
  }
  // The tables refuse what no operation of ours asks for: rows are missing, or are not ours.
  if (code.startsWith('SQLITE_CORRUPT') || code.startsWith('SQLITE_CONSTRAINT')) {
    const message = `${path} is damaged (${text}): restore a backup, or export what can still be read`;
    return { class: DatabaseCorruptError, message };
  }
  if (code === 'SQLITE_FULL' || code === 'SQLITE_IOERR_SHMSIZE') {
    return {
      class: DatabaseFullError,
      message: `no space left for ${path}: the write was not made; free some and retry`,
    };
  }
  if (code.startsWith('SQLITE_READONLY')) {
    return {
      class: DatabaseReadonlyError,
      message: `${path} cannot be written (${text}): check its and its folder's permissions`,
    };
  }
  if (code.startsWith('SQLITE_BUSY') || code.startsWith('SQLITE_LOCKED')) {
    return {
      class: DatabaseConnectionError,
      message: `${path} is locked by another process (${text}): retry, or raise store.busyTimeoutMs`,
    };
  }
  if (/^SQLITE_(CANTOPEN|IOERR|PERM|AUTH|PROTOCOL|NOLFS)/.test(code)) {
    return {
      class: DatabaseConnectionError,
      message: `${path} cannot be opened or read (${code}: ${text}): check that its folder exists and is accessible`,
    };
  }
  if (code === 'EACCES' || code === 'EPERM') {
    return {
      class: DatabaseConnectionError,
      message: `${path} cannot be reached any more (${text}): give its and its folder's permissions back`,
    };
  }
  if (/directory does not exist/.test(text)) {
    return {
      class: DatabaseConnectionError,
      message: `the folder of ${path} does not exist: create it first`,
    };
  }
  return undefined;
}

/** An error as plain data, for a message between threads. */
export interface WireError {
  readonly code?: ErrorCode;
  readonly name: string;
  readonly message: string;
  readonly stack?: string;
  readonly details: ErrorDetails;
}

export function errorToWire(error: Error): WireError {
  const { name, message } = error;
  const stack = error.stack === undefined ? {} : { stack: error.stack };
  if (!(error instanceof SkillCacheError)) return { name, message, ...stack, details: {} };
  return { name, message, ...stack, code: error.code, details: error.details };
}

export function errorFromWire(wire: WireError): Error {
  const remote = new Error(wire.message);
  remote.name = wire.name;
  if (wire.stack !== undefined) remote.stack = wire.stack;
  if (wire.code === undefined) return remote;
  const options = { cause: remote, details: wire.details };
  const known = CLASSES[wire.code];
  return known === undefined
    ? new SkillCacheError(wire.code, wire.message, options)
    : new known(wire.message, options);
}
