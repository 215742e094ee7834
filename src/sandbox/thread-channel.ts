/** A thread's ends of two ports: one that it waits on blocking, one for the replies that a run waits for. */
import type { ChildChannel } from './channel.ts';
import { FRAME_HEADER_BYTES, frameBytes, readFrameHeader, type Frame, type ThreadPorts } from './protocol.ts';
import { threads } from './thread.ts';

export function threadChannel(): ChildChannel {
  const { receiveMessageOnPort, workerData } = threads();
  const { frames, replies, sent } = workerData as ThreadPorts;
  const waiting: Frame[] = [];
  let next: ((frame: Frame) => void) | undefined;

  replies.on('message', (bytes: Uint8Array | null) => {
    const frame = frameOf(bytes);
    if (next === undefined) return void waiting.push(frame);
    const then = next;
    next = undefined;
    replies.unref();
    then(frame);
  });
  replies.unref();

  function receive(): Frame {
    for (;;) {
      const before = Atomics.load(sent, 0);
      const message = receiveMessageOnPort(frames) as { message: Uint8Array | null } | undefined;
      if (message !== undefined) return frameOf(message.message);
      Atomics.wait(sent, 0, before);
    }
  }
  function receiveSoon(then: (frame: Frame) => void): void {
    const frame = waiting.shift();
    if (frame !== undefined) return void setImmediate(then, frame);
    next = then;
    replies.ref();
  }
  function frameOf(bytes: Uint8Array | null): Frame {
    const buffer = bytes === null ? undefined : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const header = buffer && readFrameHeader(buffer);
    if (buffer === undefined || header === undefined) return die();
    return { kind: header.kind, task: header.task, payload: buffer.subarray(FRAME_HEADER_BYTES) };
  }
  function die(): never {
    process.exit(1);
  }
  return {
    send: (...frame) => {
      // Of its own, since what is handed over is lost to this side, and small buffers share one.
      const own = Uint8Array.from(frameBytes(...frame));
      frames.postMessage(own, [own.buffer]);
    },
    receive,
    receiveSoon,
    die,
  };
}
