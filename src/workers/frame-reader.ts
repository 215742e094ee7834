/** Cuts a child's bytes into frames. The child is not trusted: sizes are bounded before a byte is kept. */
import { FRAME_HEADER_BYTES, readFrameHeader, type Frame } from '../sandbox/protocol.ts';
import { LentBytes } from './lent-bytes.ts';

const LENT = new LentBytes();

/** Half of what one read gives where more is to come. */
const JOINED_MAX = 32 * 1024;

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

  /**
   * The payload of an outcome is good until the next frame is asked for: it may be large, and its memory is used again.
   * @throws {ProtocolError} for an unknown kind or a frame above the bound.
   */
  *push(chunk: Buffer): Generator<Frame> {
    this.#keep(chunk);
    for (;;) {
      if (this.#size < FRAME_HEADER_BYTES) return;
      const header = readFrameHeader(this.#first(FRAME_HEADER_BYTES));
      if (header === undefined) throw new ProtocolError('an unknown kind of frame');
      const { kind, task, size } = header;
      if (size > this.payloadBytesMax)
        throw new ProtocolError(`a frame of ${size} bytes, ${this.payloadBytesMax} at most`);
      const length = FRAME_HEADER_BYTES + size;
      if (this.#size < length) return;
      const isSplit = (this.#chunks[0] as Buffer).length < length;
      const loan = isSplit && kind === 'outcome' ? LENT.take(length) : undefined;
      const bytes = this.#first(length, loan?.bytes);
      this.#drop(length);
      try {
        yield { kind, task, payload: bytes.subarray(FRAME_HEADER_BYTES) };
      } finally {
        loan?.giveBack();
      }
    }
  }

  /** Pieces of one size are joined, so that a child that sends a byte at a time does not cost hundreds for each. */
  #keep(chunk: Buffer): void {
    this.#size += chunk.length;
    let joined = chunk;
    for (let last = this.#chunks.at(-1); last !== undefined; last = this.#chunks.at(-1)) {
      if (last.length > joined.length || last.length + joined.length > JOINED_MAX) break;
      this.#chunks.pop();
      joined = Buffer.concat([last, joined]);
    }
    this.#chunks.push(joined);
  }

  /** The first `length` bytes in one piece: where they are in several, copied to `room`. */
  #first(length: number, room?: Buffer): Buffer {
    const first = this.#chunks[0] as Buffer;
    if (first.length >= length) return first.subarray(0, length);
    const joined = room ?? Buffer.allocUnsafe(length);
    let have = 0;
    for (let i = 0; have < length; i += 1)
      have += (this.#chunks[i] as Buffer).copy(joined, have, 0, length - have);
    return joined;
  }

  #drop(length: number): void {
    this.#size -= length;
    let left = length;
    const kept = this.#chunks.findIndex((chunk) => {
      if (chunk.length > left) return true;
      left -= chunk.length;
      return false;
    });
    this.#chunks.splice(0, kept < 0 ? this.#chunks.length : kept);
    if (left > 0) this.#chunks[0] = (this.#chunks[0] as Buffer).subarray(left);
  }
}
