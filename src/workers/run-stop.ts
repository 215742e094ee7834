/** Ends a run from outside: at its deadline, or when its caller leaves. */
import { abortError, ExecutionTimeoutError, type SkillCacheError } from '../errors.ts';
import type { Lease } from '../pool/lease.ts';
import type { DispatchRequest, RunReport } from './dispatch-types.ts';
import { processUse, type ProcessUse } from './process-use.ts';
import type { TaskEnd } from './task.ts';
import type { WorkerSlot } from './worker-slot.ts';

export type StopError = (end: TaskEnd, report: RunReport) => SkillCacheError;

/** Kills the process group at the deadline or when the caller leaves, whichever is first. */
export class RunStop {
  readonly #timer: NodeJS.Timeout;
  readonly #signal: AbortSignal | undefined;
  readonly #abort: () => void;
  #why: StopError | undefined;
  #use: ProcessUse | undefined;

  constructor(lease: Lease<WorkerSlot>, { limits, signal }: DispatchRequest) {
    const { timeoutMs } = limits;
    const stop = (reason: 'timeout' | 'aborted', why: StopError) => {
      if (this.#why !== undefined) return;
      this.#why = why;
      this.#use = processUse(lease.value.worker.processId);
      void lease.destroy(reason);
    };
    this.#timer = setTimeout(() => {
      stop('timeout', ({ logs }, report) => {
        const message = `the skill was stopped at its deadline of ${timeoutMs} ms, after ${Math.round(report.cpuMs)} ms of processor time`;
        return new ExecutionTimeoutError(message, { details: { timeoutMs, logs, report } });
      });
    }, timeoutMs);
    this.#abort = () => stop('aborted', () => abortError(signal as AbortSignal));
    this.#signal = signal;
    signal?.addEventListener('abort', this.#abort, { once: true });
    if (signal?.aborted) this.#abort();
  }

  /** What the process had used when it was stopped. */
  get use(): ProcessUse | undefined {
    return this.#use;
  }

  /** Why it was stopped, if it was. */
  clear(): StopError | undefined {
    clearTimeout(this.#timer);
    this.#signal?.removeEventListener('abort', this.#abort);
    return this.#why;
  }
}
