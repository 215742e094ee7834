/**
 * A least-recently-used map that is bounded by entries and by bytes and counts what leaves it,
 * and why. Both caches stand on it; another way of choosing what leaves would come in here.
 */
import { LRUCache } from 'lru-cache';

/** Why an entry left. `entries` and `bytes` name the bound that pushed it out. */
export type EvictReason = 'entries' | 'bytes' | 'expired' | 'replaced' | 'dropped' | 'cleared';

export interface CacheBounds {
  /** Most entries held. */
  readonly entriesMax: number;
  /** Most bytes held, by the estimate given with each entry. */
  readonly bytesMax: number;
}

export class BoundedLru<Value extends object> {
  readonly bounds: CacheBounds;
  readonly #entries: LRUCache<string, Value>;
  readonly #evictions = new Map<EvictReason, number>();
  #reason: EvictReason = 'bytes';
  #bytesOfNext = 1;
  #overflows = 0;

  /** `onEvict` is told of every entry that leaves, while it leaves; it must not call back into the map. */
  constructor(bounds: CacheBounds, onEvict?: (key: string, value: Value, reason: EvictReason) => void) {
    this.bounds = bounds;
    this.#entries = new LRUCache<string, Value>({
      // The bound on entries is kept by `set` below: given here, it would reserve room for all of them now.
      maxSize: bounds.bytesMax,
      sizeCalculation: () => this.#bytesOfNext,
      dispose: (value, key, cause) => {
        const reason = cause === 'set' ? 'replaced' : this.#reason;
        this.#evictions.set(reason, (this.#evictions.get(reason) ?? 0) + 1);
        onEvict?.(key, value, reason);
      },
    });
  }

  get entries(): number {
    return this.#entries.size;
  }

  get bytes(): number {
    return this.#entries.calculatedSize;
  }

  /** Entries that were larger than the whole map and so never held. */
  get overflows(): number {
    return this.#overflows;
  }

  get evictions(): Readonly<Partial<Record<EvictReason, number>>> {
    return Object.fromEntries(this.#evictions);
  }

  /** The entry, which becomes the most recently used. */
  get(key: string): Value | undefined {
    return this.#entries.get(key);
  }

  /** The entry, its place in the order unchanged. */
  peek(key: string): Value | undefined {
    return this.#entries.peek(key);
  }

  /** Holds the entry, pushing out others as the bounds ask; false where it alone is over a bound. */
  set(key: string, value: Value, bytes: number): boolean {
    if (bytes > this.bounds.bytesMax) {
      this.#overflows += 1;
      this.delete(key, 'replaced');
      return false;
    }
    this.#bytesOfNext = Math.max(1, Math.ceil(bytes));
    this.#reason = 'bytes';
    this.#entries.set(key, value);
    this.#reason = 'entries';
    while (this.#entries.size > this.bounds.entriesMax) this.#entries.pop();
    return true;
  }

  delete(key: string, reason: EvictReason): boolean {
    this.#reason = reason;
    return this.#entries.delete(key);
  }

  /** Deletes every entry that `chosen` names; how many there were. Leaves the others' order alone. */
  deleteWhere(chosen: (value: Value, key: string) => boolean, reason: EvictReason): number {
    const keys: string[] = [];
    for (const [key, value] of this.#entries.entries()) if (chosen(value, key)) keys.push(key);
    for (const key of keys) this.delete(key, reason);
    return keys.length;
  }

  clear(): number {
    const count = this.#entries.size;
    this.#reason = 'cleared';
    this.#entries.clear();
    return count;
  }
}

/** Bytes a string takes in V8's heap: one a unit where all are Latin-1, else two. */
export function textBytes(text: string): number {
  // eslint-disable-next-line no-control-regex
  return /[^\0-\u00ff]/.test(text) ? text.length * 2 : text.length;
}
