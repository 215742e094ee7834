/** A database file: whether it may be opened, and how each kind of connection opens it. */
import { accessSync, constants, existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { DatabaseConnectionError, DatabaseReadonlyError } from '../../errors.ts';
import { databaseError } from './database-errors.ts';
import { openDatabase, type SqliteDatabase } from './driver.ts';
import { migrate, readSchemaVersion, SCHEMA_VERSION } from './schema.ts';

/** What a thread has to know to open the file. Plain data. */
export interface DatabaseFile {
  readonly path: string;
  /** Shown to users: `:memory:` for a temporary file. */
  readonly shownPath: string;
  /** `temporary`: nothing has to survive, so nothing waits for the disk. `immutable`: no one can write, locks included. */
  readonly mode: 'durable' | 'temporary' | 'readonly' | 'immutable';
  readonly busyTimeoutMs: number;
}

/** A private file for `:memory:`, because threads cannot share a database that has none. */
export function createTemporaryFile(busyTimeoutMs: number): { file: DatabaseFile; remove: () => void } {
  const folder = mkdtempSync(join(tmpdir(), 'skillcache-'));
  const removeFolder = () => rmSync(folder, { recursive: true, force: true });
  process.once('exit', removeFolder);
  const remove = () => {
    process.removeListener('exit', removeFolder);
    removeFolder();
  };
  return {
    file: { path: join(folder, 'skills.db'), shownPath: ':memory:', mode: 'temporary', busyTimeoutMs },
    remove,
  };
}

/** @throws {DatabaseConnectionError} and {@link DatabaseReadonlyError} where the file system already says no. */
export function locateFile(path: string, isReadonly: boolean, busyTimeoutMs: number): DatabaseFile {
  const absolute = resolve(path);
  const details = { path: absolute };
  if (!existsSync(dirname(absolute))) {
    const message = `the folder of ${absolute} does not exist: create it first`;
    throw new DatabaseConnectionError(message, { details });
  }
  const isThere = existsSync(absolute);
  if (isThere && !statSync(absolute).isFile()) {
    throw new DatabaseConnectionError(`${absolute} is not a file; name a file`, { details });
  }
  if (isReadonly) {
    if (!isThere)
      throw new DatabaseConnectionError(`${absolute} does not exist, and is opened read-only`, { details });
    const isImmutable = !mayWrite(dirname(absolute)) && !existsSync(`${absolute}-wal`);
    return {
      path: absolute,
      shownPath: absolute,
      mode: isImmutable ? 'immutable' : 'readonly',
      busyTimeoutMs,
    };
  }
  for (const place of isThere ? [dirname(absolute), absolute] : [dirname(absolute)]) {
    if (mayWrite(place)) continue;
    const message = `${place} cannot be written: check its permissions, or open the library read-only`;
    throw new DatabaseReadonlyError(message, { details });
  }
  return { path: absolute, shownPath: absolute, mode: 'durable', busyTimeoutMs };
}

/** A connection that only reads; undefined while the file has no tables, or not yet all. */
export function openReader(file: DatabaseFile): SqliteDatabase | undefined {
  if (!existsSync(file.path) || statSync(file.path).size === 0) return undefined;
  return guarded(file, (use) => {
    const name = file.mode === 'immutable' ? `${pathToFileURL(file.path).href}?immutable=1` : file.path;
    const database = use(openDatabase(name, { readonly: true, busyTimeoutMs: file.busyTimeoutMs }));
    const version = readSchemaVersion(database, file.shownPath);
    if (version === SCHEMA_VERSION) return database;
    database.close();
    return undefined;
  });
}

/** The connection that writes, with the tables brought up to date and its promises to the disk read back. */
export function openWriter(file: DatabaseFile): SqliteDatabase {
  return guarded(file, (use) => {
    const database = use(openDatabase(file.path, { readonly: false, busyTimeoutMs: file.busyTimeoutMs }));
    // Before anything is changed: the file may be another program's.
    const version = readSchemaVersion(database, file.shownPath);
    if (version === 0) database.pragma('auto_vacuum = INCREMENTAL');
    database.pragma(`synchronous = ${file.mode === 'temporary' ? 'OFF' : 'FULL'}`);
    expectPragma(file, 'journal_mode', database.pragma('journal_mode = WAL', { simple: true }), 'wal');
    const synchronous = database.pragma('synchronous', { simple: true });
    expectPragma(file, 'synchronous', synchronous, file.mode === 'temporary' ? 0 : 2);
    database.pragma('journal_size_limit = 67108864');
    migrate(database, file.shownPath);
    return database;
  });
}

/** @throws {DatabaseConnectionError} where the open file is no longer the one at its path: writes would be lost. */
export function checkStillThere(file: DatabaseFile, opened: { dev: number; ino: number }): void {
  const now = statSync(file.path, { throwIfNoEntry: false });
  if (now !== undefined && now.ino === opened.ino && now.dev === opened.dev) return;
  const what = now === undefined ? 'was deleted' : 'was replaced';
  const message = `${file.shownPath} ${what} while it was open: nothing was written; close and open the library again`;
  throw new DatabaseConnectionError(message, { details: { path: file.shownPath } });
}

function guarded<Answer>(
  file: DatabaseFile,
  open: (use: <D extends SqliteDatabase>(d: D) => D) => Answer,
): Answer {
  let opened: SqliteDatabase | undefined;
  try {
    return open((database) => {
      opened = database;
      return database;
    });
  } catch (error) {
    opened?.close();
    throw databaseError(error, file.shownPath);
  }
}

function expectPragma(file: DatabaseFile, name: string, found: unknown, wanted: unknown): void {
  if (found === wanted) return;
  const message = `${file.shownPath}: ${name} stays ${String(found)}, ${String(wanted)} is needed; use a local disk`;
  throw new DatabaseConnectionError(message, { details: { path: file.shownPath, [name]: found } });
}

function mayWrite(place: string): boolean {
  try {
    accessSync(place, constants.W_OK);
    return true;
  } catch {
    // Any reason is a no; the caller says which place it was.
    return false;
  }
}
