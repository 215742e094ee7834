/** What a service takes up while it runs: certificates that change, and all else at SIGHUP. */
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, renameSync, symlinkSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import type { TLSSocket } from 'node:tls';
import { join } from 'node:path';
import { afterAll, expect, onTestFinished, test } from 'vitest';
import { command, start, temporaryFolder } from './command.ts';

const folder = temporaryFolder();
afterAll(() => folder[Symbol.dispose]());
const cwd = folder.path;
const at = (name: string): string => join(cwd, name);

/** Writes `NAME.pem` and `NAME.key`; false where there is no openssl. */
function makeCertificate(name: string): boolean {
  const words = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const files = ['-keyout', at(`${name}.key`), '-out', at(`${name}.pem`)];
  return (
    spawnSync('openssl', [...words, ...files, '-subj', `/CN=${name}`, '-days', '2'], { timeout: 50_000 })
      .status === 0
  );
}

function use(name: string): void {
  for (const kind of ['key', 'pem']) {
    rmSync(at(`used.${kind}`), { force: true });
    copyFileSync(at(`${name}.${kind}`), at(`used.${kind}`));
  }
}

/** As it is where the files are links, of which only the links change. */
function linkTo(name: string): void {
  for (const kind of ['key', 'pem']) {
    symlinkSync(at(`${name}.${kind}`), at(`next.${kind}`));
    renameSync(at(`next.${kind}`), at(`used.${kind}`));
  }
}

interface Asked {
  readonly status: number;
  /** Of the certificate. */
  readonly name: string;
  readonly policy: string;
}

/** On a connection of its own, which shows the certificate of the moment. */
function ask(url: string, key = ''): Promise<Asked> {
  return new Promise((resolve, reject) => {
    const headers = key === '' ? {} : { authorization: `Bearer ${key}` };
    const asked = request(
      `${url}/v1/skills`,
      { agent: false, rejectUnauthorized: false, headers },
      (answer) => {
        const { CN: name = '' } = (answer.socket as TLSSocket).getPeerCertificate().subject;
        const policy = String(answer.headers['ratelimit-policy']);
        answer
          .resume()
          .once('end', () => resolve({ status: answer.statusCode ?? 0, name: String(name), policy }));
      },
    );
    asked.once('error', reject).end();
  });
}

test('certificates as they change; keys, limits and the level of the log at SIGHUP; nothing that is wrong', async ({
  skip,
}) => {
  if (!['first', 'second', 'third'].every(makeCertificate)) return skip('openssl is not installed');
  use('first');
  const configure = (callerRequestsMax: unknown, level: string): void => {
    const tls = { certFile: at('used.pem'), keyFile: at('used.key') };
    writeFileSync(at('config.json'), JSON.stringify({ http: { tls, callerRequestsMax }, log: { level } }));
  };
  configure(1_000, 'error');
  const made = await command(['keys', 'create', '--json', '--name', 'one'], { cwd });
  const { key, id } = JSON.parse(made.stdout) as { key: string; id: string };
  const words = ['serve', '--port', '0', '--no-skills', '--json', '--config', at('config.json')];
  const child = start(words, { cwd });
  onTestFinished(() => void child.kill('SIGKILL'));
  child.stdin.end();
  let log = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (log += text));
  const logged = async (text: string): Promise<void> => {
    while (!log.includes(text)) await once(child.stderr, 'data');
  };
  const [text] = (await once(child.stdout.setEncoding('utf8'), 'data')) as [string];
  const { url } = JSON.parse(text) as { url: string };
  expect(await ask(url, key)).toEqual({ status: 200, name: 'first', policy: '"caller";q=1000;w=60' });
  expect(log).toBe('');

  // By itself, within some seconds: asked again as soon as it is answered.
  use('second');
  while ((await ask(url, key)).name !== 'second');

  linkTo('first');
  while ((await ask(url, key)).name !== 'first');

  use('third');
  configure(2_000, 'info');
  await command(['keys', 'revoke', id], { cwd });
  const other = await command(['keys', 'create', '--json', '--name', 'two'], { cwd });
  const { key: second } = JSON.parse(other.stdout) as { key: string };
  child.kill('SIGHUP');
  await logged('were read again');
  expect(await ask(url, second)).toEqual({ status: 200, name: 'third', policy: '"caller";q=2000;w=60' });
  expect((await ask(url, key)).status).toBe(401);
  await logged('"route":"/v1/skills"');

  configure('many', 'silent');
  writeFileSync(at('used.pem'), 'no certificate');
  child.kill('SIGHUP');
  await logged('the settings are wrong: everything stays as it was');
  await logged('the certificate stays as it was');
  expect(await ask(url, second)).toEqual({ status: 200, name: 'third', policy: '"caller";q=2000;w=60' });
  child.kill('SIGTERM');
  expect(await once(child, 'exit')).toEqual([0, null]);
  return undefined;
});
