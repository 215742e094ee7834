/** Mixed load on the real program for a while (`npm run test:soak`: 10 minutes): nothing leaks, nothing is wrong. */
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { ended, start, temporaryFolder } from '../cli/command.ts';
import { ask, DOUBLE, type Answer } from './service.ts';

const SOAK_MS = Number(process.env['SKILLCACHE_SOAK_MS'] ?? 20_000);
const CALLERS = 4;

const folder = temporaryFolder();
let served: ReturnType<typeof start> | undefined;
afterAll(() => {
  // Where the test failed it is still there.
  served?.kill('SIGKILL');
  folder[Symbol.dispose]();
});

const HOSTILE = [
  'for (;;) {}',
  'const all = []; for (;;) all.push(new Array(1e6).fill(1))',
  'throw new Error("x".repeat(1e5))',
  'globalThis.constructor.constructor("return process")().exit(3)',
  'for (let n = 0; n < 1e5; n += 1) console.log("x".repeat(100)); 1',
  'export const result = "x".repeat(5e6)',
];
const BAD = ['{"code":', '[]', '{"code":1}', '{"code":"1","other":1}', '\u0000', ''];

/** What a caller of this load may be answered; all of it is in the document. */
const EXPECTED = new Set([200, 201, 202, 400, 404, 409, 412, 415, 422, 429, 502, 503, 504, 507]);

interface Caller {
  readonly url: string;
  /** Different for each call. */
  readonly n: number;
}

async function double({ url, n }: Caller, cache: string): Promise<Answer> {
  const answer = await ask(url, 'POST', '/v1/skills/double/run', { inputs: { n }, cache });
  if (answer.status === 200) expect(answer.body['output']).toBe(n * 2);
  return answer;
}

async function later({ url, n }: Caller): Promise<Answer> {
  const body = { code: 'const n = 1; console.log(n); n + 1', inputs: { n } };
  const begun = await ask(url, 'POST', '/v1/run', body, { prefer: 'respond-async' });
  const path = String(begun.headers.location ?? '');
  if (begun.status !== 202) return begun;
  return n % 2 === 0 ? ask(url, 'DELETE', path) : ask(url, 'GET', `${path}/events`);
}

/** Sends a part, waits for a part or for nothing, and is gone. */
async function hangUp({ url, n }: Caller): Promise<undefined> {
  const body = JSON.stringify({ code: 'for (;;) {}', timeoutMs: 200 });
  const head = `POST /v1/run HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n`;
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  await new Promise((sent) =>
    socket.write((head + body).slice(0, n % 3 === 0 ? head.length + 5 : undefined), sent),
  );
  socket.destroy();
  return undefined;
}

const KINDS: readonly ((caller: Caller) => Promise<Answer | undefined>)[] = [
  (caller) => double({ ...caller, n: caller.n % 7 }, 'use'),
  (caller) => double(caller, 'bypass'),
  ({ url, n }) =>
    ask(url, 'POST', '/v1/run', {
      code: HOSTILE[n % HOSTILE.length],
      timeoutMs: 150,
      memoryBytesMax: 67_108_864,
    }),
  ({ url, n }) => ask(url, 'POST', '/v1/run', BAD[n % BAD.length]),
  ({ url, n }) => ask(url, 'PUT', `/v1/skills/soak-${n % 5}`, { ...DOUBLE, description: `Soak ${n % 11}.` }),
  ({ url, n }) => ask(url, 'GET', n % 2 ? '/v1/skills?query=double' : '/v1/skills?limit=3'),
  later,
  hangUp,
];

/** The sockets of all processes below this one: it holds the other end of each. */
function socketsBelow(pid: number, sockets = new Set<string>()): Set<string> {
  for (const child of readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')) {
    if (child === '') continue;
    try {
      for (const file of readdirSync(`/proc/${child}/fd`)) {
        const target = readlinkSync(`/proc/${child}/fd/${file}`);
        if (target.startsWith('socket:')) sockets.add(target);
      }
      socketsBelow(Number(child), sockets);
    } catch (error) {
      // It has ended meanwhile, or is locked, which only root may look into: a channel and a stream then.
      const isLocked = (error as NodeJS.ErrnoException).code === 'EACCES';
      if (isLocked) for (const stream of ['channel', 'words']) sockets.add(`${child} ${stream}`);
    }
  }
  return sockets;
}

/** `files` are those that no worker and no fork server is at the other end of. */
function look(pid: number): { residentBytes: number; files: number; children: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  return {
    residentBytes: Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) * 1_024,
    files: readdirSync(`/proc/${pid}/fd`).length - socketsBelow(pid).size,
    children: children === '' ? 0 : children.split(' ').length,
  };
}

const median = (values: readonly number[]): number =>
  values.toSorted((left, right) => left - right)[Math.floor(values.length / 2)] ?? 0;

test.runIf(process.platform === 'linux')(
  'under mixed load nothing leaks, no answer is wrong, and every request ends in a documented status',
  { timeout: SOAK_MS + 120_000 },
  async () => {
    const temporary = join(folder.path, 'tmp');
    mkdirSync(temporary);
    const env = {
      TMPDIR: temporary,
      SKILLCACHE_LOG_LEVEL: 'error',
      // This load asks for more workers at once than there are: that is no error here.
      SKILLCACHE_MONITOR_EXHAUSTION_RATE_MAX: '1',
      SKILLCACHE_WORKERS_MAX: '4',
      SKILLCACHE_WORKERS_CONCURRENCY: '2',
      SKILLCACHE_CACHE_RESULT_ENTRIES_MAX: '100',
      SKILLCACHE_HTTP_KEPT_RUNS_MAX: '50',
    };
    const child = start(['serve', '--port', '0', '--no-skills', '--json'], { cwd: folder.path, env });
    served = child;
    child.stdin.end();
    const end = ended(child);
    const pid = child.pid ?? 0;
    const [text] = (await once(child.stdout, 'data')) as [string];
    const { url } = JSON.parse(text) as { url: string };
    await ask(url, 'PUT', '/v1/skills/double', DOUBLE);
    const before = look(pid);

    const endMs = performance.now() + SOAK_MS;
    const seen = new Map<number, number>();
    const resident: number[] = [];
    let calls = 0;
    const caller = async (): Promise<void> => {
      while (performance.now() < endMs) {
        calls += 1;
        const n = calls;
        const answer = await (KINDS[n % KINDS.length] as (typeof KINDS)[number])({
          url,
          n: Math.floor(n / KINDS.length),
        });
        if (!answer) continue;
        seen.set(answer.status, (seen.get(answer.status) ?? 0) + 1);
        expect(EXPECTED, answer.text).toContain(answer.status);
        if (n % 20 === 0) resident.push(look(pid).residentBytes);
      }
    };
    await Promise.all(Array.from({ length: CALLERS }, caller));
    expect(calls).toBeGreaterThan(KINDS.length);

    for (;;) {
      const { body } = await ask(url, 'GET', '/v1/metrics');
      const { inFlight } = body['runs'] as { inFlight: number };
      if (inFlight === 0) break;
    }
    // What hung up last may take a moment to be gone.
    const isAtRest = ({ files, children }: ReturnType<typeof look>): boolean =>
      children <= 4 && files <= before.files + 24;
    while (!isAtRest(look(pid))) await new Promise((go) => setTimeout(go, 20));
    const middle = median(resident.slice(resident.length / 3, (resident.length * 2) / 3));
    const last = median(resident.slice((resident.length * 2) / 3));
    // Flat after warm-up: heaps breathe, leaks do not come back.
    expect(last, `resident bytes ${middle} → ${last}`).toBeLessThan(middle * 1.3 + 30e6);
    child.kill('SIGTERM');
    const { code, stderr } = await end;
    expect([code, stderr]).toEqual([0, '']);
    expect(readdirSync(temporary)).toEqual([]);
    console.log(
      `${calls} calls`,
      Object.fromEntries(seen),
      `${Math.round(middle / 1e6)} → ${Math.round(last / 1e6)} MB`,
    );
  },
);
