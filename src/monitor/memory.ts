/** Samples the memory and processor time of this process and its workers. */
import { readFileSync } from 'node:fs';
import { totalmem } from 'node:os';
import type { MemoryNumbers } from './metrics.ts';
import { usageReader, type ProcessUsage, type UsageOf } from './process-usage.ts';

export interface MemoryMonitorOptions {
  /** The workers' process ids at this moment. */
  readonly pids: () => readonly number[];
  readonly limitBytes?: number;
  /** Default: asks the system. */
  readonly usage?: UsageOf;
  /** Told once when sampling begins to fail, and not again before it has worked. */
  readonly onFailure?: (error: unknown) => void;
  readonly clock?: () => number;
}

export class MemoryMonitor {
  readonly #options: MemoryMonitorOptions;
  readonly #limitBytes: number;
  readonly #usage: UsageOf;
  #sampling: Promise<MemoryNumbers | undefined> | undefined;
  #last: MemoryNumbers | undefined;
  #isFailing = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: MemoryMonitorOptions) {
    this.#options = options;
    this.#limitBytes = options.limitBytes ?? memoryLimitBytes();
    this.#usage = options.usage ?? usageReader();
  }

  /** The last sample; undefined before the first, and where the last one failed. */
  get last(): MemoryNumbers | undefined {
    return this.#last;
  }

  /** Takes a sample; callers at one moment share it. Never rejects: undefined where it fails. */
  sample(): Promise<MemoryNumbers | undefined> {
    this.#sampling ??= this.#take().finally(() => {
      this.#sampling = undefined;
    });
    return this.#sampling;
  }

  /** Samples on a timer that keeps no process alive. Once started, starting again changes the interval. */
  start(intervalMs: number): void {
    this.stop();
    this.#timer = setInterval(() => void this.sample(), intervalMs);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  async #take(): Promise<MemoryNumbers | undefined> {
    const { clock = Date.now } = this.#options;
    try {
      const pids = new Set([process.pid, ...this.#options.pids()]);
      this.#last = this.#numbers(await this.#usage([...pids]), clock());
      this.#isFailing = false;
    } catch (error) {
      this.#last = undefined;
      if (!this.#isFailing) this.#options.onFailure?.(error);
      this.#isFailing = true;
    }
    return this.#last;
  }

  #numbers(usages: Readonly<Record<string, ProcessUsage | null>>, sampledAtMs: number): MemoryNumbers {
    const found = Object.entries(usages).filter((one): one is [string, ProcessUsage] => Boolean(one[1]));
    const self = found.find(([pid]) => pid === String(process.pid))?.[1];
    if (!self) throw new Error(`no numbers of this process (pid ${process.pid})`);
    const allBytes = found.reduce((sum, [, { memory }]) => sum + memory, 0);
    const cpuPercent = found.reduce((sum, [, { cpu }]) => sum + cpu, 0);
    return {
      sampledAtMs,
      limitBytes: this.#limitBytes,
      selfBytes: self.memory,
      workerBytes: allBytes - self.memory,
      share: allBytes / this.#limitBytes,
      cpuCores: cpuPercent / 100,
      processes: found.length,
    };
  }
}

interface MemorySources {
  readonly machineBytes: number;
  /** What `process.constrainedMemory()` says: 0, undefined, or 2^64 where there is no limit. */
  readonly constrainedBytes: number | undefined;
  /** Texts of cgroup limit files; `max` and unreadable ones are no limit. */
  readonly cgroupTexts: readonly (string | undefined)[];
}

const CGROUP_FILES = ['/sys/fs/cgroup/memory.max', '/sys/fs/cgroup/memory/memory.limit_in_bytes'];

/** The memory there is: the machine's or the container's, whichever is smaller. */
export function memoryLimitBytes(sources: MemorySources = systemSources()): number {
  const { machineBytes, constrainedBytes, cgroupTexts } = sources;
  const limits = [constrainedBytes ?? 0, ...cgroupTexts.map((text) => Number(text?.trim() || 0))];
  // A limit above the machine's memory is none; `max` is NaN here.
  return Math.min(machineBytes, ...limits.filter((bytes) => bytes > 0));
}

function systemSources(): MemorySources {
  return {
    machineBytes: totalmem(),
    constrainedBytes: process.constrainedMemory(),
    cgroupTexts: CGROUP_FILES.map(readIfThere),
  };
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // Not every system has cgroups, nor every cgroup a limit.
    return undefined;
  }
}
