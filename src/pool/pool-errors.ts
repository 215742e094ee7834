/** What a pool says to a caller it cannot serve: always with the numbers. */
import { ClosedError, PoolExhaustedError } from '../errors.ts';
import type { PoolStats } from './pool-stats.ts';

export function closedError(stats: PoolStats): ClosedError {
  return new ClosedError(`the pool of ${stats.name} is ${stats.state}`, { details: { pool: stats.name } });
}

export function lateError(stats: PoolStats, waitedMs: number, cause: unknown): PoolExhaustedError {
  const failure = cause instanceof Error ? `; the last creation failed: ${cause.message}` : '';
  return exhausted(stats, `no ${stats.name} free after ${Math.round(waitedMs)} ms`, failure, cause, {
    waitedMs,
  });
}

export function fullLineError(stats: PoolStats, waitingMax: number): PoolExhaustedError {
  return exhausted(stats, `the waiting line for ${stats.name} is full`, '', undefined, { waitingMax });
}

function exhausted(
  stats: PoolStats,
  what: string,
  why: string,
  cause: unknown,
  own: Readonly<Record<string, number>>,
): PoolExhaustedError {
  const { name, max, overflowMax, inUse, creating, destroying, waiting } = stats;
  const numbers = `${inUse}/${max + overflowMax} in use, ${creating} being created, ${waiting} waiting`;
  const details = { pool: name, max, overflowMax, inUse, creating, destroying, waiting, ...own };
  return new PoolExhaustedError(`${what} (${numbers})${why}`, { cause, details });
}

/** Where `acquire` was called, for the report of a lease that does not come back. */
export function placeOfCall(acquire: (...args: never[]) => unknown): string {
  const trace: { stack?: string } = {};
  Error.captureStackTrace(trace, acquire);
  return (trace.stack ?? '')
    .split('\n')
    .slice(1, 6)
    .map((line) => line.trim())
    .join('\n');
}
