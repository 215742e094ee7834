/** What an expression may stand for: a constant, a built-in, a literal. */
import type {
  ArrayExpression,
  CallExpression,
  NewExpression,
  Node,
  ObjectExpression,
  OptionalCallExpression,
} from '@babel/types';
import type { FunctionNode } from './child-nodes.ts';
import type { Constant } from './constant-folding.ts';

export type Value =
  | { readonly kind: 'constant'; readonly value: Constant }
  /** A global, a module (`module:fs`), or a member of one: `process.env`. */
  | { readonly kind: 'builtin'; readonly path: string }
  | { readonly kind: 'regex'; readonly pattern: string; readonly flags: string }
  | { readonly kind: 'array'; readonly node: ArrayExpression }
  | { readonly kind: 'object'; readonly node: ObjectExpression }
  | { readonly kind: 'function'; readonly node: FunctionNode }
  /** `new Date(…)`: of no argument, of an instant, or of local fields. */
  | { readonly kind: 'date'; readonly from: 'clock' | 'instant' | 'fields' }
  /** A built-in with its first arguments bound. */
  | { readonly kind: 'bound'; readonly path: string; readonly args: readonly Node[] }
  /** `x.constructor`, of an `x` that is not known. */
  | { readonly kind: 'constructor' }
  | { readonly kind: 'unknown' };

export type CallNode = CallExpression | NewExpression | OptionalCallExpression;
