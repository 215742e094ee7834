import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import { SQLITE_OPTIONS } from './records.ts';
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
