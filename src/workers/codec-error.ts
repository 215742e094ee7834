/** A codec's failure, which knows no error class, as the error that callers match on. */
import { InjectionError, toError } from '../errors.ts';

interface Failure {
  readonly reason: unknown;
  readonly path: string;
  readonly message: string;
}

/**
 * What `encodeValue` threw, as an `InjectionError` whose `details.path` names the value; anything else
 * that was thrown comes back as it is.
 */
export function asInjectionError(thrown: unknown): Error {
  const failure = thrown as Failure | null;
  if (typeof failure !== 'object' || failure === null) return toError(thrown);
  const code = failure.reason;
  if (code !== 'UNSERIALIZABLE_VALUE' && code !== 'LIMIT_EXCEEDED') return toError(thrown);
  return new InjectionError(code, failure.message, { details: { path: failure.path } });
}
