/** Time that this process was too busy to read in is nobody else's. */

/** Calls `then` when all that has come in by now was read: a time that is up says nothing before that. */
export function afterReads(then: () => void): void {
  setImmediate(() => setImmediate(then));
}
