/** Calls, whichever way they are written, and what they answer as far as the source says. */
import type { Node } from '@babel/types';
import { builtin, moduleValue, SOME_PROTOTYPE, UNKNOWN } from './builtin-values.ts';
import type { FunctionNode } from './child-nodes.ts';
import { foldJoin, foldStringMethod, foldUnary, type Folded } from './constant-folding.ts';
import type { CallNode, Value } from './value.ts';
import type { Values } from './values.ts';

/** Longest text that is put together out of codes. */
const CODES_MAX = 10_000;

/** A call, whichever way it is written: `f(a)`, `f.call(null, a)`, `Reflect.apply(f, null, [a])`. */
export interface Call {
  readonly callee: Value;
  /** Undefined where they cannot be told apart (spread, an array that is not a literal). */
  readonly args: readonly Node[] | undefined;
  readonly isNew: boolean;
}

/** The same call for every way of writing it. */
export function callOf(values: Values, node: CallNode): Call {
  const isNew = node.type === 'NewExpression';
  const args = spreadFree(node.arguments);
  const callee = values.of(node.callee);
  if (callee.kind === 'bound') {
    return {
      callee: { kind: 'builtin', path: callee.path },
      args: args && [...callee.args, ...args],
      isNew,
    };
  }
  if (callee.kind === 'builtin' && (callee.path === 'Reflect.apply' || callee.path === 'Reflect.construct')) {
    const isConstruct = callee.path === 'Reflect.construct';
    const list = args?.[isConstruct ? 1 : 2];
    const target = args?.[0];
    if (target === undefined) return { callee: UNKNOWN, args: undefined, isNew };
    return { callee: values.of(target), args: listed(values, list), isNew: isConstruct };
  }
  const target = borrowed(values, node.callee);
  if (target === undefined) return { callee, args, isNew };
  return target.method === 'call'
    ? { callee: target.value, args: args?.slice(1), isNew }
    : { callee: target.value, args: listed(values, args?.[1]), isNew };
}

/** `f` of `f.call` and `f.apply`, where `f` is a function that is known. */
function borrowed(values: Values, callee: Node): { value: Value; method: string } | undefined {
  if (callee.type !== 'MemberExpression' && callee.type !== 'OptionalMemberExpression') return undefined;
  const method = values.keyOf(callee);
  if (method !== 'call' && method !== 'apply') return undefined;
  const value = values.of(callee.object);
  return value.kind === 'builtin' || value.kind === 'function' ? { value, method } : undefined;
}

/** What a call answers, where the source says. */
export function valueOfCall(values: Values, node: CallNode): Value {
  const { callee, args, isNew } = callOf(values, node);
  if (callee.kind === 'function') return isNew ? UNKNOWN : answerOf(values, callee.node);
  const folded = isNew ? undefined : foldCall(values, node, args);
  if (folded !== undefined) return constant(folded);
  if (callee.kind !== 'builtin' || args === undefined) return UNKNOWN;
  const [first, second] = args;
  if (callee.path.endsWith('.bind') && first !== undefined) {
    return { kind: 'bound', path: callee.path.slice(0, -'.bind'.length), args: args.slice(1) };
  }
  switch (callee.path) {
    case 'require':
    case 'process.getBuiltinModule': {
      const specifier = values.textOf(first);
      return specifier === undefined ? UNKNOWN : moduleValue(specifier);
    }
    case 'module:module.createRequire':
      return builtin('require');
    case 'Function':
      return args.length === 1 && bare(values.textOf(first) ?? '') === 'return this'
        ? { kind: 'bound', path: 'globalThis', args: [] }
        : UNKNOWN;
    case 'eval':
      return /^(?:this|globalThis)$/.test(bare(values.textOf(first) ?? '')) ? builtin('globalThis') : UNKNOWN;
    case 'globalThis':
      return builtin('globalThis');
    case 'Reflect.get':
      return first === undefined || second === undefined ? UNKNOWN : values.member(values.of(first), second);
    case 'Object.getPrototypeOf':
    case 'Reflect.getPrototypeOf':
      return prototypeOf(values, first);
    case 'Object':
    case 'Object.freeze':
    case 'Object.seal':
      return first === undefined ? UNKNOWN : values.of(first);
    case 'RegExp':
      return regex(values, first, second);
    case 'Date':
      if (!isNew) return UNKNOWN;
      return { kind: 'date', from: dateSource(values, args) };
    default:
      return UNKNOWN;
  }
}

function dateSource(values: Values, args: readonly Node[]): 'clock' | 'instant' | 'fields' {
  if (args.length === 0) return 'clock';
  const isLocal = args.length > 1 || isLocalTime(values.textOf(args[0]));
  return isLocal ? 'fields' : 'instant';
}

/** A date's text that names no zone and is not a bare ISO date, which is UTC. */
export function isLocalTime(text: string | undefined): boolean {
  if (text === undefined || Number.isNaN(Date.parse(text))) return false;
  const [date = '', comment] = text.trim().split('(', 2);
  if (comment === undefined && /^[+-]?\d{4,6}(?:-\d\d){0,2}$/.test(date)) return false;
  return !/(?:Z|UTC|GMT|\b[ECMP][SD]T|(?::\d\d(?:\.\d+)?|\s)[+-]\d\d:?\d\d)$/i.test(date.trimEnd());
}

/** A statement's text without what may stand around it. */
function bare(text: string): string {
  return text.trim().replace(/;$/, '').trimEnd();
}

/** `text.method(…)`, `String.fromCharCode(…)`, `[…].join(…)`, `String(…)`, `Number(…)`. */
function foldCall(values: Values, node: CallNode, args: readonly Node[] | undefined): Folded {
  const { callee } = node;
  if (args === undefined) return undefined;
  if (callee.type === 'Identifier') {
    const path = values.pathOf(callee);
    const only = values.constantOf(args[0]);
    if (only === undefined || args.length !== 1) return undefined;
    if (path === 'String') return { value: String(only.value) };
    return path === 'Number' ? foldUnary('+', only.value) : undefined;
  }
  if (callee.type !== 'MemberExpression') return undefined;
  const method = values.keyOf(callee);
  if (method === undefined) return undefined;
  const folded = args.map((arg) => values.constantOf(arg));
  if (folded.includes(undefined)) return undefined;
  const given = folded.map((each) => each?.value);
  const receiver = values.of(callee.object);
  if (receiver.kind === 'constant' && typeof receiver.value === 'string') {
    return foldStringMethod(receiver.value, method, given);
  }
  if (receiver.kind === 'builtin' && receiver.path === 'String') {
    if (method === 'fromCharCode' && given.length <= CODES_MAX) {
      return { value: String.fromCharCode(...given.map(Number)) };
    }
    return undefined;
  }
  if (receiver.kind !== 'array' || method !== 'join') return undefined;
  values.spend(receiver.node.elements.length);
  const items = spreadFree(receiver.node.elements)?.map((element) => values.constantOf(element));
  if (items === undefined || items.includes(undefined)) return undefined;
  return foldJoin(
    items.map((each) => each?.value),
    given.length === 0 ? ',' : String(given[0]),
  );
}

/** What a function of one expression answers; `this` of a plain call is the global object of old. */
function answerOf(values: Values, node: FunctionNode): Value {
  const { body } = node;
  if (node.generator === true) return UNKNOWN;
  if (body.type !== 'BlockStatement') return values.of(body);
  const only = body.body.length === 1 ? body.body[0] : undefined;
  if (only?.type !== 'ReturnStatement' || !only.argument) return UNKNOWN;
  if (only.argument.type === 'ThisExpression' && node.type !== 'ArrowFunctionExpression') {
    return builtin('globalThis');
  }
  return values.of(only.argument);
}

function prototypeOf(values: Values, node: Node | undefined): Value {
  const value = node === undefined ? UNKNOWN : values.of(node);
  return value.kind === 'function' ? builtin('Function.prototype') : SOME_PROTOTYPE;
}

function regex(values: Values, first: Node | undefined, second: Node | undefined): Value {
  const value = first === undefined ? UNKNOWN : values.of(first);
  const flags = second === undefined ? undefined : values.textOf(second);
  if (value.kind === 'regex') return flags === undefined ? value : { ...value, flags };
  if (value.kind !== 'constant') return UNKNOWN;
  return { kind: 'regex', pattern: String(value.value), flags: flags ?? '' };
}

function listed(values: Values, node: Node | undefined): readonly Node[] | undefined {
  if (node === undefined) return [];
  const value = values.of(node);
  if (value.kind !== 'array') return undefined;
  values.spend(value.node.elements.length);
  return spreadFree(value.node.elements);
}

/** The nodes of a list without spread; undefined where one is spread. */
export function spreadFree(list: readonly (Node | null)[]): readonly Node[] | undefined {
  const nodes: Node[] = [];
  for (const node of list) {
    if (node === null || node.type === 'SpreadElement') return undefined;
    nodes.push(node);
  }
  return nodes;
}

function constant(folded: Folded): Value {
  return folded === undefined ? UNKNOWN : { kind: 'constant', value: folded.value };
}
