/** What a process used, as the kernel counts it: asked before it is killed, since afterwards nobody knows. */
import { readFileSync } from 'node:fs';

export interface ProcessUse {
  /** Of its whole life, in steps of 10 ms. */
  readonly cpuMs: number;
  readonly memoryPeakBytes: number;
}

/** The kernel's clock ticks as user programs see them, everywhere 100 a second. */
const TICK_MS = 10;

/** Undefined where there is no `/proc`, or the process is gone. */
export function processUse(processId: number): ProcessUse | undefined {
  if (process.platform !== 'linux' || processId <= 0) return undefined;
  try {
    const status = readFileSync(`/proc/${processId}/status`, 'utf8');
    const peak = /^VmHWM:\s+(\d+) kB$/m.exec(status);
    // Behind the name, which may hold anything: user and system time are the 12th and 13th.
    const stat = readFileSync(`/proc/${processId}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const ticks = Number(fields[11]) + Number(fields[12]);
    if (peak === null || Number.isNaN(ticks)) return undefined;
    return { cpuMs: ticks * TICK_MS, memoryPeakBytes: Number(peak[1]) * 1024 };
  } catch {
    return undefined;
  }
}
