/** Run records as the writer's thread gets them: all of a group in one message, and in one loop of inserts. */
import { SkillCacheError } from '../../errors.ts';
import { databaseError, errorToWire, type WireError } from './database-errors.ts';
import { dropExcessRuns } from './retention.ts';
import type { WriteContext } from './write-operations.ts';

export interface RunRow {
  readonly id: string;
  readonly skill: string | undefined;
  /** A `RunRecord` as JSON: an object with so many fields is dear to hand to a thread. */
  readonly record: string;
}

/** One that could not be written, by its place among the others. */
export interface RefusedRow {
  readonly at: number;
  readonly error: WireError;
}

/** One that cannot be written leaves the others as they are: its insert is undone by itself. */
export function recordRuns(
  { statements, limits, path }: WriteContext,
  rows: readonly RunRow[],
): readonly RefusedRow[] {
  const refused: RefusedRow[] = [];
  for (const [at, { id, skill, record }] of rows.entries()) {
    try {
      statements.run(
        'INSERT OR REPLACE INTO runs (id, skill, record) VALUES (?, ?, ?)',
        id,
        skill ?? null,
        record,
      );
    } catch (error) {
      if (!isOfOneRow(error)) throw error;
      refused.push({ at, error: errorToWire(databaseError(error, path)) });
    }
  }
  dropExcessRuns(statements, limits, rows.length);
  return refused;
}

// What the row is, not what became of the disk: that would meet the next one too.
function isOfOneRow(error: unknown): boolean {
  if (!(error instanceof Error) || error instanceof SkillCacheError) return false;
  if (!('code' in error)) return true;
  return /^SQLITE_(CONSTRAINT|MISMATCH|TOOBIG)/.test(String(error.code));
}
