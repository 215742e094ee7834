/** Frames on their way to a child. */
import type { Writable } from 'node:stream';
import { frameLength, writeFrame, type FrameKind, type FramePart } from '../sandbox/protocol.ts';
import { LentBytes } from './lent-bytes.ts';

const LENT = new LentBytes();

export function sendFrame(
  channel: Writable,
  kind: FrameKind,
  task: number,
  ...parts: readonly FramePart[]
): void {
  const { bytes, giveBack } = LENT.take(frameLength(parts));
  writeFrame(bytes, kind, task, parts);
  channel.write(bytes, giveBack);
}
