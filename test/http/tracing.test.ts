import { propagation, ROOT_CONTEXT, trace, type Context, type Span, type Tracer } from '@opentelemetry/api';
import { afterAll, expect, test } from 'vitest';
import { startTestService } from './service.ts';

interface Recorded {
  readonly name: string;
  readonly attributes: Record<string, unknown>;
  readonly parent: string | undefined;
  status?: number;
  isEnded?: boolean;
}

const spans: Recorded[] = [];

/** As much of an SDK as writes spans down. */
const tracer = {
  startSpan(name: string, { attributes = {} }: { attributes?: object }, parent: Context): Span {
    const recorded: Recorded = {
      name,
      attributes: { ...attributes },
      parent: trace.getSpanContext(parent)?.traceId,
    };
    spans.push(recorded);
    return {
      setAttribute: (key: string, value: unknown) => (recorded.attributes[key] = value),
      setStatus: ({ code }: { code: number }) => (recorded.status = code),
      end: () => (recorded.isEnded = true),
    } as unknown as Span;
  },
} as unknown as Tracer;

afterAll(() => {
  trace.disable();
  propagation.disable();
});

test('each request is a span of the trace that it came with', async () => {
  trace.setGlobalTracerProvider({ getTracer: () => tracer });
  propagation.setGlobalPropagator({
    inject: () => undefined,
    fields: () => ['traceparent'],
    extract: (_context, carrier) => {
      const [, traceId = '', spanId = '', flags = '0'] = String(
        (carrier as { traceparent: string }).traceparent,
      ).split('-');
      return trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags: Number(flags) });
    },
  });
  await using service = await startTestService();
  const traceId = 'a'.repeat(32);
  await service.ask('GET', '/v1/skills/none', undefined, {
    traceparent: `00-${traceId}-${'b'.repeat(16)}-01`,
  });
  await service.ask('GET', '/healthz');
  expect(spans).toMatchObject([
    {
      name: 'GET /v1/skills/:name',
      parent: traceId,
      isEnded: true,
      attributes: { 'http.route': '/v1/skills/:name', 'http.response.status_code': 404 },
    },
    { name: 'GET /healthz', parent: undefined, isEnded: true },
  ]);
});
