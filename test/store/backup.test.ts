/** Backups of a library that is in use, and their way back. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type Database from 'better-sqlite3';
import { afterAll, describe, expect, test } from 'vitest';
import { restoreSqlite } from '../../src/store/sqlite/restore.ts';
import { migrate, MIGRATIONS, SCHEMA_VERSION } from '../../src/store/sqlite/schema.ts';
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import { privateDist } from './private-dist.ts';
import { problemsOf, TEMPLATE } from './promises.ts';
import { skillVersion, SQLITE_OPTIONS, storedResult } from './records.ts';

const Sqlite = createRequire(import.meta.url)('better-sqlite3') as typeof Database;

const folder = mkdtempSync(join(tmpdir(), 'skillcache-backup-'));
afterAll(() => rmSync(folder, { recursive: true }));
const at = (name: string): string => join(folder, name);
const open = (path: string) => openSqliteStore({ ...SQLITE_OPTIONS, path });
const restore = (from: string, path: string, signal?: AbortSignal) =>
  restoreSqlite(from, { ...SQLITE_OPTIONS, path }, signal);

async function create(path: string, skills: number, codeBytes = 100): Promise<void> {
  const store = await open(path);
  await Promise.all(
    Array.from({ length: skills }, (_, index) =>
      store.add(skillVersion({ name: `skill${index}`, code: `// ${'x'.repeat(codeBytes)}${index}` })),
    ),
  );
  await store.putResult(storedResult('k'));
  await store.close();
}

describe('a backup', () => {
  test('is of one moment, while writers go on: all before it, whole, and nothing by half', async () => {
    const store = await open(at('busy.db'));
    const over = new AbortController();
    const written: number[] = [];
    const callers = Array.from({ length: 4 }, async (_, caller) => {
      for (let round = 0; !over.signal.aborted; round += 1) {
        await store.add(skillVersion({ name: `caller${caller}`, code: `// ${'y'.repeat(2_000)}${round}` }));
        written[caller] = round + 1;
      }
    });
    for (let index = 0; index < 500; index += 1) {
      await store.putResult(storedResult(`r${index}`, `"${'z'.repeat(1_500)}"`));
    }
    const before = [...written];
    const progress: number[] = [];
    const copied = await store.backup(at('busy.bak'), { onProgress: ({ pages }) => progress.push(pages) });
    const after = [...written];
    over.abort();
    await Promise.all(callers);
    await store.close();
    expect(copied).toEqual({ path: at('busy.bak'), bytes: readFileSync(at('busy.bak')).length });
    expect(progress.length).toBeGreaterThan(1);
    expect(problemsOf(at('busy.bak'))).toEqual([]);
    const copy = await open(at('busy.bak'));
    for (let caller = 0; caller < 4; caller += 1) {
      const versions = (await copy.versions(`caller${caller}`)).length;
      expect(versions).toBeGreaterThanOrEqual(before[caller] as number);
      expect(versions).toBeLessThanOrEqual((after[caller] as number) + 1);
    }
    await copy.close();
  });

  test('that is cancelled, or refused, leaves no file and the reader to others', async () => {
    await create(at('large.db'), 300, 20_000);
    const store = await open(at('large.db'));
    const controller = new AbortController();
    const backup = store.backup(at('large.bak'), {
      signal: controller.signal,
      onProgress: () => controller.abort(),
    });
    await expect(backup).rejects.toMatchObject({ code: 'ABORTED' });
    writeFileSync(at('taken.bak'), 'mine');
    await expect(store.backup(at('taken.bak'))).rejects.toThrow('exists: a backup replaces no file');
    await expect(store.backup(at('none/a.bak'))).rejects.toMatchObject({ code: 'DATABASE_CONNECTION' });
    expect((await store.stats()).pools[0]).toMatchObject({ inUse: 0, idle: 1, created: 1 });
    expect(readdirSync(folder).filter((name) => name.startsWith('large.bak'))).toEqual([]);
    expect(readFileSync(at('taken.bak'), 'utf8')).toBe('mine');
    await store.close();
  });
});

describe('restore', () => {
  test('puts a verified backup in the place of a library, or where there was none', async () => {
    await create(at('home.db'), 3);
    const store = await open(at('home.db'));
    await store.backup(at('home.bak'));
    await store.remove('skill1');
    await store.close();
    for (const path of [at('home.db'), at('elsewhere.db')]) {
      expect(await restore(at('home.bak'), path)).toEqual({ path, skills: 3 });
      const restored = await open(path);
      expect((await restored.list()).map((skill) => skill.name)).toEqual(['skill0', 'skill1', 'skill2']);
      expect(await restored.check({ deep: true })).toEqual({ ok: true, problems: [] });
      await restored.close();
    }
    expect(readdirSync(folder).filter((name) => name.includes('.part'))).toEqual([]);
  });

  test('refuses a damaged backup, and what is none, and changes nothing', async () => {
    await create(at('kept.db'), 2);
    await create(at('damaged.bak'), 5, 2_000);
    const before = readFileSync(at('kept.db'));
    const bytes = readFileSync(at('damaged.bak'));
    for (let place = bytes.indexOf('What skill3 does'); place >= 0;) {
      bytes[place] = 0x77;
      place = bytes.indexOf('What skill3 does', place + 1);
    }
    writeFileSync(at('damaged.bak'), bytes);
    await expect(restore(at('damaged.bak'), at('kept.db'))).rejects.toMatchObject({
      code: 'DATABASE_CORRUPT',
      message: expect.stringContaining('skill3'),
    });
    writeFileSync(at('text.bak'), 'no database'.repeat(1_000));
    await expect(restore(at('text.bak'), at('kept.db'))).rejects.toMatchObject({ code: 'DATABASE_CORRUPT' });
    await expect(restore(at('absent.bak'), at('kept.db'))).rejects.toMatchObject({
      code: 'DATABASE_CONNECTION',
    });
    expect(readFileSync(at('kept.db'))).toEqual(before);
    expect(readdirSync(folder).filter((name) => name.includes('.part'))).toEqual([]);
  });

  test('refuses while another process has the library open, and works when it is gone', async () => {
    const { program } = privateDist(at('program'));
    await create(at('source.bak'), 4);
    const path = at('held.db');
    const argument = {
      options: { ...SQLITE_OPTIONS, path },
      prefix: 'h',
      callers: 1,
      rounds: 1e9,
      isShared: false,
      template: TEMPLATE,
    };
    const child = spawn(process.execPath, [program, JSON.stringify(argument)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(createInterface({ input: child.stdout }), 'line');
    await expect(restore(at('source.bak'), path)).rejects.toMatchObject({
      code: 'DATABASE_CONNECTION',
      message: expect.stringContaining('stop it, then restore'),
    });
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(await restore(at('source.bak'), path)).toEqual({ path, skills: 4 });
  });

  test('replaces a library that is damaged or lacks its log', async () => {
    await create(at('sound.bak'), 2);
    const path = at('broken.db');
    writeFileSync(path, 'garbage'.repeat(2_000));
    writeFileSync(`${path}-mark`, 'garbage');
    expect(await restore(at('sound.bak'), path)).toEqual({ path, skills: 2 });
    expect(existsSync(`${path}-mark`)).toBe(false);
  });

  test('that is aborted changes nothing', async () => {
    await create(at('aborted.bak'), 2);
    await expect(restore(at('aborted.bak'), at('new.db'), AbortSignal.abort())).rejects.toMatchObject({
      code: 'ABORTED',
    });
    expect(existsSync(at('new.db'))).toBe(false);
  });
});

describe('migrations', () => {
  test.each(Array.from({ length: SCHEMA_VERSION - 1 }, (_, index) => index + 1))(
    'a library of schema %i is opened with all its skills, versions, results and runs',
    async (version) => {
      const newest = at(`newest${version}.db`);
      const store = await open(newest);
      for (const code of ['1', '2']) await store.add(skillVersion({ name: 'mean', code }));
      await store.putResult(storedResult('k'));
      await store.close();
      const path = at(`schema${version}.db`);
      const database = new Sqlite(path);
      migrate(database, path, MIGRATIONS.slice(0, version));
      database.prepare('ATTACH ? AS newest').run(newest);
      for (const table of ['skills', 'versions', 'requirements', 'tags', 'results', 'runs']) {
        const columns = (database.pragma(`table_info(${table})`) as { name: string }[]).map(
          ({ name }) => name,
        );
        database.exec(
          `INSERT INTO ${table} (${columns.join()}) SELECT ${columns.join()} FROM newest.${table}`,
        );
      }
      database.exec(
        `INSERT INTO skill_index (rowid, name, description, tags, parameters, code)
         SELECT id, name, 'what mean does', '', '', '' FROM skills`,
      );
      expect(database.pragma('user_version', { simple: true })).toBe(version);
      database.close();
      const migrated = await open(path);
      expect(await migrated.stats()).toMatchObject({ schemaVersion: SCHEMA_VERSION, skills: 1, versions: 2 });
      expect((await migrated.load('mean', 1))?.definition.code).toBe('1');
      expect((await migrated.getResult(storedResult('k').key))?.output).toBe('1');
      expect((await migrated.search('mean')).map((hit) => hit.name)).toEqual(['mean']);
      expect(await migrated.check({ deep: true })).toEqual({ ok: true, problems: [] });
      expect(await migrated.add(skillVersion({ name: 'mean', code: '3' }))).toMatchObject({ version: 3 });
      await migrated.close();
    },
  );

  test('a destructive one keeps a copy of the file as it was', () => {
    const path = at('destroyed.db');
    const database = new Sqlite(path);
    migrate(database, path);
    database.exec(`INSERT INTO runs (id, record) VALUES ('1', '{}')`);
    const destructive = [...MIGRATIONS, { sql: 'DROP TABLE runs', isDestructive: true }];
    expect(migrate(database, path, destructive)).toEqual([`${path}.v${SCHEMA_VERSION}.bak`]);
    expect(() => database.prepare('SELECT * FROM runs')).toThrow('no such table');
    expect(migrate(database, path, destructive)).toEqual([]);
    database.close();
    const copy = new Sqlite(`${path}.v${SCHEMA_VERSION}.bak`);
    expect(copy.prepare('SELECT id FROM runs').get()).toEqual({ id: '1' });
    expect(copy.pragma('user_version', { simple: true })).toBe(SCHEMA_VERSION);
    copy.close();
  });

  test('one that fails changes nothing', () => {
    const path = at('failed.db');
    const database = new Sqlite(path);
    migrate(database, path);
    const wrong = [...MIGRATIONS, { sql: 'DROP TABLE runs; DROP TABLE nothing' }];
    expect(() => migrate(database, path, wrong)).toThrow('nothing');
    expect(database.prepare('SELECT count(*) AS count FROM runs').get()).toEqual({ count: 0 });
    expect(database.pragma('user_version', { simple: true })).toBe(SCHEMA_VERSION);
    database.close();
  });
});
