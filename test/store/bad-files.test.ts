/** Files that cannot be used, or not wholly: each gives its own error, with the path, and harms nothing. */
import { execFileSync } from 'node:child_process';
import {
  closeSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { checkBuild, checkDriver } from '../../src/store/sqlite/driver.ts';
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import { skillVersion, SQLITE_OPTIONS, storedResult } from './records.ts';

// To damage files from outside, as another program would.
const Sqlite = createRequire(import.meta.url)('better-sqlite3') as typeof Database;

const folder = mkdtempSync(join(tmpdir(), 'skillcache-bad-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const good = join(folder, 'good.db');
const SKILLS = 60;
const open = (path: string, more: Partial<typeof SQLITE_OPTIONS> = {}) =>
  openSqliteStore({ ...SQLITE_OPTIONS, ...more, path });

beforeAll(async () => {
  await using opened = disposable(await open(good));
  await Promise.all(
    Array.from({ length: SKILLS }, (_, index) =>
      opened.store.add(skillVersion({ name: `skill${index}`, code: `// ${'body '.repeat(200)}${index}` })),
    ),
  );
  await opened.store.putResult(storedResult('k', 'y'.repeat(3_000)));
});

function disposable<S extends { close(): Promise<void> }>(store: S) {
  return { store, [Symbol.asyncDispose]: () => store.close() };
}

function copy(name: string): string {
  const path = join(folder, name);
  cpSync(good, path);
  return path;
}

describe('a file that is not ours', () => {
  test('a file that is no database is refused and left as it is', async () => {
    const path = join(folder, 'notes.txt');
    writeFileSync(path, 'not a database, but long enough to be mistaken for one'.repeat(100));
    const before = readFileSync(path);
    await expect(open(path)).rejects.toMatchObject({
      code: 'DATABASE_CORRUPT',
      message: `${path} is not a SQLite database; name another file`,
      details: { path },
    });
    await expect(open(path, { readonly: true })).rejects.toMatchObject({ code: 'DATABASE_CORRUPT' });
    expect(readFileSync(path)).toEqual(before);
  });

  test("another program's database is refused and left as it is", async () => {
    const path = join(folder, 'foreign.db');
    const foreign = new Sqlite(path);
    foreign.exec('CREATE TABLE theirs (x)');
    foreign.close();
    const before = readFileSync(path);
    await expect(open(path)).rejects.toMatchObject({
      code: 'DATABASE_CONNECTION',
      message: expect.stringContaining('another program'),
    });
    expect(readFileSync(path)).toEqual(before);
  });

  test('a database of a newer version is refused, and says so', async () => {
    const path = copy('newer.db');
    const newer = new Sqlite(path);
    newer.pragma('user_version = 99');
    newer.close();
    await expect(open(path)).rejects.toMatchObject({
      code: 'DATABASE_CONNECTION',
      message: expect.stringMatching(/has schema 99, this program knows \d+ at most: upgrade/),
      details: { path, schemaVersion: 99 },
    });
  });

  test('a folder, a missing folder, and a missing file to be read are refused with the path', async () => {
    mkdirSync(join(folder, 'folder.db'));
    await expect(open(join(folder, 'folder.db'))).rejects.toMatchObject({ code: 'DATABASE_CONNECTION' });
    await expect(open(join(folder, 'none', 'a.db'))).rejects.toMatchObject({
      code: 'DATABASE_CONNECTION',
      message: expect.stringContaining('create it first'),
    });
    const missing = join(folder, 'missing.db');
    await expect(open(missing, { readonly: true })).rejects.toMatchObject({ code: 'DATABASE_CONNECTION' });
    expect(existsSync(missing)).toBe(false);
  });

  test('an empty file becomes a library, but not where it is only read', async () => {
    const path = join(folder, 'empty.db');
    writeFileSync(path, '');
    await expect(open(path, { readonly: true })).rejects.toMatchObject({ code: 'DATABASE_READONLY' });
    expect(statSync(path).size).toBe(0);
    await using opened = disposable(await open(path));
    expect(await opened.store.list()).toEqual([]);
  });
});

describe('a damaged file', () => {
  test('a truncated file is refused when it is opened or read, never served', async () => {
    for (const share of [0.01, 0.3, 0.6, 0.99]) {
      const path = copy(`truncated${share}.db`);
      truncateSync(path, Math.floor(statSync(path).size * share));
      await expect(readAll(path), `cut to ${share}`).rejects.toMatchObject({
        code: 'DATABASE_CORRUPT',
        details: { path },
      });
    }
  });

  test('a page of garbage is noticed by whoever reads it, the others are served, and check finds it', async () => {
    const pageBytes = 4_096;
    const pages = Math.floor(statSync(good).size / pageBytes);
    for (let page = 2; page < pages; page += Math.ceil(pages / 8)) {
      const path = copy(`garbage${page}.db`);
      const file = openSync(path, 'r+');
      writeSync(file, Buffer.alloc(pageBytes, 0xa5), 0, pageBytes, page * pageBytes);
      closeSync(file);
      const { wrong, checked } = await readEach(path);
      expect(wrong, `page ${page}`).toEqual([]);
      expect(checked, `page ${page}`).not.toBe('sound');
    }
  });

  test('a flipped bit in a stored skill or result is refused with its name', async () => {
    const path = copy('flipped.db');
    const bytes = readFileSync(path);
    // Every copy of it: some lie in pages that are no longer in use.
    for (const needle of ['What skill7 does', 'yyyyyyyyyyyy']) {
      for (let at = bytes.indexOf(needle); at >= 0; at = bytes.indexOf(needle, at + 1)) {
        bytes[at] = (bytes[at] as number) ^ 1;
      }
    }
    writeFileSync(path, bytes);
    await using opened = disposable(await open(path));
    const failures = await Promise.allSettled([
      opened.store.load('skill7'),
      opened.store.list(),
      opened.store.getResult(storedResult('k').key),
      opened.store.definitions(),
    ]);
    const messages = failures.map((failure) =>
      failure.status === 'rejected' ? failure.reason.message : 'served',
    );
    expect(messages.filter((message) => message.includes('skill7'))).not.toEqual([]);
    expect(messages[2]).toContain(storedResult('k').key);
    expect(messages[3]).toContain('skill7');
    expect((await opened.store.load('skill8'))?.name).toBe('skill8');
    const check = await opened.store.check({ deep: true });
    expect(check.ok).toBe(false);
    expect(check.problems.some((problem) => problem.includes('skill7'))).toBe(true);
  });

  test('records changed behind our back are found: pointer, index, tags and requirements', async () => {
    const path = copy('changed.db');
    const other = new Sqlite(path);
    other.pragma('foreign_keys = OFF');
    other.exec(`
      UPDATE skills SET version = 9 WHERE name = 'skill1';
      DELETE FROM skill_index WHERE rowid = (SELECT id FROM skills WHERE name = 'skill2');
      INSERT INTO skill_index (rowid, name) VALUES (5000, 'nobody');
      DELETE FROM skill_index WHERE rowid = (SELECT id FROM skills WHERE name = 'skill4');
      INSERT INTO skill_index (rowid, name, description)
        SELECT id, 'skill 4', 'What another does' FROM skills WHERE name = 'skill4';
      INSERT INTO tags VALUES ('lost', 4000);
      INSERT INTO requirements SELECT id, 'absent', 1, 'd' FROM versions WHERE name = 'skill3';
      UPDATE counters SET value = 1 WHERE name = 'result_bytes';
      UPDATE counters SET value = 3 WHERE name = 'versions';
    `);
    other.close();
    await using opened = disposable(await open(path));
    await expect(opened.store.load('skill1')).rejects.toMatchObject({ code: 'DATABASE_CORRUPT' });
    const { problems } = await opened.store.check({ deep: true });
    const expected = [
      /^orphan: row .* of tags/,
      /^pointer: skill1 names version 9/,
      /^requirement: skill3 needs absent@1/,
      /^search index: skill2 is missing/,
      /^search index: entry 5000/,
      /^search index: skill4 is found by other words/,
      /^damage: the entry of skill skill1/,
      /^results: \d+ bytes are kept, 1 are counted/,
      /^counters: \d+ versions are kept, 3 are counted/,
    ];
    for (const pattern of expected)
      expect(
        problems.some((problem) => pattern.test(problem)),
        `${pattern}`,
      ).toBe(true);
    expect(problems.filter((problem) => problem.includes('other words'))).toHaveLength(1);
  });

  test('a file that is deleted while open takes no more writes, and still answers reads', async () => {
    const path = copy('deleted.db');
    await using opened = disposable(await open(path));
    await opened.store.add(skillVersion({ name: 'before' }));
    unlinkSync(path);
    await expect(opened.store.add(skillVersion({ name: 'after' }))).rejects.toMatchObject({
      code: 'DATABASE_CONNECTION',
      message: expect.stringContaining('was deleted while it was open'),
    });
    cpSync(good, path);
    await expect(opened.store.add(skillVersion({ name: 'after' }))).rejects.toThrow('was replaced');
    expect((await opened.store.load('before'))?.version).toBe(1);
  });
});

describe('a place that cannot be written', () => {
  test('a library opened read-only answers reads, refuses writes, and leaves the file as it is', async () => {
    const path = copy('readonly.db');
    const before = readFileSync(path);
    {
      await using opened = disposable(await open(path, { readonly: true }));
      expect((await opened.store.list()).length).toBe(SKILLS);
      expect((await opened.store.load('skill1'))?.version).toBe(1);
      const writes = [
        () => opened.store.add(skillVersion({ name: 'a' })),
        () => opened.store.remove('skill1'),
        () => opened.store.movePointer('skill1', 1),
        () => opened.store.putResult(storedResult('r')),
        () => opened.store.dropResults(),
        () =>
          opened.store.recordRun({
            id: '1',
            digest: 'd',
            startedAtMs: 0,
            durationMs: 0,
            cached: false,
            outcome: 'ok',
          }),
      ];
      for (const write of writes) await expect(write()).rejects.toMatchObject({ code: 'DATABASE_READONLY' });
    }
    expect(readFileSync(path)).toEqual(before);
  });

  test('a read-only folder is refused for writing, and its library can be read', async (context) => {
    using disk = mountDisk('readonly', '8m');
    if (disk === undefined) return context.skip('mounting a file system is not permitted here');
    cpSync(good, join(disk.path, 'a.db'));
    execFileSync('mount', ['-o', 'remount,ro', disk.path]);
    await expect(open(join(disk.path, 'a.db'))).rejects.toMatchObject({
      code: 'DATABASE_READONLY',
      message: expect.stringContaining('cannot be written'),
    });
    await expect(open(join(disk.path, 'new.db'))).rejects.toMatchObject({ code: 'DATABASE_READONLY' });
    await using opened = disposable(await open(join(disk.path, 'a.db'), { readonly: true }));
    expect((await opened.store.search('skill7')).map((hit) => hit.name)).toContain('skill7');
  });

  test('a full disk refuses writes with DatabaseFullError, keeps reading, and writes again when there is space', async (context) => {
    using disk = mountDisk('full', '2m');
    if (disk === undefined) return context.skip('mounting a file system is not permitted here');
    const path = join(disk.path, 'a.db');
    await using opened = disposable(await open(path));
    await opened.store.add(skillVersion({ name: 'first' }));
    const filler = join(disk.path, 'filler');
    fill(filler);
    const big = (name: string) => skillVersion({ name, code: `// ${'z'.repeat(200_000)}` });
    await expect(opened.store.add(big('big'))).rejects.toMatchObject({
      code: 'DATABASE_FULL',
      retryable: true,
      details: { path },
    });
    expect(await opened.store.load('big')).toBeUndefined();
    expect((await opened.store.load('first'))?.version).toBe(1);
    unlinkSync(filler);
    expect(await opened.store.add(big('big'))).toMatchObject({ version: 1 });
    expect(await opened.store.check({ deep: true })).toEqual({ ok: true, problems: [] });
  });

  test('a write too large for the disk fails alone, without its group', async (context) => {
    using disk = mountDisk('large', '2m');
    if (disk === undefined) return context.skip('mounting a file system is not permitted here');
    await using opened = disposable(await open(join(disk.path, 'a.db')));
    const outcomes = await Promise.allSettled([
      opened.store.add(skillVersion({ name: 'before' })),
      opened.store.add(skillVersion({ name: 'huge', code: 'z'.repeat(4_000_000) })),
      opened.store.add(skillVersion({ name: 'after' })),
    ]);
    expect(outcomes.map((outcome) => outcome.status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(outcomes[1]).toMatchObject({ reason: { code: 'DATABASE_FULL' } });
    expect((await opened.store.load('after'))?.version).toBe(1);
  });
});

describe('a file that is damaged while it is open', () => {
  const names = Array.from({ length: SKILLS }, (_, index) => `skill${index}`);
  const codes = (outcomes: readonly PromiseSettledResult<unknown>[]) =>
    new Set(
      outcomes.flatMap((one) => (one.status === 'rejected' ? [(one.reason as { code: string }).code] : [])),
    );

  test('a file system that becomes read-only refuses writes, reads go on, and writing resumes', async (context) => {
    using disk = mountDisk('remounted', '8m');
    if (disk === undefined) return context.skip('mounting a file system is not permitted here');
    const path = join(disk.path, 'a.db');
    cpSync(good, path);
    execFileSync('mount', ['-o', 'remount,ro', disk.path]);
    await expect(open(path)).rejects.toMatchObject({ code: 'DATABASE_READONLY' });
    await using reading = disposable(await open(path, { readonly: true }));
    expect((await reading.store.load('skill1'))?.version).toBe(1);
    execFileSync('mount', ['-o', 'remount,rw', disk.path]);
    await using writing = disposable(await open(path));
    expect(await writing.store.add(skillVersion({ name: 'resumed' }))).toMatchObject({ version: 1 });
  });

  test('a file that is truncated gives corrupt errors and no crash', async () => {
    const path = copy('cut-open.db');
    await using opened = disposable(await open(path));
    await opened.store.load('skill1');
    truncateSync(path, Math.floor(statSync(path).size / 2));
    const loads = await Promise.allSettled(names.map((name) => opened.store.load(name)));
    expect([...codes(loads)]).toEqual(['DATABASE_CORRUPT']);
    const { ok } = await opened.store.check({ deep: true }).catch(() => ({ ok: false }));
    expect(ok).toBe(false);
  });

  test('a page that is overwritten with garbage is refused, and the others are served', async () => {
    const path = copy('garbage-open.db');
    await using opened = disposable(await open(path));
    const pages = Math.floor(statSync(path).size / 4_096);
    const file = openSync(path, 'r+');
    writeSync(file, Buffer.alloc(4_096, 0xa5), 0, 4_096, Math.floor(pages / 2) * 4_096);
    closeSync(file);
    const loads = await Promise.allSettled(names.map((name) => opened.store.load(name)));
    for (const [index, load] of loads.entries()) {
      if (load.status === 'rejected') expect(load.reason).toMatchObject({ code: 'DATABASE_CORRUPT' });
      else expect(load.value?.definition.code).toMatch(new RegExp(` ${index}$`));
    }
    expect(loads.some((one) => one.status === 'fulfilled')).toBe(true);
    const { ok } = await opened.store.check({ deep: true }).catch(() => ({ ok: false }));
    expect(ok).toBe(false);
  });

  test('a log that is cut gives typed errors, no crash, and the next open says what is lost', async () => {
    const path = copy('log-open.db');
    const opened = await open(path);
    for (let index = 0; index < 20; index += 1) {
      await opened.add(skillVersion({ name: `late${index}`, code: `// ${'w'.repeat(3_000)}` }));
    }
    for (const suffix of ['', '-wal', '-mark']) cpSync(path + suffix, join(folder, `log-cut.db${suffix}`));
    truncateSync(`${path}-wal`, 4_096);
    const loads = await Promise.allSettled(
      Array.from({ length: 20 }, (_, index) => opened.load(`late${index}`)),
    );
    for (const code of codes(loads)) expect(['DATABASE_CORRUPT', 'DATABASE_CONNECTION']).toContain(code);
    await opened.close();
    truncateSync(join(folder, 'log-cut.db-wal'), 4_096);
    await expect(open(join(folder, 'log-cut.db'))).rejects.toMatchObject({
      code: 'DATABASE_CORRUPT',
      details: { lostCommits: expect.any(Number) },
    });
  });
});

test('a lock that another process holds too long is a connection error, and the next write works', async () => {
  const path = copy('locked.db');
  const other = new Sqlite(path);
  await using opened = disposable(await open(path, { busyTimeoutMs: 50 }));
  other.exec('BEGIN IMMEDIATE');
  await expect(opened.store.add(skillVersion({ name: 'late' }))).rejects.toMatchObject({
    code: 'DATABASE_CONNECTION',
    retryable: true,
    message: expect.stringContaining('locked by another process'),
  });
  expect((await opened.store.load('skill1'))?.version).toBe(1);
  other.exec('ROLLBACK');
  other.close();
  expect(await opened.store.add(skillVersion({ name: 'late' }))).toMatchObject({ version: 1 });
});

test('a write that fails half-way is undone alone, and its group is committed', async () => {
  await using opened = disposable(await open(':memory:'));
  const broken = skillVersion({ name: 'broken' });
  const malformed = { ...broken, definition: { ...broken.definition, tags: 1 as unknown as string[] } };
  const outcomes = await Promise.allSettled(
    [skillVersion({ name: 'a' }), malformed, skillVersion({ name: 'b' })].map((version) =>
      opened.store.add(version),
    ),
  );
  expect(outcomes.map((outcome) => outcome.status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  expect((await opened.store.list()).map((skill) => skill.name)).toEqual(['a', 'b']);
  expect(await opened.store.stats()).toMatchObject({ skills: 2, versions: 2, writes: 2 });
  expect(await opened.store.check({ deep: true })).toEqual({ ok: true, problems: [] });
});

test('a driver that would crash this Node is refused before it is loaded', () => {
  expect(() => checkDriver('13.2.0', '9', '20.20.2')).toThrow(
    'better-sqlite3 13.2.0 needs Node-API 10, Node 20.20.2 has 9',
  );
  expect(() => checkDriver('13.2.0', undefined, '20.20.2')).toThrow(
    expect.objectContaining({ code: 'CONFIGURATION' }),
  );
  expect(() => checkDriver('13.2.0', '10', '24.0.0')).not.toThrow();
  expect(() => checkDriver('12.11.1', '9', '20.20.2')).not.toThrow();
});

test('a build of the driver that Node 24 aborts for is refused before it is loaded', () => {
  const built = (name: string) => () => Buffer.from(`\0_ZN4node28${name}EPN2v87IsolateE\0`);
  const aborts = built('RemoveEnvironmentCleanupHook');
  expect(() => checkBuild('12.11.1', '24.21.0', aborts)).toThrow(
    expect.objectContaining({ code: 'CONFIGURATION', message: expect.stringMatching(/better-sqlite3@13/) }),
  );
  for (const [driver, node, build] of [
    ['12.11.1', '24.0.0', built('AddEnvironmentCleanupHook')],
    ['12.11.1', '24.21.0', () => undefined],
    ['12.11.1', '22.23.3', aborts],
    ['12.11.1', '20.20.2', aborts],
    ['12.11.1', '26.9.0', aborts],
    ['13.2.0', '24.21.0', aborts],
  ] as const) {
    expect(() => checkBuild(driver, node, build)).not.toThrow();
  }
});

async function readAll(path: string): Promise<void> {
  await using opened = disposable(await open(path));
  for (let index = 0; index < SKILLS; index += 1) await opened.store.load(`skill${index}`);
  await opened.store.list();
}

/** Loads every skill: which were served wrong, and what a deep check says. */
async function readEach(path: string): Promise<{ wrong: string[]; checked: string }> {
  const wrong: string[] = [];
  try {
    await using opened = disposable(await open(path));
    for (let index = 0; index < SKILLS; index += 1) {
      try {
        const found = await opened.store.load(`skill${index}`);
        if (found !== undefined && !found.definition.code.endsWith(` ${index}`)) wrong.push(`skill${index}`);
      } catch (error) {
        if ((error as { code?: string }).code !== 'DATABASE_CORRUPT') wrong.push(String(error));
      }
    }
    const { ok } = await opened.store.check({ deep: true });
    return { wrong, checked: ok ? 'sound' : 'damaged' };
  } catch (error) {
    const { code } = error as { code?: string };
    return { wrong: code === 'DATABASE_CORRUPT' ? wrong : [String(error)], checked: 'refused' };
  }
}

function fill(path: string): void {
  const file = openSync(path, 'w');
  try {
    for (;;) writeSync(file, Buffer.alloc(4_096));
  } catch (error) {
    if ((error as { code?: string }).code !== 'ENOSPC') throw error;
  } finally {
    closeSync(file);
  }
}

/** A small file system of its own; undefined where that is not permitted. */
function mountDisk(name: string, size: string): { path: string; [Symbol.dispose]: () => void } | undefined {
  const path = join(folder, name);
  mkdirSync(path);
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', path], { stdio: 'ignore' });
  } catch {
    // Not root, or in a container without the right: the test says that it was skipped.
    return undefined;
  }
  return { path, [Symbol.dispose]: () => execFileSync('umount', ['-l', path]) };
}
