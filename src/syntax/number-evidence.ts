/** What shows that a value is a number: how it is made and used, never what it is called. */
import type { Node } from '@babel/types';
import type { Bindings } from './bindings.ts';
import type { Binding } from './scopes.ts';
import type { Inspection } from './capabilities.ts';
import { isFunction } from './child-nodes.ts';

/** Variables that lead to variables are followed this far. */
const DEPTH_MAX = 8;
const ARITHMETIC = new Set(['-', '*', '/', '%', '**', '<<', '>>', '>>>', '&', '|', '^']);
const RELATIONS = new Set(['<', '<=', '>', '>=']);

export function isNumber(inspection: Inspection, node: Node, depth = 0): boolean {
  inspection.bindings.spend(1);
  const { bindings, values } = inspection;
  switch (node.type) {
    case 'NumericLiteral':
    case 'UpdateExpression':
      return true;
    case 'UnaryExpression':
      return '+-~'.includes(node.operator);
    case 'BinaryExpression':
      if (node.operator !== '+') return true;
      return isNumber(inspection, node.left, depth + 1) && isNumber(inspection, node.right, depth + 1);
    case 'CallExpression':
      return (
        /^(?:Math\..*|Number(?:\.parse\w+)?|parseInt|parseFloat)$/.test(values.pathOf(node.callee) ?? '') ||
        /^(?:findIndex|findLastIndex|indexOf|lastIndexOf|charCodeAt|codePointAt)$/.test(
          values.keyOf(node.callee) ?? '',
        )
      );
    case 'MemberExpression':
      return /^(?:length|size)$/.test(values.keyOf(node) ?? '');
    case 'Identifier': {
      const binding = bindings.resolve(node);
      return binding !== undefined && isNumberBinding(inspection, binding, depth);
    }
    default:
      return false;
  }
}

function isNumberBinding(inspection: Inspection, binding: Binding, depth: number): boolean {
  inspection.bindings.spend(binding.writes.length);
  const { bindings } = inspection;
  if (binding.isNumber || depth > DEPTH_MAX) return binding.isNumber;
  if (binding.writes.some((write) => bindings.parentOf(write.node)?.type === 'UpdateExpression')) return true;
  const [origin] = binding.origins;
  const base = origin?.base;
  if (
    base !== undefined &&
    'type' in base &&
    origin?.steps.length === 0 &&
    isNumber(inspection, base, depth + 1)
  )
    return true;
  if (isIndex(inspection, binding)) return true;
  return bindings.referencesTo(binding).some((name) => isReckonedWith(bindings, name));
}

/** `i - 1`, `i + 1`, `i < n`, `-i`. */
function isReckonedWith(bindings: Bindings, name: Node): boolean {
  const parent = bindings.parentOf(name);
  if (parent?.type === 'UnaryExpression') return '+-~'.includes(parent.operator);
  if (parent?.type !== 'BinaryExpression') return false;
  if (ARITHMETIC.has(parent.operator) || RELATIONS.has(parent.operator)) return true;
  const other = parent.left === name ? parent.right : parent.left;
  return parent.operator === '+' && other.type === 'NumericLiteral';
}

/** Callbacks' parameters that are places in an array, by method. */
const INDEX_PARAMETER: ReadonlyMap<string, number> = new Map([
  ...['every', 'filter', 'find', 'findIndex', 'flatMap', 'forEach', 'map', 'some'].map(
    (name) => [name, 1] as const,
  ),
  ['from', 1],
  ['reduce', 2],
  ['reduceRight', 2],
]);

function isIndex({ bindings, values }: Inspection, binding: Binding): boolean {
  const { owner } = binding.scope;
  if (binding.kind !== 'parameter' || owner === undefined || !isFunction(owner)) return false;
  const call = bindings.parentOf(owner);
  if (call?.type !== 'CallExpression' || call.callee === owner) return false;
  const place = INDEX_PARAMETER.get(values.keyOf(call.callee) ?? '');
  const parameter = place === undefined ? undefined : owner.params[place];
  return parameter?.type === 'Identifier' && parameter.name === binding.name;
}
