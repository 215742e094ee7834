/** What calls amount to: code from text, modules by name, clocks, allocations, locales. */
import type { BinaryExpression, Node } from '@babel/types';
import { allocatedBytes, BYTES_MAX } from './allocation.ts';
import type { Inspection } from './capabilities.ts';
import { reportEnvironment } from './environment.ts';
import { flagsOfModule } from './globals.ts';
import { reportStep } from './reach.ts';
import { isCatastrophic } from './regex-safety.ts';
import { callOf, type Call } from './call-values.ts';
import type { CallNode } from './value.ts';

/** Reports every call, and every regular expression that is written out. */
export function reportCalls(inspection: Inspection): void {
  const { bindings, raise } = inspection;
  for (const node of bindings.nodes) {
    switch (node.type) {
      case 'CallExpression':
      case 'NewExpression':
      case 'OptionalCallExpression':
        reportCall(inspection, node);
        break;
      case 'RegExpLiteral':
        if (isCatastrophic(node.pattern, node.flags, (steps) => bindings.spend(steps)))
          raise('regex-dos', node);
        break;
      case 'BinaryExpression':
        if (isHugePower(inspection, node)) raise('huge-allocation', node);
        break;
      case 'TaggedTemplateExpression':
        reportTag(inspection, node.tag, node);
        break;
      default:
    }
  }
}

function reportCall(inspection: Inspection, node: CallNode): void {
  const { values, raise } = inspection;
  const call = callOf(values, node);
  const { callee } = call;
  if (callee.kind === 'builtin') reportBuiltinCall(inspection, callee.path, call, node);
  else if (callee.kind === 'constructor' && !call.isNew && isText(inspection, call.args?.[0])) {
    // Only of a function is the constructor called with a text.
    raise('function-ctor', node);
    raise('proto-access', node);
  }
  reportPatternText(inspection, node, call);
  reportEnvironment(inspection, node, call);
  if ((allocatedBytes(inspection, node, call) ?? 0) >= BYTES_MAX) raise('huge-allocation', node);
}

function reportBuiltinCall(inspection: Inspection, path: string, call: Call, node: CallNode): void {
  const { raise, values } = inspection;
  const { args } = call;
  switch (path) {
    case 'Function':
      return raise('function-ctor', node);
    case 'require':
    case 'process.getBuiltinModule':
      return reportLoad(inspection, args?.[0], node);
    case 'RegExp':
      return reportRegex(inspection, args, node);
    case 'Date':
      // A list that is spread may be empty.
      if (!call.isNew || args?.length === 0 || (args === undefined && node.arguments.length === 1))
        raise('nondeterminism', node);
      return;
    case 'WebAssembly.Memory': {
      const shared = args?.[0] && values.member(values.of(args[0]), 'shared');
      if (shared?.kind === 'constant' && shared.value) raise('shared-memory', node);
      return;
    }
    case 'setTimeout':
    case 'setInterval':
      if (isText(inspection, args?.[0])) raise('eval', node);
      return;
    case 'Reflect.get':
    case 'Reflect.getOwnPropertyDescriptor':
    case 'Object.getOwnPropertyDescriptor': {
      const [object, key] = args ?? [];
      if (object === undefined || key === undefined) return;
      const base = values.of(object);
      return reportStep(inspection, base, key, values.member(base, key), node);
    }
    default:
  }
}

function reportLoad({ values, raise }: Inspection, specifier: Node | undefined, node: Node): void {
  const name = values.textOf(specifier);
  if (name === undefined) return raise('dynamic-import', node);
  for (const flag of flagsOfModule(name)) raise(flag, node);
}

function reportRegex({ values, raise }: Inspection, args: readonly Node[] | undefined, node: Node): void {
  const value = values.of(node);
  if (value.kind === 'regex') {
    if (isCatastrophic(value.pattern, value.flags, (steps) => values.spend(steps))) raise('regex-dos', node);
    return;
  }
  if (args === undefined || args.length > 0) raise('regex-dynamic', node);
}

/** Text methods that make a regular expression of a text. */
const PATTERN_METHODS = new Set(['match', 'matchAll', 'search']);

/** `text.match('(a+)+$')`. */
function reportPatternText({ values, raise }: Inspection, node: CallNode, { args }: Call): void {
  if (!PATTERN_METHODS.has(values.keyOf(node.callee) ?? '')) return;
  const pattern = values.textOf(args?.[0]);
  if (pattern !== undefined && isCatastrophic(pattern, '')) raise('regex-dos', node);
}

/** `2n ** 1000000000n`, `1n << 1000000000n`. */
function isHugePower({ values }: Inspection, node: BinaryExpression): boolean {
  if (node.operator !== '**' && node.operator !== '<<') return false;
  const power = values.constantOf(node.right)?.value;
  return typeof power === 'bigint' && power >= BYTES_MAX;
}

/** `Function\`return 1\`()`, `eval\`…\``. */
function reportTag({ values, raise }: Inspection, tag: Node, node: Node): void {
  const path = values.pathOf(tag);
  if (path === 'Function') raise('function-ctor', node);
}

/** True for an expression that can only be a text. */
function isText({ values }: Inspection, node: Node | undefined): boolean {
  if (node === undefined) return false;
  if (values.textOf(node) !== undefined || node.type === 'TemplateLiteral') return true;
  if (node.type !== 'BinaryExpression' || node.operator !== '+') return false;
  let left: Node = node;
  while (left.type === 'BinaryExpression' && left.operator === '+') {
    if (left.right.type === 'StringLiteral' || left.right.type === 'TemplateLiteral') return true;
    left = left.left;
  }
  return left.type === 'StringLiteral' || left.type === 'TemplateLiteral';
}
