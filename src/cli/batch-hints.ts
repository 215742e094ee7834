/** How a batch that ended before its inputs did can go on. */
export interface Unfinished {
  readonly id: string;
  /** Failed so far, without the one that ended it. */
  readonly failed: number;
  readonly isStdout: boolean;
  readonly isPiped: boolean;
  /** As `stoppedAt` of its progress says. */
  readonly by?: unknown;
}

export function goOn({ id, failed, isStdout, isPiped, by }: Unfinished): string {
  if (isStdout) return 'its output went to stdout, so it cannot be resumed';
  const resume = `skillcache batch resume ${id}`;
  if (by === 'inputs' && !isPiped)
    return `mended inputs are other inputs: give this one up with \`skillcache batch cancel ${id}\`, and begin a new one`;
  if (by === 'inputs') return `pipe all of them in again, from the beginning: ${resume}`;
  if (by === 'onError') return `go on past it: ${resume} --on-error skip`;
  // As much room again: the same bound would end it at the next one.
  if (by === 'failuresMax') return `go on with more: ${resume} --max-failures ${2 * failed + 1}`;
  return `go on: ${resume}`;
}
