/** Remembers, for a bounded number of keys, why each is no longer kept: to explain a miss. */
import type { EvictReason } from './bounded-cache.ts';

export type GoneReason = 'expired' | 'evicted' | 'dropped';

const KEYS_MAX = 10_000;

const REASONS: Readonly<Record<EvictReason, GoneReason | undefined>> = {
  entries: 'evicted',
  bytes: 'evicted',
  memory: 'evicted',
  expired: 'expired',
  dropped: 'dropped',
  cleared: 'dropped',
  replaced: undefined,
};

export class GoneKeys {
  readonly #reasons = new Map<string, GoneReason>();

  add(key: string, why: EvictReason): void {
    const reason = REASONS[why];
    if (!reason) return;
    // Set anew, so that the map's order is that of leaving.
    this.#reasons.delete(key);
    this.#reasons.set(key, reason);
    if (this.#reasons.size <= KEYS_MAX) return;
    const oldest = this.#reasons.keys().next();
    if (!oldest.done) this.#reasons.delete(oldest.value);
  }

  /** The key is kept again. */
  delete(key: string): void {
    this.#reasons.delete(key);
  }

  why(key: string): GoneReason | undefined {
    return this.#reasons.get(key);
  }
}
