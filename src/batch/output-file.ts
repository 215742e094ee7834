/** The output: lines gathered into writes, positions that are known to the byte, and a digest of all of it. */
import { createHash, type Hash } from 'node:crypto';
import { open, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Writable } from 'node:stream';
import { BatchRefusedError, OutputLimitError, OutputUnwritableError, toError } from '../errors.ts';
import { wrong } from './places.ts';
import { syncFolder } from './replace-file.ts';

export interface Written {
  readonly bytes: number;
  readonly sha256: string;
}

export interface OutputBounds {
  /** Gathered for one write. */
  readonly bufferBytes: number;
  readonly outputFileBytesMax: number;
}

/** What is there of an output that is opened. */
export interface OutputFound {
  /** By an earlier attempt, as its checkpoint has it. */
  readonly written: Written | undefined;
  /** Whether what else is there may go. */
  readonly overwrite: boolean;
}

interface Target {
  write(bytes: Buffer, position: number): Promise<void>;
  sync(): Promise<void>;
  close(): Promise<void>;
}

export class OutputFile {
  readonly #path: string;
  readonly #target: Target;
  readonly #hash: Hash;
  readonly #bufferBytes: number;
  readonly #bytesMax: number;
  #written: number;
  /** Bytes rather than the lines themselves: what lives long enough to be moved by the collector makes memory grow. */
  #gathered: Buffer;
  #length = 0;
  /** The one that was written last, to be used again. */
  #spare: Buffer | undefined;
  #writing: Promise<void> | undefined;
  #failure: OutputUnwritableError | OutputLimitError | undefined;

  private constructor(path: string, target: Target, hash: Hash, written: number, bounds: OutputBounds) {
    this.#path = path;
    this.#target = target;
    this.#hash = hash;
    this.#written = written;
    this.#bufferBytes = bounds.bufferBytes;
    this.#bytesMax = bounds.outputFileBytesMax;
    this.#gathered = Buffer.allocUnsafeSlow(2 * bounds.bufferBytes);
  }

  /**
   * Cut to what a checkpoint says of it: a torn line goes, and so does what the checkpoint does not know.
   * @throws {BatchRefusedError} where what should be there is not; {ConfigurationError} where it holds something
   * else, or cannot be opened; {OutputUnwritableError} where the disk is full.
   */
  static async ofFile(path: string, found: OutputFound, bounds: OutputBounds): Promise<OutputFile> {
    const { written, overwrite } = found;
    const file = await openOutput(path, written);
    try {
      const hash = createHash('sha256');
      if (written) await verify(file, path, written, hash);
      else if (!overwrite) await refuseFull(file, path);
      await file.truncate(written?.bytes ?? 0);
      await file.sync();
      await syncFolder(dirname(path));
      return new OutputFile(path, fileTarget(file), hash, written?.bytes ?? 0, bounds);
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  static ofStream(stream: Writable, bounds: OutputBounds): OutputFile {
    // What goes wrong is told to the write; without a listener it would end the process, too.
    stream.on('error', () => {});
    const write = (bytes: Buffer): Promise<void> =>
      new Promise((resolve, reject) => {
        stream.write(bytes, (error) => (error ? reject(error) : resolve()));
      });
    const target: Target = { write, sync: async () => {}, close: async () => {} };
    return new OutputFile('the output', target, createHash('sha256'), 0, bounds);
  }

  /** To be waited for with `room` where `isFull`. */
  append(line: string): void {
    // A character takes three bytes at most.
    const mostBytes = 3 * line.length;
    if (this.#length + mostBytes > this.#gathered.length) this.#grow(mostBytes);
    this.#length += this.#gathered.write(line, this.#length);
    if (this.#length >= this.#bufferBytes && !this.#writing) void this.#write();
  }

  /** More than twice what is gathered for one write waits for the disk. */
  get isFull(): boolean {
    return this.#length >= 2 * this.#bufferBytes || this.#failure !== undefined;
  }

  /** @throws {OutputUnwritableError}, {OutputLimitError} */
  async room(): Promise<void> {
    while (this.#length >= this.#bufferBytes && !this.#failure) await (this.#writing ?? this.#write());
    if (this.#failure) throw this.#failure;
  }

  /** Resolves when all that was appended is on disk. @throws {OutputUnwritableError}, {OutputLimitError} */
  async sync(): Promise<Written> {
    while ((this.#writing || this.#length > 0) && !this.#failure) await (this.#writing ?? this.#write());
    if (this.#failure) throw this.#failure;
    await this.#target.sync().catch((error: unknown) => {
      this.#failed(error);
      throw this.#failure as Error;
    });
    return { bytes: this.#written, sha256: this.#hash.copy().digest('hex') };
  }

  async close(): Promise<void> {
    await this.#writing;
    await this.#target.close();
  }

  #write(): Promise<void> {
    const full = this.#gathered;
    this.#writing = this.#writeBytes(full, this.#length);
    this.#gathered = this.#spare ?? Buffer.allocUnsafeSlow(2 * this.#bufferBytes);
    this.#spare = undefined;
    this.#length = 0;
    return this.#writing;
  }

  /** For a line that is larger than what is usually gathered. */
  #grow(moreBytes: number): void {
    const larger = Buffer.allocUnsafeSlow(2 * this.#length + moreBytes);
    this.#gathered.copy(larger, 0, 0, this.#length);
    this.#gathered = larger;
  }

  /** Does not reject: who waits looks at the failure. */
  async #writeBytes(buffer: Buffer, length: number): Promise<void> {
    const bytes = buffer.subarray(0, length);
    try {
      const total = this.#written + bytes.length;
      if (total > this.#bytesMax) throw this.#tooLarge(total);
      await this.#target.write(bytes, this.#written);
      this.#hash.update(bytes);
      this.#written += bytes.length;
      if (buffer.length === 2 * this.#bufferBytes) this.#spare = buffer;
    } catch (error) {
      this.#failed(error);
    } finally {
      this.#writing = undefined;
    }
  }

  #tooLarge(bytes: number): OutputLimitError {
    const message = `the output would have ${bytes} bytes, at most ${this.#bytesMax} may be written`;
    return new OutputLimitError(message, { details: { outputBytesMax: this.#bytesMax } });
  }

  #failed(cause: unknown): void {
    if (cause instanceof OutputLimitError) {
      this.#failure = cause;
      return;
    }
    const { code } = cause as NodeJS.ErrnoException;
    const why = code === 'ENOSPC' ? 'the disk is full' : toError(cause).message;
    const message = `${this.#path} cannot be written after ${this.#written} bytes: ${why}`;
    this.#failure = new OutputUnwritableError(message, { cause, details: { path: this.#path } });
  }
}

function fileTarget(file: FileHandle): Target {
  return {
    async write(bytes, position) {
      for (let at = 0; at < bytes.length;) {
        const { bytesWritten } = await file.write(bytes, at, bytes.length - at, position + at);
        at += bytesWritten;
      }
    },
    sync: () => file.datasync(),
    close: () => file.close(),
  };
}

/** Not emptied by opening it: what is there is looked at first. */
async function openOutput(path: string, written: Written | undefined): Promise<FileHandle> {
  try {
    if (!written) await (await open(path, 'a')).close();
    return await open(path, 'r+');
  } catch (cause) {
    const options = { cause, details: { path } };
    const why = toError(cause).message;
    if (!written) throw cannotOpen(path, cause);
    const message = `${path}, which should have ${written.bytes} bytes of output, cannot be opened: ${why}`;
    throw new BatchRefusedError(message, options);
  }
}

/** What a disk has no room for now it may have later; what cannot be opened is the wrong output. */
export function cannotOpen(path: string, cause: unknown): Error {
  const { code = '' } = cause as NodeJS.ErrnoException;
  const message = `${path} cannot be written: ${toError(cause).message}`;
  if (!['ENOSPC', 'EDQUOT', 'EIO', 'EMFILE', 'ENFILE'].includes(code)) return wrong('output', message, cause);
  return new OutputUnwritableError(message, { cause, details: { path } });
}

async function refuseFull(file: FileHandle, path: string): Promise<void> {
  const { size } = await file.stat();
  if (size === 0) return;
  const message = `${path} is there already and has ${size} bytes: name another file, or say that it may be overwritten (--overwrite, \`overwrite: true\`)`;
  throw wrong('output', message);
}

async function verify(file: FileHandle, path: string, { bytes, sha256 }: Written, hash: Hash): Promise<void> {
  const { size } = await file.stat();
  if (size >= bytes) await hashFile(file, bytes, hash);
  if (size >= bytes && hash.copy().digest('hex') === sha256) return;
  const what = size < bytes ? `it has ${size} bytes, not ${bytes}` : `its first ${bytes} bytes are others`;
  throw new BatchRefusedError(`${path} is not the output that the checkpoint tells of: ${what}`, {
    details: { path, bytes, size },
  });
}

async function hashFile(file: FileHandle, bytes: number, hash: Hash): Promise<void> {
  const block = Buffer.allocUnsafe(1024 * 1024);
  for (let at = 0; at < bytes;) {
    const { bytesRead } = await file.read(block, 0, Math.min(block.length, bytes - at), at);
    if (bytesRead === 0) return;
    hash.update(block.subarray(0, bytesRead));
    at += bytesRead;
  }
}
