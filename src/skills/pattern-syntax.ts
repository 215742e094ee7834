/**
 * A regular expression's structure, as far as it takes to bound how long matching may last. Schemas
 * come with skills that nobody vouches for, and are checked in the host: a pattern must not hang it.
 */

export type PatternNode =
  | { readonly kind: 'set'; readonly text: string }
  | { readonly kind: 'sequence'; readonly nodes: readonly PatternNode[] }
  | { readonly kind: 'choice'; readonly nodes: readonly PatternNode[] }
  | { readonly kind: 'repeat'; readonly node: PatternNode; readonly min: number; readonly max: number }
  | { readonly kind: 'assertion'; readonly text: '^' | '$' | '\\b' | '\\B' }
  /** A lookaround: only a backtracking engine can do it. */
  | { readonly kind: 'look'; readonly node: PatternNode }
  | { readonly kind: 'backreference' };

const ESCAPE =
  /\\(?:[pP]\{[^}]*\}|u\{[0-9a-fA-F]+\}|u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|c[A-Za-z]|[\s\S])/y;
const CLASS = /\[(?:[^\]\\]|\\[\s\S])*\]/y;
const QUANTIFIER = /(?:([*+?])|\{(\d+)(,(\d*))?\})\??/y;
const GROUP = /\((?:\?(?::|<[^=!>][^>]*>))?(?!\?)/y;
const LOOK = /\(\?<?[=!]/y;
const DEPTH_MAX = 100;

/** Parses `pattern`, which `new RegExp` has accepted. @throws {RangeError} for what it does not know. */
export function parsePattern(pattern: string, isUnicode: boolean): PatternNode {
  let at = 0;
  const take = (token: RegExp): RegExpExecArray | undefined => {
    token.lastIndex = at;
    const found = token.exec(pattern);
    if (found === null) return undefined;
    at = token.lastIndex;
    return found;
  };

  const choice = (depth: number): PatternNode => {
    if (depth > DEPTH_MAX) throw new RangeError(`is nested deeper than ${DEPTH_MAX} levels`);
    const nodes = [sequence(depth)];
    while (pattern[at] === '|') {
      at += 1;
      nodes.push(sequence(depth));
    }
    return nodes.length === 1 ? (nodes[0] as PatternNode) : { kind: 'choice', nodes };
  };

  const sequence = (depth: number): PatternNode => {
    const nodes: PatternNode[] = [];
    while (at < pattern.length && pattern[at] !== '|' && pattern[at] !== ')') {
      nodes.push(quantified(atom(depth)));
    }
    return { kind: 'sequence', nodes };
  };

  const quantified = (node: PatternNode): PatternNode => {
    const found = take(QUANTIFIER);
    if (found === undefined) return node;
    const [, sign, least, comma, most] = found;
    if (sign === '*') return { kind: 'repeat', node, min: 0, max: Infinity };
    if (sign === '+') return { kind: 'repeat', node, min: 1, max: Infinity };
    if (sign === '?') return { kind: 'repeat', node, min: 0, max: 1 };
    const min = Number(least);
    const bounded = most === '' ? Infinity : Number(most);
    return { kind: 'repeat', node, min, max: comma === undefined ? min : bounded };
  };

  const group = (depth: number): PatternNode => {
    const node = choice(depth + 1);
    at += 1;
    return node;
  };

  const atom = (depth: number): PatternNode => {
    const char = pattern[at];
    if (char === '^' || char === '$') {
      at += 1;
      return { kind: 'assertion', text: char };
    }
    if (take(LOOK) !== undefined) return { kind: 'look', node: group(depth) };
    if (take(GROUP) !== undefined) return group(depth);
    if (char === '(') throw new RangeError('has a group of an unknown kind');
    const escaped = take(ESCAPE)?.[0];
    if (escaped === '\\b' || escaped === '\\B') return { kind: 'assertion', text: escaped };
    if (escaped !== undefined && /^\\(?:[1-9]|k)/.test(escaped)) return { kind: 'backreference' };
    const text = escaped ?? take(CLASS)?.[0];
    if (text !== undefined) return { kind: 'set', text };
    const literal = isUnicode ? String.fromCodePoint(pattern.codePointAt(at) ?? 0) : (char ?? '');
    at += literal.length;
    return { kind: 'set', text: literal };
  };

  const root = choice(0);
  if (at < pattern.length) throw new RangeError('has an unbalanced bracket');
  return root;
}

/** How a backtracking engine may behave: at most `factor * length ** degree` steps, or worse. */
export interface PatternCost {
  readonly degree: number;
  readonly factor: number;
  /** A repeat inside a repeat, or a backreference: no polynomial is promised. */
  readonly isExplosive: boolean;
  readonly needsBacktracking: boolean;
}

const FREE: PatternCost = { degree: 0, factor: 1, isExplosive: false, needsBacktracking: false };

/** An upper bound of the backtracking that `node` can cause, from its shape alone. */
export function patternCost(root: PatternNode): PatternCost {
  const cost = costOf(root);
  const anchored =
    root.kind === 'sequence' && root.nodes[0]?.kind === 'assertion' && root.nodes[0].text === '^';
  return anchored ? cost : { ...cost, degree: cost.degree + 1 };
}

function costOf(node: PatternNode): PatternCost {
  switch (node.kind) {
    case 'set':
    case 'assertion':
      return FREE;
    case 'backreference':
      return { ...FREE, isExplosive: true, needsBacktracking: true };
    case 'look':
      return { ...costOf(node.node), needsBacktracking: true };
    case 'sequence':
      return node.nodes.map(costOf).reduce(multiply, FREE);
    case 'choice':
      return { ...node.nodes.map(costOf).reduce(multiply, FREE), factor: choiceFactor(node.nodes) };
    case 'repeat': {
      const inner = costOf(node.node);
      const isChoosy = inner.degree > 0 || inner.factor > 1;
      const isUnbounded = node.max === Infinity;
      return {
        degree: inner.degree + (isUnbounded ? 1 : 0),
        factor: inner.factor * (isUnbounded ? 1 : Math.max(1, node.max - node.min + 1)),
        isExplosive: inner.isExplosive || (isChoosy && node.max > 1),
        needsBacktracking: inner.needsBacktracking,
      };
    }
    default:
      throw new Error(`unreachable: ${node satisfies never}`);
  }
}

function choiceFactor(nodes: readonly PatternNode[]): number {
  return nodes.reduce((sum, node) => sum + costOf(node).factor, 0);
}

function multiply(left: PatternCost, right: PatternCost): PatternCost {
  return {
    degree: left.degree + right.degree,
    factor: left.factor * right.factor,
    isExplosive: left.isExplosive || right.isExplosive,
    needsBacktracking: left.needsBacktracking || right.needsBacktracking,
  };
}
