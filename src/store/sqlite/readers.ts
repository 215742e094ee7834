/** The pool of reader connections; one that is lent for too long can be taken back. */
import { DatabaseConnectionError, PoolExhaustedError, SkillCacheError } from '../../errors.ts';
import type { PoolObserver } from '../../pool/pool-stats.ts';
import { ResourcePool } from '../../pool/resource-pool.ts';
import { Connection } from './connection.ts';
import type { DatabaseFile } from './database-file.ts';
import { limitsOf } from './retention.ts';
import type { SqliteStoreOptions } from './sqlite-store-options.ts';

export function createReaders(
  file: DatabaseFile,
  options: SqliteStoreOptions,
  observer: PoolObserver | undefined,
): ResourcePool<Connection> {
  const { revokeLeaks, ...bounds } = options.readers;
  const limits = limitsOf(options);
  return new ResourcePool<Connection>({
    ...bounds,
    name: 'reader',
    create: (signal) => Connection.open({ role: 'reader', file, limits }, signal),
    destroy: (connection, reason) =>
      connection.close(reason === 'revoked' ? revokedError(file, bounds.leakThresholdMs) : undefined),
    validate: (connection) => !connection.isBroken,
    observer: revokeLeaks ? revoking(observer) : observer,
  });
}

/**
 * Runs `work` on a connection that is given back after it.
 * @throws {DatabaseConnectionError} and its siblings also where no connection came in time because none can be opened.
 */
export async function useReader<Answer>(
  readers: ResourcePool<Connection>,
  work: (connection: Connection) => Promise<Answer>,
  options: { signal: AbortSignal | undefined; label: string },
): Promise<Answer> {
  try {
    return await readers.use(work, options);
  } catch (error) {
    const isUnopened = error instanceof PoolExhaustedError && error.cause instanceof SkillCacheError;
    throw isUnopened ? error.cause : error;
  }
}

function revoking(observer: PoolObserver | undefined): PoolObserver {
  return {
    ...observer,
    leaked(event) {
      observer?.leaked?.(event);
      void event.revoke();
    },
  };
}

function revokedError({ shownPath: path }: DatabaseFile, leakThresholdMs: number): DatabaseConnectionError {
  const message =
    `the connection to ${path} was taken back after ${leakThresholdMs} ms (store.readers.leakThresholdMs, ` +
    'store.readers.revokeLeaks): ask for less at once';
  return new DatabaseConnectionError(message, { details: { path, leakThresholdMs } });
}
