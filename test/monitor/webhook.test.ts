import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { SIGNATURE_HEADER, Webhook, type WebhookOptions } from '../../src/monitor/webhook.ts';

type Behaviour = 'ok' | 'fail' | 'refuse' | 'hang' | 'redirect';

/** A server that behaves as told, one word a request, the last one for all that follow. */
async function serve(behaviours: Behaviour[]) {
  const bodies: { text: string; signature: string }[] = [];
  const waiting: (() => void)[] = [];
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    let text = '';
    for await (const chunk of request) text += String(chunk);
    bodies.push({ text, signature: String(request.headers[SIGNATURE_HEADER]) });
    const behaviour = behaviours.length > 1 ? behaviours.shift() : behaviours[0];
    for (const wake of waiting.splice(0)) wake();
    if (behaviour === 'hang') return;
    const status = { ok: 204, fail: 503, refuse: 400, redirect: 302 }[
      behaviour as Exclude<Behaviour, 'hang'>
    ];
    response.writeHead(status, behaviour === 'redirect' ? { location: '/elsewhere' } : {}).end();
  };
  const server = createServer((request, response) => void answer(request, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const asked = async (count: number): Promise<void> => {
    while (bodies.length < count) await new Promise<void>((resolve) => waiting.push(resolve));
  };
  return {
    bodies,
    asked,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/alerts`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

function webhookTo(url: string, more: Partial<WebhookOptions> = {}): { webhook: Webhook; givenUp: string[] } {
  const givenUp: string[] = [];
  const options = { url, secret: 's', timeoutMs: 5_000, triesMax: 5, backoffMs: 1, waitingMax: 10, ...more };
  return { webhook: new Webhook({ ...options, onGivenUp: (why) => givenUp.push(why) }), givenUp };
}

test('what is sent is signed with its time, so that it cannot be forged or replayed', async () => {
  await using server = await serve(['ok']);
  const { webhook } = webhookTo(server.url, { secret: 'sesame' });
  webhook.send({ type: 'pool-utilization', value: 1 });
  await server.asked(1);
  await webhook.close(5_000);
  const [{ text = '', signature = '' } = {}] = server.bodies;
  const [, seconds = '', hex] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(signature) ?? [];
  expect(JSON.parse(text)).toEqual({ type: 'pool-utilization', value: 1 });
  expect(createHmac('sha256', 'sesame').update(`${seconds}.${text}`).digest('hex')).toBe(hex);
  expect(Math.abs(Number(seconds) - Date.now() / 1_000)).toBeLessThan(60);
  expect(webhook.numbers()).toEqual({ delivered: 1, failed: 0, dropped: 0, tries: 1, waiting: 0 });
});

test('a server that fails, hangs and recovers gets every message, in order', async () => {
  await using server = await serve(['fail', 'hang', 'fail', 'ok']);
  // Long enough that only the try that hangs meets it, however busy the machine.
  const { webhook } = webhookTo(server.url, { timeoutMs: 2_000 });
  for (const id of [1, 2, 3]) webhook.send({ id });
  await server.asked(6);
  await webhook.close(5_000);
  expect(server.bodies.map(({ text }) => JSON.parse(text).id as number)).toEqual([1, 1, 1, 1, 2, 3]);
  expect(webhook.numbers()).toMatchObject({ delivered: 3, failed: 0, tries: 6, waiting: 0 });
});

test('a refusal and a redirect are not followed up for ever, and who gives up says why', async () => {
  await using refusing = await serve(['refuse']);
  const refused = webhookTo(refusing.url);
  refused.webhook.send({});
  await refusing.asked(1);
  await refused.webhook.close(5_000);
  expect(refused.givenUp).toEqual(['status 400 (try 1 of 5)']);
  await using redirecting = await serve(['redirect']);
  const redirected = webhookTo(redirecting.url, { triesMax: 2 });
  redirected.webhook.send({});
  await redirecting.asked(2);
  await redirected.webhook.close(5_000);
  expect(redirected.webhook.numbers()).toMatchObject({ delivered: 0, failed: 1, tries: 2 });
});

test('sending never blocks: beyond the bound the oldest waiting message is dropped', async () => {
  await using server = await serve(['hang']);
  const { webhook } = webhookTo(server.url, { waitingMax: 2 });
  for (let id = 0; id < 5; id += 1) webhook.send({ id });
  expect(webhook.numbers()).toMatchObject({ waiting: 2, dropped: 2 });
  await server.asked(1);
  await webhook.close(0);
  expect(webhook.numbers()).toMatchObject({ waiting: 0, delivered: 0, failed: 1, dropped: 4 });
  webhook.send({});
  expect(webhook.numbers()).toMatchObject({ dropped: 5, waiting: 0 });
});

test('close ends the pause between two tries', async () => {
  await using server = await serve(['fail', 'ok']);
  const { webhook } = webhookTo(server.url, { backoffMs: 3_600_000 });
  webhook.send({});
  await server.asked(1);
  await webhook.close(5_000);
  expect(webhook.numbers().waiting).toBe(0);
});
