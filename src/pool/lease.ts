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

/** `end` is called at most once, without a reason for a release. */
export function createLease<T>(value: T, end: (reason?: DestroyReason) => Promise<void>): Lease<T> {
  let ended: Promise<void> | undefined;
  const finish = (reason?: DestroyReason): Promise<void> => (ended ??= end(reason));
  return {
    value,
    release: () => void finish(),
    destroy: (reason = 'broken') => finish(reason),
    [Symbol.asyncDispose]: () => finish(),
  };
}
