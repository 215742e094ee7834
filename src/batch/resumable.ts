/** Whether a batch that was left can go on: on the same inputs, by the same skill, into the same output. */
import { BatchRefusedError, ConfigurationError } from '../errors.ts';
import type { SkillLibrary } from '../library.ts';
import type { ResumeBounds } from './batch-types.ts';
import type { Checkpoint } from './checkpoint.ts';
import { counted } from './counted.ts';
import { referenceOf, type BatchJob } from './job.ts';
import type { Streams } from './open-streams.ts';
import { inputPlace, refuseOwn, type IsOwn } from './places.ts';

/** @throws {BatchRefusedError} where skill, inputs or output are not what they were. */
export async function refuseOthers(
  library: SkillLibrary,
  job: BatchJob,
  checkpoint: Checkpoint | undefined,
  streams: Streams,
  isOwn: IsOwn,
): Promise<void> {
  const { id, skill, input, output } = job;
  const reasons: string[] = [];
  // What a link leads to may be another file than it was.
  if (output.kind === 'file') await refuseOwn('output', output.path, isOwn);
  if (checkpoint?.state === 'cancelled') reasons.push('it was cancelled');
  if (output.kind === 'stream' && checkpoint?.state !== 'completed') {
    reasons.push('its output was a stream, which cannot be cut back to the checkpoint');
  }
  if (input.kind === 'stream' && input.path === '-' && !streams.inputs && checkpoint?.state !== 'completed') {
    reasons.push('its inputs were a stream: give the same again, from the beginning');
  }
  const { digest } = await library.get(referenceOf(job));
  if (digest !== skill.digest) reasons.push(`${referenceOf(job)} is another skill now`);
  if (input.kind === 'file' && checkpoint?.state !== 'completed') {
    const now = await inputPlace(input.path, input.format, isOwn);
    if (now.bytes !== input.bytes)
      reasons.push(`${input.path} had ${input.bytes} bytes, and has ${now.bytes}`);
    else if (now.modifiedAtMs !== input.modifiedAtMs) reasons.push(`${input.path} was written to since`);
  }
  if (reasons.length === 0) return;
  throw new BatchRefusedError(`batch ${id} cannot be resumed: ${reasons.join('; ')}`, {
    details: { id, reasons },
  });
}

/**
 * The checkpoint as a resumption within `bounds` has it: what was complete only at its `itemsMax` is open to a larger one.
 * @throws {ConfigurationError} for fewer items than there are.
 */
export function reopened(checkpoint: Checkpoint, job: BatchJob, { itemsMax }: ResumeBounds): Checkpoint {
  const { counts, state } = checkpoint;
  if (itemsMax === undefined) return checkpoint;
  if (itemsMax < counts.done) {
    const message = `${counted(counts.done, 'item')} are done already, more than ${itemsMax}`;
    throw new ConfigurationError(`itemsMax: ${message}`, {
      details: { issues: [{ path: 'itemsMax', message }] },
    });
  }
  const wasBound = job.options.itemsMax !== undefined && counts.done >= job.options.itemsMax;
  const isOpen = state === 'completed' && wasBound && itemsMax > counts.done;
  return isOpen ? { ...checkpoint, state: 'open' } : checkpoint;
}
