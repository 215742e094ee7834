/** Workers that answered and make their next realm: whether a run waits for one, or takes another. */

/** How long a run waits for such a worker rather than binding another. */
const WAIT_MS = 20;
/** After so many waits a version is given one more worker, if one stands by. */
const WAITS_MAX = 32;

export class Settling {
  /** The latest of each version. */
  readonly #latest = new Map<string, Promise<boolean>>();
  readonly #waits = new Map<string, number>();

  /** Gives what `settled` gives: whether the worker can be used again. */
  async track(digest: string, settled: Promise<boolean>): Promise<boolean> {
    this.#latest.set(digest, settled);
    const isIdle = await settled;
    if (this.#latest.get(digest) === settled) this.#latest.delete(digest);
    if (this.#waits.size > 1_000) this.#waits.clear();
    return isIdle;
  }

  /**
   * A moment for a worker of this version that has just answered: binding another costs more. A version
   * that always comes too early is worth another worker, though, where `isAnotherReady`.
   */
  async wait(digest: string, isAnotherReady: boolean): Promise<void> {
    const settled = this.#latest.get(digest);
    if (settled === undefined) return;
    const waits = (this.#waits.get(digest) ?? 0) + 1;
    const isEnough = isAnotherReady && waits > WAITS_MAX;
    this.#waits.set(digest, isEnough ? 0 : waits);
    if (isEnough) return;
    let timer: NodeJS.Timeout | undefined;
    const moment = new Promise<void>((resolve) => (timer = setTimeout(resolve, WAIT_MS)));
    await Promise.race([settled, moment]);
    clearTimeout(timer);
  }
}
