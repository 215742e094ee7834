/** What this worker has used: its process, or its thread. */
import { readFileSync } from 'node:fs';
import { isProcess, v8 } from './thread.ts';

/** Microseconds of processor time; 0 of a thread where the system does not tell. */
export function ownCpuUs(): number {
  const { user, system } = isProcess ? process.cpuUsage() : threadUse();
  return user + system;
}

/** That, and the most the process ever held; of a thread, what its heap and buffers hold now. */
export function ownUse(): { readonly cpuUs: number; readonly memoryBytes: number } {
  if (isProcess) {
    const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
    return { cpuUs: userCPUTime + systemCPUTime, memoryBytes: maxRSS * 1024 };
  }
  const { total_physical_size: heap, external_memory: external } = v8().getHeapStatistics();
  return { cpuUs: ownCpuUs(), memoryBytes: heap + external };
}

function threadUse(): { user: number; system: number } {
  // Node 22.19 and later tell it of a thread.
  const { threadCpuUsage } = process as { threadCpuUsage?: () => { user: number; system: number } };
  if (threadCpuUsage !== undefined) return threadCpuUsage();
  try {
    const [nanoseconds] = readFileSync('/proc/thread-self/schedstat', 'utf8').split(' ');
    return { user: Number(nanoseconds) / 1_000, system: 0 };
  } catch {
    return { user: 0, system: 0 };
  }
}
