/** Descriptor 3, read and written to the last byte. */
import { closeSync, read, readSync, writeSync } from 'node:fs';
import type { ChildChannel } from './channel.ts';
import { KeptBytes } from './kept-bytes.ts';
import {
  FRAME_HEADER_BYTES,
  frameLength,
  readFrameHeader,
  writeFrame,
  type Frame,
  type FrameKind,
  type FramePart,
} from './protocol.ts';

export const CHANNEL = 3;

export const processChannel: ChildChannel = { send, receive, receiveSoon, die };

const incoming = new KeptBytes();
const outgoing = new KeptBytes();

function send(kind: FrameKind, task: number, ...parts: readonly FramePart[]): void {
  const bytes = outgoing.take(frameLength(parts));
  writeFrame(bytes, kind, task, parts);
  for (let at = 0; at < bytes.length;) at += writeSync(CHANNEL, bytes, at);
}

function receive(): Frame {
  return withPayload(readExactly(FRAME_HEADER_BYTES));
}

/** The wait is in a thread of its own. */
function receiveSoon(then: (frame: Frame) => void): void {
  const start = Buffer.allocUnsafe(FRAME_HEADER_BYTES);
  read(CHANNEL, start, 0, start.length, null, (error, count) => {
    if (error !== null || count === 0) return die();
    then(withPayload(Buffer.concat([start.subarray(0, count), readExactly(start.length - count)])));
  });
}

function withPayload(start: Buffer): Frame {
  const header = readFrameHeader(start);
  if (header === undefined) return die();
  return { kind: header.kind, task: header.task, payload: readExactly(header.size) };
}

function readExactly(size: number): Buffer {
  const bytes = incoming.take(size);
  for (let at = 0; at < size;) {
    const count = readSync(CHANNEL, bytes, at, size - at, null);
    // The parent is gone or has closed the channel.
    if (count === 0) return die();
    at += count;
  }
  return bytes;
}

let ownId = process.pid;

/** What Node says is that of the process this one was copied from. */
export function setOwnId(processId: number): void {
  ownId = processId;
}

/** A graceful exit can hang once locked. */
function die(): never {
  closeSync(CHANNEL);
  process.kill(ownId, 'SIGKILL');
  for (;;);
}
