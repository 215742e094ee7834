/** Whether a batch that was left can go on: on the same inputs, by the same skill, into the same output. */
import { BatchRefusedError } from '../errors.ts';
import type { SkillLibrary } from '../library.ts';
import type { Checkpoint } from './checkpoint.ts';
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
