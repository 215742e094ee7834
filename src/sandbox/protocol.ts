/**
 * What parent and child say to each other: length-prefixed frames on descriptor 3. Values travel
 * as text of `codec.ts` and stay opaque in the parent.
 */

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
