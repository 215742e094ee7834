import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { request } from 'node:https';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { ask } from '../http/service.ts';
import { command, start, temporaryFolder } from './command.ts';

const folder = temporaryFolder();
afterAll(() => folder[Symbol.dispose]());
const cwd = folder.path;

const createKey = async (...words: string[]): Promise<{ key: string; id: string }> => {
  const { stdout, stderr, code } = await command(['keys', 'create', '--json', ...words], { cwd });
  expect([code, stderr]).toEqual([0, '']);
  return JSON.parse(stdout) as { key: string; id: string };
};

test('a key is made, shown once, listed without its secret, used, and revoked while the service runs', async () => {
  const made = await createKey('--name', 'agent', '--scope', 'read', '--scope', 'run', '--expires', '30d');
  expect(made.key).toMatch(/^sk_[a-z2-7]{12}_[\w-]{43}$/);
  const listed = await command(['keys', 'list'], { cwd });
  expect(listed.stdout).toContain('agent');
  expect(listed.stdout).not.toContain(made.key.slice(-43));
  const child = start(['serve', '--host', '0.0.0.0', '--port', '0', '--no-skills', '--json'], { cwd });
  child.stdin.end();
  const [text] = (await once(child.stdout.setEncoding('utf8'), 'data')) as [string];
  const url = (JSON.parse(text) as { url: string }).url.replace('0.0.0.0', '127.0.0.1');
  const authorization = `Bearer ${made.key}`;
  expect(await ask(url, 'GET', '/v1/skills', undefined, { authorization })).toMatchObject({ status: 200 });
  expect(await ask(url, 'GET', '/v1/skills')).toMatchObject({ status: 401 });
  expect(await command(['keys', 'revoke', made.id], { cwd })).toMatchObject({ code: 0 });
  child.kill('SIGHUP');
  while ((await ask(url, 'GET', '/v1/skills', undefined, { authorization })).status !== 401);
  child.kill('SIGTERM');
  await once(child, 'exit');
  const trail = (await command(['audit'], { cwd })).stdout.trimEnd().split('\n');
  const entries = trail.map((line) => JSON.parse(line) as { action: string; caller: string });
  expect(entries.map(({ action }) => action)).toEqual(
    expect.arrayContaining(['key.create', 'key.revoke', 'listSkills']),
  );
});

test.each([
  [['keys', 'create', '--scope', 'all'], '--scope all'],
  [['keys', 'create', '--tenant', '../x'], '--tenant ../x'],
  [['keys', 'create', '--skill', 'a*b'], '--skill a*b'],
  [['keys', 'create', '--expires', 'soon'], 'expected minutes'],
  [['keys', 'revoke', 'none'], 'no key none'],
])('%j is refused', async (words, message) => {
  const { code, stderr } = await command(words, { cwd });
  expect(code).toBe(2);
  expect(stderr).toContain(message);
});

test('a certificate makes it speak TLS, and a tenant has a file of its own', async ({ skip }) => {
  const [cert, key] = [join(cwd, 'cert.pem'), join(cwd, 'key.pem')];
  const words = [
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:prime256v1',
    '-nodes',
    '-days',
    '2',
  ];
  const made = spawnSync('openssl', [...words, '-subj', '/CN=localhost', '-keyout', key, '-out', cert], {
    timeout: 50_000,
  });
  skip(made.error !== undefined, 'openssl is not installed');
  const { key: secret } = await createKey('--tenant', 'acme', '--scope', 'read');
  const env = { SKILLCACHE_HTTP_TLS_CERT_FILE: cert, SKILLCACHE_HTTP_TLS_KEY_FILE: key };
  const child = start(['serve', '--port', '0', '--no-skills', '--json'], { cwd, env });
  child.stdin.end();
  const [text] = (await once(child.stdout.setEncoding('utf8'), 'data')) as [string];
  const { url } = JSON.parse(text) as { url: string };
  expect(url).toMatch(/^https:/);
  const status = await new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${secret}` };
    request(`${url}/v1/skills`, { rejectUnauthorized: false, agent: false, headers }, (answer) => {
      answer.resume();
      resolve(answer.statusCode);
    })
      .once('error', reject)
      .end();
  });
  expect(status).toBe(200);
  child.kill('SIGTERM');
  await once(child, 'exit');
  const own = await command(['list', '--db', join('skills.db.tenants', 'acme.db')], { cwd });
  expect(own.code).toBe(0);
});
