/** How a batch is doing, for people and dashboards: numbers, and a file that is replaced as a whole. */
import { replaceFile } from './replace-file.ts';
import type { BatchCounts } from './checkpoint.ts';

export type BatchStatusState = 'running' | 'interrupted' | 'completed' | 'cancelled';

export interface BatchProgress extends BatchCounts {
  readonly id: string;
  readonly skill: string;
  readonly state: BatchStatusState;
  /** Items that were read and are being run, or wait for those before them. */
  readonly itemsPerSecond: number;
  /** Of the inputs, 0 to 1; absent where their size is not known. */
  readonly share?: number;
  readonly remainingMs?: number;
  readonly workedMs: number;
  /** Resident set of the process that runs it. */
  readonly memoryBytes: number;
  readonly pid: number;
  readonly atMs: number;
  readonly output: string;
  /** What of the inputs ended it, and would again: a failed item that was one too many, or inputs that break off. */
  readonly stoppedAt?: StoppedAt;
}

export interface StoppedAt {
  readonly by: 'onError' | 'failuresMax' | 'inputs';
  /** From 0. */
  readonly index: number;
  /** Where in the inputs it begins, from 1. */
  readonly line: number;
}

const RATE_MS = 10_000;

/** Items per second over the last ten seconds. */
export class Rate {
  #samples: { readonly atMs: number; readonly done: number }[] = [];

  add(atMs: number, done: number): number {
    this.#samples.push({ atMs, done });
    while (this.#samples.length > 2 && (this.#samples[0]?.atMs ?? 0) < atMs - RATE_MS) this.#samples.shift();
    const [first] = this.#samples;
    const ms = atMs - (first?.atMs ?? atMs);
    return ms > 0 ? ((done - (first?.done ?? done)) / ms) * 1_000 : 0;
  }
}

/** Writes the file when it is due, one write at a time; what a slow disk misses is in the next. */
export class ProgressFile {
  readonly #path: string;
  readonly #items: number;
  readonly #everyMs: number;
  #toldItems = 0;
  #toldMs = -Infinity;
  #writing: Promise<void> | undefined;

  constructor(path: string, { items, everyMs }: { items: number; everyMs: number }) {
    this.#path = path;
    this.#items = items;
    this.#everyMs = everyMs;
  }

  isDue(done: number, nowMs: number): boolean {
    if (this.#writing) return false;
    return done - this.#toldItems >= this.#items || nowMs - this.#toldMs >= this.#everyMs;
  }

  write(progress: BatchProgress, nowMs: number): void {
    this.#toldItems = progress.done;
    this.#toldMs = nowMs;
    this.#writing = replaceFile(this.#path, `${JSON.stringify(progress)}\n`, { isDurable: false })
      .catch(() => {
        // Progress that cannot be told, on a full disk say, stops no batch.
      })
      .finally(() => {
        this.#writing = undefined;
      });
  }

  async last(progress: BatchProgress): Promise<void> {
    await this.#writing;
    this.write(progress, 0);
    await this.#writing;
  }
}
