/** What lies in the shared folder for temporary files, by whomever it was put there. */
import { chownSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { dispatcher, failure, run } from './runs.ts';

// No process has this id: it is above what a kernel gives out.
const GONE = 2 ** 30;

test.skipIf(process.getuid?.() !== 0)(
  'a dead process’s folder is removed, another user’s is left alone',
  async () => {
    const own = mkdtempSync(join(tmpdir(), `skillcache-worker-${GONE}-`));
    const others = mkdtempSync(join(tmpdir(), `skillcache-worker-${GONE}-`));
    mkdirSync(join(others, 'kept'));
    chownSync(others, 65_534, 65_534);
    try {
      await using workers = dispatcher();
      expect((await run(workers, 'export const result = 1;')).output).toBe(1);
      await vi.waitFor(() => expect(existsSync(own)).toBe(false), 10_000);
      expect(existsSync(join(others, 'kept'))).toBe(true);
    } finally {
      rmSync(others, { recursive: true, force: true });
    }
  },
);

test('a refusal names a bounded path, however long its keys are', async () => {
  await using workers = dispatcher();
  const long = 'const k = "\\u0001".repeat(5e6);\nexport const result = { [k]: { a: { [k]: () => 1 } } };';
  const { error, details } = await failure(workers, long, { limits: { outputBytesMax: 1_000_000_000 } });
  expect(error.code).toBe('UNSERIALIZABLE_VALUE');
  expect(String(details['path']).length).toBeLessThan(2_000);
});

test('a failure is told within bounds, however long its names are', async () => {
  await using workers = dispatcher();
  const code =
    'const k = "\\u0001".repeat(60000);\nexport default { [k]() { const e = new Error("\\u0001".repeat(1e6)); e.stack; throw e; } }[k];';
  expect((await failure(workers, code)).error.code).toBe('SKILL_RUNTIME');
});
