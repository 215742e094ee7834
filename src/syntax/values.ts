/** Reads what expressions stand for, each once and as far as the source says. */
import type {
  ArrayExpression,
  Identifier,
  Node,
  ObjectExpression,
  TemplateLiteral,
  ThisExpression,
} from '@babel/types';
import type { Bindings } from './bindings.ts';
import type { Binding, Scope } from './scopes.ts';
import { isFunction } from './child-nodes.ts';
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
  foldUnary,
  readBigInt,
  type Constant,
  type Folded,
} from './constant-folding.ts';
import { spreadFree, valueOfCall } from './call-values.ts';
import { keyOf, type Origin, type Step } from './patterns.ts';
import type { Value } from './value.ts';

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

  spend(steps: number): void {
    this.#bindings.spend(steps);
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
    // A text that was put together is kept as long as the values are.
    if (value.kind === 'constant' && typeof value.value === 'string' && node.type !== 'Identifier') {
      this.spend(value.value.length);
    }
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
    if (key === '__proto__')
      return value.kind === 'function' ? builtin('Function.prototype') : SOME_PROTOTYPE;
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

  #evaluate(node: Node): Value {
    switch (node.type) {
      case 'StringLiteral':
      case 'NumericLiteral':
      case 'BooleanLiteral':
        return { kind: 'constant', value: node.value };
      case 'BigIntLiteral':
        return constant(readBigInt(node.value));
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
        return valueOfCall(this, node);
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
    this.spend(node.properties.length);
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
    this.spend(node.elements.length);
    const element = spreadFree(node.elements)?.[Number(key)];
    return element === undefined ? UNKNOWN : this.of(element);
  }
}

function constant(folded: Folded): Value {
  return folded === undefined ? UNKNOWN : { kind: 'constant', value: folded.value };
}
