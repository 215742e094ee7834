/** Keeps the batches of a tenant within their bounds. */
import type { Batches } from '../batch/batches.ts';
import { SkillCacheError } from '../errors.ts';
import type { BatchFiles } from './batch-files.ts';

export interface KeptLimits {
  readonly batchesMax: number;
  /** Of inputs and outputs. */
  readonly batchBytesMax: number;
}

/** Removes the oldest that are over. @throws {SkillCacheError} OVERLOADED where that is not enough. */
export async function makeRoom(
  batches: Batches,
  files: BatchFiles,
  { batchesMax, batchBytesMax }: KeptLimits,
  more: number,
): Promise<void> {
  const kept = (await batches.list({ limit: 1_000 })).toReversed();
  await files.removeOrphans(new Set(kept.map(({ id }) => id)));
  const sizes = new Map<string, number>();
  for (const { id } of kept) sizes.set(id, await files.bytes(id));
  let bytes = [...sizes.values()].reduce((sum, size) => sum + size, more);
  let count = kept.length + 1;
  const isTooMuch = (): boolean => count > batchesMax || bytes > batchBytesMax;
  for (const { id, state } of kept) {
    if (!isTooMuch()) return;
    if (state !== 'completed' && state !== 'cancelled') continue;
    await batches.remove(id);
    await files.remove(id);
    bytes -= sizes.get(id) ?? 0;
    count -= 1;
  }
  if (!isTooMuch()) return;
  const message = `${count - 1} batches that are not over are kept, and ${bytes} bytes with this one: cancel or remove some`;
  throw new SkillCacheError('OVERLOADED', message, { details: { retryAfterSeconds: 60 } });
}
