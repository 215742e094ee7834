/** Which variable of the module a value belongs to, and which functions only ever run as the module starts. */
import type { Identifier, Node } from '@babel/types';
import type { Bindings } from './bindings.ts';
import type { Binding, Scope } from './scopes.ts';
import type { Inspection } from './capabilities.ts';
import { isFunction, type FunctionNode } from './child-nodes.ts';

/** A module's variable that outlives a call, and whether a property of it is named on the way. */
export interface State {
  readonly binding: Binding;
  readonly hasName: boolean;
}

/** Methods that hand out a part of what they are called on. */
const PARTS = new Set(['at', 'find', 'findLast', 'get']);
/** Methods that hand each element to their callback. */
const WALKS = new Set(['every', 'filter', 'forEach', 'map', 'some']);
/** Aliases of aliases are followed this far. */
const ALIASES_MAX = 8;

/** The module's variable that `a` of `a.b[c]` or `a.get(b)` is, or is another name of, in a function. */
export function stateOf(inspection: Inspection, node: Node): State | undefined {
  const root = rootOf(inspection, node, 0);
  if (root === undefined || isStart(inspection, inspection.bindings.scopeOf(root.name))) return undefined;
  return root.binding.kind === 'import' ? undefined : root;
}

function rootOf(
  inspection: Inspection,
  node: Node,
  depth: number,
): (State & { name: Identifier }) | undefined {
  const { bindings } = inspection;
  let root = node;
  let hasName = false;
  for (let part = partOf(inspection, root); part !== undefined; part = partOf(inspection, root)) {
    hasName ||= part.hasName;
    root = part.object;
  }
  if (root.type !== 'Identifier') return undefined;
  const binding = bindings.resolve(root);
  if (binding === undefined) return undefined;
  if (binding.scope.runsOnce) return { binding, hasName, name: root };
  if (depth >= ALIASES_MAX) return undefined;
  const whole = bindings.loopsOver.get(binding) ?? walkedBy(inspection, binding);
  if (whole !== undefined) {
    const found = rootOf(inspection, whole, depth + 1);
    return found && { ...found, hasName: true, name: root };
  }
  for (const { base, steps, isDefault } of binding.origins) {
    if (base === undefined || !('type' in base) || (binding.kind === 'parameter' && !isDefault)) continue;
    const found = rootOf(inspection, base, depth + 1);
    // A name for an element is a name for what stands there: writing to its properties is a write.
    if (found !== undefined)
      return { ...found, hasName: hasName || found.hasName || steps.length > 0, name: root };
  }
  return undefined;
}

/** `rows` of `rows.forEach((row) => …)`, for `row`. */
function walkedBy({ bindings, values }: Inspection, { kind, name, scope }: Binding): Node | undefined {
  const { owner } = scope;
  if (kind !== 'parameter' || owner === undefined || !isFunction(owner)) return undefined;
  const [first] = owner.params;
  const call = bindings.parentOf(owner);
  if (first?.type !== 'Identifier' || first.name !== name || call?.type !== 'CallExpression')
    return undefined;
  const { callee } = call;
  if (callee.type !== 'MemberExpression' || !WALKS.has(values.keyOf(callee) ?? '')) return undefined;
  return callee.object;
}

/** One step towards the root: past a member, a call that hands out a part, an assertion. */
function partOf({ values }: Inspection, node: Node): { object: Node; hasName: boolean } | undefined {
  switch (node.type) {
    case 'MemberExpression':
    case 'OptionalMemberExpression':
      return { object: node.object, hasName: !node.computed };
    case 'CallExpression':
    case 'OptionalCallExpression': {
      const { callee } = node;
      if (callee.type !== 'MemberExpression' && callee.type !== 'OptionalMemberExpression') return undefined;
      return PARTS.has(values.keyOf(callee) ?? '') ? { object: callee.object, hasName: true } : undefined;
    }
    case 'TSAsExpression':
    case 'TSNonNullExpression':
    case 'TSSatisfiesExpression':
      return { object: node.expression, hasName: false };
    default:
      return undefined;
  }
}

/** Code that runs as the module is evaluated, and never again: a helper that only such code calls, too. */
export function isStart(inspection: Inspection, scope: Scope, depth = 0): boolean {
  if (scope.runsOnce) return true;
  const { owner } = scope;
  if (owner === undefined || depth >= ALIASES_MAX || !isFunction(owner)) return false;
  const known = starts.get(owner);
  if (known !== undefined) return known;
  const answer = runsAtStart(inspection, owner, depth);
  starts.set(owner, answer);
  return answer;
}

/** Functions that were looked at, so that each is looked at once. */
const starts = new WeakMap<Node, boolean>();

function runsAtStart(inspection: Inspection, owner: FunctionNode, depth: number): boolean {
  const binding = nameOf(inspection, owner);
  if (binding === undefined || !binding.scope.runsOnce || /^(?:main|run)$/.test(binding.name)) return false;
  const { bindings } = inspection;
  const readers = bindings.referencesTo(binding);
  return (
    readers.length > 0 &&
    readers.every((name) => {
      const call = bindings.parentOf(name);
      if (call?.type !== 'CallExpression' || call.callee !== name) return false;
      return isStart(inspection, bindings.scopeOf(name), depth + 1);
    })
  );
}

/** The module's one name of a function that is not exported where it stands. */
function nameOf({ bindings }: Inspection, node: FunctionNode): Binding | undefined {
  const parent = bindings.parentOf(node);
  const isDeclared = node.type === 'FunctionDeclaration' && parent?.type === 'Program';
  const declarator = parent?.type === 'VariableDeclarator' ? parent : undefined;
  const declaration = declarator && bindings.parentOf(declarator);
  const isHeld = declaration !== undefined && bindings.parentOf(declaration)?.type === 'Program';
  const id = isDeclared ? node.id : isHeld ? declarator?.id : undefined;
  if (id?.type !== 'Identifier') return undefined;
  const binding = bindings.module.names.get(id.name);
  return binding?.writes.length === 0 && binding.origins[0]?.base === node ? binding : undefined;
}

/** `this.n` in a static method, or in a method that is called on an object of the module's own. */
export function isOwnOfLasting(inspection: Inspection, node: Node): boolean {
  const { bindings } = inspection;
  let root = node;
  while (root.type === 'MemberExpression') root = root.object;
  if (root.type !== 'ThisExpression') return false;
  let scope = bindings.scopeOf(root);
  while (scope.owner?.type === 'ArrowFunctionExpression' && scope.parent) scope = scope.parent;
  const method = scope.owner;
  if (method === undefined || scope.runsOnce || !method.type.endsWith('Method')) return false;
  if ('kind' in method && method.kind === 'constructor') return false;
  const parent = bindings.parentOf(method);
  const holder = parent?.type === 'ClassBody' ? bindings.parentOf(parent) : parent;
  if (holder === undefined) return false;
  if ('static' in method && method.static) return isOfModule(inspection, holder);
  return lastingHolders(inspection).has(holder);
}

function isOfModule({ bindings }: Inspection, node: Node): boolean {
  for (let at = bindings.parentOf(node); at !== undefined; at = bindings.parentOf(at)) {
    if (isFunction(at)) return false;
  }
  return true;
}

const holdersOf = new WeakMap<Bindings, ReadonlySet<Node>>();

/** Classes and literals of which the module keeps an object that functions use. */
function lastingHolders(inspection: Inspection): ReadonlySet<Node> {
  const { bindings } = inspection;
  const known = holdersOf.get(bindings);
  if (known !== undefined) return known;
  const classes = new Map<Binding, Node>();
  for (const node of bindings.nodes) {
    if (node.type !== 'ClassDeclaration' || !node.id) continue;
    const binding = bindings.scopeOf(node).names.get(node.id.name);
    if (binding !== undefined) classes.set(binding, node);
  }
  const holders = new Set<Node>();
  for (const binding of bindings.module.names.values()) {
    const isUsed = bindings
      .referencesTo(binding)
      .some((name) => !isStart(inspection, bindings.scopeOf(name)));
    if (!isUsed) continue;
    for (const { base, steps } of binding.origins) {
      if (base === undefined || !('type' in base) || steps.length > 0) continue;
      const holder = base.type === 'NewExpression' ? classOf(base.callee) : base;
      if (holder !== undefined) holders.add(holder);
    }
  }
  holdersOf.set(bindings, holders);
  return holders;

  function classOf(callee: Node): Node | undefined {
    if (callee.type !== 'Identifier') return callee;
    const binding = bindings.resolve(callee);
    const base = binding?.origins[0]?.base;
    if (base !== undefined && 'type' in base && base.type === 'ClassExpression') return base;
    return binding && classes.get(binding);
  }
}
