/** Least recently used first. */
import { LRUCache } from 'lru-cache';
import type { EvictionOrder, Sized } from './bounded-cache.ts';

export class LruOrder<Value extends Sized> implements EvictionOrder<Value> {
  #popped = '';
  readonly #entries = new LRUCache<string, Value>({
    // The owner keeps the bounds. A bound on entries, given here, would reserve room for all of them now.
    maxSize: Number.MAX_SAFE_INTEGER,
    sizeCalculation: () => 1,
    dispose: (_value, key) => {
      this.#popped = key;
    },
  });

  get size(): number {
    return this.#entries.size;
  }

  get(key: string): Value | undefined {
    return this.#entries.get(key);
  }

  peek(key: string): Value | undefined {
    return this.#entries.peek(key);
  }

  add(key: string, value: Value): void {
    this.#entries.set(key, value);
  }

  delete(key: string): void {
    this.#entries.delete(key);
  }

  takeVictim(): readonly [string, Value] | undefined {
    const value = this.#entries.pop();
    return value === undefined ? undefined : [this.#popped, value];
  }

  entries(): Iterable<readonly [string, Value]> {
    return this.#entries.entries();
  }

  clear(): void {
    this.#entries.clear();
  }

  resize(): void {
    // The order goes by no bounds.
  }
}
