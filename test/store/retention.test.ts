/** What is removed by age and count, in which steps, and that the file shrinks. */
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { openWriter } from '../../src/store/sqlite/database-file.ts';
import { limitsOf, retain, type StoreLimits } from '../../src/store/sqlite/retention.ts';
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import { Statements } from '../../src/store/sqlite/statements.ts';
import { runRecord, sha256, skillVersion, SQLITE_OPTIONS, storedResult } from './records.ts';

const folder = mkdtempSync(join(tmpdir(), 'skillcache-retention-'));
afterAll(() => rmSync(folder, { recursive: true }));
const HOUR_MS = 3_600_000;

/** Runs retention to its end, as the writer does it step by step; how much of the processor's time each step took. */
function retainAll(path: string, limits: Partial<StoreLimits>, nowMs = Date.now()): number[] {
  const file = { path, shownPath: path, mode: 'durable', busyTimeoutMs: 5_000 } as const;
  const database = openWriter(file);
  const context = {
    statements: new Statements(database),
    path,
    limits: { ...limitsOf(SQLITE_OPTIONS), ...limits },
    acknowledged: () => undefined,
    committed: () => undefined,
  };
  const held: number[] = [];
  const step = database.transaction(() => retain(context, { nowMs }).isMore);
  for (let isMore = true; isMore;) {
    const before = process.cpuUsage();
    isMore = step.immediate();
    const { user, system } = process.cpuUsage(before);
    held.push((user + system) / 1_000);
  }
  database.close();
  return held;
}

describe('retention', () => {
  test('removes runs by age, results by age and count, and old versions that nothing pins', async () => {
    const path = join(folder, 'aged.db');
    const store = await openSqliteStore({ ...SQLITE_OPTIONS, path });
    for (const code of ['1', '2', '3', '4']) await store.add(skillVersion({ name: 'mean', code }));
    const second = await store.load('mean', 2);
    await store.add(
      skillVersion({ name: 'user' }, [
        { local: 'mean', name: 'mean', version: 2, digest: second?.digest ?? '' },
      ]),
    );
    await store.movePointer('mean', 3);
    await store.putResult({ ...storedResult('old'), expiresAtMs: Date.now() + 1_000 });
    for (const key of ['a', 'b', 'c']) await store.putResult(storedResult(key));
    await store.recordRun(runRecord('old', { startedAtMs: Date.now() - 3 * HOUR_MS }));
    await store.recordRun(runRecord('new'));
    await store.close();

    const nowMs = Date.now() + 2_000;
    retainAll(path, { runAgeMaxMs: HOUR_MS, resultsMax: 2, versionAgeMaxMs: 1 }, nowMs);
    const again = await openSqliteStore({ ...SQLITE_OPTIONS, path });
    // 1 was superseded; 2 is pinned; 3 is current; 4 is the newest, from which numbers are counted.
    expect((await again.versions('mean')).map(({ version }) => version)).toEqual([2, 3, 4]);
    expect((await again.listRuns()).map(({ id }) => id)).toEqual(['new']);
    expect(await again.stats()).toMatchObject({ results: 2 });
    expect(await again.getResult(storedResult('c').key)).toBeDefined();
    expect(await again.check({ deep: true })).toEqual({ ok: true, problems: [] });
    expect(await again.add(skillVersion({ name: 'mean', code: '5' }))).toMatchObject({ version: 5 });
    await again.close();
  });

  test('a skill keeps its newest versions, versionsMax of them, and any that is pinned', async () => {
    const store = await openSqliteStore({ ...SQLITE_OPTIONS, path: ':memory:', versionsMax: 3 });
    await store.add(skillVersion({ name: 'mean', code: '1' }));
    const first = await store.load('mean', 1);
    await store.add(
      skillVersion({ name: 'user' }, [
        { local: 'mean', name: 'mean', version: 1, digest: first?.digest ?? '' },
      ]),
    );
    await store.putResult(storedResult('k', '1', skillVersion({ name: 'mean', code: '2' }).digest));
    for (const code of ['2', '3', '4', '5']) await store.add(skillVersion({ name: 'mean', code }));
    expect((await store.versions('mean')).map(({ version }) => version)).toEqual([1, 4, 5]);
    expect(await store.getResult(storedResult('k').key)).toBeUndefined();
    await store.close();
  });

  test('holds the writer for 20 ms at most in a step, and the file shrinks', async () => {
    const path = join(folder, 'large.db');
    const store = await openSqliteStore({ ...SQLITE_OPTIONS, path, resultBytesMax: 1e9 });
    await Promise.all(
      Array.from({ length: 4_000 }, (_, index) =>
        store.putResult(storedResult(`k${index}`, `"${'r'.repeat(4_000)}"`, sha256(`d${index % 50}`))),
      ),
    );
    await store.close();
    const before = statSync(path).size;
    const held = retainAll(path, { resultBytesMax: 1_000_000 });
    const sorted = held.toSorted((left, right) => left - right);
    expect(held.length).toBeGreaterThan(3);
    // Nine in ten, of the processor's time: a machine under load may halt any step.
    expect(sorted[Math.floor(held.length * 0.9)]).toBeLessThan(20);
    expect(statSync(path).size).toBeLessThan(before / 5);
    const again = await openSqliteStore({ ...SQLITE_OPTIONS, path });
    expect(await again.check({ deep: true })).toEqual({ ok: true, problems: [] });
    await again.close();
  });

  test('runs by itself when there are writes', async () => {
    const path = join(folder, 'itself.db');
    const store = await openSqliteStore({ ...SQLITE_OPTIONS, path });
    await store.putResult({ ...storedResult('expired'), expiresAtMs: 1 });
    // Its step goes with a later group; the statistics flush it.
    await new Promise((resolve) => setImmediate(resolve));
    expect(await store.stats()).toMatchObject({ results: 0, writes: 1 });
    await store.close();
  });
});
