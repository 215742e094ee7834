/** What a process used, as the kernel counts it: asked before it is killed, since afterwards nobody knows. */
import { readFileSync } from 'node:fs';
import { bytesOf, cpuMsOf } from '../processes.ts';

export interface ProcessUse {
  /** Of its whole life, in steps of 10 ms. */
  readonly cpuMs: number;
  readonly memoryPeakBytes: number;
}

/** Undefined where there is no `/proc`, or the process is gone. */
export function processUse(processId: number): ProcessUse | undefined {
  if (process.platform !== 'linux' || processId <= 0) return undefined;
  try {
    const memoryPeakBytes = bytesOf(readFileSync(`/proc/${processId}/status`, 'utf8'), 'VmHWM');
    const cpuMs = cpuMsOf(readFileSync(`/proc/${processId}/stat`, 'utf8'));
    return memoryPeakBytes === undefined || Number.isNaN(cpuMs) ? undefined : { cpuMs, memoryPeakBytes };
  } catch {
    return undefined;
  }
}
