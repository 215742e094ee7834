/**
 * The seccomp filter as BPF: an allow-list for all threads. Numbers are those of the kernel's headers
 * (asm/unistd_64.h for x64, asm-generic/unistd.h for arm64).
 *
 * What is not listed fails with EPERM, so that honest code gets an ordinary error; what no JavaScript
 * runtime ever calls, and foreign calling conventions, end the process.
 */

interface Architecture {
  /** AUDIT_ARCH_*, as seccomp_data carries it. */
  readonly audit: number;
  /** Calls with this bit are of a foreign table (x32). */
  readonly foreignBit?: number;
  readonly calls: Readonly<Record<string, number>>;
}

// prettier-ignore
const ARCHITECTURES: Readonly<Record<string, Architecture>> = {
  x64: {
    audit: 0xc000003e,
    foreignBit: 0x40000000,
    calls: {
      read: 0, write: 1, readv: 19, writev: 20, close: 3, lseek: 8, fstat: 5,
      munmap: 11, mremap: 25, brk: 12, madvise: 28, pkey_mprotect: 329, mprotect: 10,
      rt_sigaction: 13, rt_sigprocmask: 14, rt_sigreturn: 15, sigaltstack: 131,
      sched_yield: 24, nanosleep: 35, clock_nanosleep: 230, clock_gettime: 228, clock_getres: 229, gettimeofday: 96, time: 201,
      getpid: 39, gettid: 186, getrusage: 98, getcpu: 309, sched_getaffinity: 204, getrandom: 318,
      exit: 60, exit_group: 231, futex: 202, set_robust_list: 273, rseq: 334, restart_syscall: 219, membarrier: 324,
      epoll_wait: 232, epoll_pwait: 281, epoll_pwait2: 441, epoll_ctl: 233, poll: 7, ppoll: 271,
      mmap: 9, tgkill: 234, kill: 62, prlimit64: 302,
      ptrace: 101, process_vm_readv: 310, process_vm_writev: 311, bpf: 321, keyctl: 250, add_key: 248, request_key: 249,
      io_uring_setup: 425, io_uring_enter: 426, io_uring_register: 427, mount: 165, umount2: 166, pivot_root: 155, setns: 308,
      unshare: 272, init_module: 175, finit_module: 313, kexec_load: 246, perf_event_open: 298, userfaultfd: 323,
      pidfd_getfd: 438, rt_sigqueueinfo: 129, rt_tgsigqueueinfo: 297,
    },
  },
  arm64: {
    audit: 0xc00000b7,
    calls: {
      read: 63, write: 64, readv: 65, writev: 66, close: 57, lseek: 62, fstat: 80,
      munmap: 215, mremap: 216, brk: 214, madvise: 233, pkey_mprotect: 288, mprotect: 226,
      rt_sigaction: 134, rt_sigprocmask: 135, rt_sigreturn: 139, sigaltstack: 132,
      sched_yield: 124, nanosleep: 101, clock_nanosleep: 115, clock_gettime: 113, clock_getres: 114, gettimeofday: 169,
      getpid: 172, gettid: 178, getrusage: 165, getcpu: 168, sched_getaffinity: 123, getrandom: 278,
      exit: 93, exit_group: 94, futex: 98, set_robust_list: 99, rseq: 293, restart_syscall: 128, membarrier: 283,
      epoll_pwait: 22, epoll_pwait2: 441, epoll_ctl: 21, ppoll: 73,
      mmap: 222, tgkill: 131, kill: 129, prlimit64: 261,
      ptrace: 117, process_vm_readv: 270, process_vm_writev: 271, bpf: 280, keyctl: 219, add_key: 217, request_key: 218,
      io_uring_setup: 425, io_uring_enter: 426, io_uring_register: 427, mount: 40, umount2: 39, pivot_root: 41, setns: 268,
      unshare: 97, init_module: 105, finit_module: 273, kexec_load: 104, perf_event_open: 241, userfaultfd: 282,
      pidfd_getfd: 438, rt_sigqueueinfo: 138, rt_tgsigqueueinfo: 240,
    },
  },
};

/** What the runtime needs to compute, keep time, manage its own memory and speak on open descriptors. */
// prettier-ignore
const ALLOWED = [
  'read', 'write', 'futex', 'madvise', 'munmap', 'mprotect', 'epoll_wait', 'epoll_pwait', 'epoll_pwait2', 'epoll_ctl',
  'clock_gettime', 'gettimeofday', 'time', 'getrusage', 'getrandom', 'readv', 'writev', 'close', 'lseek', 'fstat',
  'mremap', 'brk', 'pkey_mprotect', 'rt_sigaction', 'rt_sigprocmask', 'rt_sigreturn', 'sigaltstack', 'sched_yield',
  'nanosleep', 'clock_nanosleep', 'clock_getres', 'getpid', 'gettid', 'getcpu', 'sched_getaffinity', 'exit',
  'exit_group', 'set_robust_list', 'rseq', 'restart_syscall', 'membarrier', 'poll', 'ppoll',
];

/** Nothing honest calls these: the process ends at the first. */
// prettier-ignore
const FATAL = [
  'ptrace', 'process_vm_readv', 'process_vm_writev', 'bpf', 'keyctl', 'add_key', 'request_key', 'io_uring_setup',
  'io_uring_enter', 'io_uring_register', 'mount', 'umount2', 'pivot_root', 'setns', 'unshare', 'init_module',
  'finit_module', 'kexec_load', 'perf_event_open', 'userfaultfd', 'pidfd_getfd', 'rt_sigqueueinfo', 'rt_tgsigqueueinfo',
];

const LOAD = 0x20;
const JUMP_EQUAL = 0x15;
const JUMP_SET = 0x45;
const JUMP_AT_LEAST = 0x35;
const RETURN = 0x06;

const KILL_PROCESS = 0x80000000;
const ALLOW = 0x7fff0000;
const REFUSE = 0x00050000 | 1;
/** ENOSYS. */
const ABSENT = 0x00050000 | 38;

const PROT_EXEC = 0x4;
const MAP_ANONYMOUS = 0x20;

type Instruction = readonly [code: number, jumpTrue: number, jumpFalse: number, operand: number];

/** `word` 0 is the low half of the argument, 1 the high half (both architectures are little-endian). */
const loadArgument = (index: number, word: 0 | 1 = 0): Instruction => [LOAD, 0, 0, 16 + index * 8 + word * 4];
const leave = (verdict: number): Instruction => [RETURN, 0, 0, verdict];
const only = (operand: number): Instruction => [JUMP_EQUAL, 1, 0, operand];

/** Calls that are allowed with some arguments only. Each ends in a verdict. */
function conditions(processId: number): Readonly<Record<string, readonly Instruction[]>> {
  const toItself = [loadArgument(0), only(processId), leave(REFUSE), leave(ALLOW)];
  return {
    // New memory is anonymous and not executable; V8 makes code executable in the range it reserved at start.
    mmap: [
      loadArgument(2),
      [JUMP_SET, 3, 0, PROT_EXEC],
      loadArgument(3),
      [JUMP_SET, 0, 1, MAP_ANONYMOUS],
      leave(ALLOW),
      leave(REFUSE),
    ],
    tgkill: toItself,
    kill: toItself,
    // Its own limits may be read; the new limit must be a null pointer.
    prlimit64: [
      loadArgument(0),
      [JUMP_EQUAL, 0, 5, 0],
      loadArgument(2),
      [JUMP_EQUAL, 0, 3, 0],
      loadArgument(2, 1),
      [JUMP_EQUAL, 0, 1, 0],
      leave(ALLOW),
      leave(REFUSE),
    ],
  };
}

/** The filter of this machine, or undefined where its calls are not known. */
export function seccompFilter(architecture: string, processId: number): Buffer | undefined {
  const table = ARCHITECTURES[architecture];
  if (table === undefined) return undefined;
  const program: Instruction[] = [
    [LOAD, 0, 0, 4],
    [JUMP_EQUAL, 1, 0, table.audit],
    leave(KILL_PROCESS),
    [LOAD, 0, 0, 0],
  ];
  if (table.foreignBit !== undefined)
    program.push([JUMP_AT_LEAST, 0, 1, table.foreignBit], leave(KILL_PROCESS));
  const rule = (name: string, body: readonly Instruction[]) => {
    const call = table.calls[name];
    if (call !== undefined) program.push([JUMP_EQUAL, 0, body.length, call], ...body);
  };
  for (const name of ALLOWED) rule(name, [leave(ALLOW)]);
  for (const [name, body] of Object.entries(conditions(processId))) rule(name, body);
  for (const name of FATAL) rule(name, [leave(KILL_PROCESS)]);
  program.push(leave(REFUSE));
  return encode(program);
}

/** Makes io_uring look absent, and nothing else: for the start of a runtime that would open one. */
export function ringlessFilter(architecture: string): Buffer | undefined {
  const call = ARCHITECTURES[architecture]?.calls['io_uring_setup'];
  if (call === undefined) return undefined;
  return encode([[LOAD, 0, 0, 0], [JUMP_EQUAL, 0, 1, call], leave(ABSENT), leave(ALLOW)]);
}

/** `struct sock_filter[]`. */
function encode(program: readonly Instruction[]): Buffer {
  const bytes = Buffer.alloc(program.length * 8);
  program.forEach(([code, jumpTrue, jumpFalse, operand], index) => {
    bytes.writeUInt16LE(code, index * 8);
    bytes.writeUInt8(jumpTrue, index * 8 + 2);
    bytes.writeUInt8(jumpFalse, index * 8 + 3);
    bytes.writeUInt32LE(operand, index * 8 + 4);
  });
  return bytes;
}
