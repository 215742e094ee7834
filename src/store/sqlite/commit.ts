/** A group of writes as one transaction: one fsync for all, a savepoint for each. */
import { expectCommits, type CommitMark } from './commit-mark.ts';
import { databaseError, errorToWire, type WireError } from './database-errors.ts';
import type { Statements } from './statements.ts';
import { NO_CHANGES, writeOperations, type WriteContext, type WriteOperations } from './write-operations.ts';

/** One write, as it crosses to the writer's thread. */
export interface Write {
  readonly operation: keyof WriteOperations;
  readonly given: unknown;
}

export type Outcome =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly error: WireError };

/**
 * Commits all that succeed; one that fails is undone alone.
 *
 * Most fail, if they fail, before they change anything, so the group is first run without savepoints:
 * each savepoint makes FTS5 write a segment of its own, which halves the rate. Where one fails half-way
 * the group is undone and run again with savepoints, and where even the transaction is lost (a full
 * disk undoes it as a whole) each write gets a transaction of its own.
 * @throws what SQLite says when no transaction can be begun.
 */
export function commitGroup(context: WriteContext, writes: readonly Write[]): Outcome[] {
  return (
    tryCommit(context, () => writes.map((write) => runBare(context, write))) ??
    tryCommit(context, () => writes.map((write) => runInSavepoint(context, write))) ??
    writes.map((write) => commitAlone(context, write))
  );
}

/** Undefined, and nothing changed, where the transaction failed as a whole. */
function tryCommit(context: WriteContext, work: () => Outcome[]): Outcome[] | undefined {
  begin(context);
  try {
    return workAndCommit(context, work);
  } catch {
    // Whatever it was, the next and stricter way meets it again and reports it.
    return undefined;
  }
}

function commitAlone(context: WriteContext, write: Write): Outcome {
  begin(context);
  try {
    return workAndCommit(context, () => ({ ok: true, value: run(context, write) }));
  } catch (error) {
    return failure(context, error);
  }
}

// What this process acknowledged must be there still: somebody may have put an older file in its place.
function begin({ statements, path, acknowledged }: WriteContext): void {
  statements.run('BEGIN IMMEDIATE');
  try {
    expectCommits(path, acknowledged(), readCommits(statements));
  } catch (error) {
    statements.run('ROLLBACK');
    throw error;
  }
}

/** Counts the commit, if it changed anything, and marks it when it is on disk. */
function workAndCommit<Answer>(context: WriteContext, work: () => Answer): Answer {
  const { statements } = context;
  const changesBefore = totalChanges(context);
  context.changed = NO_CHANGES;
  try {
    const answer = work();
    const mark = totalChanges(context) === changesBefore ? undefined : countCommit(context);
    statements.run('COMMIT');
    if (mark !== undefined) context.committed(mark);
    return answer;
  } catch (error) {
    if (statements.database.inTransaction) statements.run('ROLLBACK');
    throw error;
  }
}

function countCommit({ statements, changed }: WriteContext): CommitMark {
  const { isPointerMoved, skills, versions } = changed;
  statements.run(
    `UPDATE counters SET value = value + CASE name
       WHEN 'commits' THEN 1 WHEN 'pointer_epoch' THEN ? WHEN 'skills' THEN ? ELSE ? END
     WHERE name IN ('commits', 'pointer_epoch', 'skills', 'versions')`,
    isPointerMoved ? 1 : 0,
    skills,
    versions,
  );
  return readCommits(statements) as CommitMark;
}

/** Of a file with tables; undefined before they are of this schema. */
export function readCommits(statements: Statements): CommitMark | undefined {
  return statements.get<CommitMark>(
    `SELECT a.value AS libraryId, b.value AS commits FROM counters a, counters b
     WHERE a.name = 'library_id' AND b.name = 'commits'`,
  );
}

function runBare(context: WriteContext, write: Write): Outcome {
  const changesBefore = totalChanges(context);
  try {
    return { ok: true, value: run(context, write) };
  } catch (error) {
    if (!context.statements.database.inTransaction || totalChanges(context) !== changesBefore) throw error;
    return failure(context, error);
  }
}

function runInSavepoint(context: WriteContext, write: Write): Outcome {
  const { statements } = context;
  statements.run('SAVEPOINT write');
  try {
    const value = run(context, write);
    statements.run('RELEASE write');
    return { ok: true, value };
  } catch (error) {
    if (!statements.database.inTransaction) throw error;
    statements.run('ROLLBACK TO write');
    statements.run('RELEASE write');
    return failure(context, error);
  }
}

function run(context: WriteContext, { operation, given }: Write): unknown {
  const { changed } = context;
  try {
    // The table of operations and that of their arguments have the same keys.
    return writeOperations[operation](context, given as never);
  } catch (error) {
    context.changed = changed;
    throw error;
  }
}

function totalChanges({ statements }: WriteContext): number {
  return (statements.get('SELECT total_changes() AS changes') as { changes: number }).changes;
}

function failure(context: WriteContext, error: unknown): Outcome {
  return { ok: false, error: errorToWire(databaseError(error, context.path)) };
}
