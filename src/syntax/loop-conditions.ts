/** Whether a loop's condition can ever become false. */
import type { Identifier, Node } from '@babel/types';
import type { Binding } from './scopes.ts';
import type { Inspection } from './capabilities.ts';
import { forEachInside } from './child-nodes.ts';
import type { LoopNode } from './control-flow.ts';

/** Steps of a counter that are followed. */
const STEPS_MAX = 10_000;

export function staysTrue(inspection: Inspection, loop: LoopNode): boolean {
  const { test } = loop;
  if (!test) return true;
  const folded = inspection.values.constantOf(test);
  if (folded !== undefined) return Boolean(folded.value);
  if (OBJECTS.has(inspection.values.of(test).kind)) return true;
  return !changes(inspection, test, loop) || runsAway(inspection, loop, test);
}

/** Kinds of values that are objects: always true. */
const OBJECTS: ReadonlySet<string> = new Set(['array', 'date', 'function', 'object', 'regex']);

/** What may stand in a condition that only its own names can change. */
const PLAIN = new Set([
  'BinaryExpression',
  'BooleanLiteral',
  'Identifier',
  'LogicalExpression',
  'NullLiteral',
  'NumericLiteral',
  'StringLiteral',
  'UnaryExpression',
]);

/** Whether anything could give `test` another value while `loop` runs. */
function changes(inspection: Inspection, test: Node, loop: Node): boolean {
  const { values } = inspection;
  let isChanging = false;
  forEachInside(test, (node) => {
    if (node.type === 'Identifier') {
      if (values.constantOf(node) === undefined && !isSteady(inspection, node, loop)) isChanging = true;
    } else if (!PLAIN.has(node.type) && values.constantOf(node) === undefined) {
      isChanging = true;
    }
  });
  return isChanging;
}

function isSteady({ bindings }: Inspection, name: Identifier, loop: Node): boolean {
  const binding = bindings.resolve(name);
  if (binding === undefined || (binding.kind !== 'variable' && binding.kind !== 'parameter')) return false;
  const { owner } = bindings.scopeOf(name);
  bindings.spend(binding.writes.length);
  return binding.writes.every((write) => write.scope.owner === owner && !contains(loop, write.node));
}

function contains(outer: Node, inner: Node): boolean {
  return Number(inner.start) >= Number(outer.start) && Number(inner.end) <= Number(outer.end);
}

const MIRRORED: Readonly<Record<string, string>> = { '<': '>', '<=': '>=', '>': '<', '>=': '<=' };

/** `for (let i = 0; i < n; i--)`: a counter that moves away from its bound. */
function runsAway(inspection: Inspection, loop: LoopNode, test: Node): boolean {
  if (test.type !== 'BinaryExpression') return false;
  const side = test.left.type === 'Identifier' ? 'left' : 'right';
  const name = test[side];
  const bound = side === 'left' ? test.right : test.left;
  if (name.type !== 'Identifier') return false;
  const binding = inspection.bindings.resolve(name);
  if (binding === undefined || (loop.type !== 'ForStatement' && changes(inspection, bound, loop)))
    return false;
  const step = stepOf(inspection, binding, loop);
  if (step === undefined) return false;
  const operator = side === 'left' ? test.operator : (MIRRORED[test.operator] ?? test.operator);
  const start = startOf(inspection, binding);
  const end = numberOf(inspection, bound);
  switch (operator) {
    case '<':
    case '<=':
      return step <= 0 && entered(operator, start, end);
    case '>':
    case '>=':
      return step >= 0 && entered(operator, start, end);
    case '!=':
    case '!==':
      return start !== undefined && end !== undefined && stepsPast(start, end, step);
    default:
      return false;
  }
}

/** The one way in which the loop moves its counter; undefined when there are several, or none. */
function stepOf(inspection: Inspection, binding: Binding, loop: Node): number | undefined {
  let step: number | undefined;
  inspection.bindings.spend(binding.writes.length);
  for (const write of binding.writes) {
    if (!contains(loop, write.node)) continue;
    const parent = parentOfWrite(inspection, write.node, loop);
    let moved: number | undefined;
    if (parent?.type === 'UpdateExpression') moved = parent.operator === '++' ? 1 : -1;
    if (parent?.type === 'AssignmentExpression') {
      const by = numberOf(inspection, parent.right);
      if (parent.operator === '+=') moved = by;
      if (parent.operator === '-=' && by !== undefined) moved = -by;
    }
    // The loop's own head starts the counter; anything else in the loop must move it the same way.
    if (moved === undefined || (step !== undefined && Math.sign(step) !== Math.sign(moved))) return undefined;
    step = moved;
  }
  return step;
}

function parentOfWrite({ bindings }: Inspection, node: Node, loop: Node): Node | undefined {
  const parent = bindings.parentOf(node);
  return parent !== undefined && contains(loop, parent) ? parent : undefined;
}

function startOf(inspection: Inspection, binding: Binding): number | undefined {
  const [origin] = binding.origins;
  const base = origin?.base;
  if (base === undefined || !('type' in base) || origin?.steps.length !== 0) return undefined;
  return numberOf(inspection, base);
}

function numberOf({ values }: Inspection, node: Node): number | undefined {
  const value = values.constantOf(node)?.value;
  return typeof value === 'number' ? value : undefined;
}

/** Whether the loop runs at all; true where that is not known. */
function entered(operator: string, start: number | undefined, end: number | undefined): boolean {
  if (start === undefined || end === undefined) return true;
  if (operator === '<') return start < end;
  if (operator === '<=') return start <= end;
  return operator === '>' ? start > end : start >= end;
}

/** Whether a counter that stops only at `end` misses it. */
function stepsPast(start: number, end: number, step: number): boolean {
  let at = start;
  for (let count = 0; count < STEPS_MAX; count++) {
    if (at === end) return false;
    if (step === 0 || (step > 0 ? at > end : at < end)) return true;
    at += step;
  }
  return false;
}
