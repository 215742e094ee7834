import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { afterAll, expect, test } from 'vitest';
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import { SQLITE_OPTIONS } from './records.ts';
import { testServiceContract } from './service-contract.ts';
import { testStoreContract } from './store-contract.ts';

const folder = mkdtempSync(join(tmpdir(), 'skillcache-store-'));
afterAll(() => rmSync(folder, { recursive: true }));
let files = 0;

testStoreContract('SQLite in a file', (bounds) =>
  openSqliteStore({ ...SQLITE_OPTIONS, ...bounds, path: join(folder, `${(files += 1)}.db`) }),
);
testStoreContract('SQLite in memory', (bounds) =>
  openSqliteStore({ ...SQLITE_OPTIONS, ...bounds, path: ':memory:' }),
);
testServiceContract('SQLite in a file', (bounds) =>
  openSqliteStore({ ...SQLITE_OPTIONS, ...bounds, path: join(folder, `${(files += 1)}.db`) }),
);

test('nobody changes the audit trail in the file, nor takes from its middle', async () => {
  const path = join(folder, 'audit.db');
  const store = await openSqliteStore({ ...SQLITE_OPTIONS, path });
  const entry = { atMs: 1, tenant: 'default', caller: 'cli', action: 'run', outcome: 'ok', count: 1 };
  await store.service.appendAudit([entry, entry, entry]);
  await store.service.readAudit();
  await store.close();
  using database = Object.assign(new Sqlite(path), {
    [Symbol.dispose](this: { close(): unknown }) {
      this.close();
    },
  });
  expect(() => database.exec(`UPDATE audit SET entry = '{}'`)).toThrow('append-only');
  expect(() => database.exec('DELETE FROM audit WHERE seq = 2')).toThrow('append-only');
});
