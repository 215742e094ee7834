/** The child's end of the channel: descriptor 3, read and written to the last byte. */
import { closeSync, readSync, writeSync } from 'node:fs';
import { FRAME_HEADER_BYTES, readFrameHeader, type Frame } from './protocol.ts';

export const CHANNEL = 3;

export function send(bytes: Buffer): void {
  for (let at = 0; at < bytes.length;) at += writeSync(CHANNEL, bytes, at);
}

/** Blocks for the next frame. */
export function receive(): Frame {
  const header = readFrameHeader(readExactly(FRAME_HEADER_BYTES));
  if (header === undefined) return die();
  return { kind: header.kind, task: header.task, payload: readExactly(header.size) };
}

export function readExactly(size: number): Buffer {
  const bytes = Buffer.allocUnsafe(size);
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
export function isProcess(processId: number): void {
  ownId = processId;
}

/** A graceful exit can hang once locked, so the process ends itself the hard way. */
export function die(): never {
  closeSync(CHANNEL);
  process.kill(ownId, 'SIGKILL');
  for (;;);
}
