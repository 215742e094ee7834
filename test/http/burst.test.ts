/** Many callers who come at once, each on a connection of its own. */
import { connect } from 'node:net';
import { expect, test, vi } from 'vitest';
import { Doorway } from '../../src/library/doorway.ts';
import { DOUBLE, ENDLESS, startTestService } from './service.ts';

const ROOM = 6;
const BURSTS = 5;

/** The statuses of the answers, in their order, until `isEnough`. */
async function burst(
  port: number,
  requests: readonly { path: string; body: object }[],
  isEnough: (statuses: readonly number[]) => boolean,
): Promise<readonly number[]> {
  const statuses: number[] = [];
  await new Promise<void>((resolve, reject) => {
    const sockets = requests.map(({ path, body }) => {
      const text = JSON.stringify(body);
      const socket = connect(port, '127.0.0.1').setEncoding('latin1');
      socket.write(
        `POST ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n` +
          `content-length: ${Buffer.byteLength(text)}\r\n\r\n${text}`,
      );
      socket.once('error', reject).once('data', (head: string) => {
        statuses.push(Number(head.slice(9, 12)));
        if (!isEnough(statuses)) return;
        for (const one of sockets) one.destroy();
        resolve();
      });
      return socket;
    });
  });
  return statuses;
}

test('one more than there is room for is refused while the others run', async () => {
  const newcomer = vi.spyOn(Doorway, 'newcomer');
  await using service = await startTestService({ http: { callerRunsMax: ROOM } });
  const port = Number(new URL(service.url).port);
  const endless = Array.from({ length: ROOM + 1 }, (_, n) => ({
    path: '/v1/run',
    body: { code: `${ENDLESS} // ${n}`, timeoutMs: 60_000 },
  }));
  expect(await burst(port, endless, ({ length }) => length === 1)).toEqual([429]);
  expect(newcomer).toHaveBeenCalledTimes(ROOM + 1);
  newcomer.mockRestore();
});

test('of those whose answers are known none is refused', async () => {
  await using service = await startTestService({ http: { callerRunsMax: ROOM } });
  await service.ask('PUT', '/v1/skills/double', DOUBLE);
  const known = { path: '/v1/skills/double/run', body: { inputs: { n: 4 } } };
  await service.ask('POST', known.path, known.body);
  const port = Number(new URL(service.url).port);
  const many = Array.from({ length: 3 * ROOM }, () => known);
  const refused: number[] = [];
  for (let at = 0; at < BURSTS; at += 1) {
    const statuses = await burst(port, many, ({ length }) => length === many.length);
    refused.push(statuses.filter((status) => status !== 200).length);
  }
  // Of one in which the service had to ask its store who may come, or stood still, all are let in together.
  expect(refused).toContain(0);
});
