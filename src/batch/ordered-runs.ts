/**
 * Runs items side by side and gives what became of them in the order of the inputs. What is taken ahead of the
 * slowest run is bounded, in items and in bytes; within that, a slow item holds up no other.
 */
import { setMaxListeners } from 'node:events';
import { toError } from '../errors.ts';
import type { ItemSource } from './input-reader.ts';
import type { Item } from './item.ts';
import { Slots } from './slots.ts';

export interface Settled<Result> {
  readonly item: Item;
  readonly result: Result;
}

export interface OrderedRunsOptions<Result> {
  readonly source: ItemSource;
  /** Rejects only where nothing can go on. */
  readonly run: (item: Item, signal: AbortSignal) => Promise<Result>;
  /** What a result that waits for its turn takes, in bytes. */
  readonly sizeOf: (result: Result) => number;
  readonly concurrency: number;
  readonly windowMax: number;
  readonly windowBytesMax: number;
  /** Items given out at most. */
  readonly itemsMax: number;
  /** Where in the inputs the first item begins. */
  readonly position: number;
}

/** An item, and its place in the order. */
interface Taken {
  readonly item: Item;
  readonly at: number;
}

/** Results that wait to be taken while none before them is under way. */
const READY_MAX = 64;

export class OrderedRuns<Result> {
  readonly #options: OrderedRunsOptions<Result>;
  readonly #abort = new AbortController();
  /** By its place in the order; what is missing is under way. */
  readonly #settled = new Slots<Settled<Result>>();
  readonly #lanes: Promise<void>[] = [];
  #taken = 0;
  #given = 0;
  #takenTo: number;
  #givenTo: number;
  #waitingBytes = 0;
  #running = 0;
  #failure: Error | undefined;
  #wakeReader: (() => void) | undefined;
  #room: { readonly promise: Promise<void>; readonly wake: () => void } | undefined;

  constructor(options: OrderedRunsOptions<Result>) {
    this.#options = options;
    this.#takenTo = options.position;
    this.#givenTo = options.position;
    setMaxListeners(0, this.#abort.signal);
  }

  /** What is ready in order: at least one, or none after `nudge`; undefined when there is no more to come. */
  async next(): Promise<readonly Settled<Result>[] | undefined> {
    if (this.#lanes.length === 0) this.#start();
    for (;;) {
      const ready = this.#takeReady();
      if (ready.length > 0) return ready;
      if (this.#running === 0) {
        if (this.#failure) throw this.#failure;
        return undefined;
      }
      const isNudged = await new Promise<boolean>((resolve) => {
        this.#wakeReader = () => resolve(false);
        this.#nudge = () => resolve(true);
      });
      if (isNudged) return [];
    }
  }

  /** Makes a `next` that waits return. */
  nudge(): void {
    this.#nudge();
  }

  #nudge: () => void = () => {};

  /** Takes no more items; what runs goes on. */
  stop(): void {
    this.#options.source.stop();
    this.#room?.wake();
  }

  /** Aborts what runs, too. */
  kill(reason: Error): void {
    this.stop();
    this.#abort.abort(reason);
  }

  /** Settles when nothing runs any more. */
  async ended(): Promise<void> {
    await Promise.all(this.#lanes);
  }

  #start(): void {
    const { concurrency } = this.#options;
    this.#running = concurrency;
    for (let lane = 0; lane < concurrency; lane += 1) this.#lanes.push(this.#lane());
  }

  async #lane(): Promise<void> {
    try {
      for (;;) {
        const taken = this.#takeNow() ?? (await this.#take());
        if (!taken) return;
        const { item, at } = taken;
        const result = await this.#options.run(item, this.#abort.signal);
        this.#waitingBytes += this.#options.sizeOf(result);
        this.#settled.set(at, { item, result }, this.#given);
        if (at === this.#given) this.#wakeReader?.();
      }
    } catch (error) {
      this.#failure ??= toError(error);
      this.stop();
    } finally {
      this.#running -= 1;
      this.#wakeReader?.();
    }
  }

  /** Looks and counts in one go: of many lanes that wait for the same block none may come in between. */
  #takeNow(): Taken | undefined {
    if (this.#taken >= this.#options.itemsMax || !this.#hasRoom()) return undefined;
    const item = this.#options.source.takeNow();
    if (!item) return undefined;
    const at = this.#taken;
    this.#taken += 1;
    this.#takenTo = item.end;
    return { item, at };
  }

  async #take(): Promise<Taken | undefined> {
    const { source, itemsMax } = this.#options;
    for (;;) {
      if (source.isOver || this.#taken >= itemsMax) return undefined;
      if (!this.#hasRoom()) await this.#untilRoom();
      else {
        const taken = this.#takeNow();
        if (taken) return taken;
        if (!source.isOver) await source.fill();
      }
    }
  }

  #hasRoom(): boolean {
    const { windowMax, windowBytesMax } = this.#options;
    if (this.#taken === this.#given) return true;
    // Not a slow run is what is waited for, but who takes the results: running ahead would only fill memory.
    if (this.#taken - this.#given >= READY_MAX && this.#settled.get(this.#given) !== undefined) return false;
    const bytes = this.#takenTo - this.#givenTo + this.#waitingBytes;
    return this.#taken - this.#given < windowMax && bytes < windowBytesMax;
  }

  #untilRoom(): Promise<void> {
    if (!this.#room) {
      let wake = (): void => {};
      const promise = new Promise<void>((resolve) => (wake = resolve));
      this.#room = { promise, wake };
    }
    return this.#room.promise;
  }

  #takeReady(): Settled<Result>[] {
    const ready: Settled<Result>[] = [];
    for (;;) {
      const settled = this.#settled.get(this.#given);
      if (!settled) break;
      this.#settled.delete(this.#given);
      this.#given += 1;
      this.#givenTo = settled.item.end;
      this.#waitingBytes -= this.#options.sizeOf(settled.result);
      ready.push(settled);
    }
    if (ready.length > 0 && this.#room) {
      this.#room.wake();
      this.#room = undefined;
    }
    return ready;
  }
}
