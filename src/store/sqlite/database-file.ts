/** A database file: whether it may be opened, and how each kind of connection opens it. */
import { accessSync, constants, copyFileSync, existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { DatabaseConnectionError, DatabaseReadonlyError } from '../../errors.ts';
import { databaseError } from './database-errors.ts';
import { openDatabase, type SqliteDatabase } from './driver.ts';
import { migrate, readSchemaVersion, SCHEMA_VERSION } from './schema.ts';

/** What a thread has to know to open the file. Plain data. */
export interface DatabaseFile {
  readonly path: string;
  /** Shown to users: not that of a temporary file. */
  readonly shownPath: string;
  /** `temporary`: nothing has to survive, so nothing waits for the disk. */
  readonly mode: 'durable' | 'temporary' | 'readonly';
  readonly busyTimeoutMs: number;
}

/** A file, and what is left to do when it is closed. */
export interface LocatedFile {
  readonly file: DatabaseFile;
  /** Does nothing but for a temporary file. */
  readonly remove: () => void;
}

/** A private file for `:memory:`, because threads cannot share a database that has none. */
export function createTemporaryFile(busyTimeoutMs: number): LocatedFile {
  const { path, remove } = createPrivatePath();
  return { file: { path, shownPath: ':memory:', mode: 'temporary', busyTimeoutMs }, remove };
}

/** @throws {DatabaseConnectionError} and {@link DatabaseReadonlyError} where the file system already says no. */
export function locateFile(path: string, isReadonly: boolean, busyTimeoutMs: number): LocatedFile {
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
    // SQLite's log needs a folder it may write to, even to read: without one, a copy is read.
    const { path: own, remove } = mayWrite(dirname(absolute))
      ? { path: absolute, remove: () => {} }
      : copyOf(absolute);
    return { file: { path: own, shownPath: absolute, mode: 'readonly', busyTimeoutMs }, remove };
  }
  for (const place of isThere ? [dirname(absolute), absolute] : [dirname(absolute)]) {
    if (mayWrite(place)) continue;
    const message = `${place} cannot be written: check its permissions, or open the library read-only`;
    throw new DatabaseReadonlyError(message, { details });
  }
  return { file: { path: absolute, shownPath: absolute, mode: 'durable', busyTimeoutMs }, remove: () => {} };
}

/** A connection that only reads; undefined while the file has no tables, or not yet all. */
export function openReader(file: DatabaseFile): SqliteDatabase | undefined {
  return guarded(file, (use) => {
    // Not `existsSync`, which takes a file that may not be reached for one that is not there.
    if (statSync(file.path, { throwIfNoEntry: false }) === undefined) return undefined;
    const database = use(openDatabase(file.path, { readonly: true, busyTimeoutMs: file.busyTimeoutMs }));
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

/** The files that a connection has open: the database and its log. */
export type OpenFiles = readonly { readonly path: string; readonly dev: number; readonly ino: number }[];

/** Of an open connection. A log that is not there yet is left out. */
export function identify(file: DatabaseFile): OpenFiles {
  return [file.path, `${file.path}-wal`].flatMap((path) => {
    const found = statSync(path, { throwIfNoEntry: false });
    return found === undefined ? [] : [{ path, dev: found.dev, ino: found.ino }];
  });
}

/** @throws {DatabaseConnectionError} where an open file is no longer the one at its path: writes would be lost. */
export function expectStillThere(file: DatabaseFile, opened: OpenFiles): void {
  for (const { path, dev, ino } of opened) {
    const now = statSync(path, { throwIfNoEntry: false });
    if (now !== undefined && now.ino === ino && now.dev === dev) continue;
    const what = now === undefined ? 'was deleted' : 'was replaced';
    const shown = path.replace(file.path, file.shownPath);
    const message = `${shown} ${what} while it was open: nothing was written; close and open the library again`;
    throw new DatabaseConnectionError(message, { details: { path: file.shownPath } });
  }
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

const privateFolders = new Set<string>();

// Also removed when the process ends without `close()`, unless it is killed.
function createPrivatePath(): { path: string; remove: () => void } {
  const folder = mkdtempSync(join(tmpdir(), 'skillcache-'));
  if (privateFolders.size === 0) process.on('exit', removePrivateFolders);
  privateFolders.add(folder);
  const remove = () => {
    rmSync(folder, { recursive: true, force: true });
    privateFolders.delete(folder);
    if (privateFolders.size === 0) process.off('exit', removePrivateFolders);
  };
  return { path: join(folder, 'skills.db'), remove };
}

function removePrivateFolders(): void {
  for (const folder of privateFolders) rmSync(folder, { recursive: true, force: true });
}

function copyOf(original: string): { path: string; remove: () => void } {
  const { path, remove } = createPrivatePath();
  for (const suffix of ['', '-wal']) {
    if (existsSync(original + suffix)) copyFileSync(original + suffix, path + suffix);
  }
  return { path, remove };
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
