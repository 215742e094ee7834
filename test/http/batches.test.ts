/** Batches over HTTP: begun, followed, read, stopped, resumed, and kept within their bounds. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeKey } from '../../src/http/key-ring.ts';
import { followEvents, startTestService, type Answer, type TestService } from './service.ts';

const folder = mkdtempSync(join(tmpdir(), 'skillcache-test-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Doubles a number; throws for 7, and never answers where it is to spin. */
const SKILL = {
  description: 'Doubles a number. Use when a number is to be doubled.',
  code: `const n = 0;
const spin = false;
export default () => {
  while (spin);
  if (n === 7) throw new Error('seven');
  return n * 2;
};`,
};
const SPINS = {
  inputs: [{ n: 1 }, { n: 2 }, { spin: true }, { n: 3 }],
  concurrency: 1,
  run: { timeoutMs: 60_000 },
};

async function serve(http: object = {}, library: object = {}): Promise<TestService> {
  const batchesFolder = mkdtempSync(join(folder, 'batches-'));
  const service = await startTestService({
    http: { batchesFolder, ...http },
    library: { workers: { min: 0, max: 3, concurrency: 2 }, ...library },
  });
  await service.ask('PUT', '/v1/skills/double', SKILL);
  return service;
}

const begin = (service: TestService, body: object, headers = {}): Promise<Answer> =>
  service.ask('POST', '/v1/batches', { skill: 'double', ...body }, headers);

/** Begins one and waits until it has ended; its address. */
async function whole(service: TestService, body: object): Promise<string> {
  const begun = await begin(service, body);
  expect(begun, begun.text).toMatchObject({ status: 202, body: { skill: 'double@1' } });
  const path = String(begun.headers.location);
  expect(await followEvents(`${service.url}${path}/events`)).toContain('event: outcome');
  return path;
}

const untilDone = (service: TestService, path: string, done: number): Promise<string> =>
  followEvents(`${service.url}${path}/events`, (text) => text.includes(`"done":${done},`));

describe('a batch', () => {
  let service: TestService;
  let ask: TestService['ask'];
  beforeAll(async () => {
    service = await serve();
    ({ ask } = service);
  });
  afterAll(async () => service[Symbol.asyncDispose]());

  test('that stopped at a failure goes on when it is told to pass over them', async () => {
    const inputs = [{ n: 1 }, 'no object', { n: 3 }];
    const path = await whole(service, { inputs, onError: 'stop', concurrency: 1 });
    expect((await ask('GET', path)).body).toMatchObject({ status: 'interrupted', done: 1 });
    const wrong = await ask('POST', `${path}/resume`, { onError: 'hope' });
    expect(wrong).toMatchObject({ status: 400, body: { issues: [{ path: 'body.onError' }] } });
    expect(await ask('POST', `${path}/resume`, { onError: 'skip' })).toMatchObject({ status: 202 });
    await followEvents(`${service.url}${path}/events`, (text) => text.includes('"status":"completed"'));
    expect((await ask('GET', path)).body).toMatchObject({ status: 'completed', done: 3, failed: 1 });
    await ask('DELETE', path);
  });

  test('is followed to its outcome, looked at, read, and removed', async () => {
    const path = await whole(service, { inputs: [{ n: 1 }, { n: 7 }, { n: 3 }] });
    expect(await ask('GET', path)).toMatchObject({
      status: 200,
      body: { status: 'completed', done: 3, failed: 1, skill: 'double@1' },
    });
    const output = await ask('GET', `${path}/output`);
    expect(output.headers['content-type']).toBe('application/x-ndjson; charset=utf-8');
    const [first = '', second = '', third = ''] = output.text.split('\n');
    expect([first, third]).toEqual(['{"index":0,"output":2}', '{"index":2,"output":6}']);
    expect(JSON.parse(second)).toMatchObject({ index: 1, error: { code: 'SKILL_RUNTIME' } });
    expect((await ask('GET', `${path}/output?offset=${first.length + 1}`)).text).toBe(
      output.text.slice(first.length + 1),
    );
    expect((await ask('GET', `${path}/output?offset=1000000`)).text).toBe('');
    // Told again from the start, and from behind what was seen.
    const events = await followEvents(`${service.url}${path}/events`);
    const [, last = ''] = /^id: (\d+)\nevent: outcome$/m.exec(events) ?? [];
    const seen = { 'last-event-id': String(Number(last) - 1) };
    const rest = await followEvents(`${service.url}${path}/events`, undefined, seen);
    expect(Array.from(rest.matchAll(/^event: (\w+)$/gm), ([, name]) => name)).toEqual(['outcome']);
    expect(rest).toMatch(/"status":"completed","done":3,"failed":1/);
    expect((await ask('GET', '/v1/batches')).body).toMatchObject({ batches: [{ status: 'completed' }] });
    expect(await ask('POST', `${path}/resume`)).toMatchObject({
      status: 200,
      body: { status: 'completed', done: 3 },
    });
    expect(await ask('DELETE', path)).toMatchObject({ status: 204 });
    for (const [method, rest] of [
      ['GET', ''],
      ['GET', '/output'],
      ['GET', '/events'],
      ['DELETE', ''],
    ] as const)
      expect(await ask(method, path + rest)).toMatchObject({
        status: 404,
        body: { code: 'BATCH_NOT_FOUND' },
      });
  });

  test('takes text of every format, and blames a line for what is wrong with it', async () => {
    for (const [format, inputs] of [
      ['ndjson', '{"n":1}\n{"n":\n{"n":3}\n'],
      ['csv', 'n\n1\n1,2\n3\n'],
      ['json', '[{"n":1},[],{"n":3}]'],
    ] as const) {
      const path = await whole(service, { inputs, format });
      const { text } = await ask('GET', `${path}/output`);
      const lines = text
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as object);
      expect(lines, format).toMatchObject([{ output: 2 }, { error: {} }, { output: 6 }]);
    }
  });

  test('is cancelled for good', async () => {
    const path = await whole(service, {
      inputs: [{ n: 1 }, { n: 2 }],
      timeBudgetMs: 1,
      concurrency: 1,
      chunkSize: 1,
    });
    const { body } = await ask('GET', path);
    if (body['status'] === 'interrupted')
      expect(await ask('POST', `${path}/cancel`)).toMatchObject({
        status: 202,
        body: { status: 'cancelled' },
      });
    const refused = body['status'] === 'interrupted' ? `${path}/resume` : `${path}/cancel`;
    expect(await ask('POST', refused)).toMatchObject({ status: 409, body: { code: 'BATCH_REFUSED' } });
  });

  test('what is wrong with it is refused before it begins', async () => {
    const wrong = [
      {},
      { inputs: [{}], file: 'in.csv' },
      { inputs: [{}], format: 'csv' },
      { inputs: 'x', format: 'xml' },
      { inputs: [], onError: 'never' },
      { inputs: [], run: { grants: { files: {} } } },
      { file: 'in.csv' },
      { file: '../../etc/passwd' },
      { inputs: [], output: '/tmp/x' },
    ];
    for (const body of wrong)
      expect(await begin(service, body), JSON.stringify(body)).toMatchObject({
        status: 400,
        body: { code: 'REQUEST_INVALID' },
      });
    expect(await begin(service, { skill: 'none', inputs: [] })).toMatchObject({ status: 404 });
    const listed = (await ask('GET', '/v1/batches?limit=100')).body['batches'] as object[];
    const { length } = listed;
    expect((await ask('GET', '/v1/batches?limit=1')).body).toMatchObject({ next: expect.any(String) });
    let [seen, cursor] = [0, ''];
    for (;;) {
      const { body } = await ask('GET', `/v1/batches?limit=2${cursor}`);
      seen += (body['batches'] as object[]).length;
      if (body['next'] === null) break;
      cursor = `&cursor=${String(body['next'])}`;
    }
    expect(seen).toBe(length);
  });

  test('asked for twice with one key is begun once', async () => {
    const key = { 'idempotency-key': 'nightly' };
    const first = await begin(service, { inputs: [{ n: 1 }] }, key);
    const again = await begin(service, { inputs: [{ n: 1 }] }, key);
    expect(again.headers['idempotency-replayed']).toBe('true');
    expect(again.headers.location).toBe(first.headers.location);
    await followEvents(`${service.url}${String(first.headers.location)}/events`);
  });
});

test('a service that stops leaves a batch that another process goes on with', async () => {
  const path = join(folder, 'skills.db');
  const batchesFolder = join(folder, 'shared');
  const first = await serve({ batchesFolder }, { path });
  const begun = await begin(first, SPINS);
  const address = String(begun.headers.location);
  await untilDone(first, address, 2);
  expect(await first.ask('POST', `${address}/resume`)).toMatchObject({
    status: 409,
    body: { code: 'BATCH_BUSY', detail: expect.stringContaining('by this process already') },
  });
  expect(await first.ask('DELETE', address)).toMatchObject({ status: 409, body: { code: 'BATCH_BUSY' } });
  const events = followEvents(`${first.url}${address}/events`);
  await first[Symbol.asyncDispose]();
  expect(await events).toMatch(/event: outcome\ndata: \{"status":"interrupted".*"code":"CLOSED"/);

  await using second = await serve({ batchesFolder }, { path });
  expect((await second.ask('GET', address)).body).toMatchObject({ status: 'interrupted', done: 2 });
  expect((await second.ask('GET', `${address}/output`)).text).toBe(
    '{"index":0,"output":2}\n{"index":1,"output":4}\n',
  );
  expect(
    await followEvents(`${second.url}${address}/events`, undefined, { 'last-event-id': '99' }),
  ).toContain('event: outcome\ndata: {"status":"interrupted","done":2');
  expect(await second.ask('POST', `${address}/resume`)).toMatchObject({
    status: 202,
    body: { status: 'running' },
  });
});

test('there is a bound to those under way, in all and of one caller', async () => {
  await using service = await serve({ batchesRunningMax: 2, callerBatchesRunningMax: 1 });
  const keys = await Promise.all(
    ['one', 'two', 'three'].map(async (name) => {
      const { key, record } = makeKey({ name, tenant: 'default', scopes: ['read', 'run'] });
      await service.library.service.addKey(record);
      return { authorization: `Bearer ${key}` };
    }),
  );
  const [one, two, three] = keys;
  const begun = await begin(service, SPINS, one);
  expect(begun).toMatchObject({ status: 202 });
  expect(await begin(service, SPINS, one)).toMatchObject({ status: 429, headers: { 'retry-after': '1' } });
  expect(await begin(service, SPINS, two)).toMatchObject({ status: 202 });
  expect(await begin(service, SPINS, three)).toMatchObject({ status: 503, headers: { 'retry-after': '1' } });
  const reader = makeKey({ name: 'reader', tenant: 'default', scopes: ['read'] });
  const limited = makeKey({
    name: 'limited',
    tenant: 'default',
    scopes: ['read', 'run'],
    skills: ['other-*'],
  });
  for (const { record } of [reader, limited]) await service.library.service.addKey(record);
  const asReader = { authorization: `Bearer ${reader.key}` };
  expect(await begin(service, SPINS, asReader)).toMatchObject({ status: 403 });
  // Whoever may not know of the skill does not know of its batches.
  const asLimited = { authorization: `Bearer ${limited.key}` };
  expect(await begin(service, SPINS, asLimited)).toMatchObject({ status: 404 });
  const address = String(begun.headers.location);
  expect(await service.ask('GET', address, undefined, asReader)).toMatchObject({ status: 200 });
  expect(await service.ask('GET', address, undefined, asLimited)).toMatchObject({ status: 404 });
  expect((await service.ask('GET', '/v1/batches', undefined, asLimited)).body).toMatchObject({ batches: [] });
  const { text } = await service.ask('GET', '/v1/metrics', undefined, asReader);
  expect(JSON.parse(text)).toMatchObject({ batches: { running: 2, begun: 2 } });
});

test('the oldest that are over make room, and an output ends at its bound', async () => {
  await using service = await serve({ batchesMax: 2, batchBytesMax: 1_000, batchOutputBytesMax: 150 });
  const paths = [];
  for (let n = 0; n < 3; n += 1) paths.push(await whole(service, { inputs: [{ n }] }));
  expect(await service.ask('GET', String(paths[0]))).toMatchObject({ status: 404 });
  expect(await service.ask('GET', String(paths[2]))).toMatchObject({ status: 200 });
  const tooLong = await whole(service, { inputs: Array.from({ length: 20 }, (_, n) => ({ n: n + 10 })) });
  expect((await service.ask('GET', tooLong)).body).toMatchObject({
    status: 'interrupted',
    outputBytes: 0,
    problem: { code: 'OUTPUT_LIMIT' },
  });
  const refused = await begin(service, { inputs: [{ long: 'x'.repeat(1_000) }] });
  expect(refused).toMatchObject({ status: 503, body: { code: 'OVERLOADED' } });
  expect(refused.headers['retry-after']).toBe('60');
});

test('files are read from the folder of the tenant only, where there is one', async () => {
  const batchInputsFolder = join(folder, 'inputs');
  for (const tenant of ['default', 'other']) mkdirSync(join(batchInputsFolder, tenant), { recursive: true });
  const file = (...parts: string[]): string => join(batchInputsFolder, ...parts);
  writeFileSync(file('default', 'good.csv'), 'n\n4\n');
  writeFileSync(file('other', 'theirs.csv'), 'n\n5\n');
  symlinkSync(file('other', 'theirs.csv'), file('default', 'link.csv'));
  mkdirSync(file('default', 'folder'));
  await using service = await serve({ batchInputsFolder });
  const path = await whole(service, { file: 'good.csv' });
  expect((await service.ask('GET', `${path}/output`)).text).toBe('{"index":0,"output":8}\n');
  for (const name of ['theirs.csv', 'link.csv', 'folder', 'none.csv']) {
    const refused = await begin(service, { file: name });
    expect(refused, name).toMatchObject({ status: 404, body: { code: 'FILE_NOT_FOUND' } });
    expect(refused.text).not.toContain(folder);
  }
  for (const name of ['../other/theirs.csv', '..', '.', '/etc/passwd', 'a\0b', 'a/b'])
    expect(await begin(service, { file: name }), name).toMatchObject({ status: 400 });
  // The inputs of a batch that is removed are only removed where they are its own.
  await service.ask('DELETE', path);
  expect(readdirSync(file('default'))).toContain('good.csv');
});

test('a service without a place for batches has none', async () => {
  await using service = await startTestService();
  await service.ask('PUT', '/v1/skills/double', SKILL);
  expect((await service.ask('GET', '/v1/batches')).body).toEqual({ batches: [], next: null });
  expect(await begin(service, { inputs: [] })).toMatchObject({
    status: 400,
    body: { code: 'CONFIGURATION' },
  });
  expect(await service.ask('GET', '/v1/batches/a')).toMatchObject({ status: 404 });
});
