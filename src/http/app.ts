/** The server as it is before it has routes: its bounds, its checks, and how it says that something is wrong. */
import { randomUUID } from 'node:crypto';
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { ERROR_KINDS, SkillCacheError, type ErrorCode } from '../errors.ts';
import type { HttpOptions } from '../http-options.ts';
import type { HttpCounters } from '../monitor/http-metrics.ts';
import { readCertificate } from './certificate.ts';
import { addCompression } from './compression.ts';
import { addDoor, type DoorParts } from './door.ts';
import { NameGuard } from './guard.ts';
import { addIdempotency } from './idempotency.ts';
import { addJsonBodies } from './json-body.ts';
import { knownError, problemOf, problemText, PROBLEM_TYPE } from './problem.ts';
import type { ServiceStore } from '../store/service-store.ts';
import { RequestEnds } from './request-end.ts';
import { addTracing } from './tracing.ts';
import { zodCheck } from './route.ts';
import { logFailure, logRequest, type ServiceLog } from './service-log.ts';

export interface AppParts extends Omit<DoorParts, 'guard' | 'isTls'> {
  readonly options: HttpOptions;
  readonly log: ServiceLog;
  readonly counters: HttpCounters;
  readonly store: ServiceStore;
}

const CHECK_EVERY_MS = 1_000;
const HEADER_BYTES_MAX = 16_384;

export function buildApp(parts: AppParts): { app: FastifyInstance; inFlight: () => number } {
  const { options, log, counters, store } = parts;
  const app = createApp(options);
  app.setValidatorCompiler(zodCheck);
  const ends = new RequestEnds(app);
  addTracing(app, ends);
  const { inFlight } = addDoor(app, ends, {
    ...parts,
    guard: new NameGuard(options),
    isTls: options.tls.certFile !== '',
  });
  addIdempotency(app, ends, store, (request, error) => logFailure(log, request, error));
  addCompression(app, options.bodyBytesMax);
  ends.watchAnswers(app);
  ends.listen((request, end) => {
    counters.ended(request.routeOptions.url ?? 'none', end.status, end.durationMs);
    logRequest(log, request, end);
  });
  app.setErrorHandler((given, request, reply) => {
    const thrown = withBound(given, options.bodyBytesMax);
    logFailure(log, request, thrown);
    return sendProblem(request, reply, thrown);
  });
  app.setNotFoundHandler((request, reply) =>
    sendProblem(request, reply, noRoute(app, request.method, request.url)),
  );
  return { app, inFlight };
}

function createApp(options: HttpOptions): FastifyInstance {
  const { certFile, keyFile } = options.tls;
  const tls = certFile === '' && keyFile === '' ? undefined : readCertificate(options.tls);
  const timing = {
    headersTimeout: Math.min(options.headersTimeoutMs, options.requestTimeoutMs),
    connectionsCheckingInterval: CHECK_EVERY_MS,
    maxHeaderSize: HEADER_BYTES_MAX,
  };
  const app = fastify({
    logger: false,
    bodyLimit: options.bodyBytesMax,
    genReqId: () => randomUUID(),
    requestIdHeader: false,
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    requestTimeout: options.requestTimeoutMs,
    keepAliveTimeout: options.keepAliveTimeoutMs,
    routerOptions: { maxParamLength: 200, ignoreTrailingSlash: false },
    clientErrorHandler: (error, socket) => refuseRaw(error, socket),
    frameworkErrors: (error, request, reply) =>
      void sendProblem(request as unknown as FastifyRequest, reply as unknown as FastifyReply, error),
    // Its type says that a server is one or the other.
    ...({ [tls === undefined ? 'http' : 'https']: { ...tls, ...timing } } as object),
  });
  app.removeContentTypeParser(['text/plain', 'application/json']);
  addJsonBodies(app);
  app.server.maxConnections = options.connectionsMax;
  return app;
}

/** Fastify does not say how much would have been too much. */
function withBound(thrown: unknown, bodyBytesMax: number): unknown {
  if ((thrown as { code?: unknown }).code !== 'FST_ERR_CTP_BODY_TOO_LARGE') return thrown;
  const message = `the body is larger than ${bodyBytesMax} bytes`;
  return new SkillCacheError('BODY_TOO_LARGE', message, { cause: thrown });
}

function sendProblem(request: FastifyRequest, reply: FastifyReply, thrown: unknown): FastifyReply {
  const error = knownError(thrown);
  request.failure = error.code;
  const problem = problemOf(error);
  const { retryAfterSeconds } = error.details;
  const waits = problem.status === 429 || problem.status === 503;
  if (waits) reply.header('retry-after', String(retryAfterSeconds ?? 1));
  if (error.code === 'UNAUTHORIZED') reply.header('www-authenticate', 'Bearer');
  const { allow } = error.details;
  if (typeof allow === 'string') reply.header('allow', allow);
  return reply.code(problem.status).type(PROBLEM_TYPE).send(problemText(problem));
}

const METHODS = ['GET', 'HEAD', 'PUT', 'POST', 'DELETE'] as const;

function noRoute(app: FastifyInstance, method: string, url: string): SkillCacheError {
  const path = url.split('?')[0] ?? url;
  const allowed = METHODS.filter(
    (one) => app.findRoute({ method: one, url: path }) !== null || leads(app, one, path),
  );
  if (allowed.length === 0)
    return new SkillCacheError('ROUTE_NOT_FOUND', `nothing is at ${path.slice(0, 200)}; /docs says what is`);
  const allow = allowed.join(', ');
  return new SkillCacheError('METHOD_NOT_ALLOWED', `${method} is not possible here, but ${allow}`, {
    details: { allow },
  });
}

/** Whether an address with parameters in it leads to a route. */
function leads(app: FastifyInstance, method: (typeof METHODS)[number], path: string): boolean {
  try {
    return (
      app.hasRoute({ method, url: path }) || patternOf(path).some((url) => app.hasRoute({ method, url }))
    );
  } catch {
    // An address that cannot be taken apart leads nowhere.
    return false;
  }
}

function patternOf(path: string): string[] {
  return [
    path.replace(/^\/v1\/skills\/[^/]+/, '/v1/skills/:name'),
    path.replace(/^\/v1\/runs\/[^/]+/, '/v1/runs/:id'),
    path.replace(/^\/v1\/batches\/[^/]+/, '/v1/batches/:id'),
  ].filter((pattern) => pattern !== path);
}

/** What is no HTTP gets its answer by hand. */
function refuseRaw(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed || !socket.writable) {
    socket.destroy();
    return;
  }
  const code = rawCode(error.code);
  const { httpStatus } = ERROR_KINDS[code];
  const body = problemText(problemOf(new SkillCacheError(code, RAW_TEXTS[code] ?? 'the request is no HTTP')));
  socket.end(
    `HTTP/1.1 ${httpStatus} ${STATUS_CODES[httpStatus] ?? 'Refused'}\r\ncontent-type: ${PROBLEM_TYPE}\r\ncontent-length: ${Buffer.byteLength(body)}\r\n` +
      `x-content-type-options: nosniff\r\nconnection: close\r\n\r\n${body}`,
  );
}

const RAW_TEXTS: Partial<Record<ErrorCode, string>> = {
  HEADERS_TOO_LARGE: `the headers are larger than ${HEADER_BYTES_MAX} bytes`,
  REQUEST_TIMEOUT: 'the request did not arrive in time',
};

function rawCode(code: string | undefined): ErrorCode {
  if (code === 'HPE_HEADER_OVERFLOW') return 'HEADERS_TOO_LARGE';
  return code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 'REQUEST_TIMEOUT' : 'REQUEST_INVALID';
}
