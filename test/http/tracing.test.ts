import { propagation, ROOT_CONTEXT, trace, type Context, type Span, type Tracer } from '@opentelemetry/api';
import { afterAll, expect, test } from 'vitest';
import { DOUBLE, startTestService } from './service.ts';

interface Recorded {
  readonly name: string;
  readonly attributes: Record<string, unknown>;
  readonly parent: string | undefined;
  status?: number;
  isEnded?: boolean;
  startMs?: number | undefined;
  endMs?: number | undefined;
}

const spans: Recorded[] = [];

/** As much of an SDK as writes spans down. */
const tracer = {
  startSpan(
    name: string,
    { attributes = {}, startTime }: { attributes?: object; startTime?: number },
    parent: Context,
  ): Span {
    const recorded: Recorded = {
      name,
      attributes: { ...attributes },
      startMs: startTime,
      parent: trace.getSpanContext(parent)?.traceId,
    };
    spans.push(recorded);
    return {
      setAttribute: (key: string, value: unknown) => (recorded.attributes[key] = value),
      setStatus: ({ code }: { code: number }) => (recorded.status = code),
      isRecording: () => true,
      spanContext: () => ({ traceId: name, spanId: '1'.repeat(16), traceFlags: 1 }),
      end: (endMs?: number) => {
        recorded.isEnded = true;
        recorded.endMs = endMs;
      },
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
  const [, , ...none] = spans;
  expect(none).toEqual([]);
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

test('the parts of a run are spans within that of its request, one after the other', async () => {
  await using service = await startTestService();
  spans.length = 0;
  await service.ask('PUT', '/v1/skills/double', DOUBLE);
  const run = { inputs: { n: 3 } };
  for (const names of [
    ['load', 'validate', 'lookup', 'encode', 'queue', 'start', 'run', 'check'],
    ['load', 'validate', 'lookup'],
  ]) {
    spans.length = 0;
    expect(await service.ask('POST', '/v1/skills/double/run', run)).toMatchObject({ status: 200 });
    const [request, ...parts] = spans;
    const told = parts.map(({ name }) => name.slice('run '.length));
    expect(told).toEqual(names.filter((name) => told.includes(name)));
    expect(told).toEqual(expect.arrayContaining(names.length > 3 ? ['encode', 'queue', 'run'] : ['lookup']));
    for (const { parent, startMs = 0, endMs = 0 } of parts) {
      expect(parent).toBe(request?.name);
      expect(endMs).toBeGreaterThanOrEqual(startMs);
    }
  }
});
