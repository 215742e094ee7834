/** The inputs one by one, read no further than they are asked for. */
import type { ByteSource, Hashed } from './byte-source.ts';
import type { Frames } from './frames.ts';
import type { Item, ItemReader } from './item.ts';

export interface ItemSource {
  /** The next item that is there already. @throws {InputsBrokenError}, once: it is over then. */
  takeNow(): Item | undefined;
  /** Resolves when there is more, when there is no more to come, or when it was stopped. */
  fill(): Promise<void>;
  readonly isOver: boolean;
  stop(): void;
}

export class InputReader implements ItemSource {
  readonly #source: ByteSource;
  readonly #frames: Frames;
  readonly #items: ItemReader;
  #filling: { readonly promise: Promise<void>; readonly wake: () => void } | undefined;
  #isRead = false;
  #isOver = false;

  constructor(source: ByteSource, frames: Frames, items: ItemReader) {
    this.#source = source;
    this.#frames = frames;
    this.#items = items;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  get columns(): readonly string[] | undefined {
    return this.#items.columns;
  }

  hashed(): Hashed {
    return this.#source.hashed();
  }

  takeNow(): Item | undefined {
    if (this.#isOver) return undefined;
    try {
      return this.#next();
    } catch (error) {
      // Whoever asks next must not read on behind what is broken.
      this.stop();
      throw error;
    }
  }

  #next(): Item | undefined {
    for (;;) {
      const frame = this.#frames.next();
      if (!frame) break;
      const item = this.#items.read(frame);
      if (item) return item;
    }
    if (this.#isRead) {
      this.#isOver = true;
      this.#items.end();
    }
    return undefined;
  }

  fill(): Promise<void> {
    if (this.#isOver) return Promise.resolve();
    if (this.#filling) return this.#filling.promise;
    const { promise, resolve, reject } = withResolvers();
    this.#filling = { promise, wake: resolve };
    this.#fill().then(resolve, reject);
    return promise;
  }

  /** No item is given any more; who waits is told, though the read itself may still be under way. */
  stop(): void {
    this.#isOver = true;
    this.#filling?.wake();
  }

  async #fill(): Promise<void> {
    try {
      const block = await this.#source.next();
      if (block) this.#frames.push(block);
      else {
        this.#frames.end();
        this.#isRead = true;
      }
    } finally {
      this.#filling = undefined;
    }
  }
}

function withResolvers(): { promise: Promise<void>; resolve: () => void; reject: (error: Error) => void } {
  let resolve = (): void => {};
  let reject: (error: Error) => void = () => {};
  const promise = new Promise<void>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}
