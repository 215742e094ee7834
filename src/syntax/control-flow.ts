/** Loops that nothing ends: a condition that stays true, and no way out. */
import type { Node } from '@babel/types';
import type { Inspection } from './capabilities.ts';
import { forEachChild, forEachInside, isFunction } from './child-nodes.ts';
import { staysTrue } from './loop-conditions.ts';
import { callsItself } from './self-calls.ts';

export type LoopNode = Extract<Node, { type: 'DoWhileStatement' | 'ForStatement' | 'WhileStatement' }>;

export function reportEndlessLoops(inspection: Inspection): void {
  for (const node of inspection.bindings.nodes) {
    switch (node.type) {
      case 'DoWhileStatement':
      case 'ForStatement':
      case 'WhileStatement':
        if (staysTrue(inspection, node) && !hasExit(inspection, node))
          inspection.raise('infinite-loop', node);
        break;
      default:
        if (isFunction(node) && callsItself(inspection, node)) inspection.raise('infinite-loop', node);
    }
  }
}

/** How a statement inside a loop stands to it. */
interface Place {
  readonly node: Node;
  /** A plain `break` here ends an inner loop or switch. */
  readonly isBreakInner: boolean;
  /** A plain `continue` or a labelled one to these stays inside. */
  readonly innerLabels: readonly string[];
  /** What is thrown here is caught inside the loop. */
  readonly isCaught: boolean;
}

/** Whether the code of `loop` can leave it: `await` cannot, `yield` hands over to the caller, who can. */
function hasExit(inspection: Inspection, loop: LoopNode): boolean {
  const own = labelsOf(inspection, loop);
  const start: Place = { node: loop.body, isBreakInner: false, innerLabels: [], isCaught: false };
  const stack: Place[] = [start];
  for (const part of [loop.test, loop.type === 'ForStatement' ? loop.update : null]) {
    if (part) stack.push({ ...start, node: part });
  }
  for (let place = stack.pop(); place !== undefined; place = stack.pop()) {
    const { node } = place;
    inspection.bindings.spend(4 + place.innerLabels.length);
    if (isFunction(node)) continue;
    switch (node.type) {
      case 'ReturnStatement':
      case 'YieldExpression':
        return true;
      case 'ThrowStatement':
        if (!place.isCaught) return true;
        break;
      case 'BreakStatement':
        if (node.label ? !place.innerLabels.includes(node.label.name) : !place.isBreakInner) return true;
        break;
      case 'ContinueStatement':
        if (node.label && !place.innerLabels.includes(node.label.name) && !own.includes(node.label.name))
          return true;
        break;
      case 'CallExpression':
        if (/^process\.(?:exit|abort|reallyExit)$/.test(inspection.values.pathOf(node.callee) ?? ''))
          return true;
        if (!place.isCaught && throwsByItself(inspection, node.callee)) return true;
        break;
      default:
    }
    pushChildren(inspection, place, stack);
  }
  return false;
}

/** A function of this code with a `throw` in it may end the loop that calls it. */
function throwsByItself({ values }: Inspection, callee: Node): boolean {
  const value = values.of(callee);
  if (value.kind !== 'function' || value.node.async || value.node.generator === true) return false;
  let throws = false;
  forEachInside(value.node.body, (node) => {
    if (node.type === 'ThrowStatement') throws = true;
  });
  return throws;
}

function pushChildren({ values }: Inspection, place: Place, stack: Place[]): void {
  const { node } = place;
  switch (node.type) {
    case 'IfStatement': {
      const test = values.constantOf(node.test);
      if (test === undefined) break;
      const live = test.value ? node.consequent : node.alternate;
      if (live) stack.push({ ...place, node: live });
      return;
    }
    case 'TryStatement':
      // What `finally` decides is what happens.
      if (node.finalizer?.body.at(-1)?.type === 'ContinueStatement') {
        stack.push({ ...place, node: node.finalizer });
        return;
      }
      stack.push({ ...place, node: node.block, isCaught: place.isCaught || Boolean(node.handler) });
      for (const part of [node.handler, node.finalizer]) if (part) stack.push({ ...place, node: part });
      return;
    case 'LabeledStatement':
      stack.push({ ...place, node: node.body, innerLabels: [...place.innerLabels, node.label.name] });
      return;
    default:
  }
  const isBreakInner =
    place.isBreakInner || /^(?:DoWhile|For|ForIn|ForOf|Switch|While)Statement$/.test(node.type);
  forEachChild(node, (child) => void stack.push({ ...place, node: child, isBreakInner }));
}

function labelsOf({ bindings }: Inspection, loop: Node): string[] {
  const labels: string[] = [];
  for (
    let node = bindings.parentOf(loop);
    node?.type === 'LabeledStatement';
    node = bindings.parentOf(node)
  ) {
    labels.push(node.label.name);
  }
  return labels;
}
