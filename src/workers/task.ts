/** What a worker is given to do, and how that ends. */
import type { TaskHeader } from '../sandbox/protocol.ts';
import type { Broker } from './broker.ts';
import type { Outcome } from './outcome.ts';
import type { ProcessUse } from './process-use.ts';

/** How a child ended. */
export interface Death {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  /** The last of what it wrote to its error stream. */
  readonly stderr: string;
  /** Why the parent ended it, if it did. */
  readonly cause?: string;
  /** What it used in its life, where the kernel told. */
  readonly use?: ProcessUse;
}

export interface Task {
  readonly header: TaskHeader;
  /** Codec text of `{ inputs, context, parameters }`. */
  readonly data: string;
  /** Does what the run is granted. */
  readonly broker?: Broker | undefined;
  /** Told of console output as it comes. */
  readonly onLog?: ((text: string) => void) | undefined;
}

/** A run that ended in the child: an outcome, or the child's death. */
export type TaskEnd = (
  | { readonly kind: 'outcome'; readonly outcome: Outcome }
  | { readonly kind: 'died'; readonly death: Death }
) & {
  readonly logs: string;
  readonly logsCut: boolean;
  /** What it tried and goes without: `random`, `clock`. */
  readonly withheld: readonly string[];
};
