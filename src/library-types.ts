/** The shapes that `SkillLibrary` takes and gives. */
import type { ExampleFailure } from './skills/verify.ts';
import type { AddedVersion, SkillVersion } from './store/store.ts';
import type { CapabilityReport } from './syntax/capabilities.ts';

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

export interface AddOptions {
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
}
