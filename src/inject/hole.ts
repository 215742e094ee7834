/** One declarator → one hole. */
import { continuesExpression, skipTrivia } from '../syntax/source-text.ts';
import { placeOf, type SyntaxNode } from '../syntax/parse.ts';
import type { Hole } from './injection-plan.ts';

type NodeOf<T extends SyntaxNode['type']> = Extract<SyntaxNode, { type: T }>;

/** A program as it was written, and as it runs (types blanked, offsets the same). */
export interface ProgramText {
  readonly code: string;
  readonly source: string;
}

const TEXT_LENGTH_MAX = 200;
const JSON_NODES_MAX = 1_000;
const JSON_DEPTH_MAX = 50;

/** What the plan says of `declarator`; `isFunction` where its default is a function. */
export function makeHole(
  declarator: NodeOf<'VariableDeclarator'>,
  id: NodeOf<'Identifier'>,
  kind: Hole['kind'],
  { code, source }: ProgramText,
): { hole: Hole; isFunction: boolean } {
  const { init } = declarator;
  const value = init ? withoutTypes(init) : undefined;
  const { start, end } = init ? trimmed(source, init.start!, init.end!) : { start: id.end!, end: id.end! };
  const annotation = id.typeAnnotation;
  const json = value && jsonOf(value);
  const hole: Hole = {
    name: id.name,
    kind,
    start,
    end,
    ...placeOf(id.loc!.start),
    ...(init && { defaultText: source.slice(start, end).slice(0, TEXT_LENGTH_MAX) }),
    ...(json && { defaultValue: json }),
    ...(annotation?.type === 'TSTypeAnnotation' && {
      typeText: code
        .slice(annotation.typeAnnotation.start!, annotation.typeAnnotation.end!)
        .slice(0, TEXT_LENGTH_MAX),
    }),
    ...(value && isAnonymous(value) && { isNamedEvaluation: true as const }),
    ...(continuesExpression(source, skipTrivia(source, end)) && { needsSemicolon: true as const }),
  };
  return { hole, isFunction: value !== undefined && isFunctionExpression(value) };
}

/** An initialiser without the blanks (and the `;` that guards them) where its types stood. */
function trimmed(source: string, from: number, to: number): { start: number; end: number } {
  const start = to - source.slice(from, to).trimStart().length;
  let kept = source.slice(start, to).trimEnd();
  if (kept.endsWith(';')) kept = kept.slice(0, -1).trimEnd();
  return { start, end: start + kept.length };
}

function withoutTypes(node: SyntaxNode): SyntaxNode {
  let inner = node;
  while (
    inner.type === 'TSAsExpression' ||
    inner.type === 'TSSatisfiesExpression' ||
    inner.type === 'TSNonNullExpression' ||
    inner.type === 'TSTypeAssertion' ||
    inner.type === 'TSInstantiationExpression'
  ) {
    inner = inner.expression;
  }
  return inner;
}

function isFunctionExpression(node: SyntaxNode): boolean {
  return node.type === 'ArrowFunctionExpression' || node.type === 'FunctionExpression';
}

function isAnonymous(node: SyntaxNode): boolean {
  if (node.type === 'ArrowFunctionExpression') return true;
  return (node.type === 'FunctionExpression' || node.type === 'ClassExpression') && !node.id;
}

interface Reading {
  nodesLeft: number;
}

/** The value of a JSON literal; undefined for anything else, or for one that is very large. */
function jsonOf(node: SyntaxNode): { json: unknown } | undefined {
  return readJson(node, { nodesLeft: JSON_NODES_MAX }, 0);
}

function readJson(node: SyntaxNode, reading: Reading, depth: number): { json: unknown } | undefined {
  if (--reading.nodesLeft < 0 || depth > JSON_DEPTH_MAX) return undefined;
  switch (node.type) {
    case 'NullLiteral':
      return { json: null };
    case 'NumericLiteral':
      // An overlong number is Infinity, which JSON cannot say.
      return Number.isFinite(node.value) ? { json: node.value } : undefined;
    case 'BooleanLiteral':
    case 'StringLiteral':
      return { json: node.value };
    case 'UnaryExpression':
      return node.operator === '-' && node.argument.type === 'NumericLiteral' && node.argument.value !== 0
        ? readNegative(readJson(node.argument, reading, depth + 1))
        : undefined;
    case 'ArrayExpression':
      return readArray(node, reading, depth);
    case 'ObjectExpression':
      return readObject(node, reading, depth);
    default:
      return undefined;
  }
}

function readNegative(read: { json: unknown } | undefined): { json: unknown } | undefined {
  return read && { json: -(read.json as number) };
}

function readArray(
  node: NodeOf<'ArrayExpression'>,
  reading: Reading,
  depth: number,
): { json: unknown } | undefined {
  const items: unknown[] = [];
  for (const element of node.elements) {
    const item = element ? readJson(element, reading, depth + 1) : undefined;
    if (!item) return undefined;
    items.push(item.json);
  }
  return { json: items };
}

function readObject(
  node: NodeOf<'ObjectExpression'>,
  reading: Reading,
  depth: number,
): { json: unknown } | undefined {
  const entries: [string, unknown][] = [];
  for (const property of node.properties) {
    if (property.type !== 'ObjectProperty' || property.computed) return undefined;
    const key = keyOf(property.key);
    const value = readJson(property.value, reading, depth + 1);
    if (key === undefined || key === '__proto__' || !value) return undefined;
    entries.push([key, value.json]);
  }
  return { json: Object.fromEntries(entries) };
}

function keyOf(key: SyntaxNode): string | undefined {
  if (key.type === 'Identifier') return key.name;
  if (key.type === 'StringLiteral' || key.type === 'NumericLiteral') return String(key.value);
  return undefined;
}
