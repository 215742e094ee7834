/** The process that a worker is, however it came to be. */
import type { ChildProcess } from 'node:child_process';
import type { Socket } from 'node:net';
import type { Duplex, Readable } from 'node:stream';
import type { Hello } from '../sandbox/protocol.ts';
import type { ProcessUse } from './process-use.ts';
import { removeFolder, spawnChild, type SpawnOptions } from './spawn.ts';
import { innerProcessId, signalOf } from './wrapper.ts';

export interface ProcessEnd {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Of its whole life, where the kernel told. */
  readonly use?: ProcessUse;
  /** Why it never was. */
  readonly error?: string;
}

export interface WorkerChannel extends Duplex {
  ref(): void;
  unref(): void;
}

export interface WorkerProcess {
  readonly channel: WorkerChannel;
  /** What it writes past its channel. */
  readonly words: readonly Readable[];
  /** As this process sees it; undefined of a thread, and of a copy before its hello. */
  readonly processId: number | undefined;
  /** What is at fault if it never says hello: `copying`, where what it was copied from had come up. */
  readonly fault: 'copying' | 'starting';
  /** It is gone, and what it wrote was read. */
  readonly ended: Promise<ProcessEnd>;
  /** It said hello. */
  greeted(hello: Hello): void;
  /** Whether it keeps this process alive. */
  hold(isHeld: boolean): void;
  /** To its whole group. */
  signal(signal: NodeJS.Signals): void;
}

/** A process that was started by itself. */
export class SpawnedProcess implements WorkerProcess {
  readonly channel: Socket;
  readonly words: readonly Socket[];
  readonly fault = 'starting';
  readonly ended: Promise<ProcessEnd>;
  readonly #child: ChildProcess;
  readonly #isApart: boolean;
  /** Its own id, where the child's is that of a wrapper. */
  #innerId: number | undefined;
  #isKilled = false;
  #isOver = false;

  constructor(options: SpawnOptions) {
    const { child, folder } = spawnChild(options);
    this.#child = child;
    this.#isApart = options.wrapper?.isNamespaced === true;
    this.channel = child.stdio[3] as Socket;
    this.words = [child.stdout as Socket | null, child.stderr as Socket | null].filter(
      (each) => each !== null,
    );
    this.ended = this.#watch(folder);
    for (const stream of this.words) stream.unref();
  }

  /** Its descriptor of this number, counted from the one after the channel. */
  extra(index: number): Socket {
    return this.#child.stdio[4 + index] as Socket;
  }

  get processId(): number | undefined {
    return this.#innerId ?? this.#child.pid;
  }

  greeted(): void {
    if (this.#isApart && this.#child.pid !== undefined) this.#innerId = innerProcessId(this.#child.pid);
  }

  hold(isHeld: boolean): void {
    for (const each of [this.#child, this.channel]) each[isHeld ? 'ref' : 'unref']();
  }

  signal(signal: NodeJS.Signals): void {
    const { pid } = this.#child;
    if (pid === undefined || this.#isOver) return;
    this.#isKilled = true;
    this.#child.ref();
    try {
      process.kill(-pid, signal);
    } catch {
      // The group is gone, or does not exist yet: the child alone.
      this.#child.kill(signal);
    }
  }

  #watch(folder: string | undefined): Promise<ProcessEnd> {
    return new Promise((resolve) => {
      const finish = (exitCode: number | null, ended: NodeJS.Signals | null, error?: Error) => {
        if (this.#isOver) return;
        this.#isOver = true;
        if (folder !== undefined) removeFolder(folder);
        const signal = ended ?? (this.#isApart ? signalOf(exitCode) : null);
        resolve({ exitCode, signal, ...(error && { error: String(error) }) });
      };
      // `close` comes after `exit` once the streams were read: what it wrote last says why it died.
      this.#child.once('close', finish);
      this.#child.once('exit', (exitCode, signal) => {
        // Whoever waits for `close` waits for the streams, and nothing else may be left that keeps this process alive.
        for (const stream of this.#child.stdio) (stream as Socket | null | undefined)?.ref();
        if (!this.#isKilled) return;
        if (!this.#isApart) return finish(exitCode, signal);
        // The wrapper is gone; what it wrapped is when its streams end too.
        this.channel.destroy();
      });
      this.#child.once('error', (error) => {
        if (this.#child.pid === undefined) finish(null, null, error);
      });
    });
  }
}
