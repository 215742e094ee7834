/** Writes to what everybody shares: the global object, built-ins, prototypes. */
import type { Node } from '@babel/types';
import type { Bindings } from './bindings.ts';
import { callOf } from './call-values.ts';
import type { Inspection } from './capabilities.ts';
import { MODULE_NAMES } from './globals.ts';
import type { Value } from './value.ts';
import type { Values } from './values.ts';

/** Calls that write to their first argument. */
const WRITERS = new Set([
  'Object.assign',
  'Object.defineProperties',
  'Object.defineProperty',
  'Object.freeze',
  'Object.preventExtensions',
  'Object.seal',
  'Reflect.defineProperty',
  'Reflect.deleteProperty',
  'Reflect.set',
]);

/** Properties of the global object that the code sets itself. */
export function globalsWritten(bindings: Bindings, values: Values): Set<string> {
  const names = new Set<string>();
  for (const node of bindings.memberWrites) {
    const key = values.keyOf(node);
    if (
      key !== undefined &&
      'object' in node &&
      node.object &&
      values.pathOf(node.object as Node) === 'globalThis'
    ) {
      names.add(key);
    }
  }
  return names;
}

export function reportWrites(inspection: Inspection): void {
  const { bindings, values } = inspection;
  for (const node of bindings.memberWrites) {
    if (node.type !== 'MemberExpression' && node.type !== 'OptionalMemberExpression') continue;
    const target = values.of(node.object);
    if (values.keyOf(node) === '__proto__') inspection.raise('proto-write', node);
    else reportWrite(inspection, target, node);
  }
  for (const node of bindings.nodes) {
    if (node.type !== 'CallExpression' && node.type !== 'OptionalCallExpression') continue;
    const { callee, args } = callOf(values, node);
    const target = args?.[0];
    if (callee.kind !== 'builtin' || target === undefined) continue;
    if (WRITERS.has(callee.path)) reportWrite(inspection, values.of(target), node);
    else if (callee.path.endsWith('.__defineGetter__') || callee.path.endsWith('.__defineSetter__')) {
      reportWrite(inspection, { kind: 'builtin', path: callee.path.replace(/\.\w+$/, '') }, node);
    }
  }
}

function reportWrite({ raise }: Inspection, target: Value, node: Node): void {
  if (target.kind !== 'builtin') return;
  const [root = ''] = target.path.split('.', 1);
  if (target.path.endsWith('.prototype') || target.path.includes('.prototype.')) raise('proto-write', node);
  else if (root === 'this' || root === 'process' || root === 'import') return;
  else if (MODULE_NAMES.has(root) || root.startsWith('module:')) return;
  else raise('global-write', node);
}
