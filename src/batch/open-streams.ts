/** Opens what a batch reads and writes: files by their paths, streams as they are given. */
import { once } from 'node:events';
import { createReadStream, createWriteStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { Readable, Writable } from 'node:stream';
import { ByteSource } from './byte-source.ts';
import type { Checkpoint } from './checkpoint.ts';
import type { BatchJob } from './job.ts';
import { cannotOpen, OutputFile, type OutputBounds } from './output-file.ts';

export interface Streams {
  readonly inputs?: Readable | undefined;
  readonly output?: Writable | undefined;
  /** Whether a file that holds something may be overwritten by a new batch. */
  readonly overwrite?: boolean | undefined;
}

export function openSource({ input }: BatchJob, streams: Streams): Promise<ByteSource> | ByteSource {
  if (streams.inputs) return ByteSource.ofStream(streams.inputs);
  return input.kind === 'file'
    ? ByteSource.ofFile(input.path)
    : ByteSource.ofStream(createReadStream(input.path));
}

export async function openOutput(
  { output }: BatchJob,
  streams: Streams,
  checkpoint: Checkpoint | undefined,
  bounds: OutputBounds,
): Promise<OutputFile> {
  if (output.kind === 'file') {
    const found = { written: checkpoint?.output, overwrite: streams.overwrite ?? false };
    return OutputFile.ofFile(output.path, found, bounds);
  }
  return OutputFile.ofStream(streams.output ?? (await opened(output.path)), bounds);
}

/** A device, opened; a pipe opens when somebody reads it, which is not waited for here. */
async function opened(path: string): Promise<Writable> {
  const stream = createWriteStream(path);
  try {
    if (!(await stat(path)).isFIFO()) await once(stream, 'open');
    return stream;
  } catch (cause) {
    stream.destroy();
    throw cannotOpen(path, cause);
  }
}
