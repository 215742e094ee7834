/** State that outlives a call: what functions write into the module's own variables. */
import type { Node } from '@babel/types';
import { answersWithFunction } from './answers.ts';
import type { Binding } from './scopes.ts';
import type { Inspection } from './capabilities.ts';
import { isOwnOfLasting, isStart, stateOf } from './state-roots.ts';
import type { CallNode } from './value.ts';

/** Methods that change what a later call finds. Sorting or filling twice is doing it once: not here. */
const MUTATORS = new Set('add append clear delete pop push reverse set shift splice unshift'.split(' '));
const COLLECTIONS = new Set('Array Map Set URLSearchParams WeakMap WeakSet FormData Headers'.split(' '));
/** Calls that change their first argument. */
const WRITERS = new Set([
  'Object.assign',
  'Object.defineProperties',
  'Object.defineProperty',
  'Reflect.defineProperty',
  'Reflect.deleteProperty',
  'Reflect.set',
]);
/** Methods that hand out an iterator, which remembers how far it came. */
const ITERATORS = new Set('entries keys matchAll values'.split(' '));

export function reportModuleState(inspection: Inspection): void {
  const { bindings, raise } = inspection;
  // Where the module's own evaluation is the answer, it starts afresh for each.
  if (!answersWithFunction(inspection)) return;
  for (const write of bindings.writes) {
    const binding = bindings.resolve(write.node);
    if (binding?.scope.runsOnce === true && !write.scope.runsOnce && !isStart(inspection, write.scope))
      raise('module-state', write.node);
  }
  for (const node of bindings.memberWrites) {
    if (writesState(inspection, node)) raise('module-state', node);
  }
  for (const node of bindings.nodes) {
    if (node.type !== 'CallExpression' && node.type !== 'OptionalCallExpression') continue;
    if (mutatesState(inspection, node)) raise('module-state', node);
    for (const write of writesOfMade(inspection, node)) raise('module-state', write);
  }
}

/** `const next = counter();` of a function that answers with one that changes its variables. */
function writesOfMade({ bindings, values }: Inspection, call: CallNode): Node[] {
  const parent = bindings.parentOf(call);
  if (parent?.type !== 'VariableDeclarator' || parent.id.type !== 'Identifier') return [];
  if (bindings.module.names.get(parent.id.name)?.origins[0]?.base !== call) return [];
  const callee = values.of(call.callee);
  if (callee.kind !== 'function' || bindings.scopeOf(callee.node).runsOnce) return [];
  const { body } = callee.node;
  const last = body.type === 'BlockStatement' ? body.body.at(-1) : undefined;
  const made = last?.type === 'ReturnStatement' && last.argument ? last.argument : undefined;
  const isOwn = (name: Node): boolean =>
    name.type === 'Identifier' && bindings.resolve(name)?.scope.owner === callee.node;
  const isInside = (node: Node): boolean =>
    made !== undefined && Number(node.start) >= Number(made.start) && Number(node.end) <= Number(made.end);
  bindings.spend(bindings.writes.length + bindings.memberWrites.size + bindings.nodes.length);
  const parts = made === undefined ? [] : [...bindings.memberWrites, ...bindings.nodes.filter(isMutation)];
  const changes = parts.filter((node) => isInside(node) && isOwn(ownerOf(node)));
  const writes = bindings.writes
    .filter(
      (write) => write.scope.owner === made && bindings.resolve(write.node)?.scope.owner === callee.node,
    )
    .map((write) => write.node);
  return [...writes, ...changes];

  function isMutation(node: Node): boolean {
    return node.type === 'CallExpression' && MUTATORS.has(values.keyOf(node.callee) ?? '');
  }
}

/** The first name of `a.b = x` and of `a.push(x)`. */
function ownerOf(node: Node): Node {
  let root = node.type === 'CallExpression' ? node.callee : node;
  while (root.type === 'MemberExpression') root = root.object;
  return root;
}

function writesState(inspection: Inspection, node: Node): boolean {
  const state = stateOf(inspection, node);
  if (state === undefined) return isOwnOfLasting(inspection, node);
  const value = inspection.values.ofBinding(state.binding);
  if (value.kind === 'builtin' || value.kind === 'regex') return false;
  if (state.hasName || value.kind === 'object' || isBareObject(inspection, state.binding)) return true;
  return !isRearranged(inspection, node, state.binding);
}

/** Elements that change places, or are set to a constant: done twice it is done once. */
function isRearranged(inspection: Inspection, node: Node, of: Binding): boolean {
  const { bindings, values } = inspection;
  const parent = bindings.parentOf(node);
  if (parent?.type === 'ArrayPattern') return true;
  if (parent?.type !== 'AssignmentExpression' || parent.operator !== '=') return false;
  if (values.constantOf(parent.right) !== undefined) {
    return node.type === 'MemberExpression' && values.keyOf(node.property) !== 'length';
  }
  return stateOf(inspection, parent.right)?.binding === of;
}

function mutatesState(inspection: Inspection, node: CallNode): boolean {
  const { values } = inspection;
  const path = values.pathOf(node.callee);
  if (path !== undefined && WRITERS.has(path)) {
    const [target] = node.arguments;
    return target !== undefined && stateOf(inspection, target)?.binding.kind === 'variable';
  }
  const { callee } = node;
  if (callee.type !== 'MemberExpression' && callee.type !== 'OptionalMemberExpression') return false;
  const method = values.keyOf(callee);
  const state = stateOf(inspection, callee.object);
  if (method === undefined) return false;
  if (state === undefined) {
    // `this.items.push(x)`.
    const isField = callee.object.type === 'MemberExpression' && MUTATORS.has(method);
    return isField && isOwnOfLasting(inspection, callee.object);
  }
  if (method === 'test' || method === 'exec')
    return keepsLastIndex(inspection, node, callee.object, state.binding);
  const value = values.ofBinding(state.binding);
  if (method === 'next') return isIterator(inspection, state.binding);
  if (value.kind === 'date') return /^set[A-Z]/.test(method);
  if (!MUTATORS.has(method)) return false;
  return value.kind === 'array' || value.kind === 'object' || isCollection(inspection, state.binding);
}

/** A regular expression with `g` or `y` goes on where it stopped, unless it is run until it fails. */
function keepsLastIndex(inspection: Inspection, call: Node, object: Node, binding: Binding): boolean {
  const { bindings, values } = inspection;
  const value = values.of(object);
  if (value.kind !== 'regex' || !/[gy]/.test(value.flags)) return false;
  bindings.spend(bindings.memberWrites.size);
  for (const written of bindings.memberWrites) {
    const isReset = values.keyOf(written) === 'lastIndex' && 'object' in written;
    if (isReset && written.object?.type === 'Identifier' && bindings.resolve(written.object) === binding)
      return false;
  }
  for (
    let node = call, parent = bindings.parentOf(node);
    parent;
    node = parent, parent = bindings.parentOf(node)
  ) {
    bindings.spend(1);
    if ('test' in parent && /^(?:DoWhile|For|While)Statement$/.test(parent.type)) return parent.test !== node;
  }
  return true;
}

/** The expression a variable is declared with. */
function initOf(binding: Binding): Node | undefined {
  const origin = binding.origins.length === 1 ? binding.origins[0] : undefined;
  const base = origin?.base;
  return base !== undefined && 'type' in base && origin?.steps.length === 0 ? base : undefined;
}

function isCollection({ values }: Inspection, binding: Binding): boolean {
  const init = initOf(binding);
  return init?.type === 'NewExpression' && COLLECTIONS.has(values.pathOf(init.callee) ?? '');
}

function isBareObject({ values }: Inspection, binding: Binding): boolean {
  const init = initOf(binding);
  return init?.type === 'CallExpression' && values.pathOf(init.callee) === 'Object.create';
}

function isIterator({ values }: Inspection, binding: Binding): boolean {
  const init = initOf(binding);
  if (init?.type !== 'CallExpression') return false;
  const callee = values.of(init.callee);
  if (callee.kind === 'function') return callee.node.generator === true;
  if (init.callee.type !== 'MemberExpression') return false;
  const { property } = init.callee;
  const isSymbol = property.type === 'MemberExpression' && values.pathOf(property) === 'Symbol.iterator';
  return isSymbol || ITERATORS.has(values.keyOf(init.callee) ?? '');
}
