// Locks itself as a worker does, but keeps a way to make raw system calls, and tries them.
import childProcess from 'node:child_process';
import dgram from 'node:dgram';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import net from 'node:net';
import workerThreads from 'node:worker_threads';
import { lockDown, restartWithoutRing } from '../../dist/sandbox/lockdown.js';

// Node 22 and later open a ring at their start.
restartWithoutRing();
const koffi = createRequire(import.meta.url)('koffi');
const syscall = koffi.load(null).func('syscall', 'long', Array(7).fill('long'));
const isX64 = process.arch === 'x64';

// [x64, arm64, ...arguments]: arguments that would be refused as such, or be harmless, if the filter let them pass.
const CALLS = {
  open: [2, 0],
  openat: [257, 56, -100, 0, 0],
  openat2: [437, 437, -100, 0, 0],
  creat: [85, 0],
  getdents64: [217, 61, 0, 0, 0],
  stat: [4, 0],
  lstat: [6, 0],
  newfstatat: [262, 79, -100, 0, 0],
  statx: [332, 291, -100, 0, 0],
  access: [21, 0],
  faccessat: [269, 48, -100, 0, 0],
  readlink: [89, 0],
  readlinkat: [267, 78, -100, 0, 0],
  unlink: [87, 0],
  unlinkat: [263, 35, -100, 0, 0],
  rename: [82, 0],
  mkdir: [83, 0],
  rmdir: [84, 0],
  chmod: [90, 0],
  chown: [92, 0],
  chdir: [80, 49, 0],
  chroot: [161, 51, 0],
  getcwd: [79, 17, 0, 0],
  socket: [41, 198, 2, 1, 0],
  socketpair: [53, 199, 1, 1, 0],
  connect: [42, 203, -1, 0, 0],
  bind: [49, 200, -1, 0, 0],
  listen: [50, 201, -1, 0],
  accept4: [288, 242, -1, 0, 0],
  sendto: [44, 206, -1, 0, 0],
  sendmsg: [46, 211, -1, 0, 0],
  recvmsg: [47, 212, -1, 0, 0],
  execve: [59, 221, 0, 0, 0],
  execveat: [322, 281, -1, 0, 0],
  fork: [57, 0],
  vfork: [58, 0],
  clone: [56, 220, 0x10000, 0, 0],
  clone3: [435, 435, 0, 0],
  kill: [62, 129, process.ppid, 0],
  killGroup: [62, 129, 0, 0],
  killAll: [62, 129, -1, 0],
  tkill: [200, 130, process.ppid, 0],
  tgkill: [234, 131, process.ppid, process.ppid, 0],
  pidfd_open: [434, 434, process.ppid, 0],
  pidfd_send_signal: [424, 424, -1, 0, 0],
  memfd_create: [319, 279, 0, 0],
  prlimit64: [302, 261, 0, 7, 1, 0],
  setrlimit: [160, 164, 7, 0],
  prctl: [157, 167, 22, 0, 0],
  seccomp: [317, 277, 0, 0, 0],
  personality: [135, 92, 0xffffffff],
  setuid: [105, 146, 0],
  setgid: [106, 144, 0],
  setsid: [112, 157],
  setpriority: [141, 140, 0, 0, 0],
  sched_setaffinity: [203, 122, 0, 0, 0],
  ioctl: [16, 29, 0, 0x5413, 0],
  dup: [32, 23, 0],
  fcntlSet: [72, 25, 0, 4, 0],
  pipe2: [293, 59, 0, 0],
  eventfd2: [290, 19, 0, 0],
  timerfd_create: [283, 85, 1, 0],
  inotify_init1: [294, 26, 0],
  shmget: [29, 194, 0, 0, 0],
  msgget: [68, 186, 0, 0],
  mq_open: [240, 180, 0, 0, 0],
  semget: [64, 190, 0, 0, 0],
  sysinfo: [99, 179, 0],
  uname: [63, 160, 0],
  syslog: [103, 116, 0, 0, 0],
  reboot: [169, 142, 0, 0, 0],
  sethostname: [170, 161, 0, 0],
  swapon: [167, 224, 0, 0],
  acct: [163, 89, 0],
  settimeofday: [164, 170, 0, 0],
  mmapExecutable: [9, 222, 0, 4096, 7, 0x22, -1],
  mmapFile: [9, 222, 0, 4096, 1, 2, 3],
};
const FATAL = {
  ptrace: [101, 117],
  process_vm_readv: [310, 270],
  bpf: [321, 280],
  keyctl: [250, 219],
  io_uring_setup: [425, 425],
  mount: [165, 40],
  unshare: [272, 97],
  setns: [308, 268],
  perf_event_open: [298, 241],
  userfaultfd: [323, 282],
  x32: [0x40000000 + 39, 0],
};

const lock = lockDown({ parentId: process.ppid, memoryBytesMax: 64 * 1024 * 1024 });
const [wanted] = process.argv.slice(2);
if (wanted !== undefined) attempt(FATAL[wanted]);

const calls = {};
for (const [name, call] of Object.entries(CALLS)) {
  if (isX64 || call[1] !== 0) calls[name] = attempt(call);
}
const node = {};
const tries = {
  readFile: () => fs.readFileSync('/etc/passwd'),
  readSelf: () => fs.readFileSync('/proc/self/environ'),
  writeFile: () => fs.writeFileSync('/tmp/skillcache-escape', 'x'),
  list: () => fs.readdirSync('/'),
  exec: () => {
    const { error } = childProcess.spawnSync('/bin/true');
    if (error) throw error;
  },
  fork: () => childProcess.spawn('/bin/true').on('error', () => {}).pid ?? fail(),
  kill: () => process.kill(process.ppid, 0),
  addon: () => process.dlopen({ exports: {} }, '/nonexistent.node'),
  chdir: () => process.chdir('/'),
  require: () => createRequire(import.meta.url)('ajv'),
};
for (const [name, action] of Object.entries(tries)) {
  try {
    action();
    node[name] = 'succeeded';
  } catch (error) {
    node[name] = String(error.code ?? error.message);
  }
}
void [dgram, net, workerThreads];
fs.writeSync(1, JSON.stringify({ lock, calls, node }));
process.kill(process.pid, 'SIGKILL');

function fail() {
  throw new Error('no process');
}
function attempt([x64, arm64, ...args]) {
  const [a = 0, b = 0, c = 0, d = 0, e = 0] = args;
  return Number(syscall(isX64 ? x64 : arm64, a, b, c, d, e, 0)) === -1 ? koffi.errno() : 0;
}
