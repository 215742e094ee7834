/** Workers that are threads of this process: for trusted code, and never taken for more than that. */
import { readdirSync, readlinkSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { SkillLibrary } from '../../src/index.ts';
import { dispatcher, failure, MIB, programOf, run } from './runs.ts';

const ONE = 'export const result = 1;';

function threads(workers = {}) {
  return dispatcher({ min: 0, max: 2, executor: 'thread', ...workers }, { require: 'none' });
}

test('they are refused where any confinement is required, with the reason', async () => {
  await using own = dispatcher({ min: 0, max: 1, executor: 'thread' });
  const { error } = await failure(own, ONE);
  expect(error.code).toBe('SANDBOX_UNAVAILABLE');
  expect(error.message).toMatch(/requires? is permission.*none.*nothing confines a thread|permission/);
});

describe('the executor thread', () => {
  test('runs, logs, counts, and says what it is', async () => {
    await using own = threads();
    const code =
      'export default ({ n }) => { console.log("n is", n); let s = 0; for (let i = 0; i < 1e7; i += 1) s += i % n; return s; };';
    const { output, logs, report } = await run(own, code, { inputs: { n: 7 } });
    expect([output, logs]).toEqual([29_999_994, 'n is 7\n']);
    expect(report).toMatchObject({ tier: 'none', start: 'cold' });
    expect(report.memoryPeakBytes).toBeGreaterThan(MIB);
    if (process.platform === 'linux') expect(report.cpuMs).toBeGreaterThan(0);
    expect(own.pids()).toEqual([]);
    expect(await own.confinement()).toMatchObject({
      tier: 'none',
      seccomp: false,
      why: 'workers.executor is thread: nothing confines a thread',
      wrapperWhy: 'workers.executor is thread',
      forkServerWhy: 'workers.executor is thread',
    });
  });

  test.runIf(process.platform === 'linux')(
    'one that is ended while it starts leaves no file open',
    async () => {
      const open = () =>
        readdirSync('/proc/self/fd').filter((descriptor) => {
          try {
            return readlinkSync(`/proc/self/fd/${descriptor}`).includes('/dist/sandbox/');
          } catch {
            // The one that the folder was read through.
            return false;
          }
        });
      for (let ms = 60; ms < 240; ms += 20) {
        const own = threads({ min: 2 });
        const warm = own.warmUp().catch(() => 'closed');
        // Somewhere in its start, wherever that is here.
        await pause(ms);
        await own.close(0);
        await warm;
      }
      expect(open()).toEqual([]);
    },
  );

  test('one thread serves many runs, each in a fresh realm', async () => {
    await using own = threads();
    const program = programOf('globalThis.n = (globalThis.n ?? 0) + 1; export const result = globalThis.n;');
    for (let i = 0; i < 5; i += 1) expect((await run(own, program)).output).toBe(1);
    expect(own.stats()).toMatchObject({ starts: 1, boundHits: 4 });
  });

  test.each([
    ['for (;;);', 'EXECUTION_TIMEOUT'],
    ['export default () => new Promise(() => {});', 'SKILL_RUNTIME'],
    ['export default () => { throw new RangeError("no"); };', 'SKILL_RUNTIME'],
    [
      'export default () => { Promise.reject(new Error("x")); return new Promise((r) => setTimeout(r, 1e5)); };',
      'SKILL_RUNTIME',
    ],
    // Node 24 and later end the whole process where a thread's heap grows faster than they can stop it.
    ...(Number(process.versions.node.split('.')[0]) < 24
      ? [
          [
            'export default () => { const a = []; for (;;) a.push(new Array(1000).fill(0.5)); };',
            'EXECUTION_MEMORY',
          ],
        ]
      : []),
    ['export default () => "x".repeat(2 ** 20);', 'OUTPUT_LIMIT'],
  ])('%s is %s, and the next run works', async (code, expected) => {
    await using own = threads();
    const { error } = await failure(own, code, {
      limits: { timeoutMs: 2_000, memoryBytesMax: 32 * MIB, outputBytesMax: 1_000 },
    });
    expect(error.code, error.message).toBe(expected);
    expect((await run(own, ONE, { limits: { memoryBytesMax: 32 * MIB } })).output).toBe(1);
  });

  test('the library runs by it where that is asked for: requests are answered while timers go on', async () => {
    const server = createServer((_request, response) => response.end('hello')).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as AddressInfo;
    await using library = await SkillLibrary.open({
      path: ':memory:',
      workers: { executor: 'thread', min: 2 },
      sandbox: {
        require: 'none',
        grants: { fetch: { hosts: ['127.0.0.1'], ports: [port], privateAddresses: true } },
      },
    });
    const code = `const port = 0;
      let ticks = 0;
      let isOver = false;
      const tick = () => { ticks += 1; if (!isOver) setTimeout(tick, 1); };
      tick();
      const all = [0, 1, 2].map(() => fetch('http://127.0.0.1:' + port).then((response) => response.text()));
      const texts = await Promise.all(all);
      await new Promise((done) => setTimeout(done, 20));
      isOver = true;
      export const result = [texts, ticks > 1];`;
    const grants = { fetch: { hosts: ['127.0.0.1'] } };
    const { output } = await library.runCode(code, { port }, { grants });
    expect(output).toEqual([['hello', 'hello', 'hello'], true]);
    expect(await library.confinement()).toMatchObject({ tier: 'none' });
    server.closeAllConnections();
    server.close();
  });
});
