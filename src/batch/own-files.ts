/** The files of a library: what no batch may read or write, by whatever name it is reached. */
import type { BigIntStats } from 'node:fs';
import { opendir, readdir, readlink, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve, sep } from 'node:path';

/** Behind the library's name: itself, SQLite's log, the mark of its commits, copies that are made of it. */
const FILES = /^(?:|-wal|-shm|-journal|-mark|\.v\d+\.bak|\.\d+\.part(?:-wal|-shm)?)$/;
/** Behind its name, too: folders with the libraries of tenants, and with batches. */
const FOLDERS = ['.tenants', '-batches', '-served-batches'];
/** Links that lead to links. */
const LINKS_MAX = 40;

export interface LibraryPlace {
  /** Undefined for one in memory. */
  readonly path: string | undefined;
  /** Others that are its own, wherever they are. */
  readonly folders: readonly string[];
}

/** By the path that links lead to, and where there is a file, by what it is. */
export async function isOwnFile(library: LibraryPlace, path: string): Promise<boolean> {
  const place = await realPlace(path);
  const bases = library.path === undefined ? [] : await namesOf(library.path);
  const folders = [...library.folders, ...bases.flatMap((base) => FOLDERS.map((ending) => base + ending))];
  const real = await Promise.all(folders.map((folder) => realPlace(folder)));
  if (real.some((folder) => place === folder || place.startsWith(folder + sep))) return true;
  if (bases.some((base) => place.startsWith(base) && FILES.test(place.slice(base.length)))) return true;
  return (await isWithin(place, real)) || (await isSameAsOne(place, bases, real));
}

/** As it is named, and as what that name links to: SQLite keeps its log beside the latter. */
async function namesOf(path: string): Promise<string[]> {
  const named = resolve(path);
  return [...new Set([join(await realPlace(dirname(named)), basename(named)), await realPlace(named)])];
}

/** Where opening it for writing leads, whether or not there is anything. */
async function realPlace(path: string, links = 0): Promise<string> {
  const absolute = resolve(path);
  const real = await realpath(absolute).catch(() => undefined);
  if (real !== undefined || dirname(absolute) === absolute) return real ?? absolute;
  const folder = await realPlace(dirname(absolute), links);
  const target = links < LINKS_MAX ? await readlink(absolute).catch(() => undefined) : undefined;
  return target === undefined
    ? join(folder, basename(absolute))
    : realPlace(resolve(folder, target), links + 1);
}

/** One folder may have two paths: mounted twice, or spelled otherwise where case makes no difference. */
async function isWithin(place: string, folders: readonly string[]): Promise<boolean> {
  const owned = new Set<string>();
  for (const folder of folders) owned.add((await identityOf(folder))?.key ?? folder);
  for (let at = place; ; at = dirname(at)) {
    const found = await identityOf(at);
    if (found && owned.has(found.key)) return true;
    if (dirname(at) === at) return false;
  }
}

async function isSameAsOne(
  place: string,
  bases: readonly string[],
  folders: readonly string[],
): Promise<boolean> {
  const found = await identityOf(place);
  if (!found) return false;
  for (const base of bases) {
    const names = await readdir(dirname(base)).catch(() => []);
    for (const name of names) {
      if (!name.startsWith(basename(base)) || !FILES.test(name.slice(basename(base).length))) continue;
      if ((await identityOf(join(dirname(base), name)))?.key === found.key) return true;
    }
  }
  // Within folders it can only be another name of one of their files.
  if (found.links < 2n) return false;
  for (const folder of folders) if (await holds(folder, found.key)) return true;
  return false;
}

async function holds(folder: string, key: string): Promise<boolean> {
  const entries = await opendir(folder, { recursive: true }).catch(() => undefined);
  if (!entries) return false;
  for await (const entry of entries) {
    if (entry.isFile() && (await identityOf(join(entry.parentPath, entry.name)))?.key === key) return true;
  }
  return false;
}

async function identityOf(path: string): Promise<{ key: string; links: bigint } | undefined> {
  // In full: numbers of files may be larger than what a double can tell apart.
  const found: BigIntStats | undefined = await stat(path, { bigint: true }).catch(() => undefined);
  return found && { key: `${found.dev}:${found.ino}`, links: found.nlink };
}
