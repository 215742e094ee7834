/** Bodies: JSON, and where it stops being that. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { SkillCacheError } from '../errors.ts';
import { jsonErrorPlace } from '../json-place.ts';

/** What is sent beside `application/json` is refused by Fastify. */
export function addJsonBodies(app: FastifyInstance): void {
  const parse = app.getDefaultJsonParser('error', 'error');
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) =>
    parse(request as FastifyRequest, body as string, (error, value) =>
      error ? done(problemIn(body as string, error)) : done(null, value),
    ),
  );
}

function problemIn(body: string, cause: Error): SkillCacheError {
  if (body === '')
    return new SkillCacheError('REQUEST_INVALID', 'the body is empty: expected JSON', { cause });
  if (isJson(body)) {
    const message = 'the body has a key `__proto__`, or `constructor` with a `prototype`';
    return new SkillCacheError('REQUEST_INVALID', message, { cause });
  }
  const { line, column } = jsonErrorPlace(body);
  const message = `the body is not JSON: what is wrong begins in line ${line}, column ${column}`;
  return new SkillCacheError('REQUEST_INVALID', message, { cause, details: { line, column } });
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    // That is the answer.
    return false;
  }
}
