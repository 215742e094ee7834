/** One child process, seen from the parent: starts it, sends it one task at a time, kills it. */
import {
  PROGRAMS_MAX,
  type Frame,
  type EngineGrants,
  type Hello,
  type Program,
  type TaskHeader,
} from '../sandbox/protocol.ts';
import { afterReads } from './after-reads.ts';
import { Asks } from './asks.ts';
import type { WorkerGroup } from './cgroup.ts';
import { deferred } from './deferred.ts';
import { sendFrame } from './frame-writer.ts';
import { FrameReader, ProtocolError } from './frame-reader.ts';
import { LastWords } from './last-words.ts';
import { LogKeeper } from './log-keeper.ts';
import { noteWithheld, toldBy, type Running } from './running.ts';
import { parseHello, parseOutcome, type Outcome } from './outcome.ts';
import { neverReady } from './run-errors.ts';
import type { Death, Task, TaskEnd } from './task.ts';
import type { ProcessEnd, WorkerChannel, WorkerProcess } from './worker-process.ts';

type WorkerState =
  | { readonly kind: 'starting' }
  | { readonly kind: 'idle' }
  | { readonly kind: 'busy'; readonly running: Running }
  /** Asked whether it is there. */
  | { readonly kind: 'checking'; readonly tell: (isThere: boolean) => void }
  | { readonly kind: 'dead'; readonly death: Death };

/** What it is from its start on. */
export interface WorkerTraits {
  readonly memoryBytesMax: number;
  /** Whether it serves one version for its life. */
  readonly servesOne: boolean;
  readonly engine: EngineGrants;
}

const SLACK_BYTES = 768 * 1024;

export class Worker {
  readonly memoryBytesMax: number;
  readonly servesOne: boolean;
  readonly engine: EngineGrants;
  readonly hello: Promise<Hello>;
  /** Settles when the process is gone, and nothing of it is left. */
  readonly gone: Promise<Death>;
  readonly #process: WorkerProcess;
  readonly #channel: WorkerChannel;
  readonly #reader = new FrameReader(SLACK_BYTES);
  #state: WorkerState = { kind: 'starting' };
  #digest: string | undefined;
  #label: string | undefined;
  #tenant: string | undefined;
  /** The versions it keeps, least recently used first. */
  readonly #kept = new Set<string>();
  /** One of those that its next run is of, and the run before was not. */
  #named: string | undefined;
  #lastTask = 0;
  readonly #words = new LastWords();
  #group: WorkerGroup | undefined;
  #cause: string | undefined;
  #greet: { resolve(hello: Hello): void; reject(error: Error): void };

  constructor(child: WorkerProcess, { memoryBytesMax, servesOne, engine }: WorkerTraits) {
    this.memoryBytesMax = memoryBytesMax;
    this.servesOne = servesOne;
    this.engine = engine;
    this.#process = child;
    const greeting = deferred<Hello>();
    this.hello = greeting.promise;
    this.hello.catch(() => {
      // Whoever waits hears of it; nobody may be waiting.
    });
    this.#greet = greeting;
    this.#channel = child.channel;
    this.#channel.on('data', (chunk: Buffer) => this.#receive(chunk));
    this.#channel.on('error', () => {
      // A channel that breaks is followed by the child's exit, which is what counts.
    });
    const hear = (chunk: Buffer) => {
      if (!this.#words.add(chunk)) void this.kill('it wrote past its channel');
    };
    for (const stream of child.words) stream.on('data', hear);
    this.gone = child.ended.then((end) => this.#died(end));
  }

  get processId(): number {
    return this.#process.processId ?? -1;
  }
  get isDead(): boolean {
    return this.#state.kind === 'dead';
  }
  get isBusy(): boolean {
    return this.#state.kind === 'busy';
  }
  /** What it served last is called so. */
  get label(): string | undefined {
    return this.#label;
  }
  /** Whose runs alone it serves; undefined while it is unbound, or for those of nobody in particular. */
  get tenant(): string | undefined {
    return this.#tenant;
  }
  /** The version it served last; undefined while it is unbound. */
  get digest(): string | undefined {
    return this.#digest;
  }

  /** Whether it has compiled this version. */
  keeps(digest: string): boolean {
    return this.#kept.has(digest);
  }

  /** Binds it to a version: for its life, unless it serves any. */
  bind(program: Program, tenant?: string): void {
    const { digest } = program;
    if (digest === this.#digest) return;
    this.#named = undefined;
    if (this.#digest !== undefined && this.servesOne) throw new Error('a worker is bound once');
    this.#digest = digest;
    this.#label = program.units[0]?.fileName;
    this.#tenant = tenant;
    if (this.#kept.has(digest)) {
      // Its next run says so: one frame, and one turn of its loop, less.
      this.#named = digest;
      return;
    }
    this.#keep(digest);
    sendFrame(this.#channel, 'bind', 0, JSON.stringify(program));
  }

  /** As the worker does, at the same frame: both forget the same one. */
  #keep(digest: string): void {
    this.#kept.delete(digest);
    this.#kept.add(digest);
    const [oldest] = this.#kept;
    if (this.#kept.size > PROGRAMS_MAX && oldest !== undefined) this.#kept.delete(oldest);
  }

  /** Runs a task. One that has just answered makes its next realm first. */
  run(task: Task): Promise<TaskEnd> {
    const state = this.#state;
    if (state.kind === 'dead')
      return Promise.resolve({ kind: 'died', death: state.death, logs: '', logsCut: false, withheld: [] });
    if (state.kind !== 'idle') throw new Error(`a worker that is ${state.kind} takes no task`);
    this.#lastTask = (this.#lastTask + 1) >>> 0;
    const id = this.#lastTask;
    const { header, data, broker, onLog } = task;
    const asks = new Asks(broker, (reply, body) => {
      sendFrame(this.#channel, 'reply', id, `${JSON.stringify(reply)}\n`, body);
    });
    const { promise, resolve } = deferred<TaskEnd>();
    this.#state = {
      kind: 'busy',
      running: {
        id,
        header,
        logs: new LogKeeper(header.logBytesMax, onLog),
        asks,
        withheld: [],
        settle: resolve,
      },
    };
    this.#reader.payloadBytesMax =
      Math.max(header.outputBytesMax, header.grants?.bodyBytesMax ?? 0) + SLACK_BYTES;
    this.#hold(true);
    const digest = this.#named;
    this.#named = undefined;
    if (digest !== undefined) this.#keep(digest);
    const sent: TaskHeader = digest === undefined ? header : { ...header, digest };
    sendFrame(this.#channel, 'run', id, `${JSON.stringify(sent)}\n`, data);
    return promise;
  }

  /** Whether it is there and reads its channel, within `timeoutMs`; asks only one that is idle. */
  check(timeoutMs: number): Promise<boolean> {
    if (this.#state.kind !== 'idle') return Promise.resolve(false);
    const { promise, resolve } = deferred<boolean>();
    const timer = setTimeout(() => afterReads(() => resolve(false)), timeoutMs);
    this.#state = {
      kind: 'checking',
      tell: (isThere) => {
        clearTimeout(timer);
        resolve(isThere);
      },
    };
    sendFrame(this.#channel, 'ping', 0);
    return promise;
  }

  /** What the kernel counts it in, from now on. */
  join(group: WorkerGroup): void {
    if (this.isDead) group.remove();
    else this.#group = group;
  }

  /** Kills the whole process group at once; settles when it is gone. */
  kill(cause: string): Promise<Death> {
    this.#cause ??= cause;
    this.#signal('SIGKILL');
    return this.gone;
  }

  /** Asks it to end by closing its channel, after `graceMs` with SIGTERM, and insists `termMs` later. */
  async end(graceMs: number, termMs: number): Promise<void> {
    if (this.isDead) return;
    this.#cause ??= 'retired';
    this.#process.hold(true);
    this.#channel.end();
    const insist = [
      setTimeout(() => this.#signal('SIGTERM'), graceMs),
      setTimeout(() => this.#signal('SIGKILL'), graceMs + termMs),
    ];
    await this.gone;
    insist.forEach((timer) => clearTimeout(timer));
  }

  #signal(signal: NodeJS.Signals): void {
    if (!this.isDead) this.#process.signal(signal);
  }

  /** Whether it keeps the parent alive. */
  #hold(isBusy: boolean): void {
    this.#process.hold(isBusy);
  }

  #receive(chunk: Buffer): void {
    try {
      for (const frame of this.#reader.push(chunk)) this.#take(frame);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#channel.pause();
      void this.kill(`it broke the protocol: ${error.message}`);
    }
  }

  #take(frame: Frame): void {
    const state = this.#state;
    switch (state.kind) {
      case 'starting':
        return this.#greeted(parseHello(frame));
      case 'busy':
        if (frame.task !== state.running.id) throw new ProtocolError('an answer to another task');
        if (frame.kind === 'log') return state.running.logs.add(frame.payload);
        if (frame.kind === 'ask') return state.running.asks.take(frame.payload);
        if (frame.kind === 'withheld') return noteWithheld(state.running.withheld, frame.payload);
        if (frame.kind !== 'outcome') throw new ProtocolError(`${frame.kind} while busy`);
        return this.#answered(state.running, parseOutcome(frame.payload));
      case 'checking':
        if (frame.kind !== 'idle') throw new ProtocolError(`${frame.kind} while idle`);
        this.#state = { kind: 'idle' };
        return state.tell(true);
      case 'idle':
        throw new ProtocolError(`${frame.kind} while idle`);
      case 'dead':
        // Bytes that were under way when it died change nothing.
        return;
      default:
        throw new Error(`unreachable: ${state satisfies never}`);
    }
  }

  #answered(running: Running, outcome: Outcome): void {
    if (outcome.output.length > running.header.outputBytesMax)
      throw new ProtocolError('an answer above its bound');
    this.#state = { kind: 'idle' };
    running.asks.close(false);
    this.#reader.payloadBytesMax = SLACK_BYTES;
    this.#hold(false);
    running.settle({ kind: 'outcome', outcome, ...toldBy(running) });
  }

  #greeted(hello: Hello): void {
    this.#state = { kind: 'idle' };
    this.#process.greeted(hello);
    // From here on it does not keep the parent alive, unless it is busy.
    this.#hold(false);
    this.#greet.resolve(hello);
  }

  #died({ exitCode, signal, use, error = '' }: ProcessEnd): Death {
    const before = this.#state;
    const cause = this.#cause === undefined ? {} : { cause: this.#cause };
    const group = this.#group?.isOutOfMemory ? 'its cgroup ran out of memory\n' : '';
    this.#group?.remove();
    const stderr = `${error}${group}${this.#words.text}`;
    const death: Death = { exitCode, signal, stderr, ...(use && { use }), ...cause };
    this.#state = { kind: 'dead', death };
    this.#channel.destroy();
    this.#greet.reject(neverReady(death));
    if (before.kind === 'checking') before.tell(false);
    if (before.kind === 'busy') {
      before.running.asks.close(true);
      before.running.settle({ kind: 'died', death, ...toldBy(before.running) });
    }
    return death;
  }
}
