/**
 * What parent and child say to each other: length-prefixed frames on descriptor 3. Values travel
 * as text of `codec.ts` and stay opaque in the parent.
 */
export { FRAME_HEADER_BYTES, frameBytes, readFrameHeader } from './frames.ts';
export type { Frame, FrameKind } from './frames.ts';

/** One compiled text with its own scope. Structurally the `Template` of `inject/`. */
export interface ProgramUnit {
  readonly fileName: string;
  readonly source: string;
  readonly holes: readonly string[];
  readonly links: readonly string[];
  readonly shifts: readonly { readonly line: number; readonly column: number; readonly shift: number }[];
}

/** What a worker is bound to for its life: a version and all that it requires, pinned. */
export interface Program {
  /** The version's digest; equal digests mean equal programs. */
  readonly digest: string;
  /** The skill itself is `units[0]`. */
  readonly units: readonly (ProgramUnit & {
    /** Default data of the unit, as codec text of an object. */
    readonly parameters: string;
    /** Local name → index into `units`. */
    readonly requires: Readonly<Record<string, number>>;
  })[];
}

/** What holds a worker: from most to least. */
export type SandboxTier = 'kernel' | 'permission' | 'none';

/** The child's only argument, as JSON. */
export interface WorkerSettings {
  /** The parent's process id: a child whose parent is gone ends. */
  readonly parentId: number;
  readonly memoryBytesMax: number;
  /** Whether to lock by kernel; otherwise Node's permission flags, if any, are all that holds. */
  readonly useKernel: boolean;
}

/** The child's first frame. */
export interface Hello {
  readonly tier: SandboxTier;
  /** Why it is not more. */
  readonly why?: string;
}

/** What goes before the data text in a `run` frame: one line of JSON. */
export interface TaskHeader {
  readonly outputBytesMax: number;
  readonly logBytesMax: number;
  readonly seed?: number;
  readonly nowMs?: number;
}

/** A thrown value, bounded, in the skill's own lines and columns. */
export interface ThrownError {
  readonly name: string;
  readonly message: string;
  readonly stack: string;
}

/** What goes before the output text in an `outcome` frame: one line of JSON. */
export type OutcomeHeader = {
  readonly cpuUs: number;
  readonly memoryPeakBytes: number;
  readonly logBytes: number;
} & (
  | { readonly kind: 'value' }
  | { readonly kind: 'thrown' | 'memory' | 'pending'; readonly error: ThrownError }
  | { readonly kind: 'refused'; readonly reason: string; readonly path: string; readonly message: string }
);
