/**
 * A cgroup (version 2) for each worker, where this process may make them: the kernel counts and bounds the
 * memory, the processes and the processor time of all that is in one. See cgroups(7), "Cgroups v2 delegation".
 */
import { mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { toError } from '../errors.ts';
import { isAlive } from '../processes.ts';

const CONTROLLERS = ['memory', 'pids', 'cpu'] as const;
const PREFIX = 'skillcache-';
const MIB = 1024 * 1024;
/** Beside the budget: Node itself, and V8's young generation, so that V8's own limit is met first. */
const HEADROOM_BYTES = 96 * MIB;
/** Threads of a Node that was started by itself, with room. */
const TASKS_MAX = 32;
/** One core: a worker runs one thread of JavaScript. */
const CPU_MAX = '100000 100000';

export interface WorkerGroup {
  /** Whether the kernel ended something in it for want of memory. */
  readonly isOutOfMemory: boolean;
  /** Once all in it are gone. */
  remove(): void;
}

export class Cgroups {
  readonly #folder: string;
  #count = 0;

  /**
   * @param path a cgroup that is delegated to this process; default: the one it is in, or that one's parent where
   *   that is a service's own.
   * @throws {Error} where none can be made, with the reason.
   */
  constructor(path?: string) {
    const bases = path === undefined ? ownBases() : [path];
    const reasons: string[] = [];
    let folder: string | undefined;
    for (const base of bases) {
      try {
        folder ??= folderIn(base);
      } catch (error) {
        reasons.push(`${base}: ${toError(error).message}`);
      }
    }
    if (folder === undefined) throw new Error(reasons.join('; ') || 'no cgroup of version 2 is mounted');
    this.#folder = folder;
  }

  /** Puts a process into a group of its own. */
  place(processId: number, memoryBytesMax: number): WorkerGroup {
    const folder = join(this.#folder, `worker-${(this.#count += 1)}`);
    mkdirSync(folder);
    const write = (file: string, value: number | string) => writeFileSync(join(folder, file), String(value));
    try {
      write('memory.max', memoryBytesMax + HEADROOM_BYTES);
      write('pids.max', TASKS_MAX);
      write('cpu.max', CPU_MAX);
      writeIfThere(join(folder, 'memory.swap.max'), '0');
      write('cgroup.procs', processId);
    } catch (error) {
      removeGroup(folder);
      throw error;
    }
    return {
      get isOutOfMemory() {
        return /^oom_kill [1-9]/m.test(readIfThere(join(folder, 'memory.events')));
      },
      remove: () => removeGroup(folder),
    };
  }

  close(): void {
    removeGroup(this.#folder);
  }
}

/** A group for the workers' groups, with the controllers on. */
function folderIn(base: string): string {
  enable(base);
  removeStale(base);
  nth += 1;
  const folder = join(base, `${PREFIX}${process.pid}-${nth}`);
  mkdirSync(folder);
  try {
    enable(folder);
  } catch (error) {
    removeGroup(folder);
    throw error;
  }
  return folder;
}

let nth = 0;

/** @throws {Error} where a controller is absent, or the group has processes in it and so may not have more groups. */
function enable(folder: string): void {
  const has = (file: string) => readFileSync(join(folder, file), 'utf8').trim().split(' ');
  const there = has('cgroup.controllers');
  const absent = CONTROLLERS.filter((each) => !there.includes(each));
  if (absent.length > 0) throw new Error(`it has no controller for ${absent.join(', ')}`);
  const on = has('cgroup.subtree_control');
  const missing = CONTROLLERS.filter((each) => !on.includes(each));
  if (missing.length === 0) return;
  writeFileSync(join(folder, 'cgroup.subtree_control'), missing.map((each) => `+${each}`).join(' '));
}

/** The group this process is in; and that one's parent, where it is a service's or a scope's, as systemd's `DelegateSubgroup` makes it. */
function ownBases(): string[] {
  if (process.platform !== 'linux') throw new Error(`no cgroups on ${process.platform}`);
  const mount = /^\S+ \S+ \S+ (\S+) (\S+) .* - cgroup2 /m.exec(readFileSync('/proc/self/mountinfo', 'utf8'));
  const path = /^0::(.*)$/m.exec(readFileSync('/proc/self/cgroup', 'utf8'))?.[1];
  if (mount === null || path === undefined) return [];
  const [, root = '/', point = ''] = mount;
  const own = join(point, relative(root, path));
  const parent = dirname(own);
  return /\.(?:service|scope)$/.test(parent) && own !== point ? [own, parent] : [own];
}

/** Groups of processes that were killed before they could remove them. */
function removeStale(base: string): void {
  for (const name of readdirSync(base)) {
    const owner = /^skillcache-(\d+)-\d+$/.exec(name)?.[1];
    if (owner === undefined || isAlive(Number(owner))) continue;
    for (const child of readdirSync(join(base, name)))
      if (child.startsWith('worker-')) removeGroup(join(base, name, child));
    removeGroup(join(base, name));
  }
}

function removeGroup(folder: string): void {
  try {
    rmdirSync(folder);
  } catch {
    // Something in it is not gone yet: the next one that looks for stale groups removes it.
  }
}

function readIfThere(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

/** A kernel without swap accounting has no such file. */
function writeIfThere(file: string, value: string): void {
  try {
    writeFileSync(file, value);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}
