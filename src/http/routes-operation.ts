/** Whether the service is well, its numbers, and what describes it. */
import { SkillCacheError } from '../errors.ts';
import type { Caller } from './caller.ts';
import type { ServiceContext } from './context.ts';
import { docsPage } from './docs-page.ts';
import { openApiDocument } from './openapi.ts';
import { route, type Route } from './route.ts';
import { health } from './schemas.ts';
import { EXPOSITION_CONTENT_TYPE, exposition, expositionOf } from '../monitor/exposition.ts';
import { healthOf, type Health } from '../monitor/health.ts';
import { HTTP_FAMILIES, type HttpNumbers } from '../monitor/http-metrics.ts';

const EXAMPLE_HEALTH = {
  status: 'ok',
  checks: [
    { name: 'confinement', status: 'ok', message: 'kernel' },
    { name: 'store', status: 'ok', message: 'sqlite' },
    { name: 'pool:workers', status: 'ok', message: 'open: 1 of 2 in use, 0 waiting' },
  ],
};
const EXAMPLE_NUMBERS = { uptimeMs: 60_000, runs: { total: 120, ok: 118, failed: 2, cached: 90 } };
const EXAMPLE_TEXT = '# TYPE skillcache_runs_total counter\nskillcache_runs_total{outcome="ok"} 118\n';

export interface Operating {
  readonly state: () => 'starting' | 'ready' | 'draining';
  readonly numbers: () => Promise<HttpNumbers>;
  readonly version: string;
  readonly url: () => string;
}

export function operationRoutes(context: ServiceContext, operating: Operating): Route[] {
  return [...healthRoutes(context, operating), ...metricsRoutes(context, operating)];
}

function healthRoutes(context: ServiceContext, operating: Operating): Route[] {
  return [
    route({
      id: 'alive',
      method: 'GET',
      url: '/healthz',
      summary: 'Whether the process is alive',
      tag: 'Operation',
      answers: [{ status: 200, description: 'It is.', schema: health, example: { status: 'ok' } }],
      errors: [],
      handle: () => ({ status: 'ok' }),
    }),
    route({
      id: 'ready',
      method: 'GET',
      url: '/readyz',
      summary: 'Whether it serves',
      description:
        'The state of each part, and what confines runs. 503 while it starts, drains or would fail.',
      tag: 'Operation',
      answers: [
        { status: 200, description: 'It does.', schema: health, example: EXAMPLE_HEALTH },
        {
          status: 503,
          description: 'It does not, and why.',
          schema: health,
          example: { status: 'draining' },
        },
      ],
      errors: [],
      handle: async ({ reply }) => {
        const state = operating.state();
        if (state !== 'ready') reply.code(503);
        try {
          const { status, checks } = await partsOf(context);
          if (state !== 'ready') return { status: state, checks };
          return reply.code(status === 'failing' ? 503 : 200).send({ status, checks });
        } catch (error) {
          // Not open yet, or closed already: no part has a state.
          if (state === 'ready') throw error;
          return { status: state };
        }
      },
    }),
  ];
}

async function partsOf(context: ServiceContext): Promise<Health> {
  const library = await context.libraryOf(context.own);
  const [snapshot, { tier }] = await Promise.all([library.sampleMetrics(), library.confinement()]);
  const { status: worst, checks } = healthOf(snapshot);
  const confined = {
    name: 'confinement',
    status: tier === 'none' ? 'degraded' : 'ok',
    message: tier,
  } as const;
  // Anybody may ask: how many skills there are is for those with a key.
  const told = checks.map(({ name, status, message }) => ({
    name,
    status,
    message: name === 'store' ? (snapshot.store?.kind ?? message) : message,
  }));
  return { status: worst, checks: [confined, ...told] };
}

function metricsRoutes(context: ServiceContext, operating: Operating): Route[] {
  return [
    route({
      id: 'metrics',
      method: 'GET',
      url: '/v1/metrics',
      summary: 'The numbers as JSON',
      description: 'Of the library of the caller; for the default tenant also those of the service (`http`).',
      tag: 'Operation',
      scope: 'read',
      answers: [
        { status: 200, description: 'One snapshot.', schema: { type: 'object' }, example: EXAMPLE_NUMBERS },
      ],
      errors: ['CLOSED'],
      handle: async ({ caller }) => {
        const snapshot = await (await context.libraryOf(caller)).sampleMetrics();
        const http = isOperator(context, caller) ? { http: await operating.numbers() } : {};
        const { store, ...library } = snapshot;
        const rest = { ...library, ...http };
        if (!store) return rest;
        // Where its file is, is nobody's business here.
        const { path: _path, ...numbers } = store as typeof store & { path?: string };
        return { ...rest, store: numbers };
      },
    }),
    route({
      id: 'prometheus',
      method: 'GET',
      url: '/metrics',
      summary: 'The numbers as Prometheus text',
      description: 'Of the library of the default tenant, and of the service.',
      tag: 'Operation',
      scope: 'admin',
      answers: [
        {
          status: 200,
          description: 'The metrics.',
          schema: { type: 'string' },
          type: 'text/plain',
          example: EXAMPLE_TEXT,
        },
      ],
      errors: ['CLOSED'],
      handle: async ({ caller, reply }) => {
        if (!isOperator(context, caller)) {
          const message = `these are the numbers of the whole service; those of ${caller.tenant} are at /v1/metrics`;
          throw new SkillCacheError('FORBIDDEN', message);
        }
        const library = await context.libraryOf(context.own);
        const [ours, service] = await Promise.all([
          library.sampleMetrics().then(exposition),
          operating.numbers().then((numbers) => expositionOf(HTTP_FAMILIES, numbers)),
        ]);
        return reply
          .type(EXPOSITION_CONTENT_TYPE)
          .send(`${ours}${ours.endsWith('\n') ? '' : '\n'}${service}`);
      },
    }),
  ];
}

/** Tenants do not see each other's numbers. */
function isOperator({ own }: ServiceContext, { tenant }: Caller): boolean {
  return tenant === own.tenant;
}

/** The document is made once, of all routes, these two included. */
export function documentRoutes(routes: readonly Route[], { version, url }: Operating): Route[] {
  let made: { document: object; page: string } | undefined;
  const make = (): { document: object; page: string } => {
    const document = openApiDocument([...routes, ...own], { version, url: url() });
    made ??= { document, page: docsPage(document) };
    return made;
  };
  const own: Route[] = [
    route({
      id: 'openapi',
      method: 'GET',
      url: '/openapi.json',
      summary: 'This document',
      tag: 'Operation',
      answers: [
        {
          status: 200,
          description: 'OpenAPI 3.1.',
          schema: { type: 'object' },
          example: { openapi: '3.1.0' },
        },
      ],
      errors: [],
      handle: () => (made ?? make()).document,
    }),
    route({
      id: 'docs',
      method: 'GET',
      url: '/docs',
      summary: 'This document, to be read',
      tag: 'Operation',
      answers: [
        {
          status: 200,
          description: 'A page.',
          schema: { type: 'string' },
          type: 'text/html',
          example: '<!doctype html>',
        },
      ],
      errors: [],
      handle: ({ reply }) => reply.type('text/html; charset=utf-8').send((made ?? make()).page),
    }),
  ];
  return own;
}
