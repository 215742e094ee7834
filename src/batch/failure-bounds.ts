/** Whether a failed item ends its batch. */
import type { BatchCallOptions } from '../batch-options.ts';
import { BatchFailedError, type SkillCacheError } from '../errors.ts';
import type { BatchCounts } from './checkpoint.ts';
import { counted } from './counted.ts';
import type { StoppedAt } from './progress.ts';

export interface FailedItem {
  readonly id: string;
  readonly index: number;
  readonly line: number;
  readonly thrown: SkillCacheError;
}

/** What ends the batch before the line of this item, if anything does. `counts` are of those before it. */
export function boundOfFailures(
  { onError = 'skip', failuresMax = Infinity }: BatchCallOptions,
  counts: BatchCounts,
  { id, index, line, thrown }: FailedItem,
): { readonly stoppedAt: StoppedAt; readonly error: SkillCacheError } | undefined {
  if (onError === 'stop') return { stoppedAt: { by: 'onError', index, line }, error: thrown };
  if (counts.failed < failuresMax) return undefined;
  const failed = counts.failed + 1;
  const message = `${failed} of ${counted(counts.done + 1, 'item')} failed, at most ${failuresMax} may`;
  const details = { id, failed, failuresMax, index, line };
  return {
    stoppedAt: { by: 'failuresMax', index, line },
    error: new BatchFailedError(message, { cause: thrown, details }),
  };
}
