/** Puts a backup in the place of a library: verified first, then at once. */
import {
  copyFileSync,
  existsSync,
  readdirSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { dirname, resolve } from 'node:path';
import { abortError, DatabaseConnectionError, DatabaseCorruptError } from '../../errors.ts';
import { sync } from './backup.ts';
import { removeMark } from './commit-mark.ts';
import { Connection } from './connection.ts';
import { databaseError } from './database-errors.ts';
import { locateFile, type DatabaseFile } from './database-file.ts';
import { openDatabase, type SqliteDatabase } from './driver.ts';
import { limitsOf, type StoreLimits } from './retention.ts';

export interface RestoreOptions extends StoreLimits {
  /** The library. */
  path: string;
  busyTimeoutMs: number;
}

/**
 * Copies `from` beside the library, migrates and checks the copy, and renames it into place. What is replaced is gone.
 * @throws {DatabaseCorruptError} where the backup is damaged; {DatabaseConnectionError} where it is no library, or
 *   where another process has the library open; nothing is changed then.
 */
export async function restoreSqlite(
  from: string,
  options: RestoreOptions,
  signal?: AbortSignal,
): Promise<{ path: string; skills: number }> {
  const source = locateFile(from, true, options.busyTimeoutMs);
  const { file: target } = locateFile(options.path, false, options.busyTimeoutMs);
  const half = { ...target, path: `${target.path}.${process.pid}.part`, shownPath: source.file.shownPath };
  try {
    for (const suffix of ['', '-wal']) {
      if (existsSync(source.file.path + suffix)) copyFileSync(source.file.path + suffix, half.path + suffix);
    }
    const skills = await verify(half, limitsOf(options), signal);
    sync(half.path);
    if (signal?.aborted) throw abortError(signal);
    replace(half.path, target);
    return { path: target.path, skills };
  } finally {
    source.remove();
    for (const suffix of ['', '-wal', '-shm']) rmSync(half.path + suffix, { force: true });
  }
}

async function verify(file: DatabaseFile, limits: StoreLimits, signal?: AbortSignal): Promise<number> {
  const data = { file, limits };
  // The writer migrates, and when it closes last, leaves one file without a log.
  const writer = await Connection.open({ ...data, role: 'writer' }, signal);
  try {
    const reader = await Connection.open({ ...data, role: 'reader' }, signal);
    try {
      const { ok, problems } = await reader.read('check', { deep: true }, signal);
      const { shownPath: path } = file;
      if (!ok) {
        const message = `${path} is damaged, and was not restored: ${problems.slice(0, 3).join('; ')}`;
        throw new DatabaseCorruptError(message, { details: { path, problems } });
      }
      return (await reader.read('count', {}, signal)).skills;
    } finally {
      await reader.close();
    }
  } finally {
    await writer.close();
    removeMark(file.shownPath);
  }
}

function replace(half: string, target: DatabaseFile): void {
  const held = existsSync(target.path) ? holdAlone(target) : undefined;
  try {
    // A log or mark of the old file must never meet the new one.
    for (const suffix of ['-wal', '-shm']) rmSync(target.path + suffix, { force: true });
    removeMark(target.path);
    renameSync(half, target.path);
    sync(dirname(target.path));
  } finally {
    held?.close();
  }
}

/** Locks the library against every other process; undefined where it is too damaged to be locked. */
function holdAlone(target: DatabaseFile): SqliteDatabase | undefined {
  let database: SqliteDatabase | undefined;
  try {
    database = openDatabase(target.path, { readonly: false, busyTimeoutMs: 0 });
    // Only who is alone may leave the mode in which readers and a writer share a file.
    database.pragma('journal_mode = DELETE');
    database.pragma('locking_mode = EXCLUSIVE');
    database.exec('BEGIN EXCLUSIVE');
    return database;
  } catch (thrown) {
    database?.close();
    const error = databaseError(thrown, target.shownPath);
    const isDamaged = error instanceof DatabaseCorruptError;
    const pid = isDamaged ? holderOf(target.path) : undefined;
    if (isDamaged && pid === undefined) return undefined;
    const who = pid === undefined ? 'another process' : `process ${pid}`;
    const message = `${target.shownPath} is open in ${who}: stop it, then restore`;
    throw new DatabaseConnectionError(message, { cause: error, details: { path: target.shownPath } });
  }
}

// SQLite cannot lock what is no database any more; Linux tells who has it open all the same.
function holderOf(path: string): number | undefined {
  const real = realpathSync(resolve(path));
  for (const pid of existsSync('/proc') ? readdirSync('/proc') : []) {
    if (!/^\d+$/.test(pid) || Number(pid) === process.pid) continue;
    try {
      const files = readdirSync(`/proc/${pid}/fd`);
      if (files.some((file) => readlinkSync(`/proc/${pid}/fd/${file}`) === real)) return Number(pid);
    } catch {
      // It ended, or it is another user's, which may not write the file either.
    }
  }
  return undefined;
}
