/** Nothing of one caller's use of a connection reaches the next. */
import type { Statements } from './statements.ts';

/**
 * Ends a transaction that was left open and drops temporary tables.
 * @throws where a statement is still being read from: such a connection is not to be lent again.
 */
export function resetConnection(statements: Statements): void {
  const { database } = statements;
  database.exec(database.inTransaction ? 'ROLLBACK' : '');
  const left = statements.all<{ type: string; name: string }>(
    `SELECT type, name FROM temp.sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'`,
  );
  for (const { type, name } of left) database.exec(`DROP ${type} temp."${name.replaceAll('"', '""')}"`);
}
