/** What processes use. On Linux it is read here: `pidusage` keeps a descriptor open for each process it was asked of. */
import { readFile } from 'node:fs/promises';
import pidusage from 'pidusage';
import { bytesOf, cpuMsOf } from '../processes.ts';

/** Of one process: processor use in per cent of a core since it was asked of before, resident set in bytes. */
export interface ProcessUsage {
  readonly cpu: number;
  readonly memory: number;
}

/** A process that is gone is absent or null. */
export type UsageOf = (pids: readonly number[]) => Promise<Readonly<Record<string, ProcessUsage | null>>>;

/** Kept by `pidusage` between samples: it measures processor use since the one before. */
const HISTORY_MS = 10 * 60_000;

export function usageReader(): UsageOf {
  if (process.platform !== 'linux') return (pids) => pidusage([...pids], { maxage: HISTORY_MS });
  let seen = new Map<number, { readonly cpuMs: number; readonly atMs: number }>();
  return async (pids) => {
    const usages: Record<string, ProcessUsage | null> = {};
    const now: typeof seen = new Map();
    for (const [pid, read] of await Promise.all(
      pids.map(async (pid) => [pid, await readUsage(pid)] as const),
    )) {
      if (!read) continue;
      const { memory, cpuMs } = read;
      const atMs = performance.now();
      const before = seen.get(pid);
      const cpu =
        before && atMs > before.atMs ? Math.max(0, (cpuMs - before.cpuMs) / (atMs - before.atMs)) * 100 : 0;
      usages[pid] = { cpu, memory };
      now.set(pid, { cpuMs, atMs });
    }
    seen = now;
    return usages;
  };
}

async function readUsage(pid: number): Promise<{ memory: number; cpuMs: number } | undefined> {
  try {
    const [stat, status] = await Promise.all([
      readFile(`/proc/${pid}/stat`, 'utf8'),
      readFile(`/proc/${pid}/status`, 'utf8'),
    ]);
    return { memory: bytesOf(status, 'VmRSS') ?? 0, cpuMs: cpuMsOf(stat) };
  } catch {
    // It is gone.
    return undefined;
  }
}
