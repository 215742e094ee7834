/** What an expression stands for, as far as the source says: a constant, a built-in, a literal. */
import type {
  ArrayExpression,
  CallExpression,
  Identifier,
  NewExpression,
  Node,
  ObjectExpression,
  OptionalCallExpression,
  TemplateLiteral,
  ThisExpression,
} from '@babel/types';
import type { Binding, Bindings, Scope } from './bindings.ts';
import { isFunction, type FunctionNode } from './child-nodes.ts';
import {
  builtin,
  globalValue,
  memberOfBuiltin,
  memberOfConstant,
  memberOfOther,
  moduleValue,
  ofPrototype,
  SOME_PROTOTYPE,
  UNKNOWN,
} from './builtin-values.ts';
import {
  foldBinary,
  foldJoin,
  foldStringMethod,
  foldUnary,
  type Constant,
  type Folded,
} from './constant-folding.ts';
import { keyOf, type Origin, type Step } from './patterns.ts';

export type Value =
  | { readonly kind: 'constant'; readonly value: Constant }
  /** A global, a module (`module:fs`), or a member of one: `process.env`. */
  | { readonly kind: 'builtin'; readonly path: string }
  | { readonly kind: 'regex'; readonly pattern: string; readonly flags: string }
  | { readonly kind: 'array'; readonly node: ArrayExpression }
  | { readonly kind: 'object'; readonly node: ObjectExpression }
  | { readonly kind: 'function'; readonly node: FunctionNode }
  /** `new Date(…)`: of no argument, of an instant, or of local fields. */
  | { readonly kind: 'date'; readonly from: 'clock' | 'instant' | 'fields' }
  /** A built-in with its first arguments bound. */
  | { readonly kind: 'bound'; readonly path: string; readonly args: readonly Node[] }
  /** `x.constructor`, of an `x` that is not known. */
  | { readonly kind: 'constructor' }
  | { readonly kind: 'unknown' };

/** A call, whichever way it is written: `f(a)`, `f.call(null, a)`, `Reflect.apply(f, null, [a])`. */
export interface Call {
  readonly callee: Value;
  /** Undefined where they cannot be told apart (spread, an array that is not a literal). */
  readonly args: readonly Node[] | undefined;
  readonly isNew: boolean;
}

export type CallNode = CallExpression | NewExpression | OptionalCallExpression;

/** Aliases of aliases are followed this far. */
const DEPTH_MAX = 100;
export class Values {
  readonly #bindings: Bindings;
  readonly #known = new Map<Node, Value>();
  readonly #bindingValues = new Map<Binding, Value>();
  #depth = 0;

  constructor(bindings: Bindings) {
    this.#bindings = bindings;
  }

  of(node: Node): Value {
    const known = this.#known.get(node);
    if (known !== undefined) return known;
    if (this.#depth >= DEPTH_MAX) return UNKNOWN;
    // A value that leads back to itself is not known.
    this.#known.set(node, UNKNOWN);
    this.#depth++;
    const value = this.#evaluate(node);
    this.#depth--;
    this.#known.set(node, value);
    return value;
  }

  constantOf(node: Node | undefined): Folded {
    const value = node === undefined ? UNKNOWN : this.of(node);
    return value.kind === 'constant' ? value : undefined;
  }

  textOf(node: Node | undefined): string | undefined {
    const value = this.constantOf(node)?.value;
    return typeof value === 'string' ? value : undefined;
  }

  /** The path of a built-in; undefined for all else. */
  pathOf(node: Node): string | undefined {
    const value = this.of(node);
    return value.kind === 'builtin' ? value.path : undefined;
  }

  /** What `origin` takes out of its base. */
  at(origin: Origin): Value {
    const { base, steps } = origin;
    let value: Value = UNKNOWN;
    if (base !== undefined) value = 'type' in base ? this.of(base) : moduleValue(base.module);
    for (const step of steps) value = this.member(value, step);
    return value;
  }

  member(value: Value, step: Step): Value {
    const key = typeof step === 'string' ? step : this.keyTextOf(step);
    if (key === undefined) return UNKNOWN;
    if (key === '__proto__') return SOME_PROTOTYPE;
    switch (value.kind) {
      case 'builtin':
        return memberOfBuiltin(value.path, key);
      case 'object':
        return this.#memberOfObject(value.node, key);
      case 'array':
        return this.#memberOfArray(value.node, key);
      case 'constant':
        return memberOfConstant(value.value, key);
      case 'regex':
        if (key === 'source') return { kind: 'constant', value: value.pattern };
        return key === 'flags' ? { kind: 'constant', value: value.flags } : ofPrototype('RegExp', key);
      default:
        return memberOfOther(value, key);
    }
  }

  /** The value of a binding that is never given another one. */
  ofBinding(binding: Binding): Value {
    const known = this.#bindingValues.get(binding);
    if (known !== undefined) return known;
    this.#bindingValues.set(binding, UNKNOWN);
    const origins = [...binding.origins, ...binding.writes.map((write) => write.origin)];
    const [first] = origins;
    let value: Value = UNKNOWN;
    if (origins.length === 1 && first !== undefined && !first.isDefault) {
      value = this.at(first);
    } else {
      // One of several values: what it can reach counts, what it equals does not.
      for (const origin of origins) {
        const one = this.at(origin);
        if (one.kind === 'builtin' || one.kind === 'bound') value = one;
      }
    }
    this.#bindingValues.set(binding, value);
    return value;
  }

  /** The same call for every way of writing it. */
  callOf(node: CallNode): Call {
    const isNew = node.type === 'NewExpression';
    const args = spreadFree(node.arguments);
    const callee = this.of(node.callee);
    if (callee.kind === 'bound') {
      return {
        callee: { kind: 'builtin', path: callee.path },
        args: args && [...callee.args, ...args],
        isNew,
      };
    }
    if (
      callee.kind === 'builtin' &&
      (callee.path === 'Reflect.apply' || callee.path === 'Reflect.construct')
    ) {
      const isConstruct = callee.path === 'Reflect.construct';
      const list = args?.[isConstruct ? 1 : 2];
      const target = args?.[0];
      if (target === undefined) return { callee: UNKNOWN, args: undefined, isNew };
      return { callee: this.of(target), args: this.#listed(list), isNew: isConstruct };
    }
    const target = this.#borrowed(node.callee);
    if (target === undefined) return { callee, args, isNew };
    return target.method === 'call'
      ? { callee: target.value, args: args?.slice(1), isNew }
      : { callee: target.value, args: this.#listed(args?.[1]), isNew };
  }

  /** `f` of `f.call` and `f.apply`, where `f` is a function that is known. */
  #borrowed(callee: Node): { value: Value; method: string } | undefined {
    if (callee.type !== 'MemberExpression' && callee.type !== 'OptionalMemberExpression') return undefined;
    const method = this.keyOf(callee);
    if (method !== 'call' && method !== 'apply') return undefined;
    const value = this.of(callee.object);
    return value.kind === 'builtin' || value.kind === 'function' ? { value, method } : undefined;
  }

  /** The key a member is taken by; undefined when it is not known. */
  keyOf(node: Node): string | undefined {
    if (node.type !== 'MemberExpression' && node.type !== 'OptionalMemberExpression') return undefined;
    if (node.property.type === 'PrivateName') return undefined;
    const step = keyOf(node.property, node.computed);
    return typeof step === 'string' ? step : this.keyTextOf(step);
  }

  /** What an expression is as a key; undefined when it is not known. */
  keyTextOf(node: Node): string | undefined {
    const folded = this.constantOf(node);
    return folded === undefined ? undefined : String(folded.value);
  }

  #listed(node: Node | undefined): readonly Node[] | undefined {
    if (node === undefined) return [];
    const value = this.of(node);
    return value.kind === 'array' ? spreadFree(value.node.elements) : undefined;
  }

  #evaluate(node: Node): Value {
    switch (node.type) {
      case 'StringLiteral':
      case 'NumericLiteral':
      case 'BooleanLiteral':
        return { kind: 'constant', value: node.value };
      case 'BigIntLiteral':
        return { kind: 'constant', value: BigInt(node.value) };
      case 'NullLiteral':
        return { kind: 'constant', value: null };
      case 'RegExpLiteral':
        return { kind: 'regex', pattern: node.pattern, flags: node.flags };
      case 'ArrayExpression':
        return { kind: 'array', node };
      case 'ObjectExpression':
        return { kind: 'object', node };
      case 'Identifier':
        return this.#name(node);
      case 'ThisExpression':
        // In a module it is undefined; in the scripts that code is copied from it is the global.
        return this.#isModuleThis(node) ? builtin('this') : UNKNOWN;
      case 'TemplateLiteral':
        return this.#template(node);
      case 'UnaryExpression': {
        const operand = this.constantOf(node.argument);
        return constant(operand && foldUnary(node.operator, operand.value));
      }
      case 'BinaryExpression': {
        const left = this.constantOf(node.left);
        const right = left && this.constantOf(node.right);
        return constant(left && right && foldBinary(node.operator, left.value, right.value));
      }
      case 'LogicalExpression':
        return this.#logical(node.operator, node.left, node.right);
      case 'ConditionalExpression': {
        const test = this.constantOf(node.test);
        if (test !== undefined) return this.of(test.value ? node.consequent : node.alternate);
        return this.#either(node.consequent, node.alternate);
      }
      case 'SequenceExpression':
        return this.of(node.expressions.at(-1) as Node);
      case 'AssignmentExpression':
        return node.operator === '=' ? this.of(node.right) : UNKNOWN;
      case 'AwaitExpression':
        return this.of(node.argument);
      case 'ParenthesizedExpression':
      case 'TSAsExpression':
      case 'TSInstantiationExpression':
      case 'TSNonNullExpression':
      case 'TSSatisfiesExpression':
      case 'TSTypeAssertion':
        return this.of(node.expression);
      case 'MemberExpression':
      case 'OptionalMemberExpression':
        if (node.property.type === 'PrivateName') return UNKNOWN;
        return this.member(this.of(node.object), keyOf(node.property, node.computed));
      case 'MetaProperty':
        return node.meta.name === 'import' ? { kind: 'builtin', path: 'import.meta' } : UNKNOWN;
      case 'CallExpression':
      case 'OptionalCallExpression':
      case 'NewExpression':
        return this.#call(node);
      case 'ImportExpression': {
        const specifier = this.textOf(node.source);
        return specifier === undefined ? UNKNOWN : moduleValue(specifier);
      }
      default:
        return isFunction(node) ? { kind: 'function', node } : UNKNOWN;
    }
  }

  #name(node: Identifier): Value {
    const binding = this.#bindings.resolve(node);
    return binding === undefined ? globalValue(node.name) : this.ofBinding(binding);
  }

  #isModuleThis(node: ThisExpression): boolean {
    let scope: Scope | undefined = this.#bindings.scopeOf(node);
    while (scope !== undefined && scope.owner?.type === 'ArrowFunctionExpression') scope = scope.parent;
    return scope?.owner === undefined;
  }

  #template(node: TemplateLiteral): Value {
    const parts: Constant[] = [];
    for (const [index, quasi] of node.quasis.entries()) {
      parts.push(quasi.value.cooked ?? '');
      const hole = node.expressions[index];
      if (hole === undefined) continue;
      const folded = this.constantOf(hole);
      if (folded === undefined || typeof folded.value === 'symbol') return UNKNOWN;
      parts.push(String(folded.value));
    }
    return constant(foldJoin(parts, ''));
  }

  #logical(operator: string, left: Node, right: Node): Value {
    const first = this.constantOf(left);
    if (first === undefined) {
      const value = this.of(left);
      // Everything that is known and no constant is an object: truthy.
      if (value.kind !== 'unknown') return operator === '&&' ? this.of(right) : value;
      return operator === '&&' ? this.of(right) : this.#either(left, right);
    }
    const isLeft =
      operator === '??'
        ? first.value !== null && first.value !== undefined
        : Boolean(first.value) === (operator === '||');
    return isLeft ? this.of(left) : this.of(right);
  }

  /** One of two: what either can reach counts, what either equals does not. */
  #either(left: Node, right: Node): Value {
    for (const node of [left, right]) {
      const value = this.of(node);
      if (value.kind === 'builtin' || value.kind === 'bound') return value;
    }
    return UNKNOWN;
  }

  #memberOfObject(node: ObjectExpression, key: string): Value {
    for (const property of node.properties) {
      if (property.type === 'SpreadElement') continue;
      const step = keyOf(property.key, property.computed);
      if ((typeof step === 'string' ? step : this.keyTextOf(step)) !== key) continue;
      return property.type === 'ObjectMethod'
        ? { kind: 'function', node: property }
        : this.of(property.value);
    }
    return key === 'constructor' ? builtin('Object') : UNKNOWN;
  }

  #memberOfArray(node: ArrayExpression, key: string): Value {
    if (!/^\d+$/.test(key)) return ofPrototype('Array', key);
    const element = spreadFree(node.elements)?.[Number(key)];
    return element === undefined ? UNKNOWN : this.of(element);
  }

  #call(node: CallNode): Value {
    const { callee, args, isNew } = this.callOf(node);
    if (callee.kind === 'function') return isNew ? UNKNOWN : this.#answerOf(callee.node);
    const folded = isNew ? undefined : this.#foldCall(node, args);
    if (folded !== undefined) return constant(folded);
    if (callee.kind !== 'builtin' || args === undefined) return UNKNOWN;
    const [first, second] = args;
    if (callee.path.endsWith('.bind') && first !== undefined) {
      return { kind: 'bound', path: callee.path.slice(0, -'.bind'.length), args: args.slice(1) };
    }
    switch (callee.path) {
      case 'require':
      case 'process.getBuiltinModule': {
        const specifier = this.textOf(first);
        return specifier === undefined ? UNKNOWN : moduleValue(specifier);
      }
      case 'module:module.createRequire':
        return builtin('require');
      case 'Function':
        return args.length === 1 && this.textOf(first)?.trim().replace(/;$/, '') === 'return this'
          ? { kind: 'bound', path: 'globalThis', args: [] }
          : UNKNOWN;
      case 'globalThis':
        return builtin('globalThis');
      case 'Reflect.get':
        return first === undefined || second === undefined ? UNKNOWN : this.member(this.of(first), second);
      case 'Object.getPrototypeOf':
      case 'Reflect.getPrototypeOf':
        return this.#prototypeOf(first);
      case 'Object':
      case 'Object.freeze':
      case 'Object.seal':
        return first === undefined ? UNKNOWN : this.of(first);
      case 'RegExp':
        return this.#regex(first, second);
      case 'Date':
        if (!isNew) return UNKNOWN;
        return { kind: 'date', from: args.length === 0 ? 'clock' : args.length === 1 ? 'instant' : 'fields' };
      default:
        return UNKNOWN;
    }
  }

  /** `text.method(…)`, `String.fromCharCode(…)`, `[…].join(…)`, `String(…)`, `Number(…)`. */
  #foldCall(node: CallNode, args: readonly Node[] | undefined): Folded {
    const { callee } = node;
    if (args === undefined) return undefined;
    if (callee.type === 'Identifier') {
      const path = this.pathOf(callee);
      const only = this.constantOf(args[0]);
      if (only === undefined || args.length !== 1) return undefined;
      if (path === 'String') return { value: String(only.value) };
      return path === 'Number' ? foldUnary('+', only.value) : undefined;
    }
    if (callee.type !== 'MemberExpression') return undefined;
    const method = this.keyOf(callee);
    if (method === undefined) return undefined;
    const folded = args.map((arg) => this.constantOf(arg));
    if (folded.includes(undefined)) return undefined;
    const given = folded.map((each) => each?.value);
    const receiver = this.of(callee.object);
    if (receiver.kind === 'constant' && typeof receiver.value === 'string') {
      return foldStringMethod(receiver.value, method, given);
    }
    if (receiver.kind === 'builtin' && receiver.path === 'String') {
      if (method === 'fromCharCode') return { value: String.fromCharCode(...given.map(Number)) };
      return undefined;
    }
    if (receiver.kind !== 'array' || method !== 'join') return undefined;
    const items = spreadFree(receiver.node.elements)?.map((element) => this.constantOf(element));
    if (items === undefined || items.includes(undefined)) return undefined;
    return foldJoin(
      items.map((each) => each?.value),
      given.length === 0 ? ',' : String(given[0]),
    );
  }

  /** What a function of one expression answers; `this` of a plain call is the global object of old. */
  #answerOf(node: FunctionNode): Value {
    const { body } = node;
    if (node.generator === true) return UNKNOWN;
    if (body.type !== 'BlockStatement') return this.of(body);
    const only = body.body.length === 1 ? body.body[0] : undefined;
    if (only?.type !== 'ReturnStatement' || !only.argument) return UNKNOWN;
    if (only.argument.type === 'ThisExpression' && node.type !== 'ArrowFunctionExpression') {
      return builtin('globalThis');
    }
    return this.of(only.argument);
  }

  #prototypeOf(node: Node | undefined): Value {
    const value = node === undefined ? UNKNOWN : this.of(node);
    return value.kind === 'function' ? builtin('Function.prototype') : SOME_PROTOTYPE;
  }

  #regex(first: Node | undefined, second: Node | undefined): Value {
    const value = first === undefined ? UNKNOWN : this.of(first);
    const flags = second === undefined ? undefined : this.textOf(second);
    if (value.kind === 'regex') return flags === undefined ? value : { ...value, flags };
    if (value.kind !== 'constant') return UNKNOWN;
    return { kind: 'regex', pattern: String(value.value), flags: flags ?? '' };
  }
}

function constant(folded: Folded): Value {
  return folded === undefined ? UNKNOWN : { kind: 'constant', value: folded.value };
}

/** The nodes of a list without spread; undefined where one is spread. */
function spreadFree(list: readonly (Node | null)[]): readonly Node[] | undefined {
  const nodes: Node[] = [];
  for (const node of list) {
    if (node === null || node.type === 'SpreadElement') return undefined;
    nodes.push(node);
  }
  return nodes;
}
