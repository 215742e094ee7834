/**
 * A value as one expression of source text. Data that is a tree becomes nested literals. Data with
 * shared parts, cycles or deep nesting becomes `(a=>(a[0]=…,a[1]=…,a[0]["k"]=a[1],a[1]))([])`.
 * Iterative; refuses what is not plain data.
 */
import { InjectionError } from '../errors.ts';
import { StandardNames, TooLong, Unwritable } from './atoms.ts';
import type { Cursor } from './cursors.ts';
import { drawGraph } from './graph.ts';
import { TextSink, TooDeep, writeNested } from './nested.ts';

export interface LiteralOptions {
  /** What paths in errors start with. */
  root: string;
  /** Module-level names of the code around, which hide globals of the same name. */
  boundNames: Iterable<string>;
  /** Deepest nesting; the value itself is at depth 0. */
  depthMax: number;
  /** Most bytes of the text. */
  bytesMax: number;
}

/** Nested literals deeper than this are drawn apart: parsers recurse, and their stacks are small. */
const NESTING_MAX = 64;

/** Thrown where nested literals cannot say it: the value is drawn as a graph instead. */
class NotATree extends Error {
  override readonly name = 'NotATree';
}

/**
 * The literal and its size.
 * @throws {InjectionError} `UNSERIALIZABLE_VALUE` or `LIMIT_EXCEEDED`, with the value's path.
 */
export function literal(value: unknown, options: LiteralOptions): { text: string; bytes: number } {
  const names = new StandardNames(options.boundNames);
  /** The containers around the value at hand; tells an error's path. */
  const stack: Cursor[] = [];
  try {
    return treeText(value, stack, names, options) ?? drawGraph(value, stack, names, options);
  } catch (error) {
    throw explained(error, stack, options);
  }
}

/** Nested literals in one pass; undefined where the value is no small tree. */
function treeText(
  value: unknown,
  stack: Cursor[],
  names: StandardNames,
  { depthMax, bytesMax }: LiteralOptions,
): { text: string; bytes: number } | undefined {
  const sink = new TextSink(bytesMax);
  const seen = new Set<object>();
  const see = (value: object): void => {
    if (seen.has(value)) throw new NotATree();
    seen.add(value);
  };
  try {
    writeNested(value, stack, sink, {
      names,
      reference: see,
      isOwnBuffer: (buffer) => (see(buffer), true),
      enter: (cursor) => {
        if (stack.length > depthMax) throw new TooDeep();
        if (stack.length >= NESTING_MAX || cursor.content === 'late') throw new NotATree();
      },
    });
    return sink;
  } catch (error) {
    if (!(error instanceof NotATree)) throw error;
    stack.length = 0;
    return undefined;
  }
}

function explained(error: unknown, stack: readonly Cursor[], options: LiteralOptions): unknown {
  const { root, depthMax, bytesMax } = options;
  const pathOf = (cursors: readonly Cursor[]): string =>
    cursors.reduce((path, cursor) => cursor.path(path), root);
  if (error instanceof Unwritable) {
    const path = pathOf(stack);
    const message = `${path} is ${error.message}, which is not plain data`;
    return new InjectionError('UNSERIALIZABLE_VALUE', message, { details: { path } });
  }
  if (error instanceof TooLong) {
    const message = `${root} takes more than the ${bytesMax} bytes of literal text that are left`;
    return new InjectionError('LIMIT_EXCEEDED', message, { details: { path: root, bytesMax } });
  }
  if (error instanceof TooDeep) {
    const path = pathOf(stack.slice(0, PATH_STEPS_MAX));
    const message = `${root} is nested more than ${depthMax} deep, below ${path}`;
    return new InjectionError('LIMIT_EXCEEDED', message, { details: { path, depthMax } });
  }
  return error;
}

/** A path that is too deep is shown by its beginning. */
const PATH_STEPS_MAX = 8;
