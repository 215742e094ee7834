/** Files of a folder that nobody vouches for: nothing outside it is read, nothing large. */
import { randomUUID } from 'node:crypto';
import { constants, mkdir, open, readdir, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { FileNotFoundError, SkillInvalidError, UsageError } from '../errors.ts';

export const FILE_BYTES_MAX = 64 * 1024 * 1024;

/**
 * A file's text, at most `bytesMax` long.
 * @throws {FileNotFoundError} if it does not exist, {SkillInvalidError} if it is no readable text file.
 */
export async function readTextFile(path: string, bytesMax = FILE_BYTES_MAX): Promise<string> {
  try {
    // Not blocking: opening a named pipe would wait for a writer for ever.
    await using file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const { size } = await statOfFile(file, path);
    if (size > bytesMax) throw invalid(path, `is larger than ${bytesMax} bytes (${size})`);
    const bytes = await file.readFile();
    if (bytes.length > bytesMax) throw invalid(path, `is larger than ${bytesMax} bytes`);
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (error) {
    throw fileError(error, path);
  }
}

async function statOfFile(
  file: { stat(): Promise<{ size: number; isFile(): boolean }> },
  path: string,
): Promise<{ size: number }> {
  const found = await file.stat();
  if (!found.isFile()) throw invalid(path, 'is not a file');
  return found;
}

/**
 * The text of the file that `name`, a path written in a skill's folder, stands for.
 * @throws {SkillInvalidError} if it is absolute or leads out of the folder, also by a link.
 */
export async function readInside(folder: string, name: string, bytesMax: number): Promise<string> {
  if (
    isAbsolute(name) ||
    name.includes('\\') ||
    name.includes('\0') ||
    !isInside(folder, resolve(folder, name))
  ) {
    throw invalid(name, `leads out of the folder ${folder}`);
  }
  try {
    const path = await realpath(join(folder, name));
    if (!isInside(await realpath(folder), path)) throw invalid(name, `leads out of the folder ${folder}`);
    return await readTextFile(path, bytesMax);
  } catch (error) {
    throw fileError(error, join(folder, name));
  }
}

function isInside(folder: string, path: string): boolean {
  const way = relative(resolve(folder), path);
  return way !== '' && way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}

/** Names of the files (not links, not folders) in `folder`, sorted; none if there is no such folder. */
export async function fileNames(folder: string): Promise<string[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    return entries
      .filter((entry) => entry.isFile())
      .map((entry) => entry.name)
      .sort();
  } catch (error) {
    if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ENOTDIR') return [];
    throw fileError(error, folder);
  }
}

/** What stands at a path. @throws {FileNotFoundError} if nothing does. */
export async function kindOfPath(path: string): Promise<'file' | 'folder'> {
  try {
    const found = await stat(path);
    if (found.isDirectory()) return 'folder';
    if (found.isFile()) return 'file';
    throw invalid(path, 'is neither a file nor a folder');
  } catch (error) {
    throw fileError(error, path);
  }
}

/**
 * Writes a whole folder, or nothing: it is made beside its place and moved there.
 * @throws {UsageError} if the place is taken, unless `mayReplace` says that what is there may go.
 */
export async function writeFolder(
  folder: string,
  files: ReadonlyMap<string, string>,
  mayReplace: (names: readonly string[]) => boolean,
): Promise<void> {
  const parent = dirname(resolve(folder));
  const draft = join(parent, `.${basename(folder)}.${randomUUID()}.tmp`);
  try {
    await mkdir(draft, { recursive: true });
    for (const [name, text] of files) {
      await mkdir(dirname(join(draft, name)), { recursive: true });
      await writeFile(join(draft, name), text, { flag: 'wx' });
    }
    await takePlace(draft, folder, mayReplace);
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

async function takePlace(
  draft: string,
  folder: string,
  mayReplace: (names: readonly string[]) => boolean,
): Promise<void> {
  const present = await existingNames(folder);
  if (present === undefined) return rename(draft, folder);
  if (present.length > 0 && !mayReplace(present)) {
    throw new UsageError(`${folder} exists and is not replaced`, { details: { path: folder } });
  }
  const aside = `${draft}.old`;
  await rename(folder, aside);
  try {
    await rename(draft, folder);
  } catch (error) {
    await rename(aside, folder);
    throw error;
  }
  await rm(aside, { recursive: true, force: true });
}

async function existingNames(folder: string): Promise<string[] | undefined> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    if (errorCode(error) === 'ENOTDIR') return [''];
    throw error;
  }
}

function fileError(error: unknown, path: string): unknown {
  const code = errorCode(error);
  if (code === 'ENOENT' || code === 'ENOTDIR') {
    return new FileNotFoundError(`there is no ${path}`, { cause: error, details: { path } });
  }
  if (code === 'ERR_ENCODING_INVALID_ENCODED_DATA') return invalid(path, 'is not UTF-8 text', error);
  if (code !== undefined && /^E[A-Z]+$/.test(code)) return invalid(path, `cannot be read (${code})`, error);
  return error;
}

function errorCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

function invalid(path: string, message: string, cause?: unknown): SkillInvalidError {
  return new SkillInvalidError(`${path} ${message}`, { cause, details: { issues: [{ path, message }] } });
}
