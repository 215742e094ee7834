/** Many callers who come at once: who is refused hears of it before the others' runs are begun. */
import { connect } from 'node:net';
import { expect, test } from 'vitest';
import { DOUBLE, startTestService } from './service.ts';

const ROOM = 6;
const BURSTS = 10;

/** The statuses of one more than there is room for, on a connection each, in the order of their answers. */
async function burst(port: number): Promise<number[]> {
  const body = JSON.stringify({ inputs: { n: 4 } });
  const request =
    'POST /v1/skills/double/run HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n' +
    `content-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
  const statuses: number[] = [];
  const one = () =>
    new Promise<void>((resolve, reject) => {
      const socket = connect(port, '127.0.0.1').setEncoding('latin1');
      socket.write(request);
      socket.once('data', (text: string) => statuses.push(Number(text.slice(9, 12))));
      socket.once('error', reject).once('close', () => resolve());
    });
  await Promise.all(Array.from({ length: ROOM + 1 }, one));
  return statuses;
}

test('the last of many connections is refused before the first run is begun', async () => {
  await using service = await startTestService({ http: { callerRunsMax: ROOM } });
  await service.ask('PUT', '/v1/skills/double', DOUBLE);
  // From here on the answer is known: a run that is begun is answered at once.
  await service.ask('POST', '/v1/skills/double/run', { inputs: { n: 4 } });
  const bursts: number[][] = [];
  for (let at = 0; at < BURSTS; at += 1) bursts.push(await burst(Number(new URL(service.url).port)));
  for (const statuses of bursts)
    expect(statuses.filter((status) => status === 200).length).toBeGreaterThanOrEqual(ROOM);
  // Patience is bounded by the clock: on a machine that stands still a burst may be met as it comes, not all of them.
  expect(bursts.map(([first]) => first)).toContain(429);
});
