/** One child process, seen from the parent: starts it, sends it one task at a time, kills it. */
import type { ChildProcess } from 'node:child_process';
import type { Socket } from 'node:net';
import {
  frameBytes,
  PROGRAMS_MAX,
  type Binding,
  type Frame,
  type EngineGrants,
  type Hello,
  type Program,
  type TaskHeader,
} from '../sandbox/protocol.ts';
import { Asks } from './asks.ts';
import { deferred } from './deferred.ts';
import { FrameReader, ProtocolError } from './frame-reader.ts';
import { LastWords } from './last-words.ts';
import { LogKeeper } from './log-keeper.ts';
import { parseHello, parseOutcome, type Outcome } from './outcome.ts';
import { neverReady } from './run-errors.ts';
import type { Death, Task, TaskEnd } from './task.ts';
import { removeFolder, spawnWorker, type SpawnOptions } from './spawn.ts';
import { innerProcessId, signalOf } from './wrapper.ts';

interface Running {
  readonly id: number;
  readonly header: TaskHeader;
  readonly logs: LogKeeper;
  readonly asks: Asks;
  readonly settle: (end: TaskEnd) => void;
}

type WorkerState =
  | { readonly kind: 'starting' }
  | { readonly kind: 'idle' }
  | { readonly kind: 'busy'; readonly running: Running }
  /** Asked whether it is there. */
  | { readonly kind: 'checking'; readonly tell: (isThere: boolean) => void }
  | { readonly kind: 'dead'; readonly death: Death };

const SLACK_BYTES = 768 * 1024;

export class Worker {
  readonly memoryBytesMax: number;
  readonly servesOne: boolean;
  readonly engine: EngineGrants;
  readonly #isApart: boolean;
  readonly hello: Promise<Hello>;
  /** Settles when the process is gone and its folder removed. */
  readonly gone: Promise<Death>;
  readonly #child: ChildProcess;
  readonly #channel: Socket;
  readonly #reader = new FrameReader(SLACK_BYTES);
  #state: WorkerState = { kind: 'starting' };
  #digest: string | undefined;
  #label: string | undefined;
  #tenant: string | undefined;
  /** The versions it keeps, least recently used first. */
  readonly #kept = new Set<string>();
  /** Its own id, where the child's is that of a wrapper. */
  #innerId: number | undefined;
  #lastTask = 0;
  readonly #words = new LastWords();
  #cause: string | undefined;
  #greet: { resolve(hello: Hello): void; reject(error: Error): void };

  constructor(options: SpawnOptions) {
    const { child, folder } = spawnWorker(options);
    this.memoryBytesMax = options.memoryBytesMax;
    this.servesOne = options.servesOne;
    this.engine = options.engine;
    this.#isApart = options.wrapper?.isNamespaced === true;
    this.#child = child;
    const greeting = deferred<Hello>();
    this.hello = greeting.promise;
    this.hello.catch(() => {
      // Whoever waits hears of it; nobody may be waiting.
    });
    this.#greet = greeting;
    this.#channel = child.stdio[3] as Socket;
    this.#channel.on('data', (chunk: Buffer) => this.#receive(chunk));
    this.#channel.on('error', () => {
      // A channel that breaks is followed by the child's exit, which is what counts.
    });
    const hear = (chunk: Buffer) => {
      if (!this.#words.add(chunk)) void this.kill('it wrote past its channel');
    };
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', hear);
    this.gone = this.#watch(folder);
    for (const stream of [child.stdout, child.stderr]) (stream as Socket | null)?.unref();
  }

  get processId(): number {
    return this.#innerId ?? this.#child.pid ?? -1;
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
    if (this.#digest !== undefined && this.servesOne) throw new Error('a worker is bound once');
    this.#digest = digest;
    this.#label = program.units[0]?.fileName;
    this.#tenant = tenant;
    const binding: Binding = this.#kept.delete(digest) ? { digest } : program;
    this.#kept.add(digest);
    const [oldest] = this.#kept;
    if (this.#kept.size > PROGRAMS_MAX && oldest !== undefined) this.#kept.delete(oldest);
    this.#channel.write(frameBytes('bind', 0, JSON.stringify(binding)));
  }

  /** Runs a task. One that has just answered makes its next realm first. */
  run(task: Task): Promise<TaskEnd> {
    const state = this.#state;
    if (state.kind === 'dead')
      return Promise.resolve({ kind: 'died', death: state.death, logs: '', logsCut: false });
    if (state.kind !== 'idle') throw new Error(`a worker that is ${state.kind} takes no task`);
    this.#lastTask = (this.#lastTask + 1) >>> 0;
    const id = this.#lastTask;
    const { header, data, broker, onLog } = task;
    const asks = new Asks(broker, (reply, body) => {
      this.#channel.write(frameBytes('reply', id, `${JSON.stringify(reply)}\n`, body));
    });
    const { promise, resolve } = deferred<TaskEnd>();
    this.#state = {
      kind: 'busy',
      running: { id, header, logs: new LogKeeper(header.logBytesMax, onLog), asks, settle: resolve },
    };
    this.#reader.payloadBytesMax =
      Math.max(header.outputBytesMax, header.grants?.bodyBytesMax ?? 0) + SLACK_BYTES;
    this.#hold(true);
    this.#channel.write(frameBytes('run', id, `${JSON.stringify(header)}\n`, data));
    return promise;
  }

  /** Whether it is there and reads its channel, within `timeoutMs`; asks only one that is idle. */
  check(timeoutMs: number): Promise<boolean> {
    if (this.#state.kind !== 'idle') return Promise.resolve(false);
    const { promise, resolve } = deferred<boolean>();
    const timer = setTimeout(() => resolve(false), timeoutMs);
    this.#state = {
      kind: 'checking',
      tell: (isThere) => {
        clearTimeout(timer);
        resolve(isThere);
      },
    };
    this.#channel.write(frameBytes('ping', 0));
    return promise;
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
    this.#child.ref();
    this.#channel.end();
    const insist = [
      setTimeout(() => this.#signal('SIGTERM'), graceMs),
      setTimeout(() => this.#signal('SIGKILL'), graceMs + termMs),
    ];
    await this.gone;
    insist.forEach((timer) => clearTimeout(timer));
  }

  #signal(signal: NodeJS.Signals): void {
    const { pid } = this.#child;
    if (pid === undefined || this.isDead) return;
    this.#child.ref();
    try {
      process.kill(-pid, signal);
    } catch {
      // The group is gone, or does not exist yet: the child alone.
      this.#child.kill(signal);
    }
  }

  /** Whether it keeps the parent alive. */
  #hold(isBusy: boolean): void {
    for (const each of [this.#child, this.#channel]) each[isBusy ? 'ref' : 'unref']();
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
        this.#state = { kind: 'idle' };
        if (this.#isApart) this.#innerId = innerProcessId(this.processId);
        // From here on it does not keep the parent alive, unless it is busy.
        this.#hold(false);
        this.#greet.resolve(parseHello(frame));
        return;
      case 'busy':
        if (frame.task !== state.running.id) throw new ProtocolError('an answer to another task');
        if (frame.kind === 'log') return state.running.logs.add(frame.payload);
        if (frame.kind === 'ask') return state.running.asks.take(frame.payload);
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
    running.settle({ kind: 'outcome', outcome, logs: running.logs.text, logsCut: running.logs.isCut });
  }

  #watch(folder: string | undefined): Promise<Death> {
    return new Promise((resolve) => {
      const finish = (exitCode: number | null, ended: NodeJS.Signals | null) => {
        if (this.#state.kind === 'dead') return;
        const signal = ended ?? (this.#isApart ? signalOf(exitCode) : null);
        const cause = this.#cause === undefined ? {} : { cause: this.#cause };
        const death: Death = { exitCode, signal, stderr: this.#words.text, ...cause };
        const before = this.#state;
        this.#state = { kind: 'dead', death };
        if (folder !== undefined) removeFolder(folder);
        this.#channel.destroy();
        this.#greet.reject(neverReady(death));
        if (before.kind === 'checking') before.tell(false);
        if (before.kind === 'busy') {
          const { logs, asks, settle } = before.running;
          asks.close(true);
          settle({ kind: 'died', death, logs: logs.text, logsCut: logs.isCut });
        }
        resolve(death);
      };
      // `close` comes after `exit` once the streams were read: what it wrote last says why it died.
      this.#child.once('close', finish);
      this.#child.once('exit', (exitCode, signal) => {
        // Whoever waits for `close` waits for the streams, and nothing else may be left that keeps the parent alive.
        for (const stream of [this.#child.stdout, this.#child.stderr]) (stream as Socket | null)?.ref();
        if (this.#cause === undefined) return;
        if (!this.#isApart) return finish(exitCode, signal);
        // The wrapper is gone; what it wrapped is when its streams end too.
        this.#channel.destroy();
      });
      this.#child.once('error', (error) => {
        this.#words.add(Buffer.from(String(error)));
        if (this.#child.pid === undefined) finish(null, null);
      });
    });
  }
}
