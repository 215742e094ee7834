/**
 * Takes away the process's own rights, for ever, before it sees any skill code, and checks that they
 * are gone. Linux only; what cannot be had is said, and the parent decides whether that is enough.
 */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { ringlessFilter, seccompFilter } from './seccomp.ts';
import { systemCalls, type SystemCalls } from './system-calls.ts';

export interface Lock {
  readonly isLocked: boolean;
  /** Why it is not locked. */
  readonly why?: string;
}

const PR_SET_PDEATHSIG = 1;
const PR_SET_DUMPABLE = 4;
const PR_SET_NO_NEW_PRIVS = 38;
const SIGKILL = 9;
const RLIMIT = { fsize: 1, data: 2, core: 4, nproc: 6, nofile: 7, memlock: 8, msgqueue: 12 } as const;
const F_SETFD = 2;
const F_SETFL = 4;
/** Set in the environment of the second start. */
const RESTARTED = 'SKILLCACHE_WORKER_RESTARTED';
const O_RDWR = 2;

const EPERM = 1;

/** Number on x64, number on arm64, arguments. CLONE_THREAD alone and null pointers are never valid. */
const PROBES: Readonly<Record<string, readonly [number, number, ...number[]]>> = {
  open: [257, 56, -100, 0, 0],
  socket: [41, 198, 1, 1, 0],
  connect: [42, 203, -1, 0, 0],
  exec: [59, 221, 0, 0, 0],
  clone: [56, 220, 0x10000, 0, 0],
  signal: [62, 129, process.ppid, 0],
  memory: [319, 279, 0, 0],
};

/**
 * Room beside the budget for the young generation and what the collector needs while it works: V8's
 * own limit must be met first, for it ends in words and this one in a crash.
 */
const HEADROOM_BYTES = 60 * 1024 * 1024;

export interface LockOptions {
  /** The process that started this one: if it is gone already, this one ends. */
  readonly parentId: number;
  /** Its own; what Node says is that of the process it was forked from. Default: what Node says. */
  readonly processId?: number | undefined;
  readonly memoryBytesMax: number;
}

/** @param loaded the system calls, where they are loaded already. */
export function lockDown(options: LockOptions, loaded?: SystemCalls): Lock {
  const { processId = process.pid } = options;
  if (process.platform !== 'linux') return { isLocked: false, why: `no seccomp on ${process.platform}` };
  const filter = seccompFilter(process.arch, processId);
  if (filter === undefined) return { isLocked: false, why: `no seccomp table for ${process.arch}` };
  if (hasRing()) return { isLocked: false, why: 'an io_uring is open, which seccomp cannot see into' };
  let calls: SystemCalls;
  try {
    calls = loaded ?? systemCalls();
  } catch (error) {
    return { isLocked: false, why: `koffi cannot be loaded: ${String(error)}` };
  }
  // The channel must block: an idle worker waits in `read`.
  calls.fcntl(3, F_SETFL, O_RDWR);
  calls.prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  if (process.ppid !== options.parentId) process.kill(processId, 'SIGKILL');
  calls.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  limitResources(calls, options.memoryBytesMax);
  if (calls.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) !== 0)
    return { isLocked: false, why: 'no_new_privs was refused' };
  const failed = calls.install(filter);
  if (failed !== 0) return { isLocked: false, why: `seccomp was refused (${failed})` };
  return selfTest(calls);
}

/**
 * Node 22 and later open an io_uring at their start, whatever the environment says. Where one is open,
 * the same program is started again in this process, with rings looking absent; else nothing happens.
 * It keeps its descriptors up to `lastDescriptor`.
 */
export function restartWithoutRing(lastDescriptor = 3): void {
  const filter = process.platform === 'linux' ? ringlessFilter(process.arch) : undefined;
  if (filter === undefined || process.env[RESTARTED] !== undefined || !hasRing()) return;
  try {
    const calls = systemCalls();
    if (calls.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) !== 0 || calls.install(filter) !== 0) return;
    // Node marks whatever it inherits to be closed by an exec.
    for (let descriptor = 0; descriptor <= lastDescriptor; descriptor += 1)
      calls.fcntl(descriptor, F_SETFD, 0);
    const argv = [process.execPath, ...process.execArgv, ...process.argv.slice(1), null];
    calls.execve(process.execPath, argv, [
      'UV_USE_IO_URING=0',
      'UV_THREADPOOL_SIZE=1',
      `${RESTARTED}=1`,
      null,
    ]);
  } catch {
    // Without koffi there is no lock either, and `lockDown` says so.
  }
}

function limitResources(calls: SystemCalls, memoryBytesMax: number): void {
  const limit = (resource: number, value: number) =>
    calls.setrlimit(resource, { soft: BigInt(value), hard: BigInt(value) });
  limit(RLIMIT.core, 0);
  limit(RLIMIT.fsize, 0);
  limit(RLIMIT.nproc, 0);
  limit(RLIMIT.memlock, 0);
  limit(RLIMIT.msgqueue, 0);
  limit(RLIMIT.nofile, Math.max(...readdirSync('/proc/self/fd').map(Number)) + 1);
  // What is mapped now, stacks of the runtime's threads included, is the floor; the budget comes on top.
  const data = /^VmData:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'));
  if (data !== null) limit(RLIMIT.data, Number(data[1]) * 1024 + memoryBytesMax + HEADROOM_BYTES);
}

function hasRing(): boolean {
  return readdirSync('/proc/self/fd').some((descriptor) => {
    try {
      return readlinkSync(`/proc/self/fd/${descriptor}`).includes('io_uring');
    } catch {
      // The descriptor of this very listing, closed by now.
      return false;
    }
  });
}

/**
 * One call of each class, with arguments that could do no harm: it must be the filter that refuses
 * (EPERM), not the arguments. A lock that lets one through is no lock.
 */
function selfTest(calls: SystemCalls): Lock {
  for (const [name, [x64, arm64, ...args]] of Object.entries(PROBES)) {
    const failure = calls.attempt(process.arch === 'x64' ? x64 : arm64, args);
    if (failure !== EPERM) return { isLocked: false, why: `the lock does not hold: ${name} gave ${failure}` };
  }
  return { isLocked: true };
}
