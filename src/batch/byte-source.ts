/** The bytes of the inputs in blocks, and a rolling digest of all that was read. */
import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { BatchRefusedError } from '../errors.ts';

const BLOCK_BYTES = 256 * 1024;

export interface Hashed {
  readonly hashedBytes: number;
  readonly sha256: string;
}

export interface FileIdentity {
  readonly bytes: number;
  readonly modifiedAtMs: number;
}

interface Origin {
  read(): Promise<Buffer | undefined>;
  close(): Promise<void>;
  identity(): Promise<FileIdentity | undefined>;
}

export class ByteSource {
  readonly #origin: Origin;
  readonly #hash = createHash('sha256');
  #hashedBytes = 0;
  /** What was read to verify it, and is still to be run. */
  #held: Buffer[] = [];

  private constructor(origin: Origin) {
    this.#origin = origin;
  }

  static async ofFile(path: string): Promise<ByteSource> {
    const file = await open(path, 'r');
    return new ByteSource({
      async read() {
        const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(BLOCK_BYTES), 0, BLOCK_BYTES);
        return bytesRead === 0 ? undefined : buffer.subarray(0, bytesRead);
      },
      close: () => file.close(),
      async identity() {
        const { size: bytes, mtimeMs: modifiedAtMs } = await file.stat();
        return { bytes, modifiedAtMs };
      },
    });
  }

  static ofStream(stream: Readable): ByteSource {
    const blocks = stream[Symbol.asyncIterator]() as AsyncIterator<Buffer | string>;
    return new ByteSource({
      async read() {
        const { value, done } = await blocks.next();
        return done ? undefined : Buffer.from(value);
      },
      async close() {
        stream.destroy();
      },
      async identity() {
        return undefined;
      },
    });
  }

  /**
   * Goes to `position`, over bytes that must be those that were read before.
   * @throws {BatchRefusedError} where they are others.
   */
  async resume(position: number, { hashedBytes, sha256 }: Hashed): Promise<void> {
    let read = 0;
    let tail = Buffer.alloc(0);
    while (read < hashedBytes) {
      const block = await this.#origin.read();
      if (!block) break;
      const known = block.subarray(0, hashedBytes - read);
      this.#took(known);
      tail = Buffer.from(block.subarray(known.length));
      const behind = position - read;
      if (behind < block.length) this.#held.push(block.subarray(Math.max(0, behind)));
      read += block.length;
    }
    if (this.#hashedBytes !== hashedBytes || this.hashed().sha256 !== sha256) {
      const what = `their first ${hashedBytes} bytes are others, or fewer`;
      throw new BatchRefusedError(`the inputs are not those that were read before: ${what}`, {
        details: { hashedBytes, found: this.#hashedBytes },
      });
    }
    this.#took(tail);
  }

  /** Undefined at the end. */
  async next(): Promise<Buffer | undefined> {
    const held = this.#held.shift();
    if (held) return held;
    const block = await this.#origin.read();
    if (block) this.#took(block);
    return block;
  }

  /** Of all that was read so far, from the beginning. */
  hashed(): Hashed {
    return { hashedBytes: this.#hashedBytes, sha256: this.#hash.copy().digest('hex') };
  }

  identity(): Promise<FileIdentity | undefined> {
    return this.#origin.identity();
  }

  close(): Promise<void> {
    return this.#origin.close();
  }

  #took(block: Buffer): void {
    this.#hash.update(block);
    this.#hashedBytes += block.length;
  }
}
