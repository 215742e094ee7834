/** Which versions come again before their worker has made its next realm. */

/** After so many such runs a version is worth one more worker. */
const TIMES_MAX = 32;
const VERSIONS_KEPT = 1_000;

export class Haste {
  readonly #times = new Map<string, number>();

  /** A run of this version met a worker that was not ready. */
  came(version: string): void {
    if (this.#times.size >= VERSIONS_KEPT) this.#times.clear();
    this.#times.set(version, (this.#times.get(version) ?? 0) + 1);
  }

  /** True once for each `TIMES_MAX` of them. */
  isWorthAnother(version: string): boolean {
    const times = this.#times.get(version);
    if (times === undefined || times < TIMES_MAX) return false;
    this.#times.delete(version);
    return true;
  }
}
