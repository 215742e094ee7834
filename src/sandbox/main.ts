/**
 * The child program: locks itself, says hello, then serves one task after the other. While idle it
 * blocks in `read` on its channel, with the realm of the next run prepared.
 */
import { closeSync, readSync, rmdirSync, writeSync } from 'node:fs';
import { lockDown, restartWithoutRing } from './lockdown.ts';
import { preload } from './preload.ts';
import {
  FRAME_HEADER_BYTES,
  frameBytes,
  PROGRAMS_MAX,
  readFrameHeader,
  type Binding,
  type Frame,
  type Hello,
  type OutcomeHeader,
  type TaskHeader,
  type WorkerSettings,
} from './protocol.ts';
import { rehearse } from './rehearsal.ts';
import { compileProgram, Realm, type CompiledProgram } from './realm.ts';

const CHANNEL = 3;
/** Log lines sent at once, so that they survive a kill; later ones are gathered. */
const EAGER_LINES = 64;
const LOG_CHUNK = 8_192;

let program: CompiledProgram | undefined;
/** Least recently used first; one, where only one version is served. */
const programs = new Map<string, CompiledProgram>();
let realm: Realm;
let running: Realm | undefined;

const settings = JSON.parse(process.argv[2] ?? '{}') as WorkerSettings;
start();

function start(): void {
  if (settings.useKernel) restartWithoutRing();
  try {
    // Its own working directory is removed at once: it stays empty, and nothing is left behind.
    rmdirSync(process.cwd());
  } catch {
    // Read-only, or refused by the permission flags: the parent removes it.
  }
  preload();
  rehearse();
  realm = new Realm();
  const hello = confine();
  process.on('unhandledRejection', (thrown) => running?.reject(thrown));
  process.on('uncaughtException', (thrown) => (running === undefined ? die() : running.reject(thrown)));
  // Nothing is left that could run, and no answer yet.
  process.on('beforeExit', () => (running === undefined ? die() : running.starve()));
  send(frameBytes('hello', 0, JSON.stringify(hello)));
  setImmediate(next);
}

function confine(): Hello {
  const isPermitted = 'permission' in process;
  const fallback = isPermitted ? 'permission' : 'none';
  if (!settings.useKernel) return { tier: fallback, why: 'the kernel lock was not asked for' };
  const lock = lockDown(settings);
  return lock.isLocked ? { tier: 'kernel' } : { tier: fallback, why: lock.why ?? 'unknown' };
}

/** Blocks for the next frame and handles it. */
function next(): void {
  const frame = receive();
  if (frame.kind === 'bind') {
    bind(JSON.parse(frame.payload.toString('utf8')) as Binding);
    setImmediate(next);
  } else if (frame.kind === 'run') {
    serve(frame);
  } else {
    die();
  }
}

function bind(binding: Binding): void {
  const { digest } = binding;
  const bound = binding.units === undefined ? programs.get(digest) : compileProgram(binding);
  if (bound === undefined) return die();
  programs.delete(digest);
  programs.set(digest, bound);
  const [oldest] = programs.keys();
  if (programs.size > PROGRAMS_MAX && oldest !== undefined) programs.delete(oldest);
  program = bound;
  if (settings.servesOne) realm.load(program);
}

function serve({ task, payload }: Frame): void {
  const lineEnd = payload.indexOf(10);
  const header = JSON.parse(payload.toString('utf8', 0, lineEnd)) as TaskHeader;
  const data = payload.toString('utf8', lineEnd + 1);
  const before = process.cpuUsage();
  if (!settings.servesOne && program !== undefined) realm.load(program);
  const logs = new LogSender(task, header.logBytesMax);
  const end = (outcome: string, output: string) => {
    running = undefined;
    logs.flush();
    const { user, system } = process.cpuUsage(before);
    const figures = {
      cpuUs: user + system,
      memoryPeakBytes: process.resourceUsage().maxRSS * 1024,
      logBytes: logs.bytes,
    };
    const head: OutcomeHeader = { ...(JSON.parse(outcome) as OutcomeHeader), ...figures };
    send(frameBytes('outcome', task, `${JSON.stringify(head)}\n`, output));
    // What the skill left in the microtask queue runs out before the next realm is made.
    setImmediate(prepare);
  };
  running = realm;
  realm.run(header, data, {
    succeed: (output) => end('{"kind":"value"}', output),
    fail: (outcome) => end(outcome, ''),
    log: (text) => logs.add(text),
  });
}

function prepare(): void {
  realm = new Realm();
  if (settings.servesOne && program !== undefined) realm.load(program);
  send(frameBytes('idle', 0));
  next();
}

class LogSender {
  readonly #task: number;
  readonly #bytesMax: number;
  #waiting = '';
  #lines = 0;
  bytes = 0;

  constructor(task: number, bytesMax: number) {
    this.#task = task;
    this.#bytesMax = bytesMax;
  }

  add(text: string): void {
    if (this.bytes > this.#bytesMax) return;
    this.bytes += Buffer.byteLength(text) + 1;
    this.#waiting += `${text}\n`;
    this.#lines += 1;
    if (this.#lines <= EAGER_LINES || this.#waiting.length > LOG_CHUNK) this.flush();
  }

  flush(): void {
    if (this.#waiting === '') return;
    send(frameBytes('log', this.#task, this.#waiting));
    this.#waiting = '';
  }
}

function send(bytes: Buffer): void {
  for (let at = 0; at < bytes.length;) at += writeSync(CHANNEL, bytes, at);
}

function receive(): Frame {
  const header = readFrameHeader(readExactly(FRAME_HEADER_BYTES));
  if (header === undefined) return die();
  return { kind: header.kind, task: header.task, payload: readExactly(header.size) };
}

function readExactly(size: number): Buffer {
  const bytes = Buffer.allocUnsafe(size);
  for (let at = 0; at < size;) {
    const count = readSync(CHANNEL, bytes, at, size - at, null);
    // The parent is gone or has closed the channel.
    if (count === 0) return die();
    at += count;
  }
  return bytes;
}

/** A graceful exit can hang once locked, so the process ends itself the hard way. */
function die(): never {
  closeSync(CHANNEL);
  process.kill(process.pid, 'SIGKILL');
  for (;;);
}
