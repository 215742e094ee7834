/** Opens what a batch reads and writes: files by their paths, streams as they are given. */
import { createReadStream, createWriteStream } from 'node:fs';
import type { Readable, Writable } from 'node:stream';
import { ByteSource } from './byte-source.ts';
import type { Checkpoint } from './checkpoint.ts';
import type { BatchJob } from './job.ts';
import { OutputFile, type OutputBounds } from './output-file.ts';

export interface Streams {
  readonly inputs?: Readable | undefined;
  readonly output?: Writable | undefined;
}

export function openSource({ input }: BatchJob, streams: Streams): Promise<ByteSource> | ByteSource {
  if (streams.inputs) return ByteSource.ofStream(streams.inputs);
  return input.kind === 'file'
    ? ByteSource.ofFile(input.path)
    : ByteSource.ofStream(createReadStream(input.path));
}

export function openOutput(
  { output }: BatchJob,
  streams: Streams,
  checkpoint: Checkpoint | undefined,
  bounds: OutputBounds,
): Promise<OutputFile> | OutputFile {
  if (output.kind === 'file') return OutputFile.ofFile(output.path, checkpoint?.output, bounds);
  return OutputFile.ofStream(streams.output ?? createWriteStream(output.path), bounds);
}
