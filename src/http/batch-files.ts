/** The files of a tenant's batches: what they read, what they write, and how much of both is kept. */
import { lstat, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { INPUTS_ENDING as INPUTS, OUTPUT_ENDING as OUTPUT } from '../batch/batch-folder.ts';
import { replaceFile } from '../batch/replace-file.ts';
import { FileNotFoundError } from '../errors.ts';

/** Inputs without a batch: what was killed before it began. Younger ones may be about to begin. */
const ORPHAN_AGE_MS = 60 * 60_000;

export class BatchFiles {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  inputs(id: string): string {
    return join(this.#folder, `${id}${INPUTS}`);
  }

  output(id: string): string {
    return join(this.#folder, `${id}${OUTPUT}`);
  }

  async saveInputs(id: string, text: string): Promise<void> {
    await replaceFile(this.inputs(id), text, { isDurable: true });
  }

  async remove(id: string): Promise<void> {
    for (const path of [this.inputs(id), `${this.inputs(id)}.tmp`, this.output(id)])
      await rm(path, { force: true });
  }

  async bytes(id: string): Promise<number> {
    return (await sizeOf(this.inputs(id))) + (await sizeOf(this.output(id)));
  }

  async removeOrphans(known: ReadonlySet<string>): Promise<void> {
    for (const name of await readdir(this.#folder)) {
      const [id = ''] = name.split('.');
      if (!name.includes(INPUTS) || known.has(id)) continue;
      const found = await stat(join(this.#folder, name)).catch(() => undefined);
      if (found && Date.now() - found.mtimeMs > ORPHAN_AGE_MS) await this.remove(id);
    }
  }
}

/** `name` is that of a file, without any path. @throws {FileNotFoundError}, which says no more than the name. */
export async function fileOf(folder: string, tenant: string, name: string): Promise<string> {
  const path = join(folder, tenant, name);
  // Not followed: a link leads out of the folder.
  const found = await lstat(path).catch(() => undefined);
  if (found?.isFile() === true) return path;
  throw new FileNotFoundError(`there is no file ${name} for batches`, { details: { name } });
}

async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 0;
    throw error;
  }
}
