/** What the endpoint writes down: one line an event. The program around it gives the writer (pino's shape). */
import type { FastifyRequest } from 'fastify';
import { ERROR_KINDS } from '../errors.ts';
import { knownError } from './problem.ts';

type Write = (fields: object, message: string) => void;

export interface ServiceLog {
  readonly debug: Write;
  readonly info: Write;
  readonly warn: Write;
  readonly error: Write;
  isLevelEnabled(level: string): boolean;
}

export function logRequest(
  log: ServiceLog,
  request: FastifyRequest,
  { status, durationMs }: { status: number; durationMs: number },
): void {
  if (!log.isLevelEnabled('info')) return;
  const { id, method, caller } = request;
  const fields = {
    request: id,
    method,
    route: request.routeOptions.url ?? 'none',
    status,
    durationMs: Math.round(durationMs * 1_000) / 1_000,
    caller: caller?.id,
    tenant: caller?.tenant,
    ...traceOf(request.headers['traceparent']),
  };
  log.info(fields, `${method} ${fields.route} ${status}`);
}

/** Only what is the service's own fault is an error of its log. */
export function logFailure(log: ServiceLog, request: FastifyRequest, thrown: unknown): void {
  const error = knownError(thrown);
  const { httpStatus } = ERROR_KINDS[error.code];
  const fields = {
    request: request.id,
    code: error.code,
    err: error.code === 'INTERNAL' ? thrown : undefined,
  };
  if (error.code === 'INTERNAL' || error.code.startsWith('DATABASE_')) log.error(fields, error.message);
  else if (httpStatus >= 500) log.warn(fields, error.message);
  else log.debug(fields, error.message);
}

function traceOf(header: unknown): { trace?: string } {
  const [, trace] =
    typeof header === 'string' ? (/^[\da-f]{2}-([\da-f]{32})-[\da-f]{16}-/.exec(header) ?? []) : [];
  return trace === undefined ? {} : { trace };
}
