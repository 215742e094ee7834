/** Functions that call themselves whatever happens, at once or as a microtask. */
import type { Node } from '@babel/types';
import type { Binding } from './scopes.ts';
import type { Inspection } from './capabilities.ts';
import { forEachChild, isFunction, type FunctionNode } from './child-nodes.ts';

/** Calls that run their argument before anything else gets a turn. */
const SCHEDULERS = new Set(['queueMicrotask', 'process.nextTick']);

export function callsItself(inspection: Inspection, node: FunctionNode): boolean {
  if (node.generator === true) return false;
  const binding = bindingOf(inspection, node);
  if (binding === undefined) return false;
  return comesBack(inspection, node, binding, new Set());
}

/** Functions that are followed from one to the next. */
const CIRCLE_MAX = 8;

/** Whether `node` calls `target` whatever happens, itself or through others that do. */
function comesBack(
  inspection: Inspection,
  node: FunctionNode,
  target: Binding,
  seen: Set<FunctionNode>,
): boolean {
  seen.add(node);
  for (const part of certainParts(node.body)) {
    if (isSelfCall(inspection, part, target)) return true;
    const next = functionCalled(inspection, part);
    if (next === undefined || seen.has(next) || seen.size >= CIRCLE_MAX) continue;
    if (comesBack(inspection, next, target, seen)) return true;
  }
  return false;
}

/** The function of this code that a call by name runs. */
function functionCalled({ bindings }: Inspection, node: Node): FunctionNode | undefined {
  if (node.type !== 'CallExpression' || node.callee.type !== 'Identifier') return undefined;
  const binding = bindings.resolve(node.callee);
  if (binding === undefined || binding.writes.length > 0 || binding.origins.length !== 1) return undefined;
  const [origin] = binding.origins;
  const base = origin?.base;
  if (base === undefined || !('type' in base) || origin?.steps.length !== 0 || origin.isDefault)
    return undefined;
  return isFunction(base) && base.generator !== true ? base : undefined;
}

/** The name a function goes by for itself. */
function bindingOf({ bindings }: Inspection, node: FunctionNode): Binding | undefined {
  const id = node.type === 'FunctionDeclaration' || node.type === 'FunctionExpression' ? node.id : undefined;
  const parent = bindings.parentOf(node);
  const scope = bindings.scopeOf(node);
  const declared =
    parent?.type === 'VariableDeclarator' && parent.id.type === 'Identifier' ? parent.id : undefined;
  const name = id?.name ?? declared?.name;
  for (let at = name === undefined ? undefined : scope; at !== undefined; at = at.parent) {
    const binding = at.names.get(name as string);
    if (binding !== undefined) {
      const isOwn =
        binding.writes.length === 0 && binding.origins.length === 1 && binding.origins[0]?.base === node;
      return isOwn ? binding : undefined;
    }
  }
  return undefined;
}

/** The expressions of a body that are evaluated each time, up to the first statement that may branch. */
function certainParts(body: Node): Node[] {
  const parts: Node[] = [];
  if (body.type !== 'BlockStatement') {
    addCertainExpressions(body, parts);
    return parts;
  }
  for (const statement of body.body) {
    switch (statement.type) {
      case 'ExpressionStatement':
        addCertainExpressions(statement.expression, parts);
        break;
      case 'VariableDeclaration':
        for (const { init } of statement.declarations) if (init) addCertainExpressions(init, parts);
        break;
      case 'FunctionDeclaration':
        break;
      case 'ReturnStatement':
        if (statement.argument) addCertainExpressions(statement.argument, parts);
        return parts;
      default:
        return parts;
    }
  }
  return parts;
}

function addCertainExpressions(root: Node, found: Node[]): void {
  const stack: Node[] = [root];
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    if (isFunction(node)) continue;
    found.push(node);
    if (node.type === 'ConditionalExpression') stack.push(node.test);
    else if (node.type === 'LogicalExpression') stack.push(node.left);
    else if (node.type !== 'OptionalCallExpression' && node.type !== 'AssignmentExpression') {
      forEachChild(node, (child) => void stack.push(child));
    } else if (node.type === 'AssignmentExpression' && !/^(?:&&|\|\||\?\?)=$/.test(node.operator)) {
      stack.push(node.right);
    }
  }
}

function isSelfCall({ bindings, values }: Inspection, node: Node, binding: Binding): boolean {
  if (node.type !== 'CallExpression') return false;
  const isSelf = (each: Node | undefined): boolean =>
    each?.type === 'Identifier' && bindings.resolve(each) === binding;
  if (isSelf(node.callee)) return true;
  const isScheduled =
    SCHEDULERS.has(values.pathOf(node.callee) ?? '') || values.keyOf(node.callee) === 'then';
  return isScheduled && isSelf(node.arguments[0]);
}
