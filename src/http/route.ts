/** A route: what is asked, how it is checked, and what the document says of it, in one place. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { SkillCacheError, type ErrorCode } from '../errors.ts';
import type { Caller, Scope } from './caller.ts';

export type Tag = 'Skills' | 'Runs' | 'Batches' | 'Code' | 'Operation';

/** One answer that a route may give beside its errors. */
export interface Answer {
  readonly status: number;
  readonly description: string;
  readonly schema?: z.ZodType | object;
  readonly example?: unknown;
  /** Default `application/json`. */
  readonly type?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface RouteText {
  /** The operation's id. */
  readonly id: string;
  readonly summary: string;
  readonly description?: string;
  readonly tag: Tag;
  /** Absent: anybody may. */
  readonly scope?: Scope;
  readonly answers: readonly Answer[];
  /** Codes of its own; those that every route may end with come by themselves. */
  readonly errors: readonly ErrorCode[];
  /** What the audit trail calls it; absent: only refusals are in the trail. */
  readonly audit?: string;
  /** Request headers that mean something here: name → meaning. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly bodyExample?: unknown;
  /** Where the body is checked elsewhere: what the document shows. */
  readonly bodySchema?: object;
  /** Example of each parameter of the path or the query. */
  readonly examples?: Readonly<Record<string, unknown>>;
}

type Parsed<Schema> = Schema extends z.ZodType ? z.output<Schema> : undefined;

export interface Call<Params = unknown, Query = unknown, Body = unknown> {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly caller: Caller;
  readonly params: Params;
  readonly query: Query;
  readonly body: Body;
}

export interface Route extends RouteText {
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE';
  /** As Fastify has it: `/v1/skills/:name`. */
  readonly url: string;
  readonly params?: z.ZodType | undefined;
  readonly query?: z.ZodType | undefined;
  readonly body?: z.ZodType | undefined;
  readonly handle: (call: Call) => unknown;
}

/** A route whose handler knows the types of what was checked. */
export function route<
  Params extends z.ZodType | undefined = undefined,
  Query extends z.ZodType | undefined = undefined,
  Body extends z.ZodType | undefined = undefined,
>(
  given: Omit<Route, 'params' | 'query' | 'body' | 'handle'> & {
    params?: Params;
    query?: Query;
    body?: Body;
    handle: (call: Call<Parsed<Params>, Parsed<Query>, Parsed<Body>>) => unknown;
  },
): Route {
  return given as unknown as Route;
}

declare module 'fastify' {
  interface FastifyContextConfig {
    route?: Route;
  }
  interface FastifyRequest {
    caller: Caller;
  }
}

/** Requests are checked by zod, with the very schemas that the document shows. */
export function addRoutes(app: FastifyInstance, routes: readonly Route[]): void {
  for (const one of routes) {
    const { params, query, body } = one;
    // zod compiles a schema at its first use, which takes milliseconds: not while somebody waits.
    body?.safeParse(one.bodyExample);
    app.route({
      method: one.method,
      url: one.url,
      // A stream has no end that its head could wait for.
      exposeHeadRoute: !one.answers.some(({ type }) => type === 'text/event-stream'),
      schema: { ...(params && { params }), ...(query && { querystring: query }), ...(body && { body }) },
      config: { route: one },
      handler: (request, reply) =>
        one.handle({
          request,
          reply,
          caller: request.caller,
          params: request.params,
          query: request.query,
          body: request.body,
        }),
    });
  }
}

/** What Fastify calls with each schema; its answer is the check. */
export function zodCheck({ schema, httpPart = 'body' }: { schema: unknown; httpPart?: string }) {
  const zod = schema as z.ZodType;
  const where = httpPart === 'querystring' ? 'query' : httpPart;
  return (data: unknown): { value: unknown } | { error: Error } => {
    const parsed = zod.safeParse(data);
    return parsed.success ? { value: parsed.data } : { error: requestError(where, zod, parsed.error) };
  };
}

function requestError(where: string, schema: z.ZodType, error: z.ZodError): SkillCacheError {
  const issues = error.issues.slice(0, 20).flatMap((issue) => {
    if (issue.code !== 'unrecognized_keys')
      return [{ path: pathOf(where, issue.path), message: issue.message }];
    const known = issue.path.length === 0 && schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
    const message = `is not known here${known.length > 0 ? `; expected one of ${known.join(', ')}` : ''}`;
    return issue.keys.slice(0, 20).map((key) => ({
      path: pathOf(where, [...issue.path, key.slice(0, 100)]),
      message,
    }));
  });
  const text = issues.map(({ path, message }) => `${path}: ${message}`).join('; ');
  return new SkillCacheError('REQUEST_INVALID', text.slice(0, 1_000), { details: { issues } });
}

function pathOf(where: string, path: readonly PropertyKey[]): string {
  return [where, ...path.map(String)].join('.');
}
