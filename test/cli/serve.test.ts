import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ask } from '../http/service.ts';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { command, ended, start, temporaryFolder, type Ended } from './command.ts';

const folder = temporaryFolder();
afterAll(() => folder[Symbol.dispose]());

interface Served {
  readonly url: string;
  readonly pid: number;
  readonly end: Promise<Ended>;
  kill(signal: NodeJS.Signals): void;
}

/** Resolves when it has said where it serves. */
async function serve(words: readonly string[] = [], env: NodeJS.ProcessEnv = {}): Promise<Served> {
  const child = start(['serve', '--port', '0', '--no-skills', '--json', ...words], { cwd: folder.path, env });
  child.stdin.end();
  const end = ended(child);
  const text = await new Promise<string>((resolve, reject) => {
    child.stdout.once('data', resolve);
    void end.then(({ stderr }) => reject(new Error(stderr)));
  });
  const { url } = JSON.parse(text) as { url: string };
  return { url, pid: child.pid ?? 0, end, kill: (signal) => child.kill(signal) };
}

describe('skillcache serve', () => {
  let served: Served;
  beforeAll(async () => {
    served = await serve();
  });

  test('says where it serves, and does', async () => {
    expect(served.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect(await ask(served.url, 'GET', '/readyz')).toMatchObject({ status: 200 });
  });

  test('runs the line that it prints', async () => {
    const body = '{"code":"const n = 1; n * 2","inputs":{"n":21}}';
    expect(await ask(served.url, 'POST', '/v1/run', body)).toMatchObject({
      status: 200,
      body: { output: 42 },
    });
  });

  test('tells its numbers, and who asks something else so', async () => {
    const { cwd } = { cwd: folder.path };
    const asked = await command(['metrics', '--url', served.url, '--db', ':memory:'], { cwd });
    expect(JSON.parse(asked.stdout)).toMatchObject({
      runs: { ok: 1 },
      http: { requests: expect.any(Array) },
    });
    const text = await command(['metrics', '--url', served.url, '--format', 'prometheus'], { cwd });
    expect(text.stdout).toContain('skillcache_http_requests_total{route="/readyz",status="200"}');
    const none = await command(['metrics', '--url', 'http://127.0.0.1:9'], { cwd });
    expect(none).toMatchObject({ code: 2, stdout: '' });
    expect(none.stderr).toMatch(/no service answers at http:\/\/127\.0\.0\.1:9/);
    const wrong = await command(['metrics', '--url', 'nowhere'], { cwd });
    expect(wrong.stderr).toContain('--url nowhere: expected an address');
  });

  test('ends at SIGTERM with 0, when what runs has finished', async () => {
    const code = 'await new Promise((go) => setTimeout(go, 300)); "finished"';
    const running = ask(served.url, 'POST', '/v1/run', { code });
    for (;;) {
      const { body } = await ask(served.url, 'GET', '/v1/metrics');
      if ((body['runs'] as { inFlight: number }).inFlight > 0) break;
    }
    served.kill('SIGTERM');
    expect(await running).toMatchObject({ status: 200, body: { output: 'finished' } });
    const { code: exit, stderr } = await served.end;
    expect(exit).toBe(0);
    expect(stderr).toContain('"msg":"stopped"');
  });
});

test('the line that it prints works where there are keys too', async ({ skip }) => {
  const shell = promisify(execFile);
  if (
    await shell('curl', ['--version']).then(
      () => false,
      () => true,
    )
  )
    return skip('curl is not installed');
  using own = temporaryFolder();
  const made = await command(['keys', 'create', '--json'], { cwd: own.path });
  const { key } = JSON.parse(made.stdout) as { key: string };
  const child = start(['serve', '--port', '0', '--no-skills'], { cwd: own.path });
  child.stdin.end();
  const end = ended(child);
  let text = '';
  while (!text.includes('-d ')) text += String((await once(child.stdout, 'data'))[0]);
  const line = /^ {2}(curl .*)$/m.exec(text)?.[1] ?? '';
  const env = { ...process.env, SKILLCACHE_KEY: key };
  const { stdout } = await shell('sh', ['-c', line], { env });
  expect(JSON.parse(stdout)).toMatchObject({ output: 42 });
  const url = new URL('/', /http:\S+/.exec(text)?.[0]).href;
  const numbers = await command(['metrics', '--url', url], { cwd: own.path, env: { SKILLCACHE_KEY: key } });
  expect(JSON.parse(numbers.stdout)).toMatchObject({ runs: { ok: 1 } });
  const refused = await command(['metrics', '--url', url], { cwd: own.path });
  expect(refused.stderr).toMatch(/answers 401: /);
  child.kill('SIGTERM');
  const { stderr } = await end;
  // One JSON line an event, and nothing else.
  for (const each of stderr.trim().split('\n')) expect(JSON.parse(each)).toHaveProperty('msg');
  return undefined;
});

test('a second signal ends it at once', async () => {
  const served = await serve([], { SKILLCACHE_CLOSE_TIMEOUT_MS: '600000' });
  const running = ask(served.url, 'POST', '/v1/run', { code: 'for (;;) {}', timeoutMs: 300_000 });
  running.catch(() => undefined);
  for (;;) {
    const { body } = await ask(served.url, 'GET', '/v1/metrics');
    if ((body['runs'] as { inFlight: number }).inFlight > 0) break;
  }
  served.kill('SIGTERM');
  // Draining is what the first one began.
  for (;;) if ((await ask(served.url, 'GET', '/readyz').catch(() => ({ status: 503 }))).status === 503) break;
  served.kill('SIGTERM');
  expect((await served.end).code).toBe(130);
  await expect(running).rejects.toThrow(/socket hang up|ECONNRESET/);
});

test('it listens on loopback only, where there are no keys', async () => {
  const child = start(['serve', '--host', '0.0.0.0', '--no-skills', '--json'], { cwd: folder.path });
  child.stdin.end();
  const { code, stderr } = await ended(child);
  expect(code).toBe(2);
  expect(JSON.parse(stderr.split('\n')[0] ?? '')).toMatchObject({ error: { code: 'CONFIGURATION' } });
});
