/** What names and members reach: globals, modules, the global object, prototypes. */
import type {
  BinaryExpression,
  Identifier,
  MemberExpression,
  Node,
  OptionalMemberExpression,
} from '@babel/types';
import type { Inspection } from './capabilities.ts';
import { isFunction } from './child-nodes.ts';
import { flagsOfModule, flagsOfPath, FOREIGN_NAMES, GLOBAL_OBJECTS, STANDARD_NAMES } from './globals.ts';
import { keyOf, type Step } from './patterns.ts';
import { isTypeOnly } from './type-only.ts';
import type { CallNode, Value } from './value.ts';

type MemberNode = MemberExpression | OptionalMemberExpression;

/** Reports every free name, member, pattern and import that amounts to something. */
export function reportNames(inspection: Inspection): void {
  const { bindings, values, raise } = inspection;
  for (const node of bindings.nodes.toReversed()) {
    if (node.type === 'MemberExpression' || node.type === 'OptionalMemberExpression') {
      if (node.property.type !== 'PrivateName') reportMember(inspection, node);
    } else if (node.type === 'ImportExpression') {
      raise('dynamic-import', node);
      const specifier = values.textOf(node.source);
      if (specifier !== undefined) for (const flag of flagsOfModule(specifier)) raise(flag, node);
    }
  }
  for (const name of bindings.references) reportName(inspection, name);
  for (const write of bindings.writes) {
    if (bindings.resolve(write.node) === undefined) {
      raise('global-write', write.node);
      reportFree(inspection, write.node);
    }
  }
  for (const read of bindings.patternReads) {
    const { origin } = read;
    const base = values.at({ ...origin, steps: origin.steps.slice(0, -1) });
    const last = origin.steps.at(-1);
    if (last !== undefined) reportStep(inspection, base, last, values.at(origin), read.node);
  }
  reportImports(inspection);
}

function reportImports({ bindings, raise }: Inspection): void {
  for (const node of bindings.nodes) {
    switch (node.type) {
      case 'ImportDeclaration':
        if (isTypeOnly(node)) break;
        for (const flag of flagsOfModule(node.source.value)) raise(flag, node);
        break;
      case 'ExportAllDeclaration':
      case 'ExportNamedDeclaration':
        if (!node.source || isTypeOnly(node)) break;
        for (const flag of flagsOfModule(node.source.value)) raise(flag, node);
        break;
      case 'TSImportEqualsDeclaration':
        if (node.moduleReference.type !== 'TSExternalModuleReference' || node.importKind === 'type') break;
        for (const flag of flagsOfModule(node.moduleReference.expression.value)) raise(flag, node);
        break;
      default:
    }
  }
}

function reportName(inspection: Inspection, name: Identifier): void {
  const { bindings, values } = inspection;
  if (isTypeofOperand(inspection, name)) return;
  const value = values.of(name);
  if (bindings.resolve(name) === undefined) {
    if (value.kind === 'builtin') raisePath(inspection, value.path, name);
    if (value.kind === 'unknown' || FOREIGN_NAMES.has(name.name)) reportFree(inspection, name);
  }
  reportUse(inspection, name, value);
}

/** A name that nothing declares; what the caller provides and what the language has is none. */
function reportFree({ knownGlobals, freeNames, raise }: Inspection, node: Identifier): void {
  const { name } = node;
  if (STANDARD_NAMES.has(name) || GLOBAL_OBJECTS.has(name) || knownGlobals.has(name)) return;
  freeNames.add(name);
  raise('undeclared-global', node);
}

function reportMember(inspection: Inspection, node: MemberNode): void {
  const { bindings, values, raise } = inspection;
  if (isTypeofOperand(inspection, node)) return;
  const value = values.of(node);
  if (bindings.isWritten(node)) {
    // What a write does is told by the writes; only an unknown key of the global object is told here.
    if (values.pathOf(node.object) === 'globalThis' && values.keyOf(node) === undefined) {
      raise('dynamic-global', node);
    }
    return;
  }
  reportStep(inspection, values.of(node.object), keyOf(node.property, node.computed), value, node);
  reportUse(inspection, node, value);
}

/** One step into a value: `base[step]`. */
export function reportStep(inspection: Inspection, base: Value, step: Step, value: Value, node: Node): void {
  const { values, raise, knownGlobals, freeNames } = inspection;
  const key = typeof step === 'string' ? step : values.keyTextOf(step);
  if (base.kind === 'builtin' && base.path === 'globalThis') {
    if (key === undefined) raise('dynamic-global', node);
    else if (
      (value.kind === 'unknown' || FOREIGN_NAMES.has(key)) &&
      !knownGlobals.has(key) &&
      !inspection.globalsWritten.has(key)
    ) {
      freeNames.add(key);
      raise('undeclared-global', node);
    }
  }
  const isWalk = base.kind === 'constructor' && (key === 'prototype' || key === 'constructor');
  const isTaken = key === 'constructor' && node.type === 'ObjectProperty' && isFunctionCtor(value);
  // A constructor that is reached from an instance, and from it on to the prototype.
  const isInstanceWalk =
    key === 'prototype' && 'object' in node && values.keyOf(node.object as Node) === 'constructor';
  const isOldWalk = key === '__lookupGetter__' || key === '__lookupSetter__';
  if (key === '__proto__' || isWalk || isTaken || isInstanceWalk || isOldWalk) raise('proto-access', node);
  if (value.kind === 'builtin') raisePath(inspection, value.path, node);
}

function isFunctionCtor(value: Value): boolean {
  return value.kind === 'builtin' && value.path === 'Function';
}

function raisePath({ raise }: Inspection, path: string, node: Node): void {
  for (const flag of flagsOfPath(path)) raise(flag, node);
}

/** Built-ins whose danger lies in what is done with them. */
function reportUse(inspection: Inspection, node: Node, value: Value): void {
  if (value.kind !== 'builtin') return;
  const { raise } = inspection;
  switch (value.path) {
    case 'Function': {
      const use = useOf(inspection, node);
      if (use === 'escapes') raise('function-ctor', node);
      const isWalked = node.type !== 'Identifier' && inspection.values.keyOf(node) === 'constructor';
      if (isWalked && use !== 'harmless') raise('proto-access', node);
      return;
    }
    case 'globalThis':
      if (useOf(inspection, node) === 'escapes') raise('dynamic-global', node);
      return;
    case 'require':
      if (useOf(inspection, node) === 'escapes') raise('dynamic-import', node);
      return;
    default:
  }
}

type Use = 'harmless' | 'followed' | 'escapes';

const COMPARISONS = new Set(['===', '!==', '==', '!=', 'instanceof', 'in']);
const HARMLESS_MEMBERS = new Set(['prototype', 'name', 'length', 'resolve', 'cache', 'extensions']);
/** Calls that take one key of their first argument, or lend it to a function. */
const KEY_CALLS = new Set([
  'Object',
  'Object.getOwnPropertyDescriptor',
  'Object.hasOwn',
  'Reflect.deleteProperty',
  'Reflect.get',
  'Reflect.getOwnPropertyDescriptor',
  'Reflect.has',
  'Reflect.set',
  'Object.defineProperty',
  'Reflect.defineProperty',
  'Object.assign',
  'Object.defineProperties',
  'Object.freeze',
  'Object.getPrototypeOf',
  'Reflect.apply',
  'Reflect.construct',
  'Object.setPrototypeOf',
]);

/** What becomes of a value where it stands. */
function useOf(inspection: Inspection, start: Node): Use {
  const { bindings, values } = inspection;
  let node = start;
  for (let parent = bindings.parentOf(node); parent !== undefined; parent = bindings.parentOf(node)) {
    switch (parent.type) {
      case 'MemberExpression':
      case 'OptionalMemberExpression': {
        if (parent.object !== node) return 'harmless';
        return HARMLESS_MEMBERS.has(values.keyOf(parent) ?? '') ? 'harmless' : 'followed';
      }
      case 'UnaryExpression':
      case 'ExpressionStatement':
      case 'IfStatement':
        return 'harmless';
      case 'BinaryExpression':
        return COMPARISONS.has(parent.operator) ? comparisonUse(inspection, parent, node) : 'escapes';
      case 'VariableDeclarator':
      case 'AssignmentPattern':
        return 'followed';
      case 'ForOfStatement':
        return parent.left.type === 'VariableDeclaration' ? 'followed' : 'escapes';
      case 'AssignmentExpression':
        return parent.left.type === 'MemberExpression' ? 'escapes' : 'followed';
      case 'NewExpression':
      case 'CallExpression':
      case 'OptionalCallExpression':
        return argumentUse(inspection, parent, node);
      case 'ConditionalExpression':
        if (parent.test === node) return 'harmless';
        break;
      case 'ArrowFunctionExpression':
        if (bindings.parentOf(parent)?.type === 'VariableDeclarator') return 'followed';
        return isCalledLiteral(inspection, parent) ? 'followed' : 'escapes';
      case 'ObjectProperty':
      case 'ObjectExpression':
      case 'ArrayExpression':
      case 'LogicalExpression':
      case 'SequenceExpression':
      case 'AwaitExpression':
      case 'TSAsExpression':
      case 'TSNonNullExpression':
      case 'TSSatisfiesExpression':
      case 'TSTypeAssertion':
        // The value passes through: what becomes of the outer expression counts.
        break;
      default:
        return 'escapes';
    }
    node = parent;
  }
  return 'escapes';
}

function comparisonUse(inspection: Inspection, node: BinaryExpression, operand: Node): Use {
  if (node.operator !== 'in' || node.right !== operand) return 'harmless';
  return inspection.values.textOf(node.left) === undefined ? 'escapes' : 'harmless';
}

function argumentUse(inspection: Inspection, call: CallNode, node: Node): Use {
  const { values } = inspection;
  if (call.callee === node || isCalledLiteral(inspection, call.callee)) return 'followed';
  const path = values.pathOf(call.callee);
  if (path === undefined) return 'escapes';
  if (path.endsWith('.call') || path.endsWith('.apply') || path.endsWith('.bind')) return 'harmless';
  if (!KEY_CALLS.has(path) || call.arguments[0] !== node) return 'escapes';
  const takesKey = path.startsWith('Reflect.') || /Descriptor$|hasOwn$|defineProperty$/.test(path);
  return takesKey && call.arguments.length > 1 && values.constantOf(call.arguments[1]) === undefined
    ? path === 'Reflect.apply' || path === 'Reflect.construct'
      ? 'followed'
      : 'escapes'
    : 'followed';
}

function isCalledLiteral({ bindings }: Inspection, node: Node): boolean {
  if (!isFunction(node)) return false;
  const parent = bindings.parentOf(node);
  return parent?.type === 'CallExpression' && parent.callee === node;
}

function isTypeofOperand({ bindings }: Inspection, node: Node): boolean {
  const parent = bindings.parentOf(node);
  return parent?.type === 'UnaryExpression' && parent.operator === 'typeof';
}
