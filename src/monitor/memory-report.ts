/** Relates the memory of the processes to what the caches hold. */
import type { CacheNumbers, MetricsSnapshot } from './metrics.ts';

/** One cache in a report. */
export interface CacheShare {
  readonly entries: number;
  readonly bytes: number;
  /** Of this process's resident set, 0 to 1. */
  readonly ofResident: number;
  readonly hitRate: number;
}

export interface MemoryReport {
  readonly takenAtMs: number;
  readonly selfBytes: number;
  readonly workerBytes: number;
  readonly limitBytes: number;
  /** Of `limitBytes`, what all processes take. */
  readonly share: number;
  readonly skills: CacheShare;
  readonly results: CacheShare;
  /** Share of their bounds the caches may use; below 1 while memory is short. */
  readonly cacheShare: number;
  readonly message: string;
}

/** Undefined where there is no sample. */
export function memoryReport(snapshot: MetricsSnapshot): MemoryReport | undefined {
  const { memory, caches, takenAtMs } = snapshot;
  if (!memory) return undefined;
  const { selfBytes, workerBytes, limitBytes, share } = memory;
  const of = ({ entries, bytes, hitRate }: CacheNumbers): CacheShare => ({
    entries,
    bytes,
    ofResident: bytes / selfBytes,
    hitRate,
  });
  const [skills, results] = [of(caches.skills), of(caches.results)];
  const message =
    `memory: ${mib(selfBytes)} here and ${mib(workerBytes)} in workers of ${mib(limitBytes)} (${percent(share)}); ` +
    `${skills.entries} compiled skills take ${mib(skills.bytes)} (${percent(skills.ofResident)}), ` +
    `${results.entries} results ${mib(results.bytes)} (${percent(results.ofResident)})`;
  return {
    takenAtMs,
    selfBytes,
    workerBytes,
    limitBytes,
    share,
    skills,
    results,
    cacheShare: snapshot.cacheShare,
    message,
  };
}

function mib(bytes: number): string {
  return `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
}

function percent(ratio: number): string {
  return `${(ratio * 100).toFixed(1)} %`;
}
