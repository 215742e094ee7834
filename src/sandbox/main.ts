/**
 * The child program: locks itself, says hello, then serves one task after the other. While idle it
 * blocks in `read` on its channel, with the realm of the next run prepared.
 */
import { stat } from 'node:fs';
import { channel } from './channel.ts';
import { freezeIntrinsics } from './freeze.ts';
import { refuseForks, serveForks, type Copy } from './fork-server.ts';
import { lockDown, restartWithoutRing } from './lockdown.ts';
import { LogSender } from './log-sender.ts';
import { ownCpuUs, ownUse } from './own-use.ts';
import { preload, preloadLocales } from './preload.ts';
import { setOwnId } from './process-channel.ts';
import {
  PROGRAMS_MAX,
  WITHHELD_MAX,
  type Frame,
  type Hello,
  type OutcomeFigures,
  type Program,
  type TaskHeader,
  type WorkerSettings,
} from './protocol.ts';
import { rehearsalFrames, rehearse } from './rehearsal.ts';
import { compileOrFail, type CompiledProgram } from './compiled-program.ts';
import { Realm } from './realm.ts';
import { settle } from './settle.ts';
import { systemCalls, type SystemCalls } from './system-calls.ts';
import { isProcess, threads, v8 } from './thread.ts';

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
/** Gives the answer of the run that has ended. */
let ended: (() => void) | undefined;
let isLookDue = false;
/** What is left of the rehearsal; nobody hears of its runs. */
let rehearsal: Frame[] | undefined;
let hello: Hello;

/** Of a copy: what its next realm draws its random numbers from. */
let seed: number | undefined;

const { die, receive, receiveSoon, send } = channel;
let settings: WorkerSettings = isProcess
  ? (JSON.parse(process.argv[2] ?? '{}') as WorkerSettings)
  : (threads().workerData as { settings: WorkerSettings }).settings;
start();

function start(): void {
  if (settings.useKernel) restartWithoutRing(3 + 2 * (settings.copies ?? 0));
  if (isProcess) settle();
  preload();
  if (settings.isAwaited !== true) getReady();
  realm = new Realm(settings.engine);
  let calls: SystemCalls | undefined;
  let copy: Copy | undefined;
  if (settings.copies !== undefined) {
    calls = loadCalls();
    freezeIntrinsics();
    copy = serveForks(calls, settings.copies, settings.isAwaited === true ? getReady : undefined);
    become(copy);
  } else if (isProcess) {
    freezeIntrinsics();
  }
  // The thread that waits for replies is made before the lock: afterwards none can be.
  stat('.', () => {});
  hello = confine(copy, calls);
  process.on('unhandledRejection', (thrown) => running?.reject(thrown));
  process.on('uncaughtException', (thrown) => (running === undefined ? die() : running.reject(thrown)));
  // Nothing is left that could run, and no answer yet: see `look`.
  process.on('beforeExit', () => (running === undefined ? die() : running.starve()));
  if (copy?.isAwaited === false) rehearsal = rehearsalFrames();
  else greet();
  proceed(next);
}

function greet(): void {
  send('hello', 0, JSON.stringify(hello));
}

/** What any worker would do once, and those that are copied from this process need not. */
function getReady(): void {
  preloadLocales();
  v8();
  rehearse();
}

/** What comes next, and after it, when no microtask is left, a look at what became of it. */
function proceed(step: () => void): void {
  isLookDue = true;
  setImmediate(step);
  setImmediate(look);
}

/** Answers a run that has ended: none of its code runs later. Ends one of which nothing is left that could go on. */
function look(): void {
  isLookDue = false;
  if (ended !== undefined) {
    const answer = ended;
    ended = undefined;
    return answer();
  }
  // Both go on by tasks that only the engine sees, and a worker that grants them is no copy. In a copy the end
  // of the event loop cannot be waited for instead: Node waits there for threads that a copy has not.
  if (running === undefined || settings.engine.wasm || settings.engine.sharedMemory) return;
  if (!running.hasTimers && owed === 0) running.starve();
}

/** `look`, unless it is to come already. Ticks come before microtasks, but one that a microtask asks for comes after all of them. */
function lookAfterMicrotasks(): void {
  if (isLookDue) return;
  isLookDue = true;
  process.nextTick(queueMicrotask, () => process.nextTick(look));
}

function loadCalls(): SystemCalls {
  try {
    return systemCalls();
  } catch (error) {
    return refuseForks(`koffi cannot be loaded: ${String(error)}`);
  }
}

/** What a copy has in common with all others is made its own. */
function become({ order: { engine, seed: own }, processId }: Copy): void {
  setOwnId(processId);
  seed = own;
  if (engine.wasm || engine.eval || engine.sharedMemory) realm = new Realm(engine);
  settings = { ...settings, engine };
}

/**
 * Every realm has its own sequence of random numbers; those of two copies would be the same. The engine asks for the
 * seed when a realm draws the first number, and is told of a new one in some forty microseconds.
 */
function reseed(): void {
  if (seed === undefined) return;
  seed = (seed + 1) % 2 ** 31;
  v8().setFlagsFromString(`--random-seed=${seed + 1}`);
}

function confine(copy?: Copy, calls?: SystemCalls): Hello {
  if (!isProcess) return { tier: 'none', why: 'workers.executor is thread: nothing confines a thread' };
  const isPermitted = 'permission' in process;
  const fallback = isPermitted ? 'permission' : 'none';
  if (!settings.useKernel) return { tier: fallback, why: 'the kernel lock was not asked for' };
  const processId = copy?.processId;
  const { parentId, memoryBytesMax } = { ...settings, ...copy };
  const lock = lockDown({ parentId, processId, memoryBytesMax }, calls);
  const self = copy && { processId: copy.processId };
  return lock.isLocked
    ? { tier: 'kernel', ...self }
    : { tier: fallback, why: lock.why ?? 'unknown', ...self };
}

/** Blocks for the next frame and handles it. */
function next(): void {
  const frame = rehearsal?.shift() ?? receive();
  if (frame.kind === 'bind') {
    bind(JSON.parse(frame.payload.toString('utf8')) as Program);
    proceed(next);
  } else if (frame.kind === 'run') {
    serve(frame);
  } else if (frame.kind === 'ping') {
    send('idle', 0);
    proceed(next);
  } else {
    die();
  }
}

function bind(sent: Program): void {
  use(sent.digest, compileOrFail(sent, settings.engine));
  if (settings.servesOne && program !== undefined) realm.load(program);
}

function use(digest: string, bound = programs.get(digest)): void {
  if (bound === undefined) return die();
  programs.delete(digest);
  programs.set(digest, bound);
  const [oldest] = programs.keys();
  if (programs.size > PROGRAMS_MAX && oldest !== undefined) programs.delete(oldest);
  program = bound;
}

function serve({ task, payload }: Frame): void {
  const lineEnd = payload.indexOf(10);
  const header = JSON.parse(payload.toString('utf8', 0, lineEnd)) as TaskHeader;
  const data = payload.toString('utf8', lineEnd + 1);
  if (header.digest !== undefined) use(header.digest);
  const before = ownCpuUs();
  if (!settings.servesOne && program !== undefined) realm.load(program);
  if (program?.drawsRandom) reseed();
  const logs = new LogSender(task, header.logBytesMax, tell);
  const withheld = new Set<string>();
  const withhold = (name: string) => {
    if (withheld.has(name) || withheld.size === WITHHELD_MAX) return;
    withheld.add(name);
    tell('withheld', task, name);
  };
  const answer = (outcome: string, output: string) => {
    running = undefined;
    logs.flush();
    const { cpuUs, memoryBytes } = ownUse();
    const figures: OutcomeFigures = {
      cpuUs: cpuUs - before,
      memoryPeakBytes: memoryBytes,
      logBytes: logs.bytes,
    };
    // Two objects as JSON are one when a comma takes the place of the braces between them.
    const head = `${outcome.slice(0, -1)},${JSON.stringify(figures).slice(1)}\n`;
    tell('outcome', task, head, output);
    // Through the event loop, which frees what earlier realms held.
    if (owed === 0) proceed(prepare);
  };
  const end = (outcome: string, output: string) => {
    ended = () => answer(outcome, output);
    lookAfterMicrotasks();
  };
  running = realm;
  if (program?.failure) return end(JSON.stringify({ kind: 'thrown', error: program.failure }), '');
  realm.run(header, data, {
    succeed: (output) => end('{"kind":"value"}', output),
    fail: (outcome) => end(outcome, ''),
    log: (text) => logs.add(text),
    ask: (request, body, isText) => {
      const bytes = Buffer.from(body, isText ? 'utf8' : 'latin1');
      if (request.length > ASK_LENGTH_MAX || bytes.length > (header.grants?.bodyBytesMax ?? 0)) {
        withhold(`a request of ${request.length + bytes.length} bytes`);
        return false;
      }
      send('ask', task, `${request}\n`, bytes);
      owed += 1;
      listen();
      return true;
    },
    withhold,
    turned: lookAfterMicrotasks,
  });
}

/** Waits for the next reply, while timers go on. */
function listen(): void {
  if (isListening) return;
  isListening = true;
  receiveSoon(({ kind, payload }) => {
    isListening = false;
    if (kind !== 'reply') return die();
    owed -= 1;
    if (owed > 0) listen();
    const lineEnd = payload.indexOf(10);
    if (running !== undefined)
      answered(running, payload.toString('utf8', 0, lineEnd), payload.toString('latin1', lineEnd + 1));
    else if (owed === 0) proceed(prepare);
  });
}

function answered(waiting: Realm, header: string, body: string): void {
  waiting.reply(header, body);
  lookAfterMicrotasks();
}

function tell(...frame: Parameters<typeof send>): void {
  if (rehearsal === undefined) send(...frame);
}

/** From here on it is one that has seen no program, with the realm of its first run prepared. */
function endRehearsal(): void {
  rehearsal = undefined;
  program = undefined;
  programs.clear();
  realm = new Realm(settings.engine);
  greet();
}

function prepare(): void {
  if (rehearsal?.length === 0) endRehearsal();
  else realm = new Realm(settings.engine);
  if (settings.servesOne && program !== undefined) realm.load(program);
  next();
}
