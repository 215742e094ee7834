/** A resource in a caller's hands, until it is released or destroyed. */
import type { DestroyReason } from './pool-stats.ts';

export interface Lease<T> extends AsyncDisposable {
  readonly value: T;
  /** Gives the resource back. Does nothing if it went back already, or was revoked or destroyed. */
  release(): void;
  /** Destroys the resource instead; settles when it is gone. Does nothing if it was given back. */
  destroy(reason?: DestroyReason): Promise<void>;
  /** The same as `release()`. */
  [Symbol.asyncDispose](): Promise<void>;
}

type End = (reason?: DestroyReason) => Promise<void>;

/** `end` is called at most once, without a reason for a release. */
export function createLease<T>(value: T, end: End): Lease<T> {
  return new OwnLease(value, end);
}

/** A class: V8 comes to believe that what a literal makes lives long, and then has to look for each in the old space. */
class OwnLease<T> implements Lease<T> {
  readonly value: T;
  readonly #end: End;
  #ended: Promise<void> | undefined;

  constructor(value: T, end: End) {
    this.value = value;
    this.#end = end;
  }

  release(): void {
    void this.#finish();
  }

  destroy(reason: DestroyReason = 'broken'): Promise<void> {
    return this.#finish(reason);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#finish();
  }

  #finish(reason?: DestroyReason): Promise<void> {
    return (this.#ended ??= this.#end(reason));
  }
}
