/**
 * What is put around a worker's process from outside, where the system has it: namespaces by bubblewrap on
 * Linux, a profile by sandbox-exec on macOS. A second wall; what a worker gives up by itself is the first.
 */
import { existsSync, lstatSync, readFileSync, realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';

export interface Wrapper {
  readonly name: 'bubblewrap' | 'sandbox-exec';
  /** The program that is started instead. */
  readonly path: string;
  /** Its arguments, before the wrapped program's own. */
  readonly flags: (program: string) => string[];
  /** The worker is alone among its process ids: its parent there is always 1, and its folder is private. */
  readonly isNamespaced: boolean;
}

/** By their own places: what `PATH` names may be anything. */
const BUBBLEWRAP = [
  '/usr/bin/bwrap',
  '/bin/bwrap',
  '/usr/local/bin/bwrap',
  '/run/current-system/sw/bin/bwrap',
];
const SANDBOX_EXEC = '/usr/bin/sandbox-exec';

export function findWrapper(): Wrapper | undefined {
  if (process.platform === 'linux') {
    const path = BUBBLEWRAP.find((each) => existsSync(each));
    return path === undefined
      ? undefined
      : { name: 'bubblewrap', path, flags: bubblewrapFlags, isNamespaced: true };
  }
  if (process.platform === 'darwin' && existsSync(SANDBOX_EXEC))
    return { name: 'sandbox-exec', path: SANDBOX_EXEC, flags: seatbeltFlags, isNamespaced: false };
  return undefined;
}

/** Namespaces of its own, no capability, and of the file system what Node and the program are loaded from. */
function bubblewrapFlags(program: string): string[] {
  const shown = [process.execPath, ...programFiles(program), '/etc/ld.so.cache', '/etc/localtime'];
  const libraries = ['/usr/lib', '/usr/lib64', '/usr/lib32', '/lib', '/lib64', '/nix/store'];
  return [
    ...words('--unshare-user --unshare-pid --unshare-net --unshare-ipc --unshare-uts --unshare-cgroup-try'),
    ...words('--die-with-parent --cap-drop ALL --uid 65534 --gid 65534 --hostname worker'),
    ...libraries.flatMap(libraryFlags),
    // Before the program, which may lie in it.
    ...words('--tmpfs /tmp'),
    ...shown.flatMap((path) => ['--ro-bind-try', path, path]),
    ...words('--proc /proc --chdir /tmp --remount-ro / --'),
  ];
}

const words = (text: string): string[] => text.split(' ');

/** A link, as distributions with one `/usr` have it, is made again as a link. */
function libraryFlags(path: string): string[] {
  if (!existsSync(path)) return [];
  if (!lstatSync(path).isSymbolicLink()) return ['--ro-bind', path, path];
  return ['--symlink', realpathSync(path), path];
}

/** The child's program, what says that it is a module, and koffi, where they lie. */
function programFiles(program: string): string[] {
  const folder = dirname(program);
  const root = dirname(dirname(folder));
  const modules = createRequire(program).resolve.paths('koffi') ?? [];
  const found = modules.find((path) => existsSync(join(path, 'koffi')));
  const koffi = found === undefined ? [] : [join(found, 'koffi'), join(found, '@koromix')];
  const real = koffi.filter((path) => existsSync(path)).map((path) => realpathSync(path));
  return [
    join(root, 'package.json'),
    folder,
    ...koffi,
    ...real.flatMap((path) => [path, join(dirname(path), '@koromix')]),
  ];
}

/**
 * Nothing but what a Node program is loaded from; no network, no other program, no process but itself.
 * Not tested on every release of macOS: a worker that does not start under it is started without.
 */
function seatbeltFlags(program: string): string[] {
  const quoted = (path: string) => `"${path.replaceAll(/["\\]/g, '\\$&')}"`;
  const readable = [process.execPath, ...programFiles(program)].map((path) => `(subpath ${quoted(path)})`);
  const profile = `(version 1)
(deny default)
(allow process-exec (literal ${quoted(process.execPath)}))
(allow signal (target self))
(allow process-info* (target self))
(allow sysctl-read)
(allow mach-lookup (global-name "com.apple.system.opendirectoryd.libinfo"))
(allow file-read-metadata)
(allow file-read* (literal "/") (literal "/dev/null") (literal "/dev/urandom") (literal "/dev/random")
  (subpath "/usr/lib") (subpath "/System/Library") (subpath "/System/Volumes/Preboot/Cryptexes")
  (subpath "/private/var/db/dyld") (subpath "/usr/share/icu") (subpath "/private/var/db/timezone")
  ${readable.join(' ')})
(deny network*)
(deny process-fork)
(deny file-write*)`;
  return ['-p', profile];
}

/** The worker itself, which namespaces hide behind two processes of bubblewrap's. */
export function innerProcessId(outer: number): number {
  let pid = outer;
  for (let depth = 0; depth < 2; depth += 1) {
    try {
      const [child] = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ');
      if (child === undefined || child === '') return pid;
      pid = Number(child);
    } catch {
      return pid;
    }
  }
  return pid;
}

/** What is `inner` among its own process ids, from outside: one of the children of `parent`. */
export function copiedProcessId(parent: number, inner: number): number | undefined {
  try {
    const children = readFileSync(`/proc/${parent}/task/${parent}/children`, 'utf8').split(' ');
    return children
      .filter(Boolean)
      .map(Number)
      .find((pid) => {
        const ids = /^NSpid:(.*)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
        return Number(ids?.split('\t').at(-1)) === inner;
      });
  } catch {
    return undefined;
  }
}

/** A wrapper tells the signal that ended what it wraps as a shell does, by its exit code. */
export function signalOf(exitCode: number | null): NodeJS.Signals | null {
  if (exitCode === null || exitCode <= 128) return null;
  const found = Object.entries(constants.signals).find(([, number]) => number === exitCode - 128);
  return (found?.[0] as NodeJS.Signals | undefined) ?? null;
}
