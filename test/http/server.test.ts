import { connect } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ERROR_KINDS } from '../../src/errors.ts';
import { startTestService, type TestService } from './service.ts';

let service: TestService;
let ask: TestService['ask'];
beforeAll(async () => {
  const http = {
    bodyBytesMax: 10_000,
    headersTimeoutMs: 1_000,
    requestTimeoutMs: 1_000,
    origins: ['https://app.example'],
  };
  service = await startTestService({ http });
  ({ ask } = service);
});
afterAll(async () => service[Symbol.asyncDispose]());

/** What comes back on a socket until it is closed. */
function raw(text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(new URL(service.url).port), '127.0.0.1', () => socket.write(text));
    let answer = '';
    socket.setEncoding('utf8').on('data', (chunk: string) => (answer += chunk));
    socket.once('error', reject).once('close', () => resolve(answer));
  });
}

describe('the document', () => {
  interface Operation {
    operationId: string;
    responses: Record<string, { headers?: object; content?: Record<string, object> }>;
  }
  interface Document {
    openapi: string;
    paths: Record<string, Record<string, Operation>>;
  }

  test('tells every route, with ids of its own, and only what the code table has', async () => {
    const document = (await ask('GET', '/openapi.json')).body as unknown as Document;
    expect(document.openapi).toBe('3.1.0');
    const operations = Object.values(document.paths).flatMap((methods) => Object.values(methods));
    expect(new Set(operations.map(({ operationId }) => operationId)).size).toBe(operations.length);
    expect(Object.keys(document.paths).toSorted()).toEqual([
      '/docs',
      '/healthz',
      '/metrics',
      '/openapi.json',
      '/readyz',
      '/v1/batches',
      '/v1/batches/{id}',
      '/v1/batches/{id}/cancel',
      '/v1/batches/{id}/events',
      '/v1/batches/{id}/output',
      '/v1/batches/{id}/resume',
      '/v1/inject',
      '/v1/metrics',
      '/v1/run',
      '/v1/runs/{id}',
      '/v1/runs/{id}/events',
      '/v1/skills',
      '/v1/skills/{name}',
      '/v1/skills/{name}/rollback',
      '/v1/skills/{name}/run',
      '/v1/skills/{name}/versions',
    ]);
    const known = new Set([
      200,
      201,
      202,
      204,
      304,
      ...Object.values(ERROR_KINDS).map(({ httpStatus }) => httpStatus),
    ]);
    for (const { responses } of operations)
      for (const status of Object.keys(responses)) expect(known).toContain(Number(status));
  });

  test('shows an example of every answer', async () => {
    const document = (await ask('GET', '/openapi.json')).body as unknown as Document;
    const operations = Object.values(document.paths).flatMap((methods) => Object.values(methods));
    const bare = operations.flatMap(({ operationId, responses }) =>
      Object.entries(responses).flatMap(([status, { content = {} }]) =>
        Object.values(content)
          .filter((shown) => !('example' in shown) && !('examples' in shown))
          .map(() => `${operationId} ${status}`),
      ),
    );
    expect(bare).toEqual([]);
    const refused = document.paths['/v1/run']?.['post']?.responses['429'];
    expect(refused).toMatchObject({
      headers: { 'Retry-After': {} },
      content: { 'application/problem+json': { examples: { RATE_LIMITED: { value: { status: 429 } } } } },
    });
  });

  test('is a page too, which loads nothing and runs nothing', async () => {
    const { text, headers } = await ask('GET', '/docs');
    expect(headers['content-type']).toBe('text/html; charset=utf-8');
    expect(text).toContain('PUT /v1/skills/{name}');
    expect(text).toContain('id="SKILL_NOT_FOUND"');
    expect(text).not.toMatch(/<script|src=|javascript:/);
  });
});

test('answers carry the headers of a hardened service', async () => {
  for (const path of ['/healthz', '/nothing', '/docs', '/v1/skills/none']) {
    const { headers } = await ask('GET', path);
    expect(headers).toMatchObject({
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'referrer-policy': 'no-referrer',
      'content-security-policy': expect.stringContaining("default-src 'none'"),
      'x-request-id': expect.stringMatching(/^[\da-f-]{36}$/),
    });
    expect(headers).not.toHaveProperty('x-powered-by');
  }
});

test('what is asked with HEAD is answered without its body', async () => {
  for (const path of ['/healthz', '/readyz', '/v1/skills', '/docs']) {
    const [head, whole] = [await ask('HEAD', path), await ask('GET', path)];
    expect(head, path).toMatchObject({ status: 200, text: '' });
    expect(head.headers['content-type']).toBe(whole.headers['content-type']);
  }
  expect(await ask('POST', '/healthz')).toMatchObject({ status: 405, headers: { allow: 'GET, HEAD' } });
});

test('health, readiness and numbers', async () => {
  expect((await ask('GET', '/healthz')).body).toEqual({ status: 'ok' });
  const ready = await ask('GET', '/readyz');
  expect(ready).toMatchObject({ status: 200, body: { status: 'ok' } });
  expect((ready.body['checks'] as { name: string }[]).map(({ name }) => name)).toEqual(
    expect.arrayContaining(['confinement', 'store', 'pool:workers']),
  );
  // How many skills there are is nobody's business.
  expect(ready.text).not.toContain('skills');
  expect((await ask('GET', '/v1/metrics')).body).toMatchObject({
    runs: { total: 0 },
    store: { kind: 'sqlite' },
    http: { inFlight: 1, process: { cpuSeconds: expect.any(Number) } },
  });
  const timed = service.lines.filter(({ route }) => route === '/readyz');
  for (const { durationMs } of timed) expect(durationMs).toBeGreaterThan(0);
  expect(timed.length).toBeGreaterThan(0);
  const { text } = await ask('GET', '/metrics');
  expect(text).toMatch(/skillcache_http_request_duration_seconds_sum\{route="\/readyz"\} (?!0$)/m);
  expect(text).toContain('skillcache_http_requests_total{route="/healthz",status="200"}');
  expect(text).toContain('skillcache_pool_limit{pool="workers"}');
});

describe('names', () => {
  test('a name that is not ours is refused', async () => {
    const asked = await ask('GET', '/v1/skills', undefined, { host: 'rebound.example:7433' });
    expect(asked).toMatchObject({ status: 421, body: { code: 'MISDIRECTED' } });
    for (const host of ['localhost:1', '127.0.0.1', '[::1]:7433'])
      expect(await ask('GET', '/healthz', undefined, { host })).toMatchObject({ status: 200 });
  });

  test('pages of others may not ask', async () => {
    const from = (origin: string) => ask('GET', '/v1/skills', undefined, { origin });
    expect(await from('https://evil.example')).toMatchObject({ status: 403, body: { code: 'FORBIDDEN' } });
    expect(await from('null')).toMatchObject({ status: 403 });
    for (const origin of ['https://app.example', service.url])
      expect(await from(origin)).toMatchObject({ status: 200 });
  });
});

describe('what is no good request', () => {
  test.each([
    ['GET', '/nothing', undefined, {}, 404, 'ROUTE_NOT_FOUND'],
    ['PATCH', '/v1/skills/x', undefined, {}, 405, 'METHOD_NOT_ALLOWED'],
    ['POST', '/v1/skills/x/run', '{"inputs":', {}, 400, 'REQUEST_INVALID'],
    ['POST', '/v1/skills/x/run', '', {}, 400, 'REQUEST_INVALID'],
    ['POST', '/v1/skills/x/run', '[]', {}, 400, 'REQUEST_INVALID'],
    ['POST', '/v1/run', '{"code":"1","inputs":{"__proto__":1}}', {}, 400, 'REQUEST_INVALID'],
    ['POST', '/v1/run', 'code=1', { 'content-type': 'text/plain' }, 415, 'MEDIA_TYPE'],
    ['POST', '/v1/run', '{}', { 'content-encoding': 'zip' }, 415, 'MEDIA_TYPE'],
    ['POST', '/v1/run', '{}', { 'content-encoding': 'gzip' }, 400, 'REQUEST_INVALID'],
    ['POST', '/v1/run', JSON.stringify({ code: 'x'.repeat(20_000) }), {}, 413, 'BODY_TOO_LARGE'],
    ['GET', '/v1/skills/%00', undefined, {}, 400, 'REQUEST_INVALID'],
    ['GET', '/v1/skills/%zz', undefined, {}, 400, 'REQUEST_INVALID'],
    ['GET', '/v1/skills?limit=0', undefined, {}, 400, 'REQUEST_INVALID'],
    ['GET', '/v1/skills?other=1', undefined, {}, 400, 'REQUEST_INVALID'],
  ])('%s %s %.20s is a problem (%#)', async (method, path, body, headers, status, code) => {
    const answer = await ask(method, path, body, headers);
    expect(answer).toMatchObject({ status, body: { code, status, type: `/docs#${code}` } });
    expect(answer.headers['content-type']).toBe('application/problem+json; charset=utf-8');
  });

  test('a body that is not JSON is told where it stops being that', async () => {
    const why = async (body: string): Promise<unknown> => (await ask('POST', '/v1/run', body)).body;
    expect(await why('{"code":\n1,}')).toMatchObject({
      line: 2,
      column: 3,
      detail: expect.stringMatching(/line 2, column 3/),
    });
    expect(await why('{"code":"1","inputs":{"__proto__":1}}')).toMatchObject({
      detail: expect.stringMatching(/key `__proto__`/),
    });
    expect(await why('')).toMatchObject({ detail: 'the body is empty: expected JSON' });
    const large = JSON.stringify({ code: 'x'.repeat(10_000) });
    expect(await why(large)).toMatchObject({
      code: 'BODY_TOO_LARGE',
      detail: expect.stringMatching(/larger than 10000 bytes/),
    });
  });

  test('a small body that unpacks to a large one ends at the bound', async () => {
    const packed = gzipSync(JSON.stringify({ code: 'x'.repeat(5_000_000) }));
    expect(packed.length).toBeLessThan(10_000);
    const answer = await ask('POST', '/v1/run', packed, { 'content-encoding': 'gzip' });
    expect(answer).toMatchObject({ status: 413, body: { code: 'BODY_TOO_LARGE' } });
  });

  test('headers without end, and what is no HTTP, are answered and closed', async () => {
    const endless = await raw(`GET / HTTP/1.1\r\nhost: localhost\r\nx: ${'x'.repeat(40_000)}\r\n\r\n`);
    expect(endless).toMatch(/^HTTP\/1\.1 431 .*"code":"HEADERS_TOO_LARGE"/s);
    expect(await raw('hello\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 .*"code":"REQUEST_INVALID"/s);
  });

  test('a client that dribbles is closed', async () => {
    const head =
      'POST /v1/run HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 100\r\n';
    expect(await raw(head)).toMatch(/^HTTP\/1\.1 408 .*"code":"REQUEST_TIMEOUT"/s);
    expect(await raw(`${head}\r\n{`)).toMatch(/^HTTP\/1\.1 408 .*"code":"REQUEST_TIMEOUT"/s);
  });
});

test('answers and requests are packed where that pays', async () => {
  const plain = await ask('GET', '/openapi.json');
  expect(plain.headers).not.toHaveProperty('content-encoding');
  const packed = async (accept: string): Promise<[string | undefined, Buffer]> => {
    const answer = await fetch(`${service.url}/openapi.json`, { headers: { 'accept-encoding': accept } });
    return [answer.headers.get('content-encoding') ?? undefined, Buffer.from(await answer.arrayBuffer())];
  };
  // fetch unpacks by itself: that the text is the same is the proof.
  expect((await packed('gzip;q=1, br;q=0'))[0]).toBe('gzip');
  const [encoding, text] = await packed('gzip, br');
  expect([encoding, text.toString()]).toEqual(['br', plain.text]);
  expect((await packed('identity'))[0]).toBeUndefined();
  const body = gzipSync('{"code":"const n = 1; n * 2","inputs":{"n":4}}');
  const ran = await ask('POST', '/v1/run', body, { 'content-encoding': 'gzip' });
  expect(ran).toMatchObject({ status: 200, body: { output: 8 } });
});

test('each request is one line of the log, with the trace it belongs to', async () => {
  const trace = 'a'.repeat(32);
  const traceparent = `00-${trace}-${'b'.repeat(16)}-01`;
  const { headers } = await ask('GET', '/v1/skills', undefined, { traceparent });
  const line = service.lines.find(({ request }) => request === headers['x-request-id']);
  expect(line).toMatchObject({ level: 'info', method: 'GET', route: '/v1/skills', status: 200, trace });
});
