/** A consistent copy of an open database, made while writers go on. */
import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseConnectionError } from '../../errors.ts';
import type { SqliteDatabase } from './driver.ts';

export interface BackupProgress {
  readonly pages: number;
  readonly pagesTotal: number;
}

/** Some milliseconds of work, after which an abort is heard. */
const PAGES = 256;

/**
 * Its pages are those of one moment: a read transaction holds the snapshot. The file gets its name when it is whole and
 * on disk; `tell` may throw to stop. Its size in bytes.
 */
export async function backup(
  database: SqliteDatabase,
  to: string,
  tell: (progress: BackupProgress) => void,
): Promise<number> {
  const half = `${to}.${process.pid}.part`;
  rmSync(half, { force: true });
  database.exec('BEGIN');
  try {
    const { pageSize, pages } = readSize(database);
    await database.backup(half, {
      progress({ totalPages, remainingPages }) {
        tell({ pages: totalPages - remainingPages, pagesTotal: totalPages });
        return PAGES;
      },
    });
    sync(half);
    renameSync(half, to);
    sync(dirname(to));
    return pages * pageSize;
  } finally {
    database.exec('COMMIT');
    rmSync(half, { force: true });
  }
}

/** @throws {DatabaseConnectionError} where there is a file already. */
export function expectFree(path: string): void {
  if (!existsSync(path)) return;
  throw new DatabaseConnectionError(`${path} exists: a backup replaces no file; name another`, {
    details: { path },
  });
}

/** Waits until a file, or the names in a folder, are on disk. */
export function sync(path: string): void {
  const file = openSync(path, 'r');
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

// Reading starts the snapshot: `BEGIN` alone does not.
function readSize(database: SqliteDatabase): { pageSize: number; pages: number } {
  database.prepare('SELECT 1 FROM counters LIMIT 1').get();
  const read = (pragma: string) => database.pragma(pragma, { simple: true }) as number;
  return { pageSize: read('page_size'), pages: read('page_count') };
}
