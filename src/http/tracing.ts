/** One span for each request, and for the parts of its run, through the API alone: without an SDK in the process it is nothing. */
import {
  context,
  INVALID_TRACEID,
  propagation,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  type Span,
} from '@opentelemetry/api';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { OnStage } from '../run-options.ts';
import type { RequestEnds } from './request-end.ts';

declare module 'fastify' {
  interface FastifyRequest {
    span: Span | undefined;
  }
}

const tracer = trace.getTracer('skillcache');

export function addTracing(app: FastifyInstance, ends: RequestEnds): void {
  app.decorateRequest('span');
  app.addHook('onRequest', (request, _reply, done) => {
    const { headers, method } = request;
    const parent =
      headers['traceparent'] === undefined ? ROOT_CONTEXT : propagation.extract(ROOT_CONTEXT, headers);
    const route = request.routeOptions.url ?? 'none';
    const attributes = {
      'http.request.method': method,
      'http.route': route,
      'skillcache.request': request.id,
    };
    const span = tracer.startSpan(`${method} ${route}`, { kind: SpanKind.SERVER, attributes }, parent);
    request.span = span;
    // What the request does further on belongs to it, where anybody looks.
    if (span.spanContext().traceId === INVALID_TRACEID) done();
    else context.with(trace.setSpan(parent, span), done);
  });
  ends.listen(({ span }, { status }) => {
    span?.setAttribute('http.response.status_code', status);
    if (status >= 500) span?.setStatus({ code: SpanStatusCode.ERROR });
    span?.end();
  });
}

/** Spans of the parts of a run, within that of its request; undefined where nobody looks at them. */
export function stageSpans({ span }: FastifyRequest): OnStage | undefined {
  if (!span?.isRecording()) return undefined;
  const parent = trace.setSpan(ROOT_CONTEXT, span);
  return (stage, durationMs, endedAgoMs) => {
    const endMs = performance.timeOrigin + performance.now() - endedAgoMs;
    tracer.startSpan(`run ${stage}`, { startTime: endMs - durationMs }, parent).end(endMs);
  };
}
