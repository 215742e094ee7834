/**
 * The child program: locks itself, says hello, then serves one task after the other. While idle it
 * blocks in `read` on its channel, with the realm of the next run prepared.
 */
import { closeSync, read, readSync, rmdirSync, stat, writeSync } from 'node:fs';
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
/** Its header; three bytes a character still fit the parent's bound. */
const ASK_LENGTH_MAX = 80_000;

let program: CompiledProgram | undefined;
/** Least recently used first; one, where only one version is served. */
const programs = new Map<string, CompiledProgram>();
let realm: Realm;
let running: Realm | undefined;
/** Replies that the parent owes; it gives one for each request. */
let owed = 0;
let isListening = false;

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
  // The thread that waits for replies is made before the lock: afterwards none can be.
  stat('.', () => {});
  realm = new Realm(settings.engine);
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
  } else if (frame.kind === 'ping') {
    send(frameBytes('idle', 0));
    setImmediate(next);
  } else {
    die();
  }
}

function bind(binding: Binding): void {
  const { digest } = binding;
  const bound = binding.units === undefined ? programs.get(digest) : compileProgram(binding, settings.engine);
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
  const withheld = new Set<string>();
  const answer = (outcome: string, output: string) => {
    running = undefined;
    logs.flush();
    const { user, system } = process.cpuUsage(before);
    const figures = {
      cpuUs: user + system,
      memoryPeakBytes: process.resourceUsage().maxRSS * 1024,
      logBytes: logs.bytes,
      ...(withheld.size > 0 && { withheld: [...withheld] }),
    };
    const head: OutcomeHeader = { ...(JSON.parse(outcome) as OutcomeHeader), ...figures };
    send(frameBytes('outcome', task, `${JSON.stringify(head)}\n`, output));
    // Through the event loop, which frees what earlier realms held.
    if (owed === 0) setImmediate(prepare);
  };
  // What the skill left in the microtask queue runs out before the answer: none of its code runs later.
  const end = (outcome: string, output: string) => afterMicrotasks(() => answer(outcome, output));
  running = realm;
  realm.run(header, data, {
    succeed: (output) => end('{"kind":"value"}', output),
    fail: (outcome) => end(outcome, ''),
    log: (text) => logs.add(text),
    ask: (request, body, isText) => {
      const bytes = Buffer.from(body, isText ? 'utf8' : 'latin1');
      if (request.length > ASK_LENGTH_MAX || bytes.length > (header.grants?.bodyBytesMax ?? 0)) {
        withheld.add(`a request of ${request.length + bytes.length} bytes`);
        return false;
      }
      send(frameBytes('ask', task, `${request}\n`, bytes));
      owed += 1;
      listen();
      return true;
    },
    withhold: (name) => withheld.add(name),
  });
}

/** Waits for the next reply in a thread of its own, so that timers go on meanwhile. */
function listen(): void {
  if (isListening) return;
  isListening = true;
  const start = Buffer.allocUnsafe(FRAME_HEADER_BYTES);
  read(CHANNEL, start, 0, start.length, null, (error, count) => {
    isListening = false;
    if (error !== null || count === 0) return die();
    const header = readFrameHeader(
      Buffer.concat([start.subarray(0, count), readExactly(start.length - count)]),
    );
    if (header?.kind !== 'reply') return die();
    const payload = readExactly(header.size);
    owed -= 1;
    if (owed > 0) listen();
    const lineEnd = payload.indexOf(10);
    if (running !== undefined)
      running.reply(payload.toString('utf8', 0, lineEnd), payload.toString('latin1', lineEnd + 1));
    else if (owed === 0) setImmediate(prepare);
  });
}

function prepare(): void {
  realm = new Realm(settings.engine);
  if (settings.servesOne && program !== undefined) realm.load(program);
  next();
}

function afterMicrotasks(then: () => void): void {
  // Ticks come before microtasks, but one that a microtask asks for comes after all of them.
  process.nextTick(queueMicrotask, () => process.nextTick(then));
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
