import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeKey } from '../../src/http/key-ring.ts';
import type { SkillLibrary } from '../../src/library.ts';
import type { ApiKeyRecord } from '../../src/store/service-store.ts';
import { DOUBLE, ENDLESS, startTestService, type Answer, type TestService } from './service.ts';

interface Held {
  readonly key: string;
  readonly record: ApiKeyRecord;
  ask(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
}

async function hold(service: TestService, given: Partial<ApiKeyRecord> = {}): Promise<Held> {
  const { key, record } = makeKey({ name: 'test', tenant: 'default', scopes: ['admin'], ...given });
  await service.library.service.addKey(record);
  return {
    key,
    record,
    ask: (method, path, body, headers) =>
      service.ask(method, path, body, { authorization: `Bearer ${key}`, ...headers }),
  };
}

const trailOf = async (library: SkillLibrary, close: () => Promise<void>) => {
  await close();
  return library.service.readAudit();
};

describe('with keys', () => {
  let service: TestService;
  let admin: Held;
  beforeAll(async () => {
    service = await startTestService();
    admin = await hold(service);
    await admin.ask('PUT', '/v1/skills/double', DOUBLE);
  });
  afterAll(async () => service[Symbol.asyncDispose]());

  test('nobody gets in without one, or with one that is wrong, revoked or expired', async () => {
    const revoked = await hold(service);
    await service.library.service.revokeKey(revoked.record.id, Date.now());
    const expired = await hold(service, { expiresAtMs: Date.now() - 1 });
    const wrong = `Bearer sk_${admin.record.id}_${'A'.repeat(43)}`;
    for (const authorization of [
      wrong,
      'Bearer sk_x',
      'Basic abc',
      `Bearer ${revoked.key}`,
      `Bearer ${expired.key}`,
    ]) {
      const refused = await service.ask('GET', '/v1/skills', undefined, { authorization });
      expect(refused).toMatchObject({ status: 401, body: { code: 'UNAUTHORIZED' } });
      expect(refused.headers['www-authenticate']).toBe('Bearer');
    }
    expect(await service.ask('GET', '/v1/skills')).toMatchObject({ status: 401 });
    for (const path of ['/healthz', '/readyz', '/openapi.json', '/docs'])
      expect(await service.ask('GET', path)).toMatchObject({ status: 200 });
  });

  test('a scope allows what it says', async () => {
    const reader = await hold(service, { scopes: ['read'] });
    expect(await reader.ask('GET', '/v1/skills/double')).toMatchObject({ status: 200 });
    for (const asked of [
      reader.ask('PUT', '/v1/skills/other', DOUBLE),
      reader.ask('POST', '/v1/skills/double/run', {}),
      reader.ask('GET', '/metrics'),
    ])
      expect(await asked).toMatchObject({ status: 403, body: { code: 'FORBIDDEN' } });
  });

  test('a key for certain skills knows of no others', async () => {
    await admin.ask('PUT', '/v1/skills/secret', DOUBLE);
    const some = await hold(service, { scopes: ['read', 'run', 'write'], skills: ['dou*'] });
    expect(await some.ask('POST', '/v1/skills/double/run', { inputs: { n: 2 } })).toMatchObject({
      status: 200,
    });
    const { body } = await some.ask('GET', '/v1/skills');
    expect((body['skills'] as { name: string }[]).map(({ name }) => name)).toEqual(['double']);
    for (const path of ['/v1/skills/secret', '/v1/skills/secret/versions'])
      expect(await some.ask('GET', path)).toMatchObject({ status: 404 });
    expect(await some.ask('POST', '/v1/skills/SECRET@1/run', {})).toMatchObject({ status: 404 });
    expect(await some.ask('PUT', '/v1/skills/secret', DOUBLE)).toMatchObject({ status: 404 });
    expect(await some.ask('POST', '/v1/run', { code: '1' })).toMatchObject({ status: 403 });
  });

  test('requests are counted by key, and told in the header fields', async () => {
    await using small = await startTestService({ http: { callerRequestsMax: 2 } });
    const caller = await hold(small);
    const first = await caller.ask('GET', '/v1/skills');
    expect(first.headers).toMatchObject({
      'ratelimit-policy': '"caller";q=2;w=60',
      ratelimit: '"caller";r=1;t=60',
    });
    await caller.ask('GET', '/v1/skills');
    const refused = await caller.ask('GET', '/v1/skills');
    expect(refused).toMatchObject({ status: 429, body: { code: 'RATE_LIMITED' } });
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
    expect(await (await hold(small)).ask('GET', '/v1/skills')).toMatchObject({ status: 200 });
  });

  test('runs at once are bounded by key', async () => {
    await using small = await startTestService({ http: { callerRunsMax: 1 } });
    const caller = await hold(small);
    const begun = await caller.ask(
      'POST',
      '/v1/run',
      { code: ENDLESS, timeoutMs: 60_000 },
      { prefer: 'respond-async' },
    );
    const refused = await caller.ask('POST', '/v1/run', { code: '1' });
    expect(refused).toMatchObject({ status: 429, headers: { 'retry-after': '1' } });
    expect(await (await hold(small)).ask('POST', '/v1/run', { code: '1' })).toMatchObject({ status: 200 });
    await caller.ask('DELETE', String(begun.headers.location));
  });
});

describe('tenants', () => {
  test('what one has, another does not meet, whatever it asks', async () => {
    const batchesFolder = mkdtempSync(join(tmpdir(), 'skillcache-test-'));
    await using service = await startTestService({ http: { batchesFolder } });
    const [ours, theirs] = [
      await hold(service, { tenant: 'ours' }),
      await hold(service, { tenant: 'theirs' }),
    ];
    const code = 'const n = 1;\nexport const result = { n, secret: "ours" };';
    await ours.ask('PUT', '/v1/skills/shared', { description: 'A secret of ours.', code });
    await ours.ask('POST', '/v1/skills/shared/run', { inputs: { n: 2 } });
    const begun = await ours.ask(
      'POST',
      '/v1/run',
      { code: ENDLESS, timeoutMs: 60_000 },
      { prefer: 'respond-async' },
    );
    const run = String(begun.headers.location);
    const sent = { skill: 'shared', inputs: [{ n: 3 }] };
    const batch = await ours.ask('POST', '/v1/batches', sent);
    expect(batch).toMatchObject({ status: 202, body: { skill: 'shared@1' } });
    const recorded = await ours.ask('POST', '/v1/run', { code: 'console.log("ours"); 1' });

    const { body } = (await theirs.ask('GET', '/openapi.json')) as unknown as {
      body: { paths: Record<string, Record<string, unknown>> };
    };
    const asked = Object.entries(body.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => [method.toUpperCase(), path] as const),
    );
    expect(asked.length).toBeGreaterThan(15);
    const open = new Set(['/healthz', '/readyz', '/openapi.json', '/docs', '/metrics']);
    for (const [method, path] of asked.filter(([, path]) => !open.has(path))) {
      const ids = path.startsWith('/v1/batches')
        ? [String(batch.body['id'])]
        : [run.slice('/v1/runs/'.length), String(recorded.body['id'])];
      for (const id of ids) {
        const filled = path.replace('{name}', 'shared').replace('{id}', id);
        const isWrite = method === 'PUT';
        const sent = method === 'GET' || method === 'DELETE' ? undefined : bodyFor(path);
        if (isWrite) continue;
        const answer = await theirs.ask(method, filled, sent);
        const what = `${method} ${filled} ${answer.text}`;
        expect(answer.text, what).not.toContain('ours');
        if (/\{(?:name|id)\}/.test(path)) expect(answer.status, what).toBe(404);
      }
    }
    const numbers = await theirs.ask('GET', '/metrics');
    expect(numbers).toMatchObject({ status: 403, body: { code: 'FORBIDDEN' } });
    expect((await theirs.ask('GET', '/v1/metrics')).body).not.toHaveProperty('http');
    // The same name and content are two skills, with answers of their own.
    const own = { description: 'Theirs.', code: code.replace('"ours"', '"them"') };
    expect(await theirs.ask('PUT', '/v1/skills/shared', own)).toMatchObject({
      status: 201,
      body: { version: 1 },
    });
    const ran = await theirs.ask('POST', '/v1/skills/shared/run', { inputs: { n: 2 } });
    expect(ran.body).toMatchObject({ output: { secret: 'them' }, cached: false });
    await theirs.ask('PUT', '/v1/skills/shared', { description: 'A secret of ours.', code });
    expect((await theirs.ask('POST', '/v1/skills/shared/run', { inputs: { n: 2 } })).body).toMatchObject({
      cached: false,
    });
    expect((await ours.ask('GET', run)).body).toMatchObject({ status: 'running' });
    expect((await ours.ask('GET', '/v1/skills/shared')).body).toMatchObject({ version: 1 });
    const listed = await ours.ask('GET', '/v1/batches');
    expect(listed.body).toMatchObject({ batches: [{ id: batch.body['id'] }] });
    await ours.ask('DELETE', run);
    rmSync(batchesFolder, { recursive: true });
  });

  const bodyFor = (path: string): object => {
    if (path === '/v1/run') return { code: 'export const result = typeof shared' };
    return path === '/v1/inject' ? { code: 'const n = 1' } : {};
  };

  test('more than may be open at once are refused while all are in use', async () => {
    await using service = await startTestService({ http: { tenantsOpenMax: 1 } });
    const [one, two] = [await hold(service, { tenant: 'one' }), await hold(service, { tenant: 'two' })];
    expect(await one.ask('GET', '/v1/skills')).toMatchObject({ status: 200 });
    expect(await two.ask('GET', '/v1/skills')).toMatchObject({ status: 503, body: { code: 'OVERLOADED' } });
  });
});

describe('the audit trail', () => {
  test('says who did what and who was refused, equal runs as one entry', async () => {
    const service = await startTestService();
    const caller = await hold(service, { scopes: ['write', 'run'] });
    await caller.ask('PUT', '/v1/skills/double', DOUBLE);
    for (let at = 0; at < 3; at += 1) await caller.ask('POST', '/v1/skills/double/run', { inputs: { n: 1 } });
    await caller.ask('GET', '/v1/skills/double');
    await service.ask('GET', '/v1/skills');
    await caller.ask('DELETE', '/v1/skills/none');
    const trail = await trailOf(service.library, () => service.service.close(100));
    const { id } = caller.record;
    expect(trail).toMatchObject([
      { caller: id, action: 'skill.put', target: 'double', outcome: 'ok', count: 1 },
      { caller: id, action: 'run', target: 'double', outcome: 'ok', count: 3 },
      { caller: id, action: 'getSkill', target: 'double', outcome: 'FORBIDDEN' },
      { caller: 'unknown', action: 'listSkills', outcome: 'UNAUTHORIZED' },
      { caller: id, action: 'skill.delete', target: 'none', outcome: 'SKILL_NOT_FOUND' },
    ]);
    await service.library.close();
  });
});

describe('Idempotency-Key', () => {
  test('gives the first answer again, and does nothing twice', async () => {
    await using service = await startTestService();
    const { ask } = service;
    const once = { 'idempotency-key': 'put-1' };
    const first = await ask('PUT', '/v1/skills/double', DOUBLE, once);
    await ask('DELETE', '/v1/skills/double');
    const again = await ask('PUT', '/v1/skills/double', DOUBLE, once);
    expect(again).toMatchObject({ status: 201, text: first.text });
    expect(again.headers).toMatchObject({ etag: first.headers.etag, 'idempotency-replayed': 'true' });
    expect(await ask('GET', '/v1/skills/double')).toMatchObject({ status: 404 });
    const other = await ask('PUT', '/v1/skills/double', { ...DOUBLE, description: 'Another.' }, once);
    expect(other).toMatchObject({ status: 409, body: { code: 'IDEMPOTENCY_CONFLICT' } });
    const wrong = await ask('PUT', '/v1/skills/double', DOUBLE, { 'idempotency-key': ' ' });
    expect(wrong).toMatchObject({ status: 400 });
  });

  test('refuses the same request while the first is under way', async () => {
    await using service = await startTestService();
    const once = { 'idempotency-key': 'run-1' };
    const code = 'await new Promise((go) => setTimeout(go, 200)); export const result = 1;';
    const both = await Promise.all([1, 2].map(() => service.ask('POST', '/v1/run', { code }, once)));
    expect(both.map(({ status }) => status).toSorted()).toEqual([200, 409]);
    const after = await service.ask('POST', '/v1/run', { code }, once);
    expect(after.text).toBe(both.find(({ status }) => status === 200)?.text);
  });
});
