/** A library whose folder may no longer be entered while it is open. */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import { skillVersion, SQLITE_OPTIONS } from './records.ts';

const folder = mkdtempSync(join(tmpdir(), 'skillcache-permission-'));
const path = join(folder, 'skills.db');
afterAll(() => rmSync(folder, { recursive: true }));

const NOBODY = 65_534;

/** What root may do says nothing: it may do all. */
async function withoutPermission(work: () => Promise<void>): Promise<void> {
  const isRoot = process.geteuid?.() === 0;
  chmodSync(folder, 0);
  if (isRoot) process.seteuid?.(NOBODY);
  try {
    await work();
  } finally {
    if (isRoot) process.seteuid?.(0);
    chmodSync(folder, 0o700);
  }
}

test('permission that is lost while the library is open is said with the path, and writing resumes', async () => {
  const readers = { ...SQLITE_OPTIONS.readers, max: 1, acquireTimeoutMs: 500 };
  const store = await openSqliteStore({ ...SQLITE_OPTIONS, path, readers });
  await store.add(skillVersion({ name: 'before' }));
  await withoutPermission(async () => {
    await expect(store.add(skillVersion({ name: 'meanwhile' }))).rejects.toMatchObject({
      code: 'DATABASE_CONNECTION',
      message: expect.stringContaining('permission') as string,
      details: { path },
    });
    // No reader was open yet, and none can be opened now.
    await expect(store.search('before')).rejects.toMatchObject({
      code: 'DATABASE_CONNECTION',
      message: expect.not.stringContaining('deleted') as string,
    });
    expect((await store.load('before'))?.version).toBe(1);
  });
  expect(await store.add(skillVersion({ name: 'after' }))).toMatchObject({ version: 1 });
  // A busy machine takes longer to open a reader than this store waits for one.
  const found = async () => (await store.search('before')).map(({ name }) => name);
  await expect.poll(found, { timeout: 20_000 }).toEqual(['before']);
  expect(await store.load('meanwhile')).toBeUndefined();
  await store.close();
});
