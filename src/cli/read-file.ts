/** Files that a command line names: bounded, and never waited for. */
import { constants, open, type FileHandle } from 'node:fs/promises';
import { FileNotFoundError, InjectionError, SkillCacheError, UsageError, abortError } from '../errors.ts';

/** Of a file, or of stdin. */
export const READ_BYTES_MAX = 64 * 2 ** 20;
const CHUNK_BYTES = 2 ** 20;

export interface ReadOptions {
  readonly signal?: AbortSignal | undefined;
  readonly bytesMax?: number;
}

/**
 * The text of a file, without a byte order mark.
 * @throws {FileNotFoundError}; {UsageError} where it cannot be read or is no file (a pipe, a device);
 *   {InjectionError} `LIMIT_EXCEEDED` where it is too large; {AbortedError}.
 */
export async function readText(path: string, options: ReadOptions = {}): Promise<string> {
  try {
    // Not blocking: opening a named pipe would wait for a writer for ever, out of reach of any signal.
    await using file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    return textOf(await readAll(file, path, options));
  } catch (error) {
    throw readError(error, path);
  }
}

async function readAll(
  file: FileHandle,
  path: string,
  { signal, bytesMax = READ_BYTES_MAX }: ReadOptions,
): Promise<Buffer> {
  const found = await file.stat();
  if (found.isDirectory()) throw unreadable(path, 'it is a folder');
  if (!found.isFile()) throw unreadable(path, 'it is no file; `-` reads stdin');
  const bounded = new BoundedBytes(path, bytesMax);
  for (;;) {
    if (signal?.aborted) throw abortError(signal);
    const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(CHUNK_BYTES), 0, CHUNK_BYTES);
    if (bytesRead === 0) return bounded.whole();
    bounded.push(buffer.subarray(0, bytesRead));
  }
}

/** All that a stream gives, as text. @throws {InjectionError} `LIMIT_EXCEEDED`. */
export async function readStream(
  stream: AsyncIterable<Uint8Array | string>,
  name: string,
  bytesMax = READ_BYTES_MAX,
): Promise<string> {
  const bounded = new BoundedBytes(name, bytesMax);
  for await (const chunk of stream) bounded.push(typeof chunk === 'string' ? Buffer.from(chunk) : chunk);
  return bounded.whole().toString('utf8');
}

class BoundedBytes {
  readonly #name: string;
  readonly #bytesMax: number;
  readonly #chunks: Uint8Array[] = [];
  #size = 0;

  constructor(name: string, bytesMax: number) {
    this.#name = name;
    this.#bytesMax = bytesMax;
  }

  push(chunk: Uint8Array): void {
    this.#size += chunk.length;
    if (this.#size > this.#bytesMax) {
      const message = `${this.#name} is larger than ${this.#bytesMax} bytes`;
      throw new InjectionError('LIMIT_EXCEEDED', message, { details: { bytesMax: this.#bytesMax } });
    }
    this.#chunks.push(chunk);
  }

  whole(): Buffer {
    return Buffer.concat(this.#chunks);
  }
}

function textOf(bytes: Buffer): string {
  const text = bytes.toString('utf8');
  return text.startsWith('\uFEFF') ? text.slice(1) : text;
}

function readError(error: unknown, path: string): unknown {
  if (error instanceof SkillCacheError) return error;
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT' || code === 'ENOTDIR') {
    return new FileNotFoundError(`no such file: ${path}`, { cause: error, details: { path } });
  }
  // ENXIO: a socket, or a pipe that nobody reads.
  return unreadable(path, code === 'ENXIO' ? 'it is no file' : (code ?? message), error);
}

function unreadable(path: string, why: string, cause?: unknown): UsageError {
  return new UsageError(`${path} cannot be read: ${why}`, { cause, details: { path } });
}
