/** The kernel's and libuv's own functions, for the moments before a process locks itself. Linux only. */
import { readFileSync } from 'node:fs';
import type Koffi from 'koffi';

export interface SystemCalls {
  prctl(option: number, a: number, b: number, c: number, d: number): number;
  setrlimit(resource: number, limit: { soft: bigint; hard: bigint }): number;
  fcntl(descriptor: number, command: number, argument: number): number;
  /** Installs a seccomp filter in all threads. */
  install(filter: Buffer): number;
  /** Replaces the program; returns only if that failed. */
  execve(path: string, argv: readonly (string | null)[], environment: readonly (string | null)[]): number;
  /** A raw call; 0 if it succeeded, else its errno. */
  attempt(call: number, args: readonly number[]): number;
  /** What a process that copies itself needs beside. */
  forking(): ForkCalls;
}

export interface ForkCalls {
  /** The child's id; 0 in the child itself, which has one thread and an event loop of its own; negative if refused. */
  fork(): number;
  /** Not cached, as what Node says is. */
  processId(): number;
  /** A process group of its own. */
  newGroup(): void;
  moveDescriptor(from: number, to: number): void;
  close(descriptor: number): void;
  /** 0 if the signal was sent. */
  kill(processId: number, signal: number): number;
  /** Waits for the end of a child. */
  waitFor(processId: number): Exit;
}

/** How a process ended and what it used in its life, as `wait4` tells. */
export interface Exit {
  readonly exitCode: number | null;
  readonly signal: number | null;
  readonly cpuUs: number;
  readonly memoryPeakBytes: number;
}

const SECCOMP_CALL: Readonly<Record<string, number>> = { x64: 317, arm64: 277 };
const SECCOMP_SET_MODE_FILTER = 1n;
const SECCOMP_FILTER_FLAG_TSYNC = 1n;
const MADV_DOFORK = 11;
/** Below it nothing is mapped, or may be. */
const LOWEST_ADDRESS = 0x10000n;
const ENOMEM = 12;
/** Bytes of a `struct rusage`. */
const USAGE_BYTES = 144;

/** @throws {Error} where koffi cannot be loaded. */
export function systemCalls(): SystemCalls {
  const { require, cache } = loader();
  const koffi = loadKoffi(require);
  // Out of the module cache: nothing that runs later can name it, and it cannot be opened again.
  for (const path of Object.keys(cache)) delete cache[path];
  process.mainModule?.children.splice(0);
  const program = koffi.load(null);
  const limit = koffi.struct({ soft: 'uint64', hard: 'uint64' });
  const filterProgram = koffi.struct({ length: 'uint16', filter: 'void *' });
  const syscall = program.func('syscall', 'long', ['long', 'uint64', 'uint64', koffi.pointer(filterProgram)]);
  const raw = program.func('syscall', 'long', ['long', 'long', 'long', 'long', 'long', 'long', 'long']);
  const setrlimit = program.func('setrlimit', 'int', ['int', koffi.pointer(limit)]);
  const number = SECCOMP_CALL[process.arch] as number;
  return {
    prctl: program.func('prctl', 'int', ['int', 'ulong', 'ulong', 'ulong', 'ulong']) as SystemCalls['prctl'],
    fcntl: program.func('fcntl', 'int', ['int', 'int', 'long']) as SystemCalls['fcntl'],
    setrlimit: (resource, value) => setrlimit(resource, value) as number,
    execve: program.func('execve', 'int', ['str', 'str *', 'str *']) as SystemCalls['execve'],
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
    forking: () => forkCalls(koffi, program),
  };
}

interface Loader {
  require(id: string): unknown;
  readonly cache: Record<string, unknown>;
}

/** The program's own, which is there already where it is one file: `node:module` takes milliseconds. */
function loader(): Loader {
  const main = process.mainModule;
  if (main === undefined) {
    const require = process.getBuiltinModule('node:module').createRequire(import.meta.url);
    return { require, cache: require.cache };
  }
  const { _cache: cache } = main.constructor as unknown as { _cache: Record<string, unknown> };
  return { require: (id) => main.require(id), cache };
}

/** Its program alone, which takes a fifth of the time that koffi takes with what looks for it. */
function loadKoffi(require: Loader['require']): typeof Koffi {
  const { platform, arch } = process;
  try {
    return require(`@koromix/koffi-${platform}-${arch}/${platform}_${arch}/koffi.node`) as typeof Koffi;
  } catch {
    // It lies elsewhere, or this is musl: koffi knows.
    return require('koffi') as typeof Koffi;
  }
}

function forkCalls(koffi: typeof Koffi, program: ReturnType<typeof Koffi.load>): ForkCalls {
  const fork = program.func('fork', 'int', []) as () => number;
  const advise = program.func('madvise', 'int', ['uint64', 'uint64', 'int']);
  const renew = program.func('uv_loop_fork', 'int', ['void *']) as (loop: unknown) => number;
  const loop: unknown = program.func('uv_default_loop', 'void *', [])();
  const wait4 = program.func('wait4', 'int', ['int', 'void *', 'int', 'void *']);
  const setpgid = program.func('setpgid', 'int', ['int', 'int']);
  const dup2 = program.func('dup2', 'int', ['int', 'int']);
  const close = program.func('close', 'int', ['int']);
  const ranges = copiedRanges();
  return {
    fork: () => {
      // V8 asks the kernel to leave its memory out of copies: a copy without its heap would be none.
      for (const { from, size } of ranges)
        if (advise(from, size, MADV_DOFORK) !== 0 && koffi.errno() !== ENOMEM) return -koffi.errno();
      const child = fork();
      // The loop's descriptors are still those of the parent.
      if (child === 0 && renew(loop) !== 0) throw new Error('the event loop cannot be made anew');
      return child < 0 ? -koffi.errno() : child;
    },
    processId: program.func('getpid', 'int', []) as () => number,
    newGroup: () => void setpgid(0, 0),
    moveDescriptor: (from, to) => {
      if (dup2(from, to) !== to) throw new Error(`descriptor ${from} cannot be moved: ${koffi.errno()}`);
    },
    close: (descriptor) => void close(descriptor),
    kill: program.func('kill', 'int', ['int', 'int']) as ForkCalls['kill'],
    waitFor: (processId) => {
      const status = Buffer.alloc(4);
      const usage = Buffer.alloc(USAGE_BYTES);
      let found: unknown;
      do found = wait4(processId, status, 0, usage);
      while (found === -1 && koffi.errno() === 4);
      return exitOf(status.readInt32LE(), usage);
    },
  };
}

/** All of the address space but the kernel's own pages in it. A range with holes is answered with ENOMEM and done. */
function copiedRanges(): { from: bigint; size: bigint }[] {
  const ranges: { from: bigint; size: bigint }[] = [];
  let from = LOWEST_ADDRESS;
  let end = from;
  for (const line of readFileSync('/proc/self/maps', 'utf8').split('\n')) {
    const match = /^([0-9a-f]+)-([0-9a-f]+) .*?(\[v\w+\])?$/.exec(line);
    if (match === null) continue;
    if (match[3] === undefined) {
      end = BigInt(`0x${match[2]}`);
      continue;
    }
    if (end > from) ranges.push({ from, size: end - from });
    from = BigInt(`0x${match[2]}`);
  }
  if (end > from) ranges.push({ from, size: end - from });
  return ranges;
}

/** As in wait(2) and getrusage(2). */
function exitOf(status: number, usage: Buffer): Exit {
  const signal = status & 0x7f;
  const microseconds = (at: number) =>
    Number(usage.readBigInt64LE(at)) * 1_000_000 + Number(usage.readBigInt64LE(at + 8));
  return {
    exitCode: signal === 0 ? (status >> 8) & 0xff : null,
    signal: signal === 0 ? null : signal,
    cpuUs: microseconds(0) + microseconds(16),
    memoryPeakBytes: Number(usage.readBigInt64LE(32)) * 1024,
  };
}
