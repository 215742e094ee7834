/** When retention runs: while there are writes, at most once a minute, and never in an idle library. */
import type { Retained } from './retention.ts';

const EVERY_MS = 60_000;

export class Retention {
  readonly #step: () => Promise<Retained>;
  #nextMs = 0;
  #isStopped = false;

  constructor(step: () => Promise<Retained>) {
    this.#step = step;
  }

  /** Something is written. */
  touch(): void {
    const nowMs = performance.now();
    if (nowMs < this.#nextMs || this.#isStopped) return;
    this.#nextMs = nowMs + EVERY_MS;
    void this.#run();
  }

  stop(): void {
    this.#isStopped = true;
  }

  async #run(): Promise<void> {
    try {
      while (!this.#isStopped && (await this.#step()).isMore) continue;
    } catch {
      // A full disk or a closed store: the next minute with a write tries again, and writes report it themselves.
    }
  }
}

/** Takes steps until nothing more is to be removed; how many were. Between two of them the writer serves others. */
export async function inSteps(step: () => Promise<Retained>): Promise<number> {
  for (let total = 0; ;) {
    const { removed, isMore } = await step();
    total += removed;
    if (!isMore) return total;
  }
}
