import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { ConfigurationError, type LogEntry, type MemoryReport, SkillLibrary } from '../../src/index.ts';

const double = {
  name: 'double',
  description: 'Doubles a number. Use when one is needed twice.',
  code: 'const n = 1;\nexport const result = n * 2;\n',
};

/** Resolves with the first entry of that kind. */
function listen() {
  const waiting: { event: LogEntry['event']; resolve: (entry: LogEntry) => void }[] = [];
  const entries: LogEntry[] = [];
  const log = (entry: LogEntry): void => {
    entries.push(entry);
    for (const one of waiting) if (one.event === entry.event) one.resolve(entry);
  };
  const next = (event: LogEntry['event']): Promise<LogEntry> =>
    new Promise((resolve) => waiting.push({ event, resolve }));
  return { log, next, entries };
}

test('an alert reaches the log and, signed, the webhook', async () => {
  const posts: { type: string; signature: string }[] = [];
  const server = createServer(async (request, response) => {
    let text = '';
    for await (const chunk of request) text += String(chunk);
    const signature = String(request.headers['x-skillcache-signature']);
    posts.push({ type: (JSON.parse(text) as { type: string }).type, signature });
    response.end();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  process.env['TEST_WEBHOOK_SECRET'] = 'sesame';
  const { log, next } = listen();
  const monitor = {
    sampleIntervalMs: 20,
    cacheUtilizationMax: 0.5,
    webhook: { url, secretEnv: 'TEST_WEBHOOK_SECRET' },
  };
  const library = await SkillLibrary.open(
    { path: ':memory:', cache: { skillEntriesMax: 1 }, monitor },
    { log },
  );
  try {
    const told = next('alert');
    await library.add(double);
    await library.run('double');
    expect(await told).toMatchObject({
      level: 'warn',
      alert: { type: 'cache-utilization', subject: 'skills' },
    });
  } finally {
    await library.close();
    server.closeAllConnections();
    server.close();
  }
  expect(posts[0]).toMatchObject({
    type: 'cache-utilization',
    signature: expect.stringMatching(/^t=\d+,v1=[0-9a-f]{64}$/) as string,
  });
});

test('a library that is written to and searched, and runs nothing, is watched too', async () => {
  const { log, next } = listen();
  const monitor = { sampleIntervalMs: 20, walBytesMax: 1 };
  const library = await SkillLibrary.open({ path: ':memory:', monitor }, { log });
  const told = next('alert');
  await library.add(double);
  expect(await told).toMatchObject({
    level: 'error',
    alert: { type: 'wal-size', subject: 'store', threshold: 1 },
    message: expect.stringContaining('a connection is held by nobody') as string,
  });
  await library.close();
});

test('a webhook without the secret that signs it is refused when the library is opened', async () => {
  const webhook = { url: 'https://example.com/', secretEnv: 'NO_SUCH_SECRET' };
  await expect(SkillLibrary.open({ path: ':memory:', monitor: { webhook } })).rejects.toThrow(
    ConfigurationError,
  );
  const wrong = { monitor: { webhook: { url: 'file:///etc/passwd' } } };
  await expect(SkillLibrary.open(wrong)).rejects.toThrow(ConfigurationError);
});

test('when memory is short the caches shrink, and say so, and memory is reported beside what they hold', async () => {
  const { log, next } = listen();
  await using library = await SkillLibrary.open(
    // Every process takes more than this share.
    { path: ':memory:', monitor: { sampleIntervalMs: 20, reportIntervalMs: 1, memoryShareMax: 0.000_01 } },
    { log },
  );
  const reported = new Promise<MemoryReport>((resolve) => library.on('report', resolve));
  const gaveWay = next('cache-share');
  await library.add(double);
  await library.run('double');
  expect(await gaveWay).toMatchObject({ level: 'warn' });
  const report = await reported;
  expect(report.skills.entries).toBe(1);
  expect(report.message).toContain('1 compiled skills take');
  const { caches, cacheShare } = await library.sampleMetrics();
  expect(cacheShare).toBeLessThan(1);
  expect(caches.results.entriesMax).toBeLessThan(100_000);
});
