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
 * Commits all that succeed; one that fails is undone alone. Where the transaction itself is lost
 * (a full disk undoes it as a whole) each is tried again in a transaction of its own.
 * @throws what SQLite says when no transaction can be begun.
 */
export function commitGroup(context: WriteContext, writes: readonly Write[]): Outcome[] {
  const { statements } = context;
  statements.run('BEGIN IMMEDIATE');
  try {
    const outcomes = writes.map((write) => attempt(context, write));
    statements.run('COMMIT');
    return outcomes;
  } catch (error) {
    if (statements.database.inTransaction) statements.run('ROLLBACK');
    if (writes.length > 1) return writes.flatMap((write) => commitGroup(context, [write]));
    return [{ ok: false, error: errorToWire(databaseError(error, context.path)) }];
  }
}

function attempt(context: WriteContext, { operation, given }: Write): Outcome {
  const { statements } = context;
  statements.run('SAVEPOINT write');
  try {
    // The table of operations and that of their arguments have the same keys.
    const value = writeOperations[operation](context, given as never);
    statements.run('RELEASE write');
    return { ok: true, value };
  } catch (error) {
    if (!statements.database.inTransaction) throw error;
    statements.run('ROLLBACK TO write');
    statements.run('RELEASE write');
    return { ok: false, error: errorToWire(databaseError(error, context.path)) };
  }
}
