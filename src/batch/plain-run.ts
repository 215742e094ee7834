/** The run options of a batch, as they can be written down. */
import { isDeepStrictEqual } from 'node:util';
import { ConfigurationError } from '../errors.ts';
import { checkRunOptions } from '../run-options.ts';
import type { BatchRunOptions } from './job.ts';

/**
 * What JSON cannot say would be other data after a resumption.
 * @throws {ConfigurationError} naming it, or what no run may be told.
 */
export function plainRun(run: BatchRunOptions): BatchRunOptions {
  const { now, ...rest } = checkRunOptions(run);
  const plain = { ...rest, ...(now !== undefined && { now: new Date(now).getTime() }) };
  const copy = JSON.parse(JSON.stringify(plain)) as BatchRunOptions;
  const message = 'expected data that JSON can say';
  for (const path of ['context', 'parameters'] as const) {
    if (isDeepStrictEqual(plain[path], copy[path])) continue;
    throw new ConfigurationError(`run.${path}: ${message}`, {
      details: { issues: [{ path: `run.${path}`, message }] },
    });
  }
  return copy;
}
