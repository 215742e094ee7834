/** The result cache's lower tier: the store, which may fail or fall behind without harm to a run. */
import type { Store, StoredResult } from '../store/store.ts';

export interface ResultStoreObserver {
  /** The store did not give or take a result; the run went on without it. */
  storeFailed?(event: { operation: 'get' | 'put'; error: unknown }): void;
}

/** Without `putResult` the store is only read. */
export type ResultStore = Pick<Store, 'getResult'> &
  Partial<Pick<Store, 'putResult' | 'dropResults' | 'dropExpiredResults'>>;

export class StoredResults {
  readonly #store: ResultStore | undefined;
  readonly #writesMax: number;
  readonly #observer: ResultStoreObserver | undefined;
  readonly #writes = new Set<Promise<void>>();
  readonly counts = { hits: 0, misses: 0, dropped: 0, expired: 0 };
  #failures = 0;
  #skipped = 0;

  constructor(store: ResultStore | undefined, writesMax: number, observer: ResultStoreObserver | undefined) {
    this.#store = store;
    this.#writesMax = writesMax;
    this.#observer = observer;
  }

  get failures(): number {
    return this.#failures;
  }

  /** Results not written because too many writes were under way. */
  get skipped(): number {
    return this.#skipped;
  }

  async get(key: string): Promise<StoredResult | undefined> {
    if (!this.#store) return undefined;
    try {
      const result = await this.#store.getResult(key);
      if (result) this.counts.hits += 1;
      else this.counts.misses += 1;
      return result;
    } catch (error) {
      this.#fail('get', error);
      return undefined;
    }
  }

  /** Starts the write and does not wait for it. */
  put(result: StoredResult): void {
    if (!this.#store?.putResult) return;
    if (this.#writes.size >= this.#writesMax) {
      this.#skipped += 1;
      return;
    }
    const write = this.#write(result);
    this.#writes.add(write);
    void write.then(() => this.#writes.delete(write));
  }

  /** Drops the results of one version, or all; how many there were. Fails as the store does. */
  async drop(digest?: string): Promise<number | undefined> {
    const dropped = await this.#store?.dropResults?.(digest);
    this.counts.dropped += dropped ?? 0;
    return dropped;
  }

  /** Drops what has expired; how many there were. Fails as the store does. */
  async evictExpired(): Promise<number> {
    const expired = (await this.#store?.dropExpiredResults?.()) ?? 0;
    this.counts.expired += expired;
    return expired;
  }

  /** Resolves when the writes under way have ended. */
  async flush(): Promise<void> {
    await Promise.all(this.#writes);
  }

  async #write(result: StoredResult): Promise<void> {
    try {
      await this.#store?.putResult?.(result);
    } catch (error) {
      this.#fail('put', error);
    }
  }

  #fail(operation: 'get' | 'put', error: unknown): void {
    this.#failures += 1;
    this.#observer?.storeFailed?.({ operation, error });
  }
}
