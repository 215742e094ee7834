/** Destructuring, taken apart: which target gets which part of which value. */
import type { Node, ObjectPattern } from '@babel/types';

/** One step from a value to a part of it: a known key, or an expression that computes it. */
export type Step = string | Node;

/** Where a name or a pattern gets its value: `base`, then property by property. */
export interface Origin {
  /** An expression, a module, or nothing that can be read off the source. */
  readonly base: Node | { readonly module: string } | undefined;
  readonly steps: readonly Step[];
  /** True for a default: the value may be another one. */
  readonly isDefault: boolean;
}

/** Nothing that can be read off the source. */
export const HOLLOW: Origin = { base: undefined, steps: [], isDefault: false };

export function origin(base: Node | undefined): Origin {
  return base === undefined ? HOLLOW : { base, steps: [], isDefault: false };
}

/** A part that a pattern takes out of a value. */
export interface PatternRead {
  readonly node: Node;
  readonly origin: Origin;
}

export interface PatternSink {
  readonly patternReads: PatternRead[];
  spend(steps: number): void;
}

/** What looking at one part of a pattern costs: it may be kept many times over. */
const PART_STEPS = 50;

/**
 * Calls `visit` with every name or member that `pattern` sets, and what it is set to; `sink`
 * receives each property that is read on the way, and what it takes.
 */
export function eachTarget(
  pattern: Node,
  from: Origin,
  sink: PatternSink,
  visit: (target: Node, at: Origin) => void,
): void {
  sink.spend(PART_STEPS + from.steps.length);
  switch (pattern.type) {
    case 'Identifier':
    case 'MemberExpression':
    case 'OptionalMemberExpression':
      return visit(pattern, from);
    case 'ObjectPattern':
      return eachProperty(pattern, from, sink, visit);
    case 'ArrayPattern':
      pattern.elements.forEach((element, index) => {
        if (element !== null) eachTarget(element, step(from, String(index)), sink, visit);
      });
      return;
    case 'AssignmentPattern':
      eachTarget(pattern.left, from, sink, visit);
      return eachTarget(pattern.left, { base: pattern.right, steps: [], isDefault: true }, sink, visit);
    case 'RestElement':
      return eachTarget(pattern.argument, { base: undefined, steps: [], isDefault: false }, sink, visit);
    case 'TSAsExpression':
    case 'TSNonNullExpression':
    case 'TSSatisfiesExpression':
    case 'TSTypeAssertion':
      return eachTarget(pattern.expression, from, sink, visit);
    default:
      // A `var` or `let` of a loop head; it is declared where it stands.
      return;
  }
}

function eachProperty(
  pattern: ObjectPattern,
  from: Origin,
  sink: PatternSink,
  visit: (target: Node, at: Origin) => void,
): void {
  for (const property of pattern.properties) {
    if (property.type === 'RestElement') {
      // What is left of an object is still that object, for what can be reached through it.
      sink.patternReads.push({ node: property, origin: from });
      eachTarget(property.argument, from, sink, visit);
      continue;
    }
    const at = step(from, keyOf(property.key, property.computed));
    sink.patternReads.push({ node: property, origin: at });
    eachTarget(property.value, at, sink, visit);
  }
}

/** The key of a property: known, or the expression that computes it. */
export function keyOf(key: Node, computed: boolean): Step {
  if (computed) return key;
  switch (key.type) {
    case 'Identifier':
      return key.name;
    case 'StringLiteral':
      return key.value;
    case 'NumericLiteral':
      return String(key.value);
    default:
      return key;
  }
}

function step(from: Origin, key: Step): Origin {
  return { ...from, steps: [...from.steps, key] };
}

/** The first elements of an array that is written out: what a loop over it goes through. */
export function elementsOf(node: Node): Node[] {
  if (node.type !== 'ArrayExpression') return [];
  const elements = node.elements.slice(0, ELEMENTS_MAX);
  return elements.filter((each) => each !== null && each.type !== 'SpreadElement') as Node[];
}

const ELEMENTS_MAX = 16;
