/**
 * Takes away the process's own rights, for ever, before it sees any skill code, and checks that they
 * are gone. Linux only; what cannot be had is said, and the parent decides whether that is enough.
 */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import type Koffi from 'koffi';
import { ringlessFilter, seccompFilter } from './seccomp.ts';

export interface Lock {
  readonly isLocked: boolean;
  /** Why it is not locked. */
  readonly why?: string;
}

interface Calls {
  prctl(option: number, a: number, b: number, c: number, d: number): number;
  setrlimit(resource: number, limit: { soft: bigint; hard: bigint }): number;
  fcntl(descriptor: number, command: number, argument: number): number;
  install(filter: Buffer): number;
  /** Replaces the program; returns only if that failed. */
  execve(path: string, argv: readonly (string | null)[], environment: readonly (string | null)[]): number;
  /** A raw call; 0 if it succeeded, else its errno. */
  attempt(call: number, args: readonly number[]): number;
}

const PR_SET_PDEATHSIG = 1;
const PR_SET_DUMPABLE = 4;
const PR_SET_NO_NEW_PRIVS = 38;
const SIGKILL = 9;
const RLIMIT = { fsize: 1, data: 2, core: 4, nproc: 6, nofile: 7, memlock: 8, msgqueue: 12 } as const;
const SECCOMP_CALL: Readonly<Record<string, number>> = { x64: 317, arm64: 277 };
const SECCOMP_SET_MODE_FILTER = 1n;
const SECCOMP_FILTER_FLAG_TSYNC = 1n;
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

/** @param parentId the process that started this one: if it is gone already, this one ends. */
export function lockDown(options: { parentId: number; memoryBytesMax: number }): Lock {
  if (process.platform !== 'linux') return { isLocked: false, why: `no seccomp on ${process.platform}` };
  const filter = seccompFilter(process.arch, process.pid);
  if (filter === undefined) return { isLocked: false, why: `no seccomp table for ${process.arch}` };
  if (hasRing()) return { isLocked: false, why: 'an io_uring is open, which seccomp cannot see into' };
  let calls: Calls;
  try {
    calls = systemCalls();
  } catch (error) {
    return { isLocked: false, why: `koffi cannot be loaded: ${String(error)}` };
  }
  // The channel must block: an idle worker waits in `read`.
  calls.fcntl(3, F_SETFL, O_RDWR);
  calls.prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  if (process.ppid !== options.parentId) process.kill(process.pid, 'SIGKILL');
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
 */
export function restartWithoutRing(): void {
  const filter = process.platform === 'linux' ? ringlessFilter(process.arch) : undefined;
  if (filter === undefined || process.env[RESTARTED] !== undefined || !hasRing()) return;
  try {
    const calls = systemCalls();
    if (calls.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) !== 0 || calls.install(filter) !== 0) return;
    // Node marks whatever it inherits to be closed by an exec.
    for (let descriptor = 0; descriptor <= 3; descriptor += 1) calls.fcntl(descriptor, F_SETFD, 0);
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

function systemCalls(): Calls {
  const require = createRequire(import.meta.url);
  const koffi = require('koffi') as typeof Koffi;
  // Out of the module cache: nothing that runs later can name it, and it cannot be opened again.
  for (const path of Object.keys(require.cache)) delete require.cache[path];
  const program = koffi.load(null);
  const limit = koffi.struct({ soft: 'uint64', hard: 'uint64' });
  const filterProgram = koffi.struct({ length: 'uint16', filter: 'void *' });
  const syscall = program.func('syscall', 'long', ['long', 'uint64', 'uint64', koffi.pointer(filterProgram)]);
  const raw = program.func('syscall', 'long', ['long', 'long', 'long', 'long', 'long', 'long', 'long']);
  const setrlimit = program.func('setrlimit', 'int', ['int', koffi.pointer(limit)]);
  const number = SECCOMP_CALL[process.arch] as number;
  return {
    prctl: program.func('prctl', 'int', ['int', 'ulong', 'ulong', 'ulong', 'ulong']) as Calls['prctl'],
    fcntl: program.func('fcntl', 'int', ['int', 'int', 'long']) as Calls['fcntl'],
    setrlimit: (resource, value) => setrlimit(resource, value) as number,
    execve: program.func('execve', 'int', ['str', 'str *', 'str *']) as Calls['execve'],
    attempt: (call, args) => {
      const [a = 0, b = 0, c = 0] = args;
      return Number(raw(call, a, b, c, 0, 0, 0)) === -1 ? koffi.errno() : 0;
    },
    install: (filter) =>
      Number(
        syscall(number, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, {
          length: filter.length / 8,
          filter,
        }),
      ),
  };
}

function limitResources(calls: Calls, memoryBytesMax: number): void {
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
function selfTest(calls: Calls): Lock {
  for (const [name, [x64, arm64, ...args]] of Object.entries(PROBES)) {
    const failure = calls.attempt(process.arch === 'x64' ? x64 : arm64, args);
    if (failure !== EPERM) return { isLocked: false, why: `the lock does not hold: ${name} gave ${failure}` };
  }
  return { isLocked: true };
}
