/** However a skill ends its worker, its caller gets the right error with the numbers, and the next run works. */
import { existsSync } from 'node:fs';
import { afterAll, describe, expect, test } from 'vitest';
import { findWrapper } from '../../src/workers/wrapper.ts';
import { dispatcher, failure, MIB, programOf, run } from './runs.ts';

const workers = dispatcher();

afterAll(() => workers.close(0));

const TIMEOUT_MS = 400;
const ENDINGS: readonly (readonly [name: string, code: string, error: RegExp])[] = [
  [
    'a getter of the answer that loops',
    'export default () => ({ get x() { for (;;); } });',
    /TIMEOUT|UNSERIALIZABLE/,
  ],
  [
    'a proxy that loops',
    'export default () => new Proxy({}, { ownKeys() { for (;;); } });',
    /UNSERIALIZABLE|TIMEOUT/,
  ],
  [
    'an endless chain of promises',
    'const f = () => Promise.resolve().then(f); export default f;',
    /TIMEOUT|MEMORY/,
  ],
  ['deep recursion', 'const f = () => f() + 1; export default f;', /SKILL_RUNTIME/],
  [
    'deep recursion that is caught',
    'const f = () => { try { return f() } catch { return f() } }; export default f;',
    /TIMEOUT|SKILL_RUNTIME/,
  ],
  ['a promise that never settles', 'export default () => new Promise(() => {});', /SKILL_RUNTIME/],
  [
    'a rejection that nobody handles',
    'export default () => { Promise.reject(new Error("x")); return new Promise((r) => setTimeout(r, 100000)); };',
    /SKILL_RUNTIME/,
  ],
  [
    'a throw in a timer',
    'export default () => { setTimeout(() => { throw new Error("x") }, 1); return new Promise((r) => setTimeout(r, 100000)); };',
    /SKILL_RUNTIME/,
  ],
  [
    'ten million timers',
    'export default () => { for (let i = 0; i < 1e7; i += 1) setTimeout(() => {}, 1e6); };',
    /SKILL_RUNTIME|TIMEOUT|MEMORY/,
  ],
  ['a shared buffer', 'export default () => new SharedArrayBuffer(2 ** 30);', /SKILL_RUNTIME/],
  [
    'memory of WebAssembly',
    'export default () => new WebAssembly.Memory({ initial: 65536 });',
    /SKILL_RUNTIME/,
  ],
  ['a death of the process', 'export default () => process.exit(1);', /SKILL_RUNTIME/],
  [
    'a string of a gigabyte',
    'export default () => "x".repeat(2 ** 29).split("").join("y");',
    /SKILL_RUNTIME|MEMORY|TIMEOUT/,
  ],
  [
    'a gigabyte of logs',
    'const line = "x".repeat(60000); export default () => { for (;;) console.log(line); };',
    /TIMEOUT/,
  ],
];

const GRANTED = { random: true, clock: true, wasm: true, eval: true, sharedMemory: true };
const GRANTED_ENDINGS: typeof ENDINGS = [
  [
    'shared buffers',
    'const a = []; for (;;) a.push(new Uint8Array(new SharedArrayBuffer(1e7)).fill(1));',
    /MEMORY|RUNTIME/,
  ],
  [
    'memories of WebAssembly',
    'const a = []; for (;;) a.push(new Uint8Array(new WebAssembly.Memory({ initial: 160 }).buffer).fill(1));',
    /MEMORY|RUNTIME/,
  ],
  [
    'a memory of WebAssembly that grows, also when that fails',
    'const m = new WebAssembly.Memory({ initial: 1 }); for (;;) try { m.grow(160); new Uint8Array(m.buffer).fill(1); } catch {}',
    /MEMORY|TIMEOUT/,
  ],
  [
    'a loop inside WebAssembly',
    'const m = new WebAssembly.Module(new Uint8Array([0,97,115,109,1,0,0,0,1,4,1,96,0,0,3,2,1,0,8,1,0,10,9,1,7,0,3,64,12,0,11,11])); new WebAssembly.Instance(m);',
    /TIMEOUT/,
  ],
  ['a loop in code from a string', 'eval("for (;;);")', /TIMEOUT/],
  [
    'a wait on shared memory',
    'Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);',
    /TIMEOUT|RUNTIME/,
  ],
];

test.each(GRANTED_ENDINGS)('with grants: %s', async (_name, code, expected) => {
  const limits = { timeoutMs: 3_000, memoryBytesMax: 64 * MIB };
  const { error, details } = await failure(workers, `export default () => { ${code} };`, {
    limits,
    grants: GRANTED,
  });
  expect(error.code).toMatch(expected);
  expect(error.message).toMatch(/\d|Atomics/);
  expect(details['report']).toMatchObject({ grants: Object.keys(GRANTED), limits });
  const after = await run(workers, 'export const result = 1;', {
    limits: { memoryBytesMax: 64 * MIB },
    grants: GRANTED,
  });
  expect(after.output).toBe(1);
});

describe('memory that a skill takes and lets go, again and again', () => {
  test.each([
    ['objects', 'const a = []; for (let i = 0; i < 1e6; i += 1) a.push({ i });'],
    ['strings', 'let s = "x"; for (;;) s += s + Math.random();'],
    ['typed arrays', 'const a = []; for (;;) a.push(new Uint8Array(4e6).fill(1));'],
    ['maps', 'const m = new Map(); for (let i = 0; i < 3e6; i += 1) m.set(i, [i]);'],
    ['recursion', 'const f = () => f(); f();'],
  ])('%s', async (_name, take) => {
    const code = `export default () => { for (;;) { try { ${take} } catch {} } };`;
    const limits = { timeoutMs: 2_000, memoryBytesMax: 64 * MIB };
    const { error } = await failure(workers, code, { limits });
    expect(error.code).toMatch(/^EXECUTION_(?:TIMEOUT|MEMORY)$/);
    expect(error.message).toMatch(/\d+ (?:ms|MiB)/);
    expect(
      (await run(workers, 'export const result = 1;', { limits: { memoryBytesMax: 64 * MIB } })).output,
    ).toBe(1);
  });
});

describe.runIf(process.platform === 'linux')('a worker that is ended from outside', () => {
  const WRAPPERS = findWrapper() === undefined ? (['never'] as const) : (['never', 'require'] as const);

  test.each(
    WRAPPERS.flatMap((wrapper) =>
      (
        [
          ['SIGKILL', 'WORKER_CRASHED'],
          ['SIGTERM', 'WORKER_CRASHED'],
          ['SIGSTOP', 'EXECUTION_TIMEOUT'],
        ] as const
      ).map(([signal, code]) => [wrapper, signal, code] as const),
    ),
  )('wrapper %s, by %s: %s, the group is gone, and the next run works', async (wrapper, signal, code) => {
    await using own = dispatcher({ min: 0, max: 1 }, { wrapper });
    const program = programOf('export default ({ loops }) => { while (loops); return 1; };');
    await run(own, program);
    await expect.poll(() => own.stats().pool.idle, { timeout: 20_000 }).toBe(1);
    const [pid] = own.pids() as [number];
    const pending = failure(own, program, { inputs: { loops: true }, limits: { timeoutMs: 1_000 } });
    await expect.poll(() => own.stats().pool.inUse, { timeout: 20_000 }).toBe(1);
    process.kill(pid, signal);
    const { error, details } = await pending;
    expect(error.code, error.message).toBe(code);
    // A locked Node cannot tidy up its terminal at SIGTERM, and aborts.
    const ends = signal === 'SIGTERM' ? [signal, 'SIGABRT'] : [signal];
    if (code === 'WORKER_CRASHED') expect(ends).toContain(details['signal']);
    expect(details['report']).toMatchObject({ start: 'bound', bytesOut: 0 });
    await expect.poll(() => existsSync(`/proc/${pid}`), { timeout: 20_000 }).toBe(false);
    expect((await run(own, program)).output).toBe(1);
  });
});

test.each(ENDINGS)('%s', async (_name, code, expected) => {
  // A deadline where one is wanted; else the machine may be as slow as it likes.
  const timeoutMs = expected.source.includes('TIMEOUT') ? TIMEOUT_MS : 20_000;
  const limits = { timeoutMs, memoryBytesMax: 64 * MIB };
  const { error, details } = await failure(workers, code, { limits });
  expect(error.code).toMatch(expected);
  const { wallMs, limits: inForce } = details['report'] as unknown as { wallMs: number; limits: object };
  expect(inForce).toMatchObject(limits);
  // The bound is generous: what it excludes is a death that is noticed by another timer than the deadline.
  expect(wallMs).toBeLessThan(timeoutMs + 2_000);
  expect(
    (await run(workers, 'export const result = 1;', { limits: { memoryBytesMax: 64 * MIB } })).output,
  ).toBe(1);
});
