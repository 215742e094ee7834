/** `Idempotency-Key`: the first answer to a request is given again to the same one, for a day. */
import { hash } from 'node:crypto';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { SkillCacheError } from '../errors.ts';
import type { ServiceStore } from '../store/service-store.ts';
import type { RequestEnds } from './request-end.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Set while this request is the first of its key. */
    firstOf: { key: string; fingerprint: string } | undefined;
  }
}

const KEPT_MS = 24 * 60 * 60_000;
const KEY = /^[\x21-\x7e]{1,255}$/;
/** What belongs to an answer beside its body. */
const KEPT_HEADERS = ['content-type', 'etag', 'location', 'preference-applied'] as const;
/** A larger one is not kept: the request is then done again. */
const BODY_BYTES_MAX = 8 * 2 ** 20;

export function addIdempotency(
  app: FastifyInstance,
  ends: RequestEnds,
  store: ServiceStore,
  failed: (request: FastifyRequest, error: unknown) => void,
): void {
  /** Keys whose first request is not answered yet. */
  const underWay = new Set<string>();
  app.decorateRequest('firstOf');
  app.addHook('preHandler', (request, reply, done) => {
    const given = request.headers['idempotency-key'];
    const { method } = request;
    // Most have none: nothing is waited for then.
    if (given === undefined || (method !== 'POST' && method !== 'PUT')) return done();
    return answerKnown(request, reply, given);
  });
  const answerKnown = async (
    request: FastifyRequest,
    reply: FastifyReply,
    given: string | string[],
  ): Promise<unknown> => {
    const key = keyOf(request, given);
    const fingerprint = hash('sha256', `${request.method} ${request.url}\n${JSON.stringify(request.body)}`);
    if (underWay.has(key))
      throw conflict('the first request of this key is still under way: try again later');
    underWay.add(key);
    request.firstOf = { key, fingerprint };
    const kept = await store.getAnswer(key);
    if (!kept) return undefined;
    if (kept.fingerprint !== fingerprint) throw conflict('the key was given with another request before');
    reply.code(kept.status).headers(JSON.parse(kept.headers) as Record<string, string>);
    // What is kept is not kept once more.
    underWay.delete(key);
    request.firstOf = undefined;
    return reply.header('idempotency-replayed', 'true').send(kept.body);
  };
  app.addHook('onSend', (request, reply, payload, done) => {
    const { firstOf } = request;
    const isKept = firstOf && typeof payload === 'string' && isFinal(reply.statusCode);
    if (!isKept || payload.length > BODY_BYTES_MAX) return done(null, payload);
    return keep(request, reply, firstOf, payload);
  });
  const keep = async (
    request: FastifyRequest,
    reply: FastifyReply,
    firstOf: NonNullable<FastifyRequest['firstOf']>,
    payload: string,
  ): Promise<string> => {
    try {
      const headers = JSON.stringify(headersOf(reply));
      const answer = { ...firstOf, status: reply.statusCode, headers, body: payload };
      await store.putAnswer({ ...answer, expiresAtMs: Date.now() + KEPT_MS });
    } catch (error) {
      // The work is done: it is answered, though not kept.
      failed(request, error);
    }
    return payload;
  };
  ends.listen(({ firstOf }) => {
    if (firstOf) underWay.delete(firstOf.key);
  });
}

function keyOf({ caller }: FastifyRequest, given: string | string[]): string {
  if (typeof given !== 'string' || !KEY.test(given)) {
    const message = 'must be 1 to 255 visible ASCII characters';
    throw new SkillCacheError('REQUEST_INVALID', `Idempotency-Key ${message}`, {
      details: { issues: [{ path: 'headers.Idempotency-Key', message }] },
    });
  }
  return hash('sha256', `${caller.tenant}\n${caller.id}\n${given}`);
}

/** What may come out otherwise the next time is not kept. */
function isFinal(status: number): boolean {
  return status < 500 && ![408, 409, 412, 429, 499].includes(status);
}

function headersOf(reply: FastifyReply): Record<string, string> {
  const kept = KEPT_HEADERS.map((name) => [name, reply.getHeader(name)] as const);
  return Object.fromEntries(kept.filter(([, value]) => value !== undefined)) as Record<string, string>;
}

function conflict(message: string): SkillCacheError {
  return new SkillCacheError('IDEMPOTENCY_CONFLICT', message);
}
