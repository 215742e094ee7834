/** Frames on their way to a child. */
import type { Writable } from 'node:stream';
import { FRAME_HEADER_BYTES, writeFrame, type FrameKind, type FramePart } from '../sandbox/protocol.ts';
import { LentBytes } from './lent-bytes.ts';

const LENT = new LentBytes();

export function sendFrame(
  channel: Writable,
  kind: FrameKind,
  task: number,
  ...parts: readonly FramePart[]
): void {
  let length = FRAME_HEADER_BYTES;
  for (const part of parts) length += Buffer.byteLength(part);
  const { bytes, giveBack } = LENT.take(length);
  writeFrame(bytes, kind, task, parts);
  channel.write(bytes, giveBack);
}
