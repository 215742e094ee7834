/** Time that stands still until a test moves it. */
import type { PoolClock } from '../../src/pool/pool-options.ts';

interface FakeTimer {
  readonly atMs: number;
  readonly callback: () => void;
  readonly isBackground: boolean;
}

export class FakeClock implements PoolClock {
  #nowMs = 0;
  readonly #timers = new Set<FakeTimer>();

  now(): number {
    return this.#nowMs;
  }

  setTimeout(callback: () => void, ms: number, isBackground: boolean): unknown {
    const timer = { atMs: this.#nowMs + ms, callback, isBackground };
    this.#timers.add(timer);
    return timer;
  }

  clearTimeout(timer: unknown): void {
    this.#timers.delete(timer as FakeTimer);
  }

  get timers(): readonly FakeTimer[] {
    return [...this.#timers];
  }

  /** Fires what falls due, in order, with promises settled in between. */
  async advance(ms: number): Promise<void> {
    await settled();
    const endMs = this.#nowMs + ms;
    for (;;) {
      const due = [...this.#timers].filter((timer) => timer.atMs <= endMs).sort((a, b) => a.atMs - b.atMs)[0];
      if (due === undefined) break;
      this.#timers.delete(due);
      this.#nowMs = Math.max(this.#nowMs, due.atMs);
      due.callback();
      await settled();
    }
    this.#nowMs = endMs;
    await settled();
  }
}

/** Every promise reaction that is ready has run. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
