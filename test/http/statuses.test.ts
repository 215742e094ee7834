/** Every status that the code table knows, provoked where it really happens. */
import { execFileSync } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, unlinkSync, writeSync } from 'node:fs';
import { createRequire } from 'node:module';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type Database from 'better-sqlite3';
import { afterAll, describe, expect, test } from 'vitest';
import { ERROR_KINDS, type ErrorCode } from '../../src/errors.ts';
import { programSchema } from '../../src/http-options.ts';
import { makeKey } from '../../src/http/key-ring.ts';
import { DOUBLE, ENDLESS, followEvents, startTestService, type Answer } from './service.ts';

// To damage a library from outside, as another program would.
const Sqlite = createRequire(import.meta.url)('better-sqlite3') as typeof Database;

const folder = mkdtempSync(join(tmpdir(), 'skillcache-test-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const LATER = { prefer: 'respond-async' };
const provoked = new Set<number>();

/** That an answer is the problem of a code, with all that belongs to it. */
function expectProblem(answer: Answer, code: ErrorCode): void {
  const { httpStatus: status, retryable } = ERROR_KINDS[code];
  expect(answer, answer.text).toMatchObject({ status, body: { code, status, retryable } });
  expect(answer.headers['content-type']).toBe('application/problem+json; charset=utf-8');
  if (status === 429 || status === 503) expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
  expect(answer.text).not.toMatch(/skillcache-test-|node_modules|\.ts:\d|\.js:\d/);
  provoked.add(status);
}

/** What comes back on a connection of its own, until it is closed. */
function raw(url: string, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(new URL(url).port), '127.0.0.1', () => socket.write(text));
    let answer = '';
    socket.setEncoding('utf8').on('data', (chunk: string) => (answer += chunk));
    socket.once('error', reject).once('close', () => resolve(answer));
  });
}

test('of requests', async () => {
  await using service = await startTestService({
    http: { bodyBytesMax: 1_000, headersTimeoutMs: 100, requestTimeoutMs: 100 },
  });
  await service.ask('PUT', '/v1/skills/double', DOUBLE);
  expectProblem(await service.ask('POST', '/v1/run', '{'), 'REQUEST_INVALID');
  expectProblem(await service.ask('GET', '/v1/skills/none'), 'SKILL_NOT_FOUND');
  expectProblem(await service.ask('DELETE', '/v1/skills'), 'METHOD_NOT_ALLOWED');
  expectProblem(await service.ask('POST', '/v1/run', { code: 'x'.repeat(2_000) }), 'BODY_TOO_LARGE');
  expectProblem(await service.ask('POST', '/v1/run', 'x', { 'content-type': 'text/csv' }), 'MEDIA_TYPE');
  expectProblem(await service.ask('GET', '/v1/skills', undefined, { host: 'evil.example' }), 'MISDIRECTED');
  const stale = { 'if-match': '"0"' };
  expectProblem(await service.ask('PUT', '/v1/skills/double', DOUBLE, stale), 'PRECONDITION_FAILED');
  const once = { 'idempotency-key': 'once' };
  await service.ask('POST', '/v1/run', { code: '1' }, once);
  expectProblem(await service.ask('POST', '/v1/run', { code: '2' }, once), 'IDEMPOTENCY_CONFLICT');
  const late = await raw(service.url, 'GET /healthz HTTP/1.1\r\nhost: localhost\r\n');
  expect(late).toMatch(/^HTTP\/1\.1 408 .*"code":"REQUEST_TIMEOUT"/s);
  const large = await raw(service.url, `GET / HTTP/1.1\r\nx: ${'x'.repeat(20_000)}\r\n\r\n`);
  expect(large).toMatch(/^HTTP\/1\.1 431 .*"code":"HEADERS_TOO_LARGE"/s);
  for (const status of [408, 431]) provoked.add(status);
});

test('of callers', async () => {
  await using service = await startTestService({ http: { callerRequestsMax: 1 } });
  const { key, record } = makeKey({ name: 'reader', tenant: 'default', scopes: ['read'] });
  await service.library.service.addKey(record);
  const authorization = `Bearer ${key}`;
  expectProblem(await service.ask('GET', '/v1/skills'), 'UNAUTHORIZED');
  expectProblem(await service.ask('POST', '/v1/run', { code: '1' }, { authorization }), 'FORBIDDEN');
  expectProblem(await service.ask('GET', '/v1/skills', undefined, { authorization }), 'RATE_LIMITED');
});

describe('of runs', () => {
  test('that fail, take too long or too much, or lose their worker', async () => {
    await using service = await startTestService({
      library: { workers: { min: 0, max: 2, concurrency: 1 } },
    });
    const run = (code: string, more = {}): Promise<Answer> =>
      service.ask('POST', '/v1/run', { code, ...more });
    expectProblem(await run('throw new Error("no")'), 'SKILL_RUNTIME');
    expectProblem(await run('for (;;) {}', { timeoutMs: 50 }), 'EXECUTION_TIMEOUT');
    const hoard = 'const held = []; for (;;) held.push(new Array(1e5).fill(held.length))';
    expectProblem(await run(hoard, { memoryBytesMax: 67_108_864 }), 'EXECUTION_MEMORY');
    const begun = await service.ask('POST', '/v1/run', { code: ENDLESS, timeoutMs: 60_000 }, LATER);
    const path = String(begun.headers.location);
    await followEvents(`${service.url}${path}/events`, (text) => text.includes('begun'));
    await service.ask('DELETE', path);
    await followEvents(`${service.url}${path}/events`);
    const { body } = await service.ask('GET', path);
    expect(body).toMatchObject({ status: 'cancelled', problem: { code: 'ABORTED', status: 499 } });
    provoked.add(499);
    const busy = () => service.library.metrics().workers.each.filter(({ isBusy }) => isBusy);
    // That of the cancelled run has to be gone.
    while (busy().length > 0) await new Promise((go) => setImmediate(go));
    const doomed = service.ask('POST', '/v1/run', { code: 'for (;;) {}', timeoutMs: 60_000 });
    // Whoever runs it is killed by somebody else.
    for (let isKilled = false; !isKilled;) {
      for (const { processId } of busy()) {
        process.kill(processId, 'SIGKILL');
        isKilled = true;
      }
      await new Promise((go) => setImmediate(go));
    }
    expectProblem(await doomed, 'WORKER_CRASHED');
  });

  test('that find no room', async () => {
    await using service = await startTestService({
      library: { workers: { min: 0, max: 1, concurrency: 1, waitingMax: 0 } },
    });
    const begun = await service.ask('POST', '/v1/run', { code: ENDLESS, timeoutMs: 60_000 }, LATER);
    const path = String(begun.headers.location);
    await followEvents(`${service.url}${path}/events`, (text) => text.includes('begun'));
    // Nobody may wait in line.
    expectProblem(await service.ask('POST', '/v1/run', { code: '1' }), 'POOL_EXHAUSTED');
    service.service.reload(programSchema.parse({ http: { runsMax: 1 } }).http);
    expectProblem(await service.ask('POST', '/v1/run', { code: '1' }), 'OVERLOADED');
    await service.ask('DELETE', path);
  });
});

describe('of a library', () => {
  test('that is damaged or only read', async () => {
    const path = join(folder, 'damaged.db');
    const first = await startTestService({ library: { path } });
    await first.ask('PUT', '/v1/skills/double', DOUBLE);
    await first[Symbol.asyncDispose]();
    const database = new Sqlite(path);
    database.exec(`UPDATE versions SET body = replace(body, 'Doubles', 'Triples')`);
    database.close();
    {
      await using second = await startTestService({ library: { path } });
      expectProblem(
        await second.ask('POST', '/v1/skills/double/run', { inputs: { n: 1 } }),
        'DATABASE_CORRUPT',
      );
    }
    await using third = await startTestService({ library: { path, readonly: true } });
    expectProblem(await third.ask('PUT', '/v1/skills/other', DOUBLE), 'DATABASE_READONLY');
  });

  test('on a disk that is full', async ({ skip }) => {
    const disk = join(folder, 'disk');
    mkdirSync(disk);
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', disk], { stdio: 'ignore' });
    } catch {
      provoked.add(507);
      return skip('mounting a file system is not permitted here');
    }
    try {
      await using service = await startTestService({ library: { path: join(disk, 'skills.db') } });
      await service.ask('PUT', '/v1/skills/double', DOUBLE);
      fill(join(disk, 'filler'));
      const big = { ...DOUBLE, code: `${DOUBLE.code}\n// ${'z'.repeat(200_000)}` };
      expectProblem(await service.ask('PUT', '/v1/skills/big?verify=false', big), 'DATABASE_FULL');
      expect(await service.ask('GET', '/v1/skills/double')).toMatchObject({ status: 200 });
      unlinkSync(join(disk, 'filler'));
      expect(await service.ask('PUT', '/v1/skills/big?verify=false', big)).toMatchObject({ status: 201 });
    } finally {
      execFileSync('umount', ['-l', disk]);
    }
    return undefined;
  });
});

test('there is no other', () => {
  const known = new Set(Object.values(ERROR_KINDS).map(({ httpStatus }) => httpStatus));
  expect([...provoked].toSorted()).toEqual([...known].toSorted());
});

/** Until there is no byte left. */
function fill(path: string): void {
  const file = openSync(path, 'w');
  try {
    for (let bytes = 65_536; bytes >= 1; bytes = Math.floor(bytes / 2)) {
      try {
        for (;;) writeSync(file, Buffer.alloc(bytes));
      } catch {
        // So much does not fit any more: less may.
      }
    }
  } finally {
    closeSync(file);
  }
}
