/**
 * A lock that the kernel gives back when its holder dies, however it dies: SQLite's own, on a file of its own.
 * It holds between processes, and between parts of one process.
 */
import { openDatabase } from './driver.ts';

export interface FileLock extends Disposable {
  /** May be called twice. */
  release(): void;
}

/** The lock of `path`, or undefined where another holds it now. Does not wait. */
export function tryLockFile(path: string): FileLock | undefined {
  const database = openDatabase(path, { readonly: false, busyTimeoutMs: 0 });
  try {
    // Nothing is ever written, so that a full disk is no obstacle: the file stays empty, and there is no journal.
    database.pragma('journal_mode = MEMORY');
    database.exec('BEGIN IMMEDIATE');
  } catch (error) {
    database.close();
    const { code = '' } = error as { code?: string };
    if (code.startsWith('SQLITE_BUSY')) return undefined;
    throw error;
  }
  const release = (): void => {
    if (database.open) database.close();
  };
  return { release, [Symbol.dispose]: release };
}
