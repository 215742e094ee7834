/** The capability report: what a source may reach, read off its syntax tree. Advisory. */
import type { SourceLanguage } from './parse.ts';

export type CapabilityFlag =
  | 'child-process'
  | 'dynamic-global'
  | 'dynamic-import'
  | 'env'
  | 'environment-dependent'
  | 'eval'
  | 'fs'
  | 'function-ctor'
  | 'global-write'
  | 'huge-allocation'
  | 'infinite-loop'
  | 'module-state'
  | 'native'
  | 'net'
  | 'nondeterminism'
  | 'process'
  | 'proto-access'
  | 'proto-pollution-risk'
  | 'proto-write'
  | 'regex-dos'
  | 'regex-dynamic'
  | 'shared-memory'
  | 'timers'
  | 'undeclared-global'
  | 'vm'
  | 'wasm'
  | 'worker';

export interface CapabilityReport {
  /** Sorted by flag, then place; each flag at each place once. */
  readonly flags: readonly {
    readonly flag: CapabilityFlag;
    readonly line: number;
    readonly column: number;
  }[];
  /** Names used freely that are neither standard nor provided, sorted. */
  readonly freeNames: readonly string[];
}

export interface CapabilityOptions {
  language?: SourceLanguage;
  /** Globals to take as provided. */
  knownGlobals?: readonly string[];
}
