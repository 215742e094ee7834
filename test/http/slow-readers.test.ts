/** Clients that ask and do not read: cut off within their bound, whatever they asked for. */
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestService, type TestService } from './service.ts';

const STALL_MS = 400;

let service: TestService;
beforeAll(async () => {
  service = await startTestService({
    http: { stallTimeoutMs: STALL_MS, heartbeatMs: 50 },
    library: { workers: { min: 0, max: 2, concurrency: 2 } },
  });
});
afterAll(async () => service[Symbol.asyncDispose]());

/** Asks, and never reads a byte of the answer. */
function askAndStall(text: string): Socket {
  const socket = connect(Number(new URL(service.url).port), '127.0.0.1', () => socket.write(text));
  socket.on('error', () => undefined);
  return socket.pause();
}

async function gauge(name: string): Promise<number> {
  const { text } = await service.ask('GET', '/metrics');
  return Number(new RegExp(`^skillcache_${name} (\\S+)$`, 'm').exec(text)?.[1]);
}

/** Asks again as soon as it is answered. */
async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo()));
}

function post(path: string, body: object): string {
  const text = JSON.stringify(body);
  const head = `POST ${path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n`;
  return `${head}content-length: ${text.length}\r\n\r\n${text}`;
}

test('an answer that nobody reads is not kept for ever', async () => {
  const code = 'export const result = "x".repeat(2e7)';
  const socket = askAndStall(post('/v1/run', { code, outputBytesMax: 30_000_000 }));
  // More than the kernel takes off our hands: the rest waits for the client.
  await until(async () => (await gauge('http_connections')) > 1);
  await until(async () => (await gauge('http_connections')) === 1);
  socket.destroy();
});

test('nor are events, and the run that they are of goes on', async () => {
  const code = `for (let n = 0; n < 300; n += 1) {
    console.log('x'.repeat(1e5));
    if (n % 10 === 0) await new Promise((go) => setTimeout(go, 1));
  }
  for (;;) {}`;
  const body = { code, timeoutMs: 60_000, logBytesMax: 40_000_000 };
  const begun = await service.ask('POST', '/v1/run', body, { prefer: 'respond-async' });
  const path = String(begun.headers.location);
  const socket = askAndStall(`GET ${path}/events HTTP/1.1\r\nhost: localhost\r\n\r\n`);
  await until(async () => (await gauge('http_event_streams')) === 1);
  await until(async () => (await gauge('http_event_streams')) === 0);
  socket.destroy();
  expect((await service.ask('GET', path)).body).toMatchObject({ status: 'running' });
  await service.ask('DELETE', path);
});
