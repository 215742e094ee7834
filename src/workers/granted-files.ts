/**
 * The files of one run, by the names its caller gave them. What is written stands beside its place until
 * the run has succeeded, and takes it then; a run that fails leaves nothing.
 */
import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { open, realpath, rename, rm } from 'node:fs/promises';
import { basename, dirname, join, resolve, sep } from 'node:path';
import { ConfigurationError } from '../errors.ts';
import type { FilesGrant } from '../grants.ts';
import { GrantRefusal, type ByteBudget } from './grant-refusal.ts';

export class GrantedFiles {
  readonly #grant: FilesGrant;
  readonly #budget: ByteBudget;
  /** Place → what is to take it. */
  readonly #written = new Map<string, string>();
  #isOver = false;

  constructor(grant: FilesGrant, budget: ByteBudget) {
    this.#grant = grant;
    this.#budget = budget;
  }

  /** @throws {GrantRefusal} for a name that is not granted, a file elsewhere, or too many bytes. */
  async read(name: string): Promise<Buffer> {
    const place = await this.#place('inputs', name);
    const file = await open(place, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      const { size } = await this.#fileSize(file, name);
      this.#budget.spend(size);
      const bytes = Buffer.alloc(size);
      let at = 0;
      while (at < size) {
        const { bytesRead } = await file.read(bytes, at, size - at, at);
        if (bytesRead === 0) break;
        at += bytesRead;
      }
      return bytes.subarray(0, at);
    } finally {
      await file.close();
    }
  }

  /** @throws {GrantRefusal} as `read` does. */
  async write(name: string, body: Buffer): Promise<void> {
    const place = await this.#place('outputs', name);
    this.#budget.spend(body.length);
    const beside = join(dirname(place), `.skillcache-${randomUUID()}.tmp`);
    try {
      const file = await open(beside, 'wx', 0o600);
      try {
        await file.writeFile(body);
      } finally {
        await file.close();
      }
    } catch (error) {
      await rm(beside, { force: true });
      throw error;
    }
    const before = this.#written.get(place);
    // The run ended meanwhile, with or without it: it counts for nothing.
    if (this.#isOver) return rm(beside, { force: true });
    this.#written.set(place, beside);
    if (before !== undefined) await rm(before, { force: true });
  }

  /** Puts what was written in its place. @throws {ConfigurationError} when a place cannot be taken. */
  async commit(): Promise<void> {
    this.#isOver = true;
    for (const [place, beside] of this.#written) {
      this.#written.delete(place);
      try {
        await rename(beside, place);
      } catch (error) {
        await rm(beside, { force: true });
        await this.discard();
        const { code } = error as NodeJS.ErrnoException;
        throw new ConfigurationError(`${place} could not be written: ${code}`, { cause: error });
      }
    }
  }

  /** Takes away what was written. */
  async discard(): Promise<void> {
    this.#isOver = true;
    for (const beside of this.#written.values()) await rm(beside, { force: true });
    this.#written.clear();
  }

  /** The real path of a granted file, links resolved. */
  async #place(kind: 'inputs' | 'outputs', name: string): Promise<string> {
    const given = this.#grant[kind];
    const path = Object.hasOwn(given, name) ? given[name] : undefined;
    if (path === undefined) throw new GrantRefusal(`the ${kind.slice(0, -1)} file ${name} is not granted`);
    const place =
      kind === 'inputs'
        ? await realpath(path)
        : join(await realpath(dirname(resolve(path))), basename(resolve(path)));
    for (const folder of this.#grant.folders) {
      const root = await realpath(folder).catch(() => resolve(folder));
      if (place === root || place.startsWith(root.endsWith(sep) ? root : root + sep)) return place;
    }
    throw new GrantRefusal(`the file ${name} lies outside of what sandbox.grants.files allows`);
  }

  async #fileSize(
    file: { stat(): Promise<{ isFile(): boolean; size: number }> },
    name: string,
  ): Promise<{ size: number }> {
    const found = await file.stat();
    if (!found.isFile()) throw new GrantRefusal(`${name} is no ordinary file`);
    return found;
  }
}
