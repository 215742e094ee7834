/** What names mean where: scopes, and the bindings in them. */
import type { Identifier, Node } from '@babel/types';
import type { Origin } from './patterns.ts';

export interface Binding {
  readonly name: string;
  readonly kind: 'variable' | 'parameter' | 'function' | 'class' | 'import';
  readonly scope: Scope;
  readonly origins: Origin[];
  readonly writes: NameWrite[];
  /** Annotated `: number`. */
  readonly isNumber: boolean;
}

export interface Scope {
  readonly parent: Scope | undefined;
  readonly names: Map<string, Binding>;
  /** The function whose code this is; undefined for the module's own. */
  readonly owner: Node | undefined;
  /** True for code that runs as the module is evaluated, callbacks and called literals included. */
  readonly runsOnce: boolean;
}

/** An assignment to a plain name. */
export interface NameWrite {
  readonly node: Identifier;
  readonly scope: Scope;
  /** What it is given. */
  readonly origin: Origin;
}

export function childScope(parent: Scope, owner = parent.owner, runsOnce = parent.runsOnce): Scope {
  return { parent, names: new Map(), owner, runsOnce };
}

/** The scope that a `var` belongs to. */
export function functionScope(scope: Scope): Scope {
  let found = scope;
  while (found.parent !== undefined && found.parent.owner === scope.owner) found = found.parent;
  return found;
}
