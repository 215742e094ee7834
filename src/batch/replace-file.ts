/** Files that are replaced as a whole: a reader sees the old text or the new one, never a half. */
import { open, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { OutputUnwritableError } from '../errors.ts';

export interface ReplaceOptions {
  /** Whether the new text is on disk when the promise resolves. */
  readonly isDurable: boolean;
}

/**
 * One writer at a time: what a killed one left is written over.
 * @throws {OutputUnwritableError} where the disk is full; what was there stays.
 */
export async function replaceFile(path: string, text: string, { isDurable }: ReplaceOptions): Promise<void> {
  try {
    await replace(path, text, isDurable);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOSPC') throw cause;
    throw new OutputUnwritableError(`${path} cannot be written: the disk is full`, {
      cause,
      details: { path },
    });
  }
}

async function replace(path: string, text: string, isDurable: boolean): Promise<void> {
  const temporary = `${path}.tmp`;
  const file = await open(temporary, 'w', 0o600);
  try {
    await file.writeFile(text);
    if (isDurable) await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, path);
  if (isDurable) await syncFolder(dirname(path));
}

/** A rename or a new file is on disk when its folder is. */
export async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
