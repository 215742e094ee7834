/** Data read off a syntax tree: literals, and calls whose arguments are literals. Nothing is evaluated. */
import type { Expression, Node, ObjectExpression, PatternLike, SpreadElement } from '@babel/types';
import { SkillSyntaxError } from '../errors.ts';
import { parseModule } from './parse.ts';

/** A value that was read; a record, so that `null` and `undefined` are values. */
export interface Literal {
  readonly value: unknown;
}

/** Names whose values are known. */
export type Constants = ReadonlyMap<string, unknown>;

const NO_CONSTANTS: Constants = new Map();
const DEPTH_MAX = 200;

/**
 * The JSON value that an expression's text says (`[1, 'a']`, `{ n: -2 }`, `` `text` ``); nothing for
 * prose, for what is computed, and for what JSON cannot say.
 */
export function readLiteral(text: string, constants: Constants = NO_CONSTANTS): Literal | undefined {
  const expression = parseExpressionText(text);
  return expression && literalOf(expression, constants, 0);
}

export type ReadCall =
  | { readonly args: readonly unknown[] }
  /** `no-call`: something else than one call of the function; `no-data`: an argument is no literal. */
  | { readonly failure: 'no-call' | 'no-data' };

/** The arguments of `name(…)`, where `text` is one such call and its arguments are data. */
export function readCall(text: string, name: string, constants: Constants = NO_CONSTANTS): ReadCall {
  const expression = parseExpressionText(text);
  return expression === undefined ? { failure: 'no-call' } : callOf(expression, name, constants);
}

/** A statement of a usage text, and the comment behind it. */
export interface Usage {
  readonly call: ReadCall;
  readonly comment: string;
}

/**
 * Reads a text of usage lines (`double(2); // 4`): its calls of `name` with the comments that follow,
 * and its constants. A text that does not parse has neither.
 */
export function readUsage(text: string, name: string): { usages: Usage[]; constants: Constants } {
  const constants = new Map<string, unknown>();
  const usages: Usage[] = [];
  const file = tryParse(text);
  const body = file?.program.body ?? [];
  for (const [index, statement] of body.entries()) {
    if (statement.type === 'VariableDeclaration') {
      for (const { id, init } of statement.declarations) {
        const literal = init ? literalOf(init, constants, 0) : undefined;
        if (id.type === 'Identifier' && literal !== undefined) constants.set(id.name, literal.value);
      }
    }
    if (statement.type !== 'ExpressionStatement') continue;
    const from = statement.end ?? 0;
    const to = body[index + 1]?.start ?? text.length;
    const comments = (file?.comments ?? []).filter(({ start }) => (start ?? 0) >= from && (start ?? 0) < to);
    const comment = comments.map(({ value }) => value.trim()).join('\n');
    usages.push({ call: callOf(statement.expression, name, constants), comment });
  }
  return { usages, constants };
}

function callOf(expression: Expression, name: string, constants: Constants): ReadCall {
  if (expression.type !== 'CallExpression' || expression.callee.type !== 'Identifier')
    return { failure: 'no-call' };
  if (expression.callee.name !== name) return { failure: 'no-call' };
  const list = listOf(expression.arguments as readonly Node[], constants, 0);
  return list === undefined ? { failure: 'no-data' } : { args: list };
}

function parseExpressionText(text: string): Expression | undefined {
  const body = tryParse(`(${text}\n)`)?.program.body;
  const only = body?.length === 1 ? body[0] : undefined;
  return only?.type === 'ExpressionStatement' ? only.expression : undefined;
}

function tryParse(text: string): ReturnType<typeof parseModule> | undefined {
  try {
    return parseModule(text, 'javascript');
  } catch (error) {
    if (error instanceof SkillSyntaxError) return undefined;
    throw error;
  }
}

/** The value of a node that is a literal of JSON's kind. */
export function literalOf(node: Node, constants: Constants, depth: number): Literal | undefined {
  if (depth > DEPTH_MAX) return undefined;
  switch (node.type) {
    case 'StringLiteral':
    case 'BooleanLiteral':
      return { value: node.value };
    case 'NumericLiteral':
      return Number.isFinite(node.value) ? { value: node.value } : undefined;
    case 'NullLiteral':
      return { value: null };
    case 'TemplateLiteral': {
      const cooked = node.expressions.length === 0 ? node.quasis[0]?.value.cooked : undefined;
      return typeof cooked === 'string' ? { value: cooked } : undefined;
    }
    case 'UnaryExpression':
      return signed(node.operator, literalOf(node.argument, constants, depth + 1));
    case 'ArrayExpression': {
      const list = listOf(node.elements, constants, depth + 1);
      return list && { value: list };
    }
    case 'ObjectExpression':
      return objectOf(node, constants, depth + 1);
    case 'Identifier':
      return constants.has(node.name) ? { value: constants.get(node.name) } : undefined;
    default:
      return undefined;
  }
}

function signed(operator: string, literal: Literal | undefined): Literal | undefined {
  if (typeof literal?.value !== 'number') return undefined;
  if (operator === '+') return literal;
  // JSON loses the sign of -0.
  return operator === '-' && literal.value !== 0 ? { value: -literal.value } : undefined;
}

/** Items in order, `...[1, 2]` spread; nothing when one is no data or is left out. */
function listOf(nodes: readonly (Node | null)[], constants: Constants, depth: number): unknown[] | undefined {
  const list: unknown[] = [];
  for (const node of nodes) {
    if (node === null) return undefined;
    const isSpread = node.type === 'SpreadElement';
    const literal = literalOf(isSpread ? node.argument : node, constants, depth);
    if (literal === undefined) return undefined;
    if (!isSpread) list.push(literal.value);
    else if (Array.isArray(literal.value)) for (const item of literal.value as unknown[]) list.push(item);
    else return undefined;
  }
  return list;
}

function objectOf(node: ObjectExpression, constants: Constants, depth: number): Literal | undefined {
  const value = {};
  for (const property of node.properties) {
    if (property.type !== 'ObjectProperty' || property.computed) return undefined;
    const key = keyOf(property.key);
    const member = literalOf(property.value as Exclude<PatternLike, SpreadElement>, constants, depth);
    // `{ __proto__: x }` sets the prototype: that is no data.
    if (key === undefined || member === undefined || key === '__proto__') return undefined;
    Object.defineProperty(value, key, { ...member, writable: true, enumerable: true, configurable: true });
  }
  return { value };
}

function keyOf(key: Node): string | undefined {
  if (key.type === 'Identifier') return key.name;
  if (key.type === 'StringLiteral') return key.value;
  return key.type === 'NumericLiteral' ? String(key.value) : undefined;
}
