/**
 * S3-FIFO (Yang, Zhang, Qiu, Yue, Rashmi: "FIFO queues are all you need for cache eviction",
 * SOSP 2023), with a main segment that is LRU. What is new waits in a small queue of a tenth of the
 * room and leaves by its end unless it was used meanwhile: a scan passes through without pushing
 * out what is used again and again. Keys that left so are remembered for a while; one that comes
 * back goes to the main segment at once.
 */
import type { CacheBounds, EvictionOrder, Sized } from './bounded-cache.ts';
import { LruOrder } from './lru-order.ts';

const SMALL_SHARE = 0.1;
/** Uses in the small queue that earn a place in the main segment. */
const USES_MIN = 1;
/** Remembered keys: as many as there are entries, and never more than this. */
const GHOSTS_MAX = 100_000;

interface Newcomer<Value> {
  readonly value: Value;
  uses: number;
}

export class S3FifoOrder<Value extends Sized> implements EvictionOrder<Value> {
  /** In the order of their coming. */
  readonly #small = new Map<string, Newcomer<Value>>();
  readonly #main = new LruOrder<Value>();
  readonly #ghosts = new Set<string>();
  #smallBytes = 0;
  #smallEntriesMax = 0;
  #smallBytesMax = 0;

  constructor(bounds: CacheBounds) {
    this.resize(bounds);
  }

  get size(): number {
    return this.#small.size + this.#main.size;
  }

  get(key: string): Value | undefined {
    const newcomer = this.#small.get(key);
    if (newcomer === undefined) return this.#main.get(key);
    newcomer.uses += 1;
    return newcomer.value;
  }

  peek(key: string): Value | undefined {
    return this.#small.get(key)?.value ?? this.#main.peek(key);
  }

  add(key: string, value: Value): void {
    if (this.#ghosts.delete(key)) {
      this.#main.add(key, value);
      return;
    }
    this.#small.set(key, { value, uses: 0 });
    this.#smallBytes += value.bytes;
  }

  delete(key: string): void {
    if (this.#takeSmall(key) === undefined) this.#main.delete(key);
  }

  takeVictim(): readonly [string, Value] | undefined {
    while (this.#isSmallOver() || this.#main.size === 0) {
      const oldest = this.#small.keys().next();
      if (oldest.done) break;
      const key = oldest.value;
      const newcomer = this.#takeSmall(key) as Newcomer<Value>;
      if (newcomer.uses < USES_MIN) {
        this.#remember(key);
        return [key, newcomer.value];
      }
      this.#main.add(key, newcomer.value);
    }
    return this.#main.takeVictim();
  }

  *entries(): Iterable<readonly [string, Value]> {
    for (const [key, { value }] of this.#small) yield [key, value];
    yield* this.#main.entries();
  }

  clear(): void {
    this.#small.clear();
    this.#main.clear();
    this.#ghosts.clear();
    this.#smallBytes = 0;
  }

  resize({ entriesMax, bytesMax }: CacheBounds): void {
    this.#smallEntriesMax = entriesMax * SMALL_SHARE;
    this.#smallBytesMax = bytesMax * SMALL_SHARE;
  }

  #isSmallOver(): boolean {
    return this.#small.size > this.#smallEntriesMax || this.#smallBytes > this.#smallBytesMax;
  }

  #takeSmall(key: string): Newcomer<Value> | undefined {
    const newcomer = this.#small.get(key);
    if (newcomer === undefined) return undefined;
    this.#small.delete(key);
    this.#smallBytes -= newcomer.value.bytes;
    return newcomer;
  }

  #remember(key: string): void {
    this.#ghosts.add(key);
    const most = Math.min(GHOSTS_MAX, Math.max(1, this.size));
    for (const oldest of this.#ghosts) {
      if (this.#ghosts.size <= most) return;
      this.#ghosts.delete(oldest);
    }
  }
}
