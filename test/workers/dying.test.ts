/** However a skill ends its worker, its caller gets the right error with the numbers, and the next run works. */
import { readFileSync } from 'node:fs';
import { afterAll, expect, test } from 'vitest';
import { childrenLeft, dispatcher, failure, foldersLeft, MIB, run } from './runs.ts';

const workers = dispatcher();

afterAll(async () => {
  await workers.close(0);
  expect(foldersLeft()).toEqual([]);
  if (process.platform === 'linux') expect(childrenLeft((path) => readFileSync(path, 'utf8'))).toEqual([]);
});

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

test.each(ENDINGS)('%s', async (_name, code, expected) => {
  const limits = { timeoutMs: TIMEOUT_MS, memoryBytesMax: 64 * MIB };
  const { error, details } = await failure(workers, code, { limits });
  expect(error.code).toMatch(expected);
  const { wallMs, limits: inForce } = details['report'] as unknown as { wallMs: number; limits: object };
  expect(inForce).toMatchObject(limits);
  // The bound is generous: what it excludes is a death that is noticed by another timer than the deadline.
  expect(wallMs).toBeLessThan(TIMEOUT_MS + 2_000);
  expect(
    (await run(workers, 'export const result = 1;', { limits: { memoryBytesMax: 64 * MIB } })).output,
  ).toBe(1);
});
