/** A group of writes as one transaction: one fsync for all, a savepoint for each. */
import { databaseError, errorToWire, type WireError } from './database-errors.ts';
import { writeOperations, type WriteContext, type WriteOperations } from './write-operations.ts';

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
function tryCommit({ statements }: WriteContext, run: () => Outcome[]): Outcome[] | undefined {
  statements.run('BEGIN IMMEDIATE');
  try {
    const outcomes = run();
    statements.run('COMMIT');
    return outcomes;
  } catch {
    // Whatever it was, the next and stricter way meets it again and reports it.
    if (statements.database.inTransaction) statements.run('ROLLBACK');
    return undefined;
  }
}

function commitAlone(context: WriteContext, write: Write): Outcome {
  const { statements } = context;
  statements.run('BEGIN IMMEDIATE');
  try {
    const value = run(context, write);
    statements.run('COMMIT');
    return { ok: true, value };
  } catch (error) {
    if (statements.database.inTransaction) statements.run('ROLLBACK');
    return failure(context, error);
  }
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

// The table of operations and that of their arguments have the same keys.
function run(context: WriteContext, { operation, given }: Write): unknown {
  return writeOperations[operation](context, given as never);
}

function totalChanges({ statements }: WriteContext): number {
  return (statements.get('SELECT total_changes() AS changes') as { changes: number }).changes;
}

function failure(context: WriteContext, error: unknown): Outcome {
  return { ok: false, error: errorToWire(databaseError(error, context.path)) };
}
