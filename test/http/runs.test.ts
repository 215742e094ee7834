import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { ENDLESS, DOUBLE, followEvents, startTestService, type TestService } from './service.ts';

let service: TestService;
let ask: TestService['ask'];
beforeAll(async () => {
  service = await startTestService({
    http: { heartbeatMs: 20 },
    library: { workers: { min: 0, max: 3, concurrency: 2 } },
  });
  ({ ask } = service);
  await ask('PUT', '/v1/skills/double', DOUBLE);
});
afterAll(async () => service[Symbol.asyncDispose]());

const WAIT = { timeout: 20_000, interval: 5 };
const LATER = { prefer: 'respond-async' };

const follow = (path: string, isEnough: (text: string) => boolean, headers = {}): Promise<string> =>
  followEvents(service.url + path, isEnough, headers);
const untilEnd = (): boolean => false;

test('a run is answered when it is done, and again out of the cache', async () => {
  const body = { inputs: { n: 4 }, timeoutMs: 5_000 };
  const first = await ask('POST', '/v1/skills/double/run', body);
  expect(first).toMatchObject({
    status: 200,
    body: { skill: 'double', version: 1, output: 8, cached: false },
  });
  expect(first.body['id']).toBe(first.headers['x-request-id']);
  expect((await ask('POST', '/v1/skills/double@1/run', body)).body).toMatchObject({
    output: 8,
    cached: true,
  });
  const kept = await ask('GET', `/v1/runs/${String(first.body['id'])}`);
  expect(kept.body).toMatchObject({ status: 'succeeded', skill: 'double', version: 1 });
});

test('what JSON has no word for is said as the command line says it', async () => {
  const code =
    'export const result = { big: 5n, none: NaN, map: new Map([[1, 2]]), lost: undefined, zero: -0 };';
  const { text } = await ask('POST', '/v1/run', { code });
  expect(text).toContain(
    '"output":{"big":{"$bigint":"5"},"none":{"$number":"NaN"},"map":{"$map":[[1,2]]},"zero":-0}',
  );
});

test.each([
  ['throws', 'throw new RangeError("no " + typeof process)', {}, 422, 'SKILL_RUNTIME'],
  ['never ends', ENDLESS, { timeoutMs: 300 }, 504, 'EXECUTION_TIMEOUT'],
  ['says too much', 'export const result = "x".repeat(1000)', { outputBytesMax: 100 }, 422, 'OUTPUT_LIMIT'],
  ['does not parse', 'const = 1', {}, 422, 'SKILL_SYNTAX'],
])('code that %s is a problem of its own', async (_what, code, rest, status, problem) => {
  const answer = await ask('POST', '/v1/run', { code, ...rest });
  expect(answer).toMatchObject({ status, body: { code: problem, status } });
  expect(answer.headers['content-type']).toBe('application/problem+json; charset=utf-8');
  expect(answer.text).not.toMatch(/\bat .*:\d+:\d+|\/(?:home|work|tmp|usr)\//);
});

test('a field that is not known is refused, with those that are', async () => {
  const { status, body } = await ask('POST', '/v1/skills/double/run', { input: { n: 4 } });
  expect(status).toBe(400);
  expect(body['detail']).toMatch(/^body\.input: is not known here; expected one of inputs, context, /);
});

test('inputs are held against the schema of the skill', async () => {
  const inputSchema = { type: 'object', properties: { n: { type: 'integer' } } };
  await ask('PUT', '/v1/skills/strict', { ...DOUBLE, inputSchema });
  const { status, body } = await ask('POST', '/v1/skills/strict/run', { inputs: { n: 'two' } });
  expect(status).toBe(422);
  expect(body).toMatchObject({ code: 'INPUT_VALIDATION', issues: [{ path: 'inputs.n' }] });
});

test('a caller cannot ask for more than the service allows', async () => {
  const body = { code: '1', memoryBytesMax: 2 ** 40, timeoutMs: 0 };
  const answer = await ask('POST', '/v1/run', body);
  expect(answer.status).toBe(400);
  expect((answer.body['issues'] as { path: string }[]).map(({ path }) => path)).toEqual([
    'body.timeoutMs',
    'body.memoryBytesMax',
  ]);
});

describe('a run that is answered later', () => {
  test('is followed as it writes, resumed, and polled', async () => {
    const code =
      'for (const n of [1, 2]) { console.log("line", n); await new Promise((go) => setTimeout(go, 5)); } 7';
    const begun = await ask('POST', '/v1/run', { code }, LATER);
    expect(begun).toMatchObject({ status: 202, body: { status: 'running' } });
    expect(begun.headers['preference-applied']).toBe('respond-async');
    const path = String(begun.headers.location);
    const text = await follow(`${path}/events`, untilEnd);
    const events = Array.from(text.matchAll(/^event: (\w+)$/gm), ([, name]) => name);
    expect(events.at(0)).toBe('status');
    expect(events.at(-1)).toBe('outcome');
    expect(text).toContain('data: {"text":"line 1\\n"}');
    const [, last = ''] = /^id: (\d+)\nevent: outcome$/m.exec(text) ?? [];
    const rest = await follow(`${path}/events`, untilEnd, { 'last-event-id': String(Number(last) - 1) });
    expect(Array.from(rest.matchAll(/^event: (\w+)$/gm), ([, name]) => name)).toEqual(['outcome']);
    expect((await ask('GET', path)).body).toMatchObject({
      status: 'succeeded',
      result: { output: 7, logs: 'line 1\nline 2\n' },
    });
  });

  test('is cancelled, and says so', async () => {
    const begun = await ask('POST', '/v1/run', { code: ENDLESS, timeoutMs: 60_000 }, LATER);
    const path = String(begun.headers.location);
    await follow(`${path}/events`, (text) => text.includes('begun') && text.includes(': alive'));
    expect(await ask('DELETE', path)).toMatchObject({ status: 202 });
    expect(await follow(`${path}/events`, untilEnd)).toContain('"status":"cancelled"');
    expect((await ask('GET', path)).body).toMatchObject({
      status: 'cancelled',
      problem: { code: 'ABORTED', status: 499 },
    });
    expect(await ask('DELETE', path)).toMatchObject({ status: 202 });
  });

  test('that fails keeps its problem', async () => {
    const begun = await ask('POST', '/v1/skills/nothing/run', {}, LATER);
    const path = String(begun.headers.location);
    await follow(`${path}/events`, untilEnd);
    expect((await ask('GET', path)).body).toMatchObject({
      status: 'failed',
      problem: { code: 'SKILL_NOT_FOUND' },
    });
  });

  test('is not found under another id', async () => {
    const path = '/v1/runs/00000000-0000-4000-8000-000000000000';
    for (const asked of [ask('GET', path), ask('DELETE', path), ask('GET', `${path}/events`)]) {
      expect(await asked).toMatchObject({ status: 404, body: { code: 'RUN_NOT_FOUND' } });
    }
    expect(await ask('GET', '/v1/runs/none')).toMatchObject({
      status: 400,
      body: { issues: [{ path: 'params.id' }] },
    });
  });
});

/** Asks, and leaves when a run is under way. */
async function askAndLeave(path: string, body: object, headers: Record<string, string> = {}): Promise<void> {
  const type = { 'content-type': 'application/json', ...headers };
  // That of the test before may be ending still.
  await vi.waitFor(() => expect(service.library.metrics().workers.running).toBe(0), WAIT);
  const asked = request(`${service.url}${path}`, { method: 'POST', headers: type, agent: false });
  asked.once('error', () => undefined);
  asked.end(JSON.stringify(body));
  await vi.waitFor(() => expect(service.library.metrics().workers.running).toBe(1), WAIT);
  asked.destroy();
}

test('a client that hangs up ends its run', async () => {
  await askAndLeave('/v1/run', { code: ENDLESS, timeoutMs: 60_000 });
  await vi.waitFor(() => expect(service.library.metrics().runs.inFlight).toBe(0), WAIT);
  expect(service.library.metrics().runs.errors).toHaveProperty('ABORTED');
});

test('what a client left is over: logged, counted, written down, and its key may be used again', async () => {
  const left = { code: ENDLESS, timeoutMs: 60_000 };
  const headers = { 'idempotency-key': 'left' };
  const lines = (): unknown[] => service.lines.filter(({ status }) => status === 499);
  const before = lines().length;
  await askAndLeave('/v1/run', left, headers);
  await vi.waitFor(() => expect(lines()).toHaveLength(before + 1), WAIT);
  expect(lines().at(-1)).toMatchObject({ route: '/v1/run', durationMs: expect.any(Number) });
  const text = (await ask('GET', '/metrics')).text;
  expect(text).toMatch(/^skillcache_http_requests_total\{route="\/v1\/run",status="499"\} [1-9]/m);
  // The one that asks.
  expect(text).toMatch(/^skillcache_http_requests_in_flight 1$/m);
  const again = await ask('POST', '/v1/run', { ...left, timeoutMs: 50 }, { 'idempotency-key': 'left' });
  expect(again).toMatchObject({ status: 504, body: { code: 'EXECUTION_TIMEOUT' } });
  // Gathered for a second, then written.
  await vi.waitFor(async () => {
    const trail = await service.library.service.readAudit();
    expect(trail).toContainEqual(expect.objectContaining({ action: 'run.code', outcome: 'ABORTED' }));
  }, WAIT);
});

test('its progress is told as it goes', async () => {
  const begun = await ask('POST', '/v1/run', { code: 'console.log("here"); 1' }, LATER);
  const text = await follow(`${String(begun.headers.location)}/events`, untilEnd);
  const stages = [...text.matchAll(/event: progress\ndata: \{"stage":"(\w+)","durationMs":[\d.e-]+\}/g)];
  expect(stages.map(([, stage]) => stage)).toEqual(
    expect.arrayContaining(['validate', 'queue', 'start', 'run', 'check']),
  );
  expect(text.indexOf('"stage":"encode"')).toBeLessThan(text.indexOf('event: log'));
  expect(text.indexOf('event: outcome')).toBeGreaterThan(text.indexOf('"stage":"check"'));
});

test('of events that a client leaves nothing is left', async () => {
  const begun = await ask('POST', '/v1/run', { code: ENDLESS, timeoutMs: 60_000 }, LATER);
  const path = String(begun.headers.location);
  await follow(`${path}/events`, (text) => text.includes('status'));
  await vi.waitFor(async () => {
    expect((await ask('GET', '/metrics')).text).toMatch(/^skillcache_http_requests_in_flight 1$/m);
  }, WAIT);
  await ask('DELETE', path);
});

test('where there is no room a run is refused at once, and let in when there is again', async () => {
  await using small = await startTestService({
    http: { runsMax: 1 },
    library: { workers: { min: 0, max: 1 } },
  });
  const begun = await small.ask('POST', '/v1/run', { code: ENDLESS, timeoutMs: 60_000 }, LATER);
  const refused = await small.ask('POST', '/v1/run', { code: '1' });
  expect(refused).toMatchObject({ status: 503, body: { code: 'OVERLOADED', retryable: true } });
  expect(refused.headers['retry-after']).toBe('1');
  await small.ask('DELETE', String(begun.headers.location));
  for (;;) {
    const { status } = await small.ask('POST', '/v1/run', { code: '1' });
    if (status === 200) break;
    expect(status).toBe(503);
  }
});

test('closing lets runs finish, and tells those that do not why', async () => {
  const stopped = await startTestService({ library: { workers: { min: 0, max: 2 } } });
  const asked = stopped.ask('POST', '/v1/run', { code: ENDLESS, timeoutMs: 60_000 });
  while (stopped.library.metrics().workers.running === 0) await new Promise((go) => setTimeout(go, 5));
  const closed = stopped.service.close(100);
  expect(stopped.service.close(100)).toBe(closed);
  expect(await asked).toMatchObject({ status: 503, body: { code: 'CLOSED' } });
  await closed;
  await expect(stopped.ask('GET', '/healthz')).rejects.toThrow('ECONNREFUSED');
  await stopped.library.close();
});
