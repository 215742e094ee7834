/** `skillcache doctor` */
import { access, constants, mkdtemp, rm, statfs, writeFile } from 'node:fs/promises';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { SkillCacheError } from '../errors.ts';
import type { SkillLibrary } from '../library.ts';
import { failureOf } from './failure.ts';
import { plainLine } from './plain-text.ts';
import type { Session } from './session.ts';

type Status = 'ok' | 'warn' | 'fail';

interface Check {
  readonly name: string;
  readonly status: Status;
  readonly detail: string;
  /** Of the error behind a failure. */
  readonly exitCode?: number;
}

const NODE_LEAST = [20, 19] as const;
const FREE_BYTES_LEAST = 64 * 2 ** 20;
const MIB = 2 ** 20;

/** Looks at everything a run needs. The exit code is that of the first check that failed. */
export async function doctor(session: Session, options: { deep?: boolean }): Promise<number> {
  const checks: Check[] = [nodeCheck(), ...packageChecks()];
  const { path } = await session.place();
  const isFile = path !== ':memory:' && !path.includes('://');
  const isReadonly = (await session.settings()).options.readonly === true;
  if (isFile) checks.push(isReadonly ? READONLY : await writeCheck(path), await diskCheck(path));
  checks.push(await libraryCheck(session, { path, deep: options.deep === true }));
  checks.push(...(await sandboxChecks(session)));
  const failed = checks.filter(({ status }) => status === 'fail');
  const shown = checks.map(({ name, status, detail }) => ({ name, status, detail }));
  session.output.answer({ ok: failed.length === 0, checks: shown }, () => report(session, checks));
  return failed[0] ? (failed[0].exitCode ?? 1) : 0;
}

function report({ output: { paint } }: Session, checks: readonly Check[]): string {
  const colours = { ok: 'green', warn: 'yellow', fail: 'red' } as const;
  const width = Math.max(...checks.map(({ name }) => name.length));
  return checks
    .map(
      ({ name, status, detail }) =>
        `${paint(colours[status], status.padEnd(4))}  ${name.padEnd(width)}  ${plainLine(detail)}`,
    )
    .join('\n');
}

function nodeCheck(): Check {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const isOld = major < NODE_LEAST[0] || (major === NODE_LEAST[0] && minor < NODE_LEAST[1]);
  const detail = `${process.versions.node} on ${process.platform} ${process.arch}`;
  return isOld
    ? { name: 'node', status: 'fail', detail: `${detail}; ${NODE_LEAST.join('.')} or newer is needed` }
    : { name: 'node', status: 'ok', detail };
}

/** The two native packages, by what is installed beside us. */
function packageChecks(): Check[] {
  return ['better-sqlite3', 'koffi'].map((name): Check => {
    const version = installedVersion(name);
    return version === undefined
      ? { name, status: 'fail', detail: 'not installed; `npm install` brings it' }
      : { name, status: 'ok', detail: version };
  });
}

function installedVersion(name: string): string | undefined {
  for (const folder of createRequire(import.meta.url).resolve.paths(name) ?? []) {
    const file = join(folder, name, 'package.json');
    if (existsSync(file))
      return String((JSON.parse(readFileSync(file, 'utf8')) as { version: unknown }).version);
  }
  return undefined;
}

const READONLY: Check = {
  name: 'write',
  status: 'ok',
  detail: 'not needed: the library is opened read-only',
};

/** SQLite keeps its log beside the file, so that the folder must be writable too. */
async function writeCheck(path: string): Promise<Check> {
  const folder = dirname(resolve(path));
  try {
    if (existsSync(path)) await access(path, constants.W_OK);
    const probe = await mkdtemp(join(folder, '.skillcache-'));
    try {
      await writeFile(join(probe, 'probe'), 'written', { flush: true });
    } finally {
      await rm(probe, { recursive: true, force: true });
    }
    return { name: 'write', status: 'ok', detail: `${folder} can be written` };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const detail = `${folder} or ${path} cannot be written: ${code}`;
    // A library that is there can be read all the same.
    if (existsSync(path))
      return { name: 'write', status: 'warn', detail: `${detail}; it is opened read-only` };
    return { name: 'write', status: 'fail', detail, exitCode: 9 };
  }
}

async function diskCheck(path: string): Promise<Check> {
  try {
    const { bavail, bsize } = await statfs(dirname(resolve(path)));
    const freeBytes = bavail * bsize;
    const detail = `${Math.floor(freeBytes / MIB)} MiB free`;
    return { name: 'disk', status: freeBytes < FREE_BYTES_LEAST ? 'warn' : 'ok', detail };
  } catch (error) {
    return { name: 'disk', status: 'warn', detail: `free space is unknown: ${failureOf(error).message}` };
  }
}

async function libraryCheck(session: Session, options: { path: string; deep: boolean }): Promise<Check> {
  const { exists } = await session.place();
  if (!exists) {
    const detail = `none at ${options.path}; \`skillcache init\` makes one`;
    return { name: 'library', status: 'warn', detail };
  }
  try {
    await using library = await session.open('read');
    return await databaseCheck(session, library, options);
  } catch (error) {
    return failed('library', error);
  }
}

/** Beside the library, so that they are told even where it cannot be opened. */
async function sandboxChecks(session: Session): Promise<Check[]> {
  try {
    await using library = await session.open('memory');
    return [
      await tierCheck(library),
      await wrapperCheck(library),
      await cgroupCheck(library),
      await forkServerCheck(library),
      await trialCheck(session, library),
    ];
  } catch (error) {
    return [failed('sandbox', error)];
  }
}

async function databaseCheck(
  { output, signal }: Session,
  library: SkillLibrary,
  { path, deep }: { path: string; deep: boolean },
): Promise<Check> {
  const startedAt = performance.now();
  const { ok, problems } = await output.waitFor('checking the database', library.check({ deep, signal }));
  const took = `${Math.round(performance.now() - startedAt)} ms`;
  if (ok)
    return {
      name: 'library',
      status: 'ok',
      detail: `${path} is sound (${deep ? 'deep' : 'quick'} check, ${took})`,
    };
  return { name: 'library', status: 'fail', detail: `${path}: ${problems.join('; ')}` };
}

async function tierCheck(library: SkillLibrary): Promise<Check> {
  const { tier, platform, why } = await library.confinement();
  const detail = `${tier} on ${platform}${why ? `: ${why}` : ''}`;
  return { name: 'confinement', status: tier === 'kernel' ? 'ok' : 'warn', detail };
}

/** A second wall; its absence is no fault. */
async function wrapperCheck(library: SkillLibrary): Promise<Check> {
  const { wrapper, wrapperWhy } = await library.confinement();
  return { name: 'wrapper', status: 'ok', detail: wrapper ?? `none: ${wrapperWhy ?? 'unknown'}` };
}

/** Memory, processes and processor time are bounded without it too. */
async function cgroupCheck(library: SkillLibrary): Promise<Check> {
  const { cgroupWhy } = await library.confinement();
  return {
    name: 'cgroup',
    status: 'ok',
    detail: cgroupWhy === undefined ? 'one for each worker' : `none: ${cgroupWhy}`,
  };
}

/** Where workers are started one by one each costs fifty times as much; that too is no fault. */
async function forkServerCheck(library: SkillLibrary): Promise<Check> {
  const { forkServerWhy } = await library.confinement();
  const detail = forkServerWhy === undefined ? 'workers are copies' : `none: ${forkServerWhy}`;
  return { name: 'fork server', status: 'ok', detail };
}

async function trialCheck({ signal }: Session, library: SkillLibrary): Promise<Check> {
  try {
    const code = 'const parts = [];\nexport const result = parts.join("");';
    const { output, durationMs } = await library.runCode(code, { parts: ['con', 'fined'] }, { signal });
    const isRight = output === 'confined';
    const detail = isRight
      ? `a program ran and answered, ${Math.round(durationMs)} ms`
      : 'a program answered wrongly';
    return { name: 'trial run', status: isRight ? 'ok' : 'fail', detail };
  } catch (error) {
    return failed('trial run', error);
  }
}

/** A check that could not be made at all; an abort is the caller's. */
function failed(name: string, error: unknown): Check {
  if (error instanceof SkillCacheError && error.code === 'ABORTED') throw error;
  const { message, exitCode } = failureOf(error);
  return { name, status: 'fail', detail: message, exitCode };
}
