/** What is removed by age and count, in which steps, and that the file shrinks. */
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { commitGroup } from '../../src/store/sqlite/commit.ts';
import { openWriter } from '../../src/store/sqlite/database-file.ts';
import { limitsOf, retain, type Retained, type StoreLimits } from '../../src/store/sqlite/retention.ts';
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import { Statements } from '../../src/store/sqlite/statements.ts';
import { NO_CHANGES, writeOperations } from '../../src/store/sqlite/write-operations.ts';
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
    unowned: new Set<string>(),
    changed: NO_CHANGES,
    acknowledged: () => undefined,
    committed: () => undefined,
  };
  const held: number[] = [];
  const step = () => {
    const [outcome] = commitGroup(context, [{ operation: 'retain', given: { nowMs } }]);
    return outcome?.ok === true && (outcome.value as Retained).isMore;
  };
  for (let isMore = true; isMore;) {
    const before = process.cpuUsage();
    isMore = step();
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

  test('dropping many results lets other writes in between, and leaves what is kept meanwhile', async () => {
    const path = join(folder, 'dropped.db');
    const store = await openSqliteStore({ ...SQLITE_OPTIONS, path, resultBytesMax: 1e9 });
    const many = (digest: string) =>
      Promise.all(
        Array.from({ length: 3_000 }, (_, index) =>
          store.putResult(storedResult(`${digest}${index}`, `"${'r'.repeat(1_000)}"`, digest)),
        ),
      );
    const [one, other] = [sha256('one'), sha256('other')];
    await Promise.all([many(one), many(other)]);
    const before = await store.stats();
    const order: string[] = [];
    // The answer that is in line goes too, as ever; the one that comes between does not.
    const inLine = store.putResult(storedResult('in line', '1', one));
    const dropped = store.dropResults(one).then((count) => (order.push('dropped'), count));
    await inLine;
    await store.putResult(storedResult('between', '1', one)).then(() => order.push('put'));
    expect(await dropped).toBe(3_001);
    expect(order).toEqual(['put', 'dropped']);
    expect(await store.stats()).toMatchObject({ results: before.results - 3_000 + 1 });
    expect(await store.getResult(storedResult('between').key)).toBeDefined();
    expect(await store.dropResults()).toBe(3_001);
    expect((await store.stats()).commits - before.commits).toBeGreaterThan(4);
    await store.close();
  });

  test('a skill or a version goes at once, and its many results in steps', async () => {
    const path = join(folder, 'unowned.db');
    const store = await openSqliteStore({ ...SQLITE_OPTIONS, path, versionsMax: 2 });
    const digestOf = (code: string) => skillVersion({ name: 'mean', code }).digest;
    for (const code of ['1', '2']) await store.add(skillVersion({ name: 'mean', code }));
    await Promise.all(
      ['1', '2'].flatMap((code) =>
        Array.from({ length: 100 }, (_, index) =>
          store.putResult(storedResult(`${code} ${index}`, '1', digestOf(code))),
        ),
      ),
    );
    await store.close();

    const database = openWriter({ path, shownPath: path, mode: 'durable', busyTimeoutMs: 5_000 });
    const statements = new Statements(database);
    const context = {
      statements,
      path,
      limits: { ...limitsOf(SQLITE_OPTIONS), versionsMax: 2 },
      unowned: new Set<string>(),
      changed: NO_CHANGES,
      acknowledged: () => undefined,
      committed: () => undefined,
    };
    const results = () => statements.column<number>('SELECT count(*) FROM results')[0] as number;
    const { name, digest, definition, analysis } = skillVersion({ name: 'mean', code: '3' });
    const body = JSON.stringify({ definition, analysis });
    writeOperations.add(context, { name, digest, body, createdAtMs: 1 });
    expect(statements.column('SELECT version FROM versions')).toEqual([2, 3]);
    // The version is gone with some of its results; nobody is given the others, and they go with retention.
    expect(results()).toBeGreaterThan(100);
    expect(results()).toBeLessThan(200);
    writeOperations.remove(context, { name: 'mean' });
    expect(results()).toBeGreaterThan(100);
    while (retain(context, { nowMs: Date.now() }).isMore) continue;
    expect(results()).toBe(0);
    expect(context.unowned.size).toBe(0);
    database.close();
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
