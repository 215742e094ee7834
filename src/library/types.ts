/** The shapes that `SkillLibrary` takes and gives. */
import type { Alert } from '../monitor/alerts.ts';
import type { MemoryReport } from '../monitor/memory-report.ts';
import type { ExampleFailure } from '../skills/verify.ts';
import type { AddedVersion, Expectation, SkillVersion } from '../store/store.ts';
import type { CapabilityReport } from '../syntax/capabilities.ts';

/** What `run` answers. */
export interface SkillRun {
  /** UUID of the run; its record is `library.getRun(id)`, but for answers out of the cache, which leave none. */
  readonly id: string;
  /** Absent for `runCode`. */
  readonly skill?: string;
  readonly version?: number;
  readonly output: unknown;
  /** Whether the answer came from the result cache. */
  readonly cached: boolean;
  readonly durationMs: number;
  /** What the skill wrote to its console, bounded. */
  readonly logs: string;
  /** With `explain: true`: `hit`, or why not. */
  readonly explain?: string;
}

export interface AddOptions extends Expectation {
  /** Whether examples are run before the pointer moves. Default true. */
  verify?: boolean;
  signal?: AbortSignal;
}

export interface AddedSkill extends AddedVersion {
  /** Examples that were run and held. */
  readonly verified: number;
  /** Capabilities the code has and its author did not declare. */
  readonly undeclared: CapabilityReport['flags'];
  readonly warnings: readonly string[];
}

export interface VerifyReport {
  readonly name: string;
  readonly version: number;
  readonly passed: number;
  readonly failures: readonly ExampleFailure[];
}

/** Runtime data for `inject`. */
export interface InjectRequest {
  inputs?: object;
  context?: object;
  parameters?: object;
  language?: 'javascript' | 'typescript';
}

/** A stored version as `get` gives it. */
export type StoredSkill = SkillVersion;

/** What confines runs on this machine. */
export interface Confinement {
  readonly tier: 'kernel' | 'permission' | 'none';
  readonly platform: string;
  /** Why the tier is not a higher one. */
  readonly why?: string;
  /** What is put around workers beside; absent where nothing is, and then `wrapperWhy` says why. */
  readonly wrapper?: 'bubblewrap' | 'sandbox-exec';
  readonly wrapperWhy?: string;
  /** Why workers are started one by one and not copied from one that stands ready; absent where they are copied. */
  readonly forkServerWhy?: string;
  /** Why workers have no cgroup each; absent where they have. */
  readonly cgroupWhy?: string;
}

/** What the library has to say beside its answers; an edge writes it down. */
export interface LogEntry {
  readonly level: 'info' | 'warn' | 'error';
  readonly event: 'alert' | 'memory-report' | 'cache-share' | 'sampling-failed';
  /** One line, with its numbers. */
  readonly message: string;
  readonly [detail: string]: unknown;
}

/** What the library tells unasked. */
export interface LibraryEvents {
  alert: [Alert];
  /** Memory beside what the caches hold, every `monitor.reportIntervalMs` while there is work. */
  report: [MemoryReport];
}

/** What the program around the library gives it. */
export interface LibraryEdges {
  /** Writes down what the library has to say. Must neither throw nor wait. */
  log?: (entry: LogEntry) => void;
}

/** What became of `clearCaches`, `evictExpired`: entries that left. */
export interface CacheCounts {
  /** Compiled skills, those of inline code included. */
  readonly skills: number;
  readonly results: number;
}

export interface ClearOptions {
  /** Also the results on disk. Default true. */
  stored?: boolean;
}

export interface WarmUpOptions {
  /** Most skills made ready. Default 20. */
  skills?: number;
  signal?: AbortSignal;
}

export interface WarmUpReport {
  /** What was made ready, most used first. */
  readonly skills: readonly { readonly name: string; readonly version: number; readonly runs: number }[];
  /** Of the latest run records, those that were looked at. */
  readonly runsSeen: number;
  readonly durationMs: number;
}
