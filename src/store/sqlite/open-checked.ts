/** Opens the main thread's connection: the file has its tables, and all that was acknowledged. */
import { existsSync } from 'node:fs';
import { DatabaseReadonlyError } from '../../errors.ts';
import { type CommitMark, expectCommits, readMark, removeMark } from './commit-mark.ts';
import { readCommits } from './commit.ts';
import { databaseError } from './database-errors.ts';
import { openReader, type DatabaseFile } from './database-file.ts';
import { openDatabase, type SqliteDatabase } from './driver.ts';
import { readSchemaVersion } from './schema.ts';
import { Statements } from './statements.ts';
import type { Writer } from './writer.ts';

/**
 * The mark is read first: what another process commits meanwhile makes the database newer, not older.
 * @throws {DatabaseCorruptError} where acknowledged commits are missing.
 */
export async function openChecked(file: DatabaseFile, writer: Writer): Promise<SqliteDatabase> {
  const { path, shownPath, mode } = file;
  if (mode === 'durable' && !existsSync(path)) removeMark(shownPath);
  const mark = mode === 'temporary' ? undefined : readMark(shownPath);
  const database = openRecovered(file) ?? (await createTables(file, mark, writer));
  try {
    expectCommits(shownPath, mark, readCommits(new Statements(database)));
    return database;
  } catch (error) {
    database.close();
    throw databaseError(error, shownPath);
  }
}

// A crash while the file was created leaves a journal that only a writer may roll back: it is opened for that.
function openRecovered(file: DatabaseFile): SqliteDatabase | undefined {
  try {
    return openReader(file);
  } catch (error) {
    if (file.mode === 'durable' && error instanceof DatabaseReadonlyError) return undefined;
    throw error;
  }
}

async function createTables(
  file: DatabaseFile,
  mark: CommitMark | undefined,
  writer: Writer,
): Promise<SqliteDatabase> {
  const { shownPath, mode } = file;
  if (mode === 'readonly') {
    const message = `${shownPath} has to be migrated first: open it once for writing`;
    throw new DatabaseReadonlyError(message, { details: { path: shownPath } });
  }
  // A library all of which was in the log that is lost looks new, and must not be made one.
  if (mark !== undefined && isEmpty(file)) expectCommits(shownPath, mark, undefined);
  await writer.open();
  return openReader(file) as SqliteDatabase;
}

function isEmpty(file: DatabaseFile): boolean {
  const database = openDatabase(file.path, { readonly: true, busyTimeoutMs: file.busyTimeoutMs });
  try {
    return readSchemaVersion(database, file.shownPath) === 0;
  } catch (error) {
    throw databaseError(error, file.shownPath);
  } finally {
    database.close();
  }
}
