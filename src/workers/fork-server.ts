/** Processes that are copies of one that stands ready; seen from the parent. See `sandbox/fork-server.ts`. */
import type { Socket } from 'node:net';
import { constants } from 'node:os';
import {
  NO_ENGINE_GRANTS,
  type ForkEnd,
  type ForkOrder,
  type Frame,
  type Hello,
} from '../sandbox/protocol.ts';
import { afterReads } from './after-reads.ts';
import { deferred } from './deferred.ts';
import { sendFrame } from './frame-writer.ts';
import { FrameReader, ProtocolError } from './frame-reader.ts';
import { LastWords } from './last-words.ts';
import type { SpawnOptions } from './spawn.ts';
import { SpawnedProcess, type ProcessEnd, type WorkerProcess } from './worker-process.ts';
import { copiedProcessId } from './wrapper.ts';

/** Largest frame of a server, which sends nothing but figures. */
const FRAME_BYTES_MAX = 4_096;
/** A server that does not tell of a copy's end within this is killed, and its copies with it. */
const END_MS = 2_000;
/** A longer timer fires at once. */
const TIMER_MS_MAX = 2 ** 31 - 1;

export interface ForkServerOptions extends Omit<SpawnOptions, 'engine' | 'copies'> {
  /** How many it makes: each costs two descriptors in both processes. */
  readonly copies: number;
  /** One that has had no copy for so long ends. */
  readonly idleTimeoutMs: number;
}

export class ForkServer {
  /** Settles when the server and its copies are gone. */
  readonly gone: Promise<void>;
  readonly #options: ForkServerOptions;
  readonly #process: SpawnedProcess;
  readonly #isApart: boolean;
  readonly #reader = new FrameReader(FRAME_BYTES_MAX);
  readonly #words = new LastWords();
  readonly #copies = new Map<number, CopiedProcess>();
  readonly #held = new Set<CopiedProcess>();
  #next = 0;
  #isUp = false;
  #isRetired = false;
  #isDead = false;
  #idle: NodeJS.Timeout | undefined;

  constructor(options: ForkServerOptions) {
    this.#options = options;
    this.#isApart = options.wrapper?.isNamespaced === true;
    this.#process = new SpawnedProcess({ ...options, engine: NO_ENGINE_GRANTS });
    const { channel, words } = this.#process;
    channel.on('data', (chunk: Buffer) => this.#receive(chunk));
    channel.on('error', () => {
      // Its exit is what counts.
    });
    for (const stream of words) stream.on('data', (chunk: Buffer) => void this.#words.add(chunk));
    for (let index = 0; index < 2 * options.copies; index += 1) this.#process.extra(index).unref();
    this.gone = this.#process.ended.then((end) => this.#end(end));
    this.#rest();
  }

  get processId(): number {
    return this.#process.processId ?? -1;
  }
  /** How many it makes in its life. */
  get copies(): number {
    return this.#options.copies;
  }
  /** How many copies it can still make. */
  get left(): number {
    return this.#isDead || this.#isRetired ? 0 : this.#options.copies - this.#next;
  }

  /** @throws {Error} where none is left. */
  copy(order: ForkOrder): CopiedProcess {
    if (this.left === 0) throw new Error('the fork server makes no more copies');
    clearTimeout(this.#idle);
    const slot = this.#next;
    this.#next += 1;
    const streams = [this.#process.extra(2 * slot), this.#process.extra(2 * slot + 1)] as const;
    const copy = new CopiedProcess(streams, {
      signal: (signal) => this.#send('signal', slot, Buffer.of(constants.signals[signal])),
      hold: (isHeld) => this.#hold(copy, isHeld),
      kill: () => this.#process.signal('SIGKILL'),
      isUp: () => this.#isUp,
      hostId: (inner) => (this.#isApart ? copiedProcessId(this.processId, inner) : inner),
    });
    this.#copies.set(slot, copy);
    copy.hold(true);
    this.#send('fork', slot, Buffer.from(JSON.stringify(order)));
    return copy;
  }

  /** Makes no more copies, and ends when the last one has. */
  retire(): void {
    this.#isRetired = true;
    clearTimeout(this.#idle);
    if (this.#copies.size === 0 && !this.#isDead) this.#process.channel.end();
  }

  /** Its copies are gone, so it ends; after `graceMs` by SIGKILL. */
  async close(graceMs: number): Promise<void> {
    this.retire();
    this.#process.hold(true);
    const timer = setTimeout(() => this.#process.signal('SIGKILL'), graceMs);
    await this.gone;
    clearTimeout(timer);
  }

  /** Without a copy it waits for the next, so long and no longer. */
  #rest(): void {
    this.#idle = setTimeout(() => this.retire(), Math.min(this.#options.idleTimeoutMs, TIMER_MS_MAX));
    this.#idle.unref();
  }

  #send(kind: 'fork' | 'signal', slot: number, payload: Buffer): void {
    if (!this.#isDead) sendFrame(this.#process.channel, kind, slot, payload);
  }

  #hold(copy: CopiedProcess, isHeld: boolean): void {
    if (isHeld) this.#held.add(copy);
    else this.#held.delete(copy);
    this.#process.hold(this.#held.size > 0);
  }

  #receive(chunk: Buffer): void {
    try {
      for (const frame of this.#reader.push(chunk)) this.#take(frame);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#process.channel.pause();
      this.#process.signal('SIGKILL');
    }
  }

  #take({ kind, task: slot, payload }: Frame): void {
    if (kind === 'hello') {
      this.#isUp = true;
      this.#process.greeted();
      this.#process.hold(this.#held.size > 0);
      const { why } = JSON.parse(payload.toString('utf8')) as Hello;
      if (why !== undefined) void this.#words.add(Buffer.from(why));
    } else if (kind === 'ended') {
      const copy = this.#copies.get(slot);
      this.#copies.delete(slot);
      copy?.end(endOf(JSON.parse(payload.toString('utf8')) as ForkEnd));
      if (this.left === 0) this.retire();
      else if (this.#copies.size === 0) this.#rest();
    }
  }

  /** Its copies die with it: the kernel sends them SIGKILL. */
  async #end(end: ProcessEnd): Promise<void> {
    this.#isDead = true;
    clearTimeout(this.#idle);
    const copies = [...this.#copies.values()];
    this.#copies.clear();
    // What it wrote last says why it never was, if it was not.
    const text = `${end.error ?? ''}${this.#words.text}`;
    for (const copy of copies) copy.end({ exitCode: null, signal: 'SIGKILL', ...(text && { error: text }) });
    for (let slot = this.#next; slot < this.#options.copies; slot += 1)
      for (const index of [2 * slot, 2 * slot + 1]) this.#process.extra(index).destroy();
    await Promise.all(copies.map((copy) => copy.ended));
  }
}

function endOf(end: ForkEnd): ProcessEnd {
  if (end.error !== undefined) return { exitCode: null, signal: null, error: end.error };
  const { exitCode, signal, cpuUs, memoryPeakBytes } = end;
  return { exitCode, signal: nameOf(signal), use: { cpuMs: cpuUs / 1_000, memoryPeakBytes } };
}

function nameOf(number: number | null): NodeJS.Signals | null {
  const found = Object.entries(constants.signals).find(([, each]) => each === number);
  return (found?.[0] as NodeJS.Signals | undefined) ?? null;
}

interface Server {
  signal(signal: NodeJS.Signals): void;
  hold(isHeld: boolean): void;
  /** Ends the server and all its copies. */
  kill(): void;
  /** Whether it ever said that it stands ready, or why it cannot. */
  isUp(): boolean;
  /** As this process sees it. */
  hostId(inner: number): number | undefined;
}

/** A copy of a fork server. */
export class CopiedProcess implements WorkerProcess {
  readonly channel: Socket;
  readonly words: readonly [Socket];
  readonly ended: Promise<ProcessEnd>;
  readonly #server: Server;
  readonly #end = deferred<ProcessEnd>();
  #innerId: number | undefined;
  #processId: number | undefined;
  #insist: NodeJS.Timeout | undefined;
  #isEnding = false;
  #isOver = false;

  constructor([channel, words]: readonly [Socket, Socket], server: Server) {
    this.channel = channel;
    this.words = [words];
    this.#server = server;
    words.resume();
    const read = words.closed
      ? Promise.resolve()
      : new Promise<void>((resolve) => words.once('close', () => resolve()));
    this.ended = this.#end.promise.then(async (end) => {
      this.#isOver = true;
      clearTimeout(this.#insist);
      channel.destroy();
      await read;
      server.hold(false);
      return end;
    });
    // A copy that ended by itself leaves its channel; the server, asked to kill it, tells how.
    channel.once('close', () => this.signal('SIGKILL'));
  }

  get fault(): 'copying' | 'starting' {
    return this.#server.isUp() ? 'copying' : 'starting';
  }

  greeted({ processId }: Hello): void {
    this.#innerId = processId;
  }

  get processId(): number | undefined {
    if (this.#innerId !== undefined) this.#processId ??= this.#server.hostId(this.#innerId);
    return this.#processId;
  }

  /** Its channel is enough: when that closes, the server is asked how it ended, and held until it has told. */
  hold(isHeld: boolean): void {
    if (!this.#isEnding) this.channel[isHeld ? 'ref' : 'unref']();
  }

  signal(signal: NodeJS.Signals): void {
    if (this.#isOver) return;
    this.#isEnding = true;
    for (const stream of [this.channel, ...this.words]) stream.ref();
    this.#server.hold(true);
    this.#server.signal(signal);
    if (signal === 'SIGKILL') this.#insist ??= setTimeout(() => this.#endServer(), END_MS);
  }

  #endServer(): void {
    afterReads(() => {
      if (!this.#isOver) this.#server.kill();
    });
  }

  /** The server told of its end. */
  end(end: ProcessEnd): void {
    this.#end.resolve(end);
  }
}
