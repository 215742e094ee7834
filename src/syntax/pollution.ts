/** Writes that a key such as `__proto__` would lead into everybody's prototype. */
import type { CallExpression, Identifier, MemberExpression, Node, ObjectExpression } from '@babel/types';
import type { Binding } from './scopes.ts';
import type { Inspection } from './capabilities.ts';
import { isFunction, type FunctionNode } from './child-nodes.ts';
import { isNumber } from './number-evidence.ts';

export function reportPollution(inspection: Inspection): void {
  const { bindings, raise } = inspection;
  const writes = [...bindings.memberWrites].filter(
    (node) => node.type === 'MemberExpression' && isOpenKey(inspection, node),
  ) as MemberExpression[];
  const merges = bindings.nodes.filter((node) => mergesInto(inspection, node));
  if (writes.length + merges.length === 0 || isGuarded(inspection)) return;
  for (const node of writes) {
    if (
      isNested(inspection, node.object) ||
      isWalked(inspection, node.object) ||
      isReduceStep(inspection, node)
    )
      raise('proto-pollution-risk', node);
  }
  for (const node of merges) raise('proto-pollution-risk', node);
}

/** The code looks at keys before it goes by them. */
function isGuarded({ bindings, values }: Inspection): boolean {
  return bindings.nodes.some((node) => {
    if (node.type === 'StringLiteral') return node.value === '__proto__' || node.value === 'constructor';
    if (node.type === 'RegExpLiteral') return node.pattern.includes('__proto__');
    if (node.type !== 'CallExpression') return false;
    const callee = values.pathOf(node.callee) ?? '';
    const method = values.keyOf(node.callee);
    return (
      method === 'hasOwnProperty' || method === 'hasOwn' || /hasOwnProperty|Object\.create$/.test(callee)
    );
  });
}

/** `o[k]` whose key is not known, and not a number. */
function isOpenKey(inspection: Inspection, node: Node): node is MemberExpression {
  if (node.type !== 'MemberExpression' || !node.computed) return false;
  return inspection.values.constantOf(node.property) === undefined && !isNumber(inspection, node.property);
}

/** `o[a]` of `o[a][b] = v`, where `o` comes from outside; `(o[a] ??= {})` too. */
function isNested(inspection: Inspection, object: Node): boolean {
  const inner = innermost(object);
  if (!isOpenKey(inspection, inner)) {
    const named = inner.type === 'Identifier' ? partNamed(inspection, inner) : undefined;
    return named === undefined ? isReduceWalk(inspection, inner) : isNested(inspection, named);
  }
  let root: Node = inner.object;
  while (root.type === 'MemberExpression') root = root.object;
  return root.type === 'Identifier' ? isRecord(inspection, root) : root.type === 'ThisExpression';
}

/** `o[a]` behind `part`, after `const part = o[a]`. */
function partNamed({ bindings }: Inspection, name: Identifier): MemberExpression | undefined {
  const binding = bindings.resolve(name);
  const [origin, ...others] = binding?.origins ?? [];
  if (origin?.steps.length !== 0 || others.length > 0 || binding?.writes.length !== 0) return undefined;
  const { base } = origin;
  return base !== undefined && 'type' in base && base.type === 'MemberExpression' ? base : undefined;
}

/** A name for an object that has everybody's prototype: one from outside, or a literal. */
function isRecord({ bindings, values }: Inspection, name: Identifier): boolean {
  const binding = bindings.resolve(name);
  if (binding === undefined || binding.kind === 'parameter') return true;
  if (values.ofBinding(binding).kind !== 'object') return false;
  const base = binding.origins[0]?.base;
  return base !== undefined && 'type' in base && base.type === 'ObjectExpression' && !hasNoPrototype(base);
}

/** `{ __proto__: null }`. */
function hasNoPrototype({ properties }: ObjectExpression): boolean {
  return properties.some(
    (property) =>
      property.type === 'ObjectProperty' &&
      property.value.type === 'NullLiteral' &&
      (property.key.type === 'Identifier' ? property.key.name : '') === '__proto__',
  );
}

/** What an expression gives in the end: past defaults, assignments and type assertions. */
function innermost(node: Node): Node {
  switch (node.type) {
    case 'AssignmentExpression':
      return innermost(node.left);
    case 'LogicalExpression':
      return innermost(node.left);
    case 'TSAsExpression':
    case 'TSNonNullExpression':
      return innermost(node.expression);
    default:
      return node;
  }
}

/** `o` after `o = o[k]` for keys of a path. */
function isWalked(inspection: Inspection, object: Node): boolean {
  const { bindings } = inspection;
  if (object.type !== 'Identifier') return false;
  const binding = bindings.resolve(object);
  if (binding === undefined) return false;
  bindings.spend(binding.origins.length + binding.writes.length);
  const from = [...binding.origins, ...binding.writes.map((write) => write.origin)];
  return from.some(({ base }) => {
    if (base === undefined || !('type' in base)) return false;
    const step = innermost(base);
    if (isReduceWalk(inspection, step)) return true;
    if (!isOpenKey(inspection, step)) return false;
    return step.object.type === 'Identifier' && bindings.resolve(step.object) === binding;
  });
}

/** `o[k] = …` as what the callback of a `reduce` answers: the next step starts from there. */
function isReduceStep({ bindings, values }: Inspection, node: MemberExpression): boolean {
  if (node.object.type !== 'Identifier' || node.property.type !== 'Identifier') return false;
  const binding = bindings.resolve(node.object);
  const callback = binding?.scope.owner;
  if (binding === undefined || callback === undefined || !isFunction(callback)) return false;
  const [walker, key] = callback.params;
  if (walker?.type !== 'Identifier' || walker.name !== node.object.name) return false;
  if (key?.type !== 'Identifier' || key.name !== node.property.name) return false;
  const call = bindings.parentOf(callback);
  if (call?.type !== 'CallExpression' || !/^reduce(?:Right)?$/.test(values.keyOf(call.callee) ?? ''))
    return false;
  const answers =
    callback.body.type === 'BlockStatement'
      ? callback.body.body.map((each) => (each.type === 'ReturnStatement' ? each.argument : undefined))
      : [callback.body];
  return answers.some((answer) => {
    const step = answer && innermost(answer);
    return (
      step?.type === 'MemberExpression' &&
      step.object.type === 'Identifier' &&
      bindings.resolve(step.object) === binding
    );
  });
}

/** `keys.reduce((o, k) => o[k] ??= {}, start)`. */
function isReduceWalk(inspection: Inspection, node: Node): boolean {
  if (node.type !== 'CallExpression' || inspection.values.keyOf(node.callee) !== 'reduce') return false;
  const [callback] = node.arguments;
  if (callback === undefined || !isFunction(callback)) return false;
  const [walker, key] = callback.params;
  if (walker?.type !== 'Identifier' || key?.type !== 'Identifier') return false;
  inspection.bindings.spend(inspection.bindings.nodes.length);
  return inspection.bindings.nodes.some(
    (each) =>
      each.type === 'MemberExpression' &&
      isSame(inspection, each.object, walker.name, callback) &&
      isSame(inspection, each.property, key.name, callback),
  );
}

function isSame({ bindings }: Inspection, node: Node, name: string, owner: Node): boolean {
  return node.type === 'Identifier' && node.name === name && bindings.resolve(node)?.scope.owner === owner;
}

/**
 * A call of a function by itself with `target[key]` of a target that it was given: a deep merge.
 * `Object.assign(target[key], …)` of such a target, or of a literal: the same, one level deep.
 */
function mergesInto(inspection: Inspection, node: Node): node is CallExpression {
  if (node.type !== 'CallExpression') return false;
  const { bindings, values } = inspection;
  if (node.arguments.length > 1 && values.pathOf(node.callee) === 'Object.assign') {
    return isNested(inspection, node.arguments[0] as Node);
  }
  if (node.callee.type !== 'Identifier') return false;
  const [into] = node.arguments;
  const target = into === undefined ? undefined : innermost(into);
  if (target?.type !== 'MemberExpression' || !isOpenKey(inspection, target)) return false;
  if (target.object.type !== 'Identifier') return false;
  const parameter = bindings.resolve(target.object);
  const callee = bindings.resolve(node.callee);
  if (parameter?.kind !== 'parameter' || callee === undefined) return false;
  bindings.spend(callee.origins.length);
  const own = callee.origins.find(({ base }) => base === parameter.scope.owner)?.base;
  return own !== undefined && writesKeys(inspection, parameter, own as FunctionNode);
}

/** Whether `target[key] = …` or `Object.assign(target, { [key]: … })` stands in the function. */
function writesKeys(inspection: Inspection, target: Binding, within: FunctionNode): boolean {
  const { bindings, values } = inspection;
  bindings.spend(bindings.nodes.length + bindings.memberWrites.size);
  const isTarget = (node: Node | undefined): node is Identifier =>
    node?.type === 'Identifier' && bindings.resolve(node) === target;
  for (const node of bindings.memberWrites) {
    if (isOpenKey(inspection, node) && isTarget(node.object)) return true;
  }
  return bindings.nodes.some(
    (node) =>
      node.type === 'CallExpression' &&
      values.pathOf(node.callee) === 'Object.assign' &&
      isTarget(node.arguments[0]) &&
      Number(node.start) > Number(within.start),
  );
}
