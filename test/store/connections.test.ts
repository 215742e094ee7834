import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { getPriority, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { PoolObserver } from '../../src/pool/pool-stats.ts';
import { Connection } from '../../src/store/sqlite/connection.ts';
import { limitsOf } from '../../src/store/sqlite/retention.ts';
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import { createReaders } from '../../src/store/sqlite/readers.ts';
import { resetConnection } from '../../src/store/sqlite/reset.ts';
import { Statements } from '../../src/store/sqlite/statements.ts';
import { openDatabase } from '../../src/store/sqlite/driver.ts';
import type { Store } from '../../src/store/store.ts';
import { skillVersion, SQLITE_OPTIONS } from './records.ts';

const folder = mkdtempSync(join(tmpdir(), 'skillcache-connections-'));
const path = join(folder, 'large.db');
const words = Array.from(
  { length: 60 },
  (_, index) => `word${String.fromCodePoint(97 + (index % 26))}${index}x`,
);
const everything = words.join(' ');
const exhausted: number[] = [];
const observer: PoolObserver = { exhausted: ({ waiting }) => exhausted.push(waiting) };
let store: Store;

beforeAll(async () => {
  const readers = { ...SQLITE_OPTIONS.readers, max: 1, acquireTimeoutMs: 60_000 };
  store = await openSqliteStore({ ...SQLITE_OPTIONS, path, readers }, observer);
  await Promise.all(
    Array.from({ length: 4_000 }, (_, index) =>
      store.add(skillVersion({ name: `skill${index}`, description: everything, code: '' })),
    ),
  );
});
afterAll(async () => {
  await store.close();
  rmSync(folder, { recursive: true });
});

const readers = async () => (await store.stats()).pools[0];

describe('reader connections', () => {
  test('an abort stops the query that runs, and the connection goes on to the next caller', async () => {
    await store.search('warm');
    const created = (await readers())?.created;
    const controller = new AbortController();
    const search = store.search(everything, { signal: controller.signal });
    // Two turns: the connection was leased and the query sent.
    await new Promise((resolve) => setImmediate(resolve));
    await new Promise((resolve) => setImmediate(resolve));
    controller.abort();
    await expect(search).rejects.toMatchObject({ code: 'ABORTED' });
    expect(await store.search(words[3] ?? '', { limit: 1 })).toHaveLength(1);
    expect(await readers()).toMatchObject({ created, inUse: 0, idle: 1 });
  });

  test.runIf(process.platform === 'linux')(
    'step back where cores are few; the event loop and the writer do not',
    async () => {
      await store.search('warm');
      const nices = readdirSync('/proc/self/task').map((id) => {
        const fields = readFileSync(`/proc/self/task/${id}/stat`, 'utf8').split(') ').at(-1) as string;
        return Number(fields.split(' ')[16]);
      });
      const own = getPriority();
      expect(nices.filter((nice) => nice === Math.min(19, own + 3))).toHaveLength(1);
      expect(nices.filter((nice) => nice === own).length).toBe(nices.length - 1);
    },
  );

  test('a cancelled query gives its connection back within 5 ms', async () => {
    const times: number[] = [];
    const readTimes: number[] = [];
    const median = (values: number[]): number => values.toSorted((left, right) => left - right)[4] ?? 0;
    for (let round = 0; round < 9; round += 1) {
      const controller = new AbortController();
      const search = store.search(words.slice(0, 16).join(' '), { signal: controller.signal });
      await new Promise((resolve) => setImmediate(resolve));
      await new Promise((resolve) => setImmediate(resolve));
      const startMs = performance.now();
      controller.abort();
      await expect(search).rejects.toMatchObject({ code: 'ABORTED' });
      times.push(performance.now() - startMs);
      const readMs = performance.now();
      await store.list({ limit: 1 });
      readTimes.push(performance.now() - readMs);
    }
    // Medians, beyond what a read of one row takes beside it: a machine under load halts both.
    expect(median(times) - median(readTimes)).toBeLessThan(5);
  });

  test('the library answers point reads while every reader is busy', async () => {
    const controller = new AbortController();
    const searches = [0, 1].map(() => store.search(everything, { signal: controller.signal }));
    const settled = Promise.allSettled(searches);
    expect((await store.load('skill7'))?.version).toBe(1);
    expect(store.epoch()).toBeGreaterThan(0);
    controller.abort();
    expect((await settled).map((outcome) => outcome.status)).toEqual(['rejected', 'rejected']);
    expect(exhausted).not.toEqual([]);
    expect((await readers())?.exhaustionEvents).toBeGreaterThan(0);
  });

  test('an aborted check stops between its steps', async () => {
    const controller = new AbortController();
    const check = store.check({ deep: true, signal: controller.signal });
    await new Promise((resolve) => setImmediate(resolve));
    controller.abort();
    await expect(check).rejects.toMatchObject({ code: 'ABORTED' });
  });
});

describe('a connection', () => {
  const file = { path, shownPath: path, mode: 'durable', busyTimeoutMs: 1_000 } as const;

  test('that is lent for too long is taken back where that is wished, and another takes its place', async () => {
    const leaks: string[] = [];
    const readers = { ...SQLITE_OPTIONS.readers, max: 1, leakThresholdMs: 30, revokeLeaks: true };
    const pool = createReaders(
      { ...file },
      { ...SQLITE_OPTIONS, path, readers },
      {
        leaked: ({ acquiredAt }) => leaks.push(acquiredAt),
      },
    );
    const holding = pool.use(
      async (connection) => {
        for (;;) await connection.read('search', { query: everything, limit: 10, tags: [] });
      },
      { label: 'analysis' },
    );
    await expect(holding).rejects.toMatchObject({
      code: 'DATABASE_CONNECTION',
      message: expect.stringContaining('taken back after 30 ms') as string,
    });
    const lease = await pool.acquire();
    expect(leaks).toEqual(['analysis']);
    expect(pool.stats()).toMatchObject({ created: 2, leaks: 1, destroyed: { revoked: 1 } });
    lease.release();
    await pool.close();
  });

  test('keeps neither a transaction nor temporary tables of one caller for the next', () => {
    const statements = new Statements(openDatabase(path, { readonly: true, busyTimeoutMs: 1_000 }));
    const { database } = statements;
    database.exec('CREATE TEMP TABLE "left ""over" (x); CREATE TEMP VIEW seen AS SELECT 1; BEGIN; SELECT 1');
    resetConnection(statements);
    expect(database.inTransaction).toBe(false);
    expect(statements.column('SELECT name FROM temp.sqlite_master')).toEqual([]);
    // A statement that is still read from cannot be taken back: such a connection must go.
    const rows = statements.iterate('SELECT name FROM skills');
    rows.next();
    expect(() => resetConnection(statements)).toThrow(/busy/);
    rows.return?.();
    database.close();
  });

  const data = { role: 'reader', file, limits: limitsOf(SQLITE_OPTIONS) } as const;

  test('that was closed is broken, refuses requests, and may be closed again', async () => {
    const connection = await Connection.open(data);
    expect(connection.isBroken).toBe(false);
    await Promise.all([connection.close(), connection.close()]);
    expect(connection.isBroken).toBe(true);
    await expect(connection.read('count', {})).rejects.toMatchObject({
      code: 'DATABASE_CONNECTION',
      details: { path },
    });
  });

  test('that is closed during a long query stops it, and says that it was closed', async () => {
    const connection = await Connection.open(data);
    const search = connection.read('search', { query: everything, limit: 10, tags: [] });
    const outcome = search.catch((error: { code: string }) => error.code);
    await connection.close();
    expect(await outcome).toBe('CLOSED');
  });

  test('that cannot be opened rejects with the reason', async () => {
    const missing = { ...file, path: join(folder, 'none', 'a.db') };
    await expect(Connection.open({ ...data, role: 'writer', file: missing })).rejects.toMatchObject({
      code: 'DATABASE_CONNECTION',
    });
    await expect(Connection.open({ ...data, file: missing })).rejects.toMatchObject({
      code: 'DATABASE_CONNECTION',
    });
  });

  test('whose opening is aborted leaves no thread behind', async () => {
    const controller = new AbortController();
    const opening = Connection.open(data, controller.signal);
    controller.abort();
    await expect(opening).rejects.toMatchObject({ code: 'DATABASE_CONNECTION' });
    await expect(Connection.open(data, AbortSignal.abort())).rejects.toMatchObject({ code: 'ABORTED' });
  });
});
