/** A worker that is a thread of this process: for trusted code, since nothing confines it. */
import { Duplex, type Readable } from 'node:stream';
import { MessageChannel, Worker, type MessagePort } from 'node:worker_threads';
import { FRAME_KINDS, THREAD_WORD, type ThreadPorts, type WorkerSettings } from '../sandbox/protocol.ts';
import { programPath } from './spawn.ts';
import type { ProcessEnd, WorkerChannel, WorkerProcess } from './worker-process.ts';

type ThreadTraits = Pick<WorkerSettings, 'memoryBytesMax' | 'servesOne' | 'engine'>;

const MIB = 1024 * 1024;
/** A thread that has not started within this is ended all the same. */
const START_MS = 2_000;

export class ThreadProcess implements WorkerProcess {
  readonly channel: WorkerChannel;
  readonly words: readonly Readable[];
  /** It has none of its own. */
  readonly processId = undefined;
  readonly fault = 'starting';
  readonly ended: Promise<ProcessEnd>;
  readonly #worker: Worker;
  #isUp = false;
  #isEnding = false;
  #insist: NodeJS.Timeout | undefined;

  constructor({ memoryBytesMax, servesOne, engine }: ThreadTraits) {
    const settings: WorkerSettings = {
      parentId: process.pid,
      memoryBytesMax,
      useKernel: false,
      servesOne,
      engine,
    };
    const frames = new MessageChannel();
    const replies = new MessageChannel();
    const sent = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
    const ports: ThreadPorts = { frames: frames.port2, replies: replies.port2, sent };
    this.#worker = new Worker(programPath(), {
      workerData: { settings, ...ports },
      transferList: [ports.frames, ports.replies],
      argv: [THREAD_WORD],
      env: {},
      execArgv: ['--no-warnings'],
      stdin: false,
      stdout: true,
      stderr: true,
      name: 'skillcache worker',
      resourceLimits: { maxOldGenerationSizeMb: Math.max(16, Math.floor(memoryBytesMax / MIB)) },
    });
    const channel = new ThreadChannel(frames.port1, replies.port1, sent, () => this.#hears());
    this.channel = channel;
    this.words = [this.#worker.stdout, this.#worker.stderr];
    this.ended = new Promise((resolve) => {
      let error: string | undefined;
      this.#worker.once('error', (thrown) => (error = String(thrown)));
      this.#worker.once('exit', (exitCode) => {
        clearTimeout(this.#insist);
        channel.destroy();
        resolve({ exitCode, signal: null, ...(error !== undefined && { error }) });
      });
    });
  }

  greeted(): void {
    // It says nothing that is not known.
  }

  hold(isHeld: boolean): void {
    if (this.#isEnding) return;
    this.#worker[isHeld ? 'ref' : 'unref']();
    this.channel[isHeld ? 'ref' : 'unref']();
  }

  /**
   * Of a thread nothing is asked twice: any signal ends it, once it is up. One that is ended while it
   * loads its program leaves the files open that it was about to read.
   */
  signal(): void {
    this.hold(true);
    this.#isEnding = true;
    if (this.#isUp) void this.#worker.terminate();
    else this.#insist ??= setTimeout(() => void this.#worker.terminate(), START_MS);
  }

  /** Whether what it says is of interest: not the hello of one that is to end. */
  #hears(): boolean {
    if (this.#isUp || !this.#isEnding) return (this.#isUp = true);
    this.#isUp = true;
    void this.#worker.terminate();
    return false;
  }
}

/** The parent's ends of a thread's ports, as the stream that a process's channel is. */
class ThreadChannel extends Duplex implements WorkerChannel {
  readonly #frames: MessagePort;
  readonly #replies: MessagePort;
  readonly #sent: Int32Array;

  constructor(frames: MessagePort, replies: MessagePort, sent: Int32Array, hears: () => boolean) {
    super();
    this.#frames = frames;
    this.#replies = replies;
    this.#sent = sent;
    frames.on('message', (bytes: Uint8Array) => {
      if (hears()) this.push(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
    });
  }

  ref(): void {
    this.#frames.ref();
  }

  unref(): void {
    this.#frames.unref();
  }

  override _read(): void {
    // Messages come when they come.
  }

  /** Each write is one frame. */
  override _write(frame: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#send(frame[4] === FRAME_KINDS.reply ? this.#replies : this.#frames, Uint8Array.from(frame));
    done();
  }

  override _final(done: () => void): void {
    this.#send(this.#frames, null);
    this.#send(this.#replies, null);
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#frames.close();
    this.#replies.close();
    done(error);
  }

  #send(port: MessagePort, message: Uint8Array<ArrayBuffer> | null): void {
    port.postMessage(message, message === null ? [] : [message.buffer]);
    Atomics.add(this.#sent, 0, 1);
    Atomics.notify(this.#sent, 0);
  }
}
