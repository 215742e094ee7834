import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DOUBLE, startTestService, type Answer, type TestService } from './service.ts';

let service: TestService;
let ask: TestService['ask'];
beforeAll(async () => {
  service = await startTestService();
  ({ ask } = service);
});
afterAll(async () => service[Symbol.asyncDispose]());

const put = (name: string, code: string, headers?: Record<string, string>): Promise<Answer> =>
  ask('PUT', `/v1/skills/${name}`, { description: `About ${name}.`, code }, headers);

test('a skill is stored, told about, rolled back and removed', async () => {
  const added = await ask('PUT', '/v1/skills/double', DOUBLE);
  expect(added).toMatchObject({
    status: 201,
    body: { name: 'double', version: 1, status: 'added', verified: 1 },
  });
  expect(added.headers).toMatchObject({
    location: '/v1/skills/double',
    etag: `"${String(added.body['digest'])}"`,
  });
  expect(await ask('PUT', '/v1/skills/double', DOUBLE)).toMatchObject({
    status: 200,
    body: { status: 'unchanged' },
  });
  const changed = { ...DOUBLE, code: 'const n = 1;\nexport const result = n + n;' };
  expect(await ask('PUT', '/v1/skills/double', changed)).toMatchObject({ status: 201, body: { version: 2 } });
  const got = await ask('GET', '/v1/skills/double@1');
  expect(got.body).toMatchObject({
    version: 1,
    pure: true,
    holes: ['n', 'result'],
    definition: { code: DOUBLE.code },
  });
  const { body } = await ask('GET', '/v1/skills/double/versions');
  expect(body['versions']).toMatchObject([
    { version: 2, current: true },
    { version: 1, current: false },
  ]);
  expect(await ask('POST', '/v1/skills/double/rollback', {})).toMatchObject({
    status: 200,
    body: { version: 1 },
  });
  expect(await ask('DELETE', '/v1/skills/double')).toMatchObject({ status: 204, text: '' });
  expect(await ask('GET', '/v1/skills/double')).toMatchObject({
    status: 404,
    body: { code: 'SKILL_NOT_FOUND' },
  });
});

test('a skill whose example fails is refused, and says which', async () => {
  const wrong = { ...DOUBLE, examples: [{ inputs: { n: 1 }, output: 3 }] };
  const { status, body } = await ask('PUT', '/v1/skills/wrong', wrong);
  expect(status).toBe(422);
  expect(body).toMatchObject({ code: 'SKILL_VERIFICATION', failures: [{ index: 0 }] });
  expect(await ask('PUT', '/v1/skills/wrong?verify=false', wrong)).toMatchObject({ status: 201 });
});

test('what is wrong with a definition is told by field', async () => {
  const { status, body } = await ask('PUT', '/v1/skills/bad', { code: 'export const result = 1;', extra: 1 });
  expect(status).toBe(422);
  expect(body['issues']).toEqual([
    { path: 'description', message: 'is required' },
    { path: 'extra', message: 'is not a known field' },
  ]);
  expect(await put('bad', 'const = 1')).toMatchObject({
    status: 422,
    body: { code: 'SKILL_SYNTAX', line: 1 },
  });
  const named = await ask('PUT', '/v1/skills/bad', { ...DOUBLE, name: 'other' });
  expect(named.body).toMatchObject({ code: 'REQUEST_INVALID', issues: [{ path: 'body.name' }] });
});

test('a skill that another one requires stays', async () => {
  await put('base', 'export function run() { return 1; }');
  await put('user', `import base from 'skill:base';\nexport const result = base() + 1;`);
  expect(await ask('DELETE', '/v1/skills/base')).toMatchObject({
    status: 409,
    body: { code: 'SKILL_IN_USE' },
  });
});

test('pages lead through every skill once, by name and by rank', async () => {
  for (const name of ['page-c', 'page-a', 'page-b']) await put(name, 'export const result = 1;');
  const walk = async (first: string): Promise<string[]> => {
    const names: string[] = [];
    for (let cursor = ''; ;) {
      const { body } = await ask('GET', first + cursor);
      const { skills, next } = body as { skills: { name: string }[]; next: string | null };
      names.push(...skills.map(({ name }) => name));
      if (next === null) return names;
      cursor = `&cursor=${next}`;
    }
  };
  const all = await walk('/v1/skills?limit=2');
  expect(all).toEqual([...new Set(all)].toSorted());
  expect(all).toEqual(expect.arrayContaining(['page-a', 'page-b', 'page-c']));
  const found = await walk('/v1/skills?query=page&limit=2');
  expect(found.toSorted()).toEqual(['page-a', 'page-b', 'page-c']);
  for (const path of ['/v1/skills?query=page&', '/v1/skills?', '/v1/skills/page-a/versions?']) {
    const wrong = await ask('GET', `${path}cursor=!!!`);
    expect(wrong, path).toMatchObject({ status: 400, body: { issues: [{ path: 'query.cursor' }] } });
  }
});

test('versions come a page at a time, newest first', async () => {
  for (const n of [1, 2, 3, 4, 5]) await put('many', `export const result = ${n};`);
  const page = async (query: string): Promise<[number[], string | null]> => {
    const { body } = await ask('GET', `/v1/skills/many/versions?${query}`);
    const { versions, next } = body as { versions: { version: number }[]; next: string | null };
    return [versions.map(({ version }) => version), next];
  };
  const [first, next] = await page('limit=2');
  expect(first).toEqual([5, 4]);
  const [second, last] = await page(`limit=2&cursor=${next}`);
  expect(second).toEqual([3, 2]);
  expect(await page(`limit=2&cursor=${last}`)).toEqual([[1], null]);
  expect(await ask('GET', '/v1/skills/many/versions?limt=2')).toMatchObject({ status: 400 });
});

describe('entity tags', () => {
  test('of two changes that began at the same version the second is refused', async () => {
    const first = await put('tagged', 'export const result = 1;');
    const match = { 'if-match': String(first.headers.etag) };
    expect(await put('tagged', 'export const result = 2;', match)).toMatchObject({ status: 201 });
    const lost = await put('tagged', 'export const result = 3;', match);
    expect(lost).toMatchObject({ status: 412, body: { code: 'PRECONDITION_FAILED' } });
    expect(await ask('DELETE', '/v1/skills/tagged', undefined, match)).toMatchObject({ status: 412 });
    expect(await ask('POST', '/v1/skills/tagged/rollback', {}, match)).toMatchObject({ status: 412 });
    const { body } = await ask('GET', '/v1/skills/tagged');
    expect(body).toMatchObject({ version: 2 });
  });

  test('many that begin at once leave one winner', async () => {
    const { headers } = await put('raced', 'export const result = 0;');
    const tries = Array.from({ length: 8 }, (_, at) =>
      put('raced', `export const result = ${at + 1};`, { 'if-match': String(headers.etag) }),
    );
    const statuses = (await Promise.all(tries)).map(({ status }) => status);
    expect(statuses.toSorted()).toEqual([201, 412, 412, 412, 412, 412, 412, 412]);
  });

  test('`If-None-Match: *` creates and never changes', async () => {
    const onlyNew = { 'if-none-match': '*' };
    expect(await put('fresh', 'export const result = 1;', onlyNew)).toMatchObject({ status: 201 });
    expect(await put('fresh', 'export const result = 2;', onlyNew)).toMatchObject({ status: 412 });
  });

  test('`If-Match: *` changes and never creates', async () => {
    const any = { 'if-match': '*' };
    expect(await put('absent', 'export const result = 1;', any)).toMatchObject({ status: 412 });
    await put('there', 'export const result = 1;');
    expect(await put('there', 'export const result = 2;', any)).toMatchObject({ status: 201 });
    expect(await ask('DELETE', '/v1/skills/there', undefined, any)).toMatchObject({ status: 204 });
    expect(await ask('DELETE', '/v1/skills/there', undefined, any)).toMatchObject({ status: 412 });
  });

  test('what the caller has already is not sent again', async () => {
    await put('known', 'export const result = 1;');
    const { headers } = await ask('GET', '/v1/skills/known');
    const again = await ask('GET', '/v1/skills/known', undefined, {
      'if-none-match': `"x", W/${headers.etag}`,
    });
    expect(again).toMatchObject({ status: 304, text: '', headers: { etag: headers.etag } });
  });

  test('a header that says nothing is refused', async () => {
    const wrong = await put('known', 'export const result = 1;', { 'if-match': 'yes' });
    expect(wrong).toMatchObject({ status: 400, body: { issues: [{ path: 'headers.If-Match' }] } });
  });
});

test('code and stored skills are filled with data', async () => {
  const { body } = await ask('POST', '/v1/inject', { code: DOUBLE.code, inputs: { n: 21, other: 1 } });
  expect(body).toEqual({
    code: 'const n = 21;\nexport const result = n * 2;',
    injected: ['n'],
    unused: ['other'],
  });
  await ask('PUT', '/v1/skills/twice', DOUBLE);
  expect((await ask('POST', '/v1/inject', { skill: 'twice', inputs: { n: 3 } })).body).toMatchObject({
    injected: ['n'],
  });
  const both = await ask('POST', '/v1/inject', { code: '1', skill: 'twice' });
  expect(both).toMatchObject({ status: 400, body: { code: 'REQUEST_INVALID' } });
});
