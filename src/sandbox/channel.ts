/** The child's end of the channel: descriptor 3 of a process, ports of a thread. */
import { processChannel } from './process-channel.ts';
import type { Frame, FrameKind, FramePart } from './protocol.ts';
import { threadChannel } from './thread-channel.ts';
import { isProcess } from './thread.ts';

export interface ChildChannel {
  send(kind: FrameKind, task: number, ...parts: readonly FramePart[]): void;
  /** Blocks for the next frame. */
  receive(): Frame;
  /** Gives the next reply when it comes; meanwhile timers go on, and the event loop does not end. */
  receiveSoon(then: (frame: Frame) => void): void;
  /** Ends the process, or the thread, the hard way. */
  die(): never;
}

export const channel: ChildChannel = isProcess ? processChannel : threadChannel();
