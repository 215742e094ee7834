/** Runs the built program as a user's shell would. */
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const PROGRAM = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandOptions {
  cwd: string;
  input?: string;
  env?: NodeJS.ProcessEnv;
  /** A file that stdout goes to. */
  stdoutTo?: string;
}

/** A folder of its own, removed when it is disposed of. */
export function temporaryFolder(): { path: string; [Symbol.dispose](): void } {
  const path = mkdtempSync(join(tmpdir(), 'skillcache-cli-'));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

export function start(
  words: readonly string[],
  { cwd, env = {}, stdoutTo }: CommandOptions,
): ChildProcessWithoutNullStreams {
  const options = { cwd, env: { ...cleanEnvironment(), ...env } };
  const program = [PROGRAM, ...words];
  if (stdoutTo === undefined) return spawn(process.execPath, program, options);
  return spawn('sh', ['-c', `exec "$0" "$@" > ${stdoutTo}`, process.execPath, ...program], options);
}

export async function ended(child: ChildProcessWithoutNullStreams): Promise<Ended> {
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject).once('close', resolve);
  });
  return { code, stdout, stderr };
}

export async function command(words: readonly string[], options: CommandOptions): Promise<Ended> {
  const child = start(words, options);
  child.stdin.end(options.input ?? '');
  return ended(child);
}

/** Resolves when the program has started a process of its own, which is when it runs a skill (Linux). */
export async function untilWorker(child: ChildProcessWithoutNullStreams): Promise<void> {
  const children = (): string => readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8');
  while (children() === '') {
    if (child.exitCode !== null || child.signalCode !== null)
      throw new Error('it ended before it ran anything');
    await turn();
  }
}

/** Fails the set-up of a file when a command of it did. */
export function mustEnd(ended: Ended, code = 0): void {
  if (ended.code !== code) throw new Error(`exit code ${ended.code}: ${ended.stderr}`);
}

/** Nothing of the caller's that would change what is printed or which library is used. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  const entries = Object.entries(process.env).filter(
    ([name]) => !/^(SKILLCACHE_|NO_COLOR$|FORCE_COLOR$|NODE_OPTIONS$|VITEST)/.test(name),
  );
  return Object.fromEntries(entries);
}
