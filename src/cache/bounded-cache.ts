/**
 * A map bounded by entries and by bytes that counts what leaves it, and why. Which entry leaves
 * first is up to its policy; pinned ones never do. All caches in memory stand on it.
 */
import { LruOrder } from './lru-order.ts';
import { S3FifoOrder } from './s3-fifo-order.ts';

/**
 * Why an entry left. `entries` and `bytes` name the bound that pushed it out, `memory` that the
 * bounds were lowered for a while.
 */
export type EvictReason = 'entries' | 'bytes' | 'memory' | 'expired' | 'replaced' | 'dropped' | 'cleared';

/** `lru`: least recently used first. `s3-fifo`: what was used once leaves before what was used again. */
export type CachePolicy = 'lru' | 's3-fifo';

export interface CacheBounds {
  /** Most entries held. */
  readonly entriesMax: number;
  /** Most bytes held, by the estimate that each entry carries. */
  readonly bytesMax: number;
  /** Default `lru`. */
  readonly policy?: CachePolicy;
}

/** What can be held: it knows its own size, and that never changes. */
export interface Sized {
  readonly bytes: number;
}

/** Chooses what leaves. Knows no bounds but those that its own parts go by. */
export interface EvictionOrder<Value extends Sized> {
  readonly size: number;
  /** The entry, and that it was used. */
  get(key: string): Value | undefined;
  peek(key: string): Value | undefined;
  /** A key that is not there yet. */
  add(key: string, value: Value): void;
  delete(key: string): void;
  /** Takes the entry out that should leave first. */
  takeVictim(): readonly [string, Value] | undefined;
  entries(): Iterable<readonly [string, Value]>;
  clear(): void;
  /** The bounds changed. */
  resize(bounds: CacheBounds): void;
}

export type OnEvict<Value> = (key: string, value: Value, reason: EvictReason) => void;

export class BoundedCache<Value extends Sized> {
  readonly #full: CacheBounds;
  readonly #order: EvictionOrder<Value>;
  readonly #pinned = new Map<string, Value>();
  readonly #evictions = new Map<EvictReason, number>();
  readonly #onEvict: OnEvict<Value> | undefined;
  #bounds: CacheBounds;
  #bytes = 0;
  #overflows = 0;

  /** `onEvict` is told of every entry that leaves, when it has left; it must not call back into the map. */
  constructor(bounds: CacheBounds, onEvict?: OnEvict<Value>) {
    this.#full = bounds;
    this.#bounds = bounds;
    this.#onEvict = onEvict;
    this.#order = bounds.policy === 's3-fifo' ? new S3FifoOrder<Value>(bounds) : new LruOrder<Value>();
  }

  /** The bounds in force. */
  get bounds(): CacheBounds {
    return this.#bounds;
  }

  get entries(): number {
    return this.#order.size + this.#pinned.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get pinned(): number {
    return this.#pinned.size;
  }

  /** Entries that found no room: larger than the whole map, or than what pinned ones leave of it. */
  get overflows(): number {
    return this.#overflows;
  }

  get evictions(): Readonly<Partial<Record<EvictReason, number>>> {
    return Object.fromEntries(this.#evictions);
  }

  /** The entry, and that it was used. */
  get(key: string): Value | undefined {
    return this.#order.get(key) ?? (this.#pinned.size > 0 ? this.#pinned.get(key) : undefined);
  }

  /** The entry, its place in the order unchanged. */
  peek(key: string): Value | undefined {
    return this.#order.peek(key) ?? this.#pinned.get(key);
  }

  /** Holds the entry, pushing out others as the bounds ask; false where even that makes no room for it. */
  set(key: string, value: Value): boolean {
    const isPinned = this.#pinned.has(key);
    this.delete(key, 'replaced');
    if (!this.#makeRoom(value.bytes)) {
      this.#overflows += 1;
      return false;
    }
    if (isPinned) this.#pinned.set(key, value);
    else this.#order.add(key, value);
    this.#bytes += value.bytes;
    return true;
  }

  /** Keeps the entry from leaving until `unpin`; false where there is none. */
  pin(key: string): boolean {
    const value = this.#order.peek(key);
    if (value === undefined) return this.#pinned.has(key);
    this.#order.delete(key);
    this.#pinned.set(key, value);
    return true;
  }

  /** False where it was not pinned. It leaves at once if the bounds were lowered below it. */
  unpin(key: string): boolean {
    const value = this.#pinned.get(key);
    if (value === undefined) return false;
    this.#pinned.delete(key);
    this.#order.add(key, value);
    this.#shrink();
    return true;
  }

  delete(key: string, reason: EvictReason): boolean {
    const value = this.peek(key);
    if (value === undefined) return false;
    if (!this.#pinned.delete(key)) this.#order.delete(key);
    this.#left(key, value, reason);
    return true;
  }

  /** Deletes every entry that `chosen` names; how many there were. Leaves the others' order alone. */
  deleteWhere(chosen: (value: Value, key: string) => boolean, reason: EvictReason): number {
    const keys: string[] = [];
    for (const [key, value] of this.#order.entries()) if (chosen(value, key)) keys.push(key);
    for (const [key, value] of this.#pinned) if (chosen(value, key)) keys.push(key);
    for (const key of keys) this.delete(key, reason);
    return keys.length;
  }

  /** Drops everything that is not pinned; how many there were. */
  clear(): number {
    const all = [...this.#order.entries()];
    this.#order.clear();
    for (const [key, value] of all) this.#left(key, value, 'cleared');
    return all.length;
  }

  /** Lowers both bounds to a share of what they are, 0 to 1, or gives them back; pinned entries stay. */
  setShare(share: number): void {
    const { entriesMax, bytesMax, policy = 'lru' } = this.#full;
    const part = (bound: number): number => Math.max(1, Math.floor(bound * share));
    this.#bounds = { entriesMax: part(entriesMax), bytesMax: part(bytesMax), policy };
    this.#order.resize(this.#bounds);
    this.#shrink();
  }

  #shrink(): void {
    while (this.entries > this.#bounds.entriesMax || this.#bytes > this.#bounds.bytesMax) {
      if (!this.#pushOut('memory')) return;
    }
  }

  #makeRoom(bytes: number): boolean {
    const { entriesMax, bytesMax } = this.#bounds;
    if (bytes > bytesMax) return false;
    // What is pinned stays, so nothing is pushed out in vain.
    let pinnedBytes = 0;
    for (const value of this.#pinned.values()) pinnedBytes += value.bytes;
    if (this.#pinned.size >= entriesMax || pinnedBytes + bytes > bytesMax) return false;
    while (this.entries >= entriesMax) this.#pushOut('entries');
    while (this.#bytes + bytes > bytesMax) this.#pushOut('bytes');
    return true;
  }

  #pushOut(reason: EvictReason): boolean {
    const victim = this.#order.takeVictim();
    if (victim === undefined) return false;
    this.#left(victim[0], victim[1], reason);
    return true;
  }

  #left(key: string, value: Value, reason: EvictReason): void {
    this.#bytes -= value.bytes;
    this.#evictions.set(reason, (this.#evictions.get(reason) ?? 0) + 1);
    this.#onEvict?.(key, value, reason);
  }
}

/** Bytes a string takes in V8's heap: one a unit where all are Latin-1, else two. */
export function textBytes(text: string): number {
  // eslint-disable-next-line no-control-regex
  return /[^\0-\u00ff]/.test(text) ? text.length * 2 : text.length;
}
