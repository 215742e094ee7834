/**
 * How many commits were acknowledged, in a small file beside the database.
 *
 * SQLite takes a log that was cut, zeroed or deleted for one that ends early, and opens as if nothing had
 * been lost. The mark says so. It is written after the commit it counts is on disk, and never synced: a crash or a
 * power cut can leave it older than the database, which is no alarm, but not newer.
 */
import { closeSync, constants, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { hash } from 'node:crypto';
import { DatabaseCorruptError } from '../../errors.ts';

export interface CommitMark {
  readonly libraryId: number;
  readonly commits: number;
}

/** Fits a sector, so that it is never torn; padded, so that a shorter one overwrites a longer. */
const MARK_BYTES = 128;

export const markPathOf = (path: string): string => `${path}-mark`;

/** Undefined where there is none, or none that can be read: then nothing is known. */
export function readMark(path: string): CommitMark | undefined {
  let text: string;
  try {
    text = readFileSync(markPathOf(path), 'latin1');
  } catch {
    // Absent after a clean close; and one that cannot be read must not keep a sound library closed.
    return undefined;
  }
  const [, body = '', libraryId, commits, checksum] =
    /^(skillcache 1 (\d{1,16}) (\d{1,16})) ([0-9a-f]{16}) *\n$/.exec(text) ?? [];
  if (checksum !== checksumOf(body)) return undefined;
  return { libraryId: Number(libraryId), commits: Number(commits) };
}

/** Opened anew each time: another process that closed last may have removed it. */
export function writeMark(path: string, { libraryId, commits }: CommitMark): void {
  const body = `skillcache 1 ${libraryId} ${commits}`;
  const text = `${`${body} ${checksumOf(body)}`.padEnd(MARK_BYTES - 1)}\n`;
  try {
    // Neither cut to nothing first nor appended to: what is there is replaced as a whole.
    const mark = openSync(markPathOf(path), constants.O_WRONLY | constants.O_CREAT, 0o644);
    try {
      writeSync(mark, text, 0, 'latin1');
    } finally {
      closeSync(mark);
    }
  } catch {
    // A full disk, say. The write itself is safe, and an older mark is still true.
  }
}

export function removeMark(path: string): void {
  try {
    rmSync(markPathOf(path), { force: true });
  } catch {
    // It stays true; only a file put in place by hand would then be taken for a loss.
  }
}

/** @throws {DatabaseCorruptError} where the database has fewer commits than were acknowledged. */
export function expectCommits(
  path: string,
  mark: CommitMark | undefined,
  found: CommitMark | undefined,
): void {
  if (mark === undefined || mark.commits <= (found?.commits ?? 0)) return;
  if (found !== undefined && found.libraryId !== mark.libraryId) return;
  const lostCommits = mark.commits - (found?.commits ?? 0);
  const message =
    `${path} lacks the last ${lostCommits} of ${mark.commits} commits that were acknowledged: its log ${path}-wal ` +
    `was cut, emptied or deleted. Restore a backup, or delete ${markPathOf(path)} to go on without them`;
  throw new DatabaseCorruptError(message, { details: { path, lostCommits, commits: mark.commits } });
}

const checksumOf = (body: string): string => hash('sha256', body).slice(0, 16);
