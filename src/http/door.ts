/** The way in: who asks, under what name, how often, and whether they may. And what is written down of it. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { ERROR_KINDS, type ErrorCode } from '../errors.ts';
import type { AuditTrail } from './audit-trail.ts';
import { ANONYMOUS, expectScope, type Caller } from './caller.ts';
import { securityHeaders, type NameGuard } from './guard.ts';
import type { KeyRing } from './key-ring.ts';
import type { RateLimit } from './rate-limit.ts';
import type { RequestEnds } from './request-end.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Of the error that it ended with. */
    failure: ErrorCode | undefined;
    /** What it was about, for the audit trail, where its address does not say so. */
    target: string | undefined;
  }
}

export interface DoorParts {
  readonly guard: NameGuard;
  readonly keys: KeyRing;
  readonly rates: RateLimit;
  readonly audit: AuditTrail;
  readonly isDraining: () => boolean;
  readonly isTls: boolean;
}

/** Of somebody who is not known. */
const NOBODY: Caller = { ...ANONYMOUS, id: 'unknown', scopes: new Set() };

export function addDoor(
  app: FastifyInstance,
  ends: RequestEnds,
  parts: DoorParts,
): { inFlight: () => number } {
  let inFlight = 0;
  const headers = securityHeaders(parts.isTls);
  app.decorateRequest('caller');
  app.decorateRequest('failure');
  app.decorateRequest('target');
  app.addHook('onRequest', (request, reply, done) => {
    inFlight += 1;
    request.caller = NOBODY;
    reply.headers(headers).header('x-request-id', request.id);
    if (parts.isDraining()) reply.header('connection', 'close');
    try {
      parts.guard.check(request.headers);
      if (request.routeOptions.config.route?.scope === undefined) return done();
      const caller = parts.keys.callerOf(request.headers.authorization);
      if (!(caller instanceof Promise)) return done(refusalOf(parts, caller, request, reply));
      // Fastify waits for a promise as well as for `done`.
      return admitLater(parts, caller, request, reply);
    } catch (error) {
      done(error as Error);
    }
    return undefined;
  });
  ends.listen((request, { status }) => {
    inFlight -= 1;
    writeDown(parts.audit, request, status);
  });
  return { inFlight: () => inFlight };
}

async function admitLater(
  parts: DoorParts,
  caller: Promise<Caller>,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  const refusal = refusalOf(parts, await caller, request, reply);
  if (refusal) throw refusal;
}

function refusalOf(
  { rates }: DoorParts,
  caller: Caller,
  request: FastifyRequest,
  reply: FastifyReply,
): Error | undefined {
  try {
    request.caller = caller;
    rates.count(caller, reply);
    const { scope } = request.routeOptions.config.route ?? {};
    if (scope !== undefined) expectScope(caller, scope);
    return undefined;
  } catch (error) {
    return error as Error;
  }
}

const REFUSALS: ReadonlySet<number> = new Set(
  (['UNAUTHORIZED', 'FORBIDDEN', 'MISDIRECTED', 'RATE_LIMITED'] as const).map(
    (code) => ERROR_KINDS[code].httpStatus,
  ),
);

function writeDown(audit: AuditTrail, request: FastifyRequest, status: number): void {
  const { caller, failure, id } = request;
  const { route } = request.routeOptions.config;
  if (route?.audit === undefined && !REFUSALS.has(status)) return;
  const { name, id: run } = (request.params ?? {}) as { name?: string; id?: string };
  audit.add({
    tenant: caller.tenant,
    caller: caller.id,
    action: route?.audit ?? route?.id ?? 'none',
    target: (request.target ?? name ?? run)?.slice(0, 100),
    outcome: failure ?? 'ok',
    request: id,
  });
}
