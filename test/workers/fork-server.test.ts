/** Workers that are copies of a process that stands ready. Linux alone has them. */
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { Socket } from 'node:net';
import { getPriority } from 'node:os';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import type { RunReport } from '../../src/workers/dispatch-types.ts';
import type { Dispatcher } from '../../src/workers/dispatch.ts';
import { NO_ENGINE_GRANTS } from '../../src/sandbox/protocol.ts';
import { CopiedProcess, ForkServer } from '../../src/workers/fork-server.ts';
import { Worker } from '../../src/workers/worker.ts';
import type { Wrapper } from '../../src/workers/wrapper.ts';
import { dispatcher, failure, MIB, programOf, run } from './runs.ts';

const PATIENT = { timeout: 20_000 };
const ONE = 'export const result = 1;';
const NOTHING = '{"inputs":{},"context":{},"parameters":{}}';

const BROKEN: Wrapper = { name: 'bubblewrap', path: '/bin/false', flags: () => [], isNamespaced: true };

function parentOf(pid: number): number {
  return Number(/^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
}

function serverOf(own: Dispatcher): number {
  const [pid] = own.serverPids();
  if (pid === undefined) throw new Error('there is no fork server');
  return pid;
}

/** Copies of one server, which ends with the test. */
function copies<const Awaited extends readonly boolean[]>(
  areAwaited: Awaited,
): { [At in keyof Awaited]: Worker } {
  const traits = { memoryBytesMax: 64 * MIB, servesOne: true, engine: NO_ENGINE_GRANTS };
  const server = new ForkServer({ ...traits, confinement: 'kernel', copies: 4, idleTimeoutMs: 60_000 });
  onTestFinished(() => server.close(0));
  const made = areAwaited.map((isAwaited, seed) => {
    const order = { engine: NO_ENGINE_GRANTS, seed, isAwaited };
    return new Worker(server.copy(order), traits);
  });
  return made as unknown as { [At in keyof Awaited]: Worker };
}

/** What of its memory it has written to and shares with no other process. */
function ownKiB(pid: number): number {
  return Number(/^Private_Dirty:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1]);
}

describe.runIf(process.platform === 'linux')('the fork server', () => {
  test.each(['auto', 'never'] as const)('wrapper %s: workers are its copies', async (wrapper) => {
    const own = dispatcher({ min: 3, max: 3 }, { wrapper });
    await own.warmUp();
    const server = serverOf(own);
    expect(own.pids().map(parentOf)).toEqual([server, server, server]);
    expect(await own.confinement()).toMatchObject({ tier: 'kernel' });
    expect(await own.confinement()).not.toHaveProperty('forkServerWhy');
    const pids = own.pids();
    await own.close(0);
    expect([server, ...pids].filter((pid) => existsSync(`/proc/${pid}`))).toEqual([]);
  });

  test('workers step back behind this process, together, in groups of their own', async () => {
    await using own = dispatcher({ min: 2, max: 2 });
    await own.warmUp();
    const [server] = own.serverPids();
    const [pids, nice] = [own.pids(), Math.min(19, getPriority() + 5)];
    expect(pids.map((pid) => getPriority(pid))).toEqual([nice, nice]);
    const fields = (pid: number) =>
      readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
    expect(pids.map((pid) => Number(fields(pid)[2]))).toEqual(pids);
    const sessions = new Set([server, ...pids].map((pid) => fields(pid as number)[3]));
    expect(sessions.size).toBe(1);
    expect(sessions).not.toContain(fields(process.pid)[3]);
  });

  test('without it each worker is started by itself, and the reason is told', async () => {
    await using own = dispatcher({ min: 1, max: 1, forkServer: 'never' }, { wrapper: 'never' });
    await own.warmUp();
    expect(own.pids().map(parentOf)).toEqual([process.pid]);
    const threads = own.pids().flatMap((pid) => readdirSync(`/proc/${pid}/task`).map(Number));
    expect(threads.length).toBeGreaterThan(1);
    expect(new Set(threads.map((id) => getPriority(id)))).toEqual(new Set([Math.min(19, getPriority() + 5)]));
    expect(await own.confinement()).toMatchObject({ forkServerWhy: 'workers.forkServer is never' });
    expect((await run(own, ONE)).output).toBe(1);
  });

  test('copies and their runs share no random numbers', async () => {
    await using own = dispatcher({ isolation: 'version', min: 2, max: 4 });
    const draw = 'export default () => [Math.random(), Math.random(), crypto.randomUUID()];';
    const drawn: unknown[] = [];
    for (const program of [programOf(draw), programOf(draw), programOf(draw)])
      for (let i = 0; i < 3; i += 1) drawn.push(...((await run(own, program)).output as unknown[]));
    expect(new Set(drawn).size).toBe(27);
  });

  test('a copy holds no descriptor of another', async () => {
    await using own = dispatcher({ min: 3, max: 3 });
    await own.warmUp();
    const sockets = own.pids().map((pid) =>
      readdirSync(`/proc/${pid}/fd`)
        .map((descriptor) => readlinkSync(`/proc/${pid}/fd/${descriptor}`))
        .filter((target) => target.startsWith('socket:')),
    );
    // A channel, and the stream for what it writes past it, which is open twice.
    expect(sockets.map((each) => new Set(each).size)).toEqual([2, 2, 2]);
    expect(new Set(sockets.flat()).size).toBe(6);
  });

  test('a new server takes over before the old one has made all its copies', async () => {
    await using own = dispatcher({ isolation: 'run', min: 2, max: 4 });
    const program = programOf(ONE);
    const servers = new Set<number>();
    for (let i = 0; i < 110; i += 1) {
      expect((await run(own, program)).output).toBe(1);
      for (const pid of own.serverPids()) servers.add(pid);
    }
    expect(servers.size).toBeGreaterThanOrEqual(3);
    // Those that are spent end when the last of their copies has.
    await expect.poll(() => own.serverPids().length, PATIENT).toBeLessThanOrEqual(2);
  });

  test.each([
    ['SIGKILL', /ended by SIGKILL/],
    ['SIGSTOP', /deadline/],
  ] as const)(
    'a server that gets %s takes its copies with it, and the next run works',
    async (signal, how) => {
      await using own = dispatcher({ min: 0, max: 2 });
      const program = programOf('export default ({ loops }) => { while (loops); return 1; };');
      await run(own, program);
      const server = serverOf(own);
      const [copy] = own.pids() as [number];
      const pending = failure(own, program, { inputs: { loops: true }, limits: { timeoutMs: 1_000 } });
      await expect.poll(() => own.stats().workers[0]?.isBusy, PATIENT).toBe(true);
      process.kill(server, signal);
      const { error } = await pending;
      expect(error.message).toMatch(how);
      expect((await run(own, program)).output).toBe(1);
      await expect
        .poll(() => [server, copy].filter((pid) => existsSync(`/proc/${pid}`)), PATIENT)
        .toEqual([]);
    },
  );

  test.each([true, false])('a copy says hello and no more, whether it is awaited: %s', async (isAwaited) => {
    const [worker] = copies([isAwaited]);
    await worker.hello;
    // Anything else on its channel would be told as a break of the protocol, and cost it its life.
    expect(await worker.check(20_000)).toBe(true);
    worker.bind(programOf('export default (inputs) => [typeof inputs.list, typeof list];'));
    const end = await worker.run({ header: { outputBytesMax: 1_000, logBytesMax: 1_000 }, data: NOTHING });
    expect(end).toMatchObject({
      kind: 'outcome',
      logs: '',
      outcome: { output: '["undefined","undefined"]' },
    });
    await worker.kill('the test is over');
  });

  test('one that nobody waits for has made its own what a run writes to', async () => {
    const [awaited, rehearsed] = copies([true, false]);
    const own = async (worker: Worker): Promise<number> => {
      await worker.hello;
      expect(await worker.check(20_000)).toBe(true);
      return ownKiB(worker.processId);
    };
    expect((await own(rehearsed)) - (await own(awaited))).toBeGreaterThan(512);
    await Promise.all([awaited, rehearsed].map((worker) => worker.kill('the test is over')));
  });

  test('a copy rehearses unless a caller in line would take it', async () => {
    const copy = vi.spyOn(ForkServer.prototype, 'copy');
    await using own = dispatcher({ min: 3, max: 4 });
    await run(own, ONE);
    await own.warmUp();
    const orders = copy.mock.calls.map(([{ isAwaited }]) => isAwaited);
    copy.mockRestore();
    expect(orders[0]).toBe(true);
    expect(new Set(orders.slice(1))).toEqual(new Set([false]));
  });

  test('a server that never comes up is told from one that cannot copy', async () => {
    const traits = { memoryBytesMax: 64 * MIB, confinement: 'kernel', servesOne: true } as const;
    const copyOf = (wrapper: Wrapper | undefined) => {
      const server = new ForkServer({ ...traits, wrapper, copies: 4, idleTimeoutMs: 60_000 });
      return { server, copy: server.copy({ engine: NO_ENGINE_GRANTS, seed: 1, isAwaited: true }) };
    };
    const broken = copyOf(BROKEN);
    broken.copy.channel.resume();
    await broken.copy.ended;
    expect(broken.copy.fault).toBe('starting');
    const sound = copyOf(undefined);
    await once(sound.copy.channel, 'data');
    sound.copy.channel.resume();
    await expect.poll(() => sound.copy.fault, PATIENT).toBe('copying');
    expect(sound.copy.fault).toBe('copying');
    sound.copy.signal('SIGKILL');
    expect(await sound.copy.ended).toMatchObject({ exitCode: null, signal: 'SIGKILL' });
    await sound.server.close(10_000);
  });

  test('a copy whose streams had closed before it was ordered ends too', async () => {
    const closed = () => {
      const socket = new Socket();
      return once(socket.destroy(), 'close').then(() => socket);
    };
    const server = { signal() {}, hold() {}, kill() {}, isUp: () => false, hostId: () => undefined };
    const copy = new CopiedProcess([await closed(), await closed()], server);
    copy.end({ exitCode: null, signal: 'SIGKILL' });
    expect(await copy.ended).toEqual({ exitCode: null, signal: 'SIGKILL' });
  });

  test('a server that has no copy ends after the idle time, and another is there for the next run', async () => {
    await using own = dispatcher({ min: 0, max: 1, idleTimeoutMs: 50 });
    expect((await run(own, ONE)).output).toBe(1);
    const server = serverOf(own);
    await expect.poll(() => [...own.pids(), ...own.serverPids()], PATIENT).toEqual([]);
    expect(existsSync(`/proc/${server}`)).toBe(false);
    expect((await run(own, ONE)).output).toBe(1);
    expect(serverOf(own)).not.toBe(server);
  });

  test('so many servers, and so many copies of each, as the options say', async () => {
    await using own = dispatcher({
      min: 0,
      max: 1,
      isolation: 'run',
      forkServersMax: 1,
      forkServerCopies: 2,
    });
    const servers = new Set<number>();
    for (let i = 0; i < 6; i += 1) {
      expect((await run(own, ONE)).output).toBe(1);
      for (const pid of own.serverPids()) servers.add(pid);
    }
    expect(servers.size).toBeGreaterThanOrEqual(3);
    await run(own, ONE, { limits: { memoryBytesMax: 48 * MIB } });
    await expect.poll(() => own.serverPids().length, PATIENT).toBeLessThanOrEqual(2);
  });

  test('a parent that was too busy to hear of an end does not take the server for stuck', async () => {
    await using own = dispatcher({ min: 1, max: 2 });
    await own.warmUp();
    const server = serverOf(own);
    const caller = new AbortController();
    const loop = failure(own, 'for (;;);', { signal: caller.signal });
    await expect.poll(() => own.stats().workers.some(({ isBusy }) => isBusy), PATIENT).toBe(true);
    caller.abort();
    // The server is asked in this turn of the loop, and has more time than it is given before the next.
    for (let turn = 0; turn < 50; turn += 1) await Promise.resolve();
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2_500);
    expect((await loop).error.code).toBe('ABORTED');
    expect((await run(own, ONE)).output).toBe(1);
    expect(serverOf(own)).toBe(server);
  });

  test('the kernel tells what a run used whose process died', async () => {
    await using own = dispatcher({ min: 1, max: 1 });
    const bomb = 'export default () => { const all = []; for (;;) all.push(new Array(1000).fill(0.5)); };';
    const { error, details } = await failure(own, bomb, { limits: { memoryBytesMax: 64 * MIB } });
    const { cpuMs, memoryPeakBytes = 0 } = details['report'] as unknown as RunReport;
    expect(error.message).toMatch(/its memory of 64 MiB after \d+ ms, its process holding [\d.]+ MiB/);
    expect(details['memoryPeakBytes']).toBe(memoryPeakBytes);
    expect(cpuMs).toBeGreaterThan(0);
    expect(memoryPeakBytes).toBeGreaterThan(64 * MIB);
    expect(memoryPeakBytes).toBeLessThan(2 * 64 * MIB + 64 * MIB);
  });

  test('every memory limit that runs ask for has a server, three at most', async () => {
    await using own = dispatcher({ min: 0, max: 1 });
    for (const mib of [32, 48, 64, 80, 96])
      expect((await run(own, programOf(ONE), { limits: { memoryBytesMax: mib * MIB } })).output).toBe(1);
    await expect.poll(() => own.serverPids().length, PATIENT).toBeLessThanOrEqual(3);
  });

  test('a run with WebAssembly or shared memory has a process of its own', async () => {
    await using own = dispatcher({ min: 0, max: 1 }, { wrapper: 'never' });
    const grants = { wasm: true, eval: false, sharedMemory: true, random: true, clock: true };
    const code = 'export default () => [typeof WebAssembly, typeof SharedArrayBuffer];';
    expect((await run(own, programOf(code), { grants })).output).toEqual(['object', 'function']);
    expect(own.pids().map(parentOf)).toEqual([process.pid]);
  });
});

test('a run holds its turn until it has ended', async () => {
  await using own = dispatcher({ min: 0, max: 4, concurrency: 1 });
  const slow = programOf('export default () => new Promise((done) => setTimeout(done, 100_000));');
  const first = failure(own, slow, { limits: { timeoutMs: 1_500 } });
  await expect.poll(() => own.stats().pool.inUse, PATIENT).toBe(1);
  const second = run(own, programOf(ONE));
  expect(own.stats()).toMatchObject({ running: 1, waiting: 1, pool: { inUse: 1 } });
  expect((await first).error.message).toMatch(/deadline/);
  expect((await second).output).toBe(1);
});
