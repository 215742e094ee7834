/** Cuts a child's bytes into frames. The child is not trusted: sizes are bounded before a byte is kept. */
import { FRAME_HEADER_BYTES, readFrameHeader, type Frame } from '../sandbox/protocol.ts';

export class ProtocolError extends Error {
  override readonly name = 'ProtocolError';
}

export class FrameReader {
  #chunks: Buffer[] = [];
  #size = 0;
  /** Largest payload that is accepted now. */
  payloadBytesMax: number;

  constructor(payloadBytesMax: number) {
    this.payloadBytesMax = payloadBytesMax;
  }

  /** @throws {ProtocolError} for an unknown kind or a frame above the bound. */
  *push(chunk: Buffer): Generator<Frame> {
    this.#chunks.push(chunk);
    this.#size += chunk.length;
    for (;;) {
      if (this.#size < FRAME_HEADER_BYTES) return;
      const header = readFrameHeader(this.#peek(FRAME_HEADER_BYTES));
      if (header === undefined) throw new ProtocolError('an unknown kind of frame');
      if (header.size > this.payloadBytesMax)
        throw new ProtocolError(`a frame of ${header.size} bytes, ${this.payloadBytesMax} at most`);
      if (this.#size < FRAME_HEADER_BYTES + header.size) return;
      const bytes = this.#peek(FRAME_HEADER_BYTES + header.size);
      this.#drop(bytes.length);
      yield { kind: header.kind, task: header.task, payload: bytes.subarray(FRAME_HEADER_BYTES) };
    }
  }

  /** The first `size` bytes in one piece; joined at most once for each frame. */
  #peek(size: number): Buffer {
    const first = this.#chunks[0] as Buffer;
    if (first.length >= size) return first.subarray(0, size);
    const joined: Buffer[] = [];
    let have = 0;
    while (have < size) {
      const chunk = this.#chunks.shift() as Buffer;
      joined.push(chunk);
      have += chunk.length;
    }
    this.#chunks.unshift(Buffer.concat(joined, have));
    return (this.#chunks[0] as Buffer).subarray(0, size);
  }

  #drop(size: number): void {
    const first = this.#chunks[0] as Buffer;
    if (first.length === size) this.#chunks.shift();
    else this.#chunks[0] = first.subarray(size);
    this.#size -= size;
  }
}
