/** Whether the service is well, its numbers, and what describes it. */
import type { ServiceContext } from './context.ts';
import { docsPage } from './docs-page.ts';
import { openApiDocument } from './openapi.ts';
import { route, type Route } from './route.ts';
import { health } from './schemas.ts';
import { EXPOSITION_CONTENT_TYPE, exposition, expositionOf } from '../monitor/exposition.ts';
import { healthOf } from '../monitor/health.ts';
import { HTTP_FAMILIES, type HttpNumbers } from '../monitor/http-metrics.ts';

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
        { status: 200, description: 'It does.', schema: health },
        { status: 503, description: 'It does not, and why.', schema: health },
      ],
      errors: [],
      handle: async ({ reply }) => {
        const state = operating.state();
        if (state !== 'ready') return reply.code(503).send({ status: state });
        const library = await context.libraryOf(context.own);
        const [snapshot, confinement] = await Promise.all([library.sampleMetrics(), library.confinement()]);
        const { status, checks } = healthOf(snapshot);
        const { tier } = confinement;
        const confined = { name: 'confinement', status: tier === 'none' ? 'degraded' : 'ok', message: tier };
        return reply.code(status === 'failing' ? 503 : 200).send({ status, checks: [confined, ...checks] });
      },
    }),
  ];
}

function metricsRoutes(context: ServiceContext, operating: Operating): Route[] {
  return [
    route({
      id: 'metrics',
      method: 'GET',
      url: '/v1/metrics',
      summary: 'The numbers as JSON',
      description: 'Of the library of the caller.',
      tag: 'Operation',
      scope: 'read',
      answers: [{ status: 200, description: 'One snapshot.', schema: { type: 'object' } }],
      errors: ['CLOSED'],
      handle: async ({ caller }) => {
        const snapshot = await (await context.libraryOf(caller)).sampleMetrics();
        const { store, ...rest } = snapshot;
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
      answers: [{ status: 200, description: 'The metrics.', schema: { type: 'string' }, type: 'text/plain' }],
      errors: ['CLOSED'],
      handle: async ({ reply }) => {
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
      answers: [{ status: 200, description: 'OpenAPI 3.1.', schema: { type: 'object' } }],
      errors: [],
      handle: () => (made ?? make()).document,
    }),
    route({
      id: 'docs',
      method: 'GET',
      url: '/docs',
      summary: 'This document, to be read',
      tag: 'Operation',
      answers: [{ status: 200, description: 'A page.', schema: { type: 'string' }, type: 'text/html' }],
      errors: [],
      handle: ({ reply }) => reply.type('text/html; charset=utf-8').send((made ?? make()).page),
    }),
  ];
  return own;
}
