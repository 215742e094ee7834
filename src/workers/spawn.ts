/**
 * Starts a child. The only file that decides what a child may do from outside: its program, flags,
 * environment, folder and descriptors. What it gives up by itself is in `sandbox/lockdown.ts`.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { lstat, opendir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { packagePath } from '../package-root.ts';
import { isAlive } from '../processes.ts';
import type { EngineGrants, WorkerSettings } from '../sandbox/protocol.ts';
import type { Wrapper } from './wrapper.ts';

export interface SpawnOptions {
  /** V8's heap and external memory together. */
  readonly memoryBytesMax: number;
  /** `kernel` locks by seccomp, `permission` by Node's permission flags. */
  readonly confinement: 'kernel' | 'permission';
  /** Whether it serves one version for its life. */
  readonly servesOne: boolean;
  /** What its realms have beyond the ordinary. */
  readonly engine: EngineGrants;
  /** What is put around it. */
  readonly wrapper?: Wrapper | undefined;
  /** It is a fork server, which makes so many. */
  readonly copies?: number | undefined;
  /** See `WorkerSettings`. */
  readonly isAwaited?: boolean | undefined;
}

export interface Spawned {
  readonly child: ChildProcess;
  /** Its private, empty working directory, which the child removes itself; removed again once it is gone. */
  readonly folder: string | undefined;
}

const FOLDER_PREFIX = 'skillcache-worker-';
const MIB = 1024 * 1024;

/** @throws {Error} where it cannot be started at all; other failures are events of the child. */
export function spawnChild(options: SpawnOptions): Spawned {
  const { memoryBytesMax, confinement, servesOne, engine, wrapper, copies, isAwaited } = options;
  void removeStaleFolders();
  const isApart = wrapper?.isNamespaced === true;
  const folder = isApart ? undefined : mkdtempSync(join(tmpdir(), `${FOLDER_PREFIX}${process.pid}-`));
  const program = programPath();
  const settings: WorkerSettings = {
    parentId: isApart ? 1 : process.pid,
    memoryBytesMax,
    useKernel: confinement === 'kernel',
    servesOne,
    engine,
    ...(copies !== undefined && { copies }),
    ...(isAwaited === true && { isAwaited }),
  };
  const flags = [
    ...v8Flags(memoryBytesMax),
    ...(copies === undefined ? [] : FORK_FLAGS),
    ...(confinement === 'permission' ? permissionFlags(program) : []),
  ];
  const words = [process.execPath, ...flags, program, JSON.stringify(settings)];
  const [command = '', ...rest] = wrapper ? [wrapper.path, ...wrapper.flags(program), ...words] : words;
  try {
    const child = spawn(command, rest, {
      cwd: folder ?? '/',
      // Nothing of the parent's environment; libuv must not open an io_uring, which seccomp cannot see into.
      // One thread waits for the parent's replies; others would have nothing to do.
      env: { UV_USE_IO_URING: '0', UV_THREADPOOL_SIZE: '1' },
      // A process group of its own: killed as a whole.
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe', 'pipe', ...Array<'pipe'>(2 * (copies ?? 0)).fill('pipe')],
      windowsHide: true,
    });
    if (!hasStreams(child)) throw new Error(NO_DESCRIPTORS);
    return { child, folder };
  } catch (error) {
    if (folder !== undefined) removeFolder(folder);
    throw error;
  }
}

const NO_DESCRIPTORS =
  'no process can be started: this one may open no more files (EMFILE); raise its limit (ulimit -n, LimitNOFILE)';

/** Node makes none where there are no descriptors for them, and tells the error as an event, which nobody needs. */
function hasStreams(child: ChildProcess): boolean {
  if ((child.stdio as unknown) !== undefined) return true;
  child.once('error', () => {});
  return false;
}

export function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
}

/**
 * A copy has none of the threads of what it was copied from: V8 must do without. To mark step by step spares nobody a
 * pause then, for there is no other thread that would: it keeps realms alive that are over, and takes a tenth more time.
 */
const FORK_FLAGS = ['--single-threaded', '--v8-pool-size=0', '--no-incremental-marking'];

let isSwept = false;

/** Folders of parents that were killed before their children could remove them; looked for once, with the first child. */
async function removeStaleFolders(): Promise<void> {
  if (isSwept) return;
  isSwept = true;
  try {
    for await (const entry of await opendir(tmpdir())) {
      const match = /^skillcache-worker-(\d+)-/.exec(entry.name);
      if (match === null || !entry.isDirectory() || isAlive(Number(match[1]))) continue;
      await removeOwn(join(tmpdir(), entry.name));
    }
  } catch {
    // Tidying up is no reason to fail.
  }
}

/** Anybody may put a folder of such a name beside ours: it is left alone. */
async function removeOwn(folder: string): Promise<void> {
  try {
    if ((await lstat(folder)).uid === process.getuid?.()) await rm(folder, { recursive: true, force: true });
  } catch {
    // Gone already, or not ours to remove.
  }
}

function v8Flags(memoryBytesMax: number): string[] {
  const heapMib = Math.max(16, Math.floor(memoryBytesMax / MIB));
  return [
    `--max-old-space-size=${heapMib}`,
    // Also closes the ways out of a realm that go through the host realm's `Function`.
    '--disallow-code-generation-from-strings',
    '--no-warnings',
    '--no-deprecation',
  ];
}

/** Reads its own program, and nothing else. */
function permissionFlags(program: string): string[] {
  const hasStableFlag = process.allowedNodeEnvironmentFlags.has('--permission');
  return [
    hasStableFlag ? '--permission' : '--experimental-permission',
    `--allow-fs-read=${realpathSync(dirname(program))}/*`,
  ];
}

/** Run from its source, this uses what was compiled too. */
export function programPath(): string {
  return packagePath('dist', 'sandbox', 'main.cjs');
}
