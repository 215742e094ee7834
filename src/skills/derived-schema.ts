/** An input schema out of an injection plan, for a skill that has none: what it can be given. */
import type { Hole, InjectionPlan } from '../inject/injection-plan.ts';
import { isPlainObject, setOwn } from './plain-json.ts';
import type { JsonSchema } from './skill.ts';

type SchemaObject = { [keyword: string]: unknown };

const DEPTH_MAX = 8;

/**
 * One property for each hole, with the default where it is a JSON literal, and the type that the
 * annotation or else the default shows. Nothing is required: every hole has a default. Left out are
 * the binding that holds the answer and holes whose default is a function.
 */
export function derivedInputSchema(plan: InjectionPlan): JsonSchema {
  const answers = new Set(plan.answers.map((answer) => ('name' in answer ? answer.name : undefined)));
  const properties = {};
  for (const hole of plan.holes) {
    if (answers.has(hole.name) || hole.isNamedEvaluation || Object.hasOwn(properties, hole.name)) continue;
    setOwn(properties, hole.name, holeSchema(hole));
  }
  return { type: 'object', properties, additionalProperties: true };
}

function holeSchema(hole: Hole): SchemaObject {
  const fromType = hole.typeText === undefined ? undefined : typeSchema(hole.typeText, 0);
  const fromDefault = hole.defaultValue === undefined ? {} : valueSchema(hole.defaultValue.json, 0);
  return {
    ...(fromType ?? fromDefault),
    ...(hole.defaultValue !== undefined && { default: hole.defaultValue.json }),
  };
}

/** The type a default shows, and no more: `[1, 2]` is an array of numbers, `1` a number, not an integer. */
function valueSchema(value: unknown, depth: number): SchemaObject {
  if (value === null || depth > DEPTH_MAX) return {};
  if (Array.isArray(value)) return arraySchema(value, depth);
  if (isPlainObject(value)) return objectSchema(value, depth);
  return { type: typeof value };
}

function arraySchema(value: readonly unknown[], depth: number): SchemaObject {
  const kinds = new Map(value.map((item) => [typeOf(item), item]));
  const [first] = kinds.values();
  if (kinds.size !== 1 || first === null) return { type: 'array' };
  const isScalar = typeof first !== 'object';
  return { type: 'array', items: isScalar ? valueSchema(first, depth + 1) : { type: typeOf(first) } };
}

function objectSchema(value: Record<string, unknown>, depth: number): SchemaObject {
  const properties = {};
  for (const [key, member] of Object.entries(value)) setOwn(properties, key, valueSchema(member, depth + 1));
  return { type: 'object', properties };
}

function typeOf(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'array' : typeof value;
}

const KEYWORDS: Readonly<Record<string, SchemaObject>> = {
  number: { type: 'number' },
  string: { type: 'string' },
  boolean: { type: 'boolean' },
  null: { type: 'null' },
  object: { type: 'object' },
};

/** A TypeScript annotation as a schema, where it is one of the simple forms; else nothing. */
function typeSchema(text: string, depth: number): SchemaObject | undefined {
  const type = text.trim();
  if (depth > DEPTH_MAX || type.length > 500) return undefined;
  const keyword = Object.hasOwn(KEYWORDS, type) ? KEYWORDS[type] : undefined;
  if (keyword !== undefined) return keyword;
  const parts = splitUnion(type);
  if (parts.length > 1) return unionSchema(parts, depth);
  if (/^\(.*\)$/s.test(type)) return typeSchema(type.slice(1, -1), depth + 1);
  const literal = literalOf(type);
  if (literal !== undefined) return { const: literal };
  const listed = type.endsWith('[]') ? type.slice(0, -2).replace(/^readonly\s+/, '') : undefined;
  const item = listed || /^(?:Readonly)?Array<(.+)>$/s.exec(type)?.[1];
  if (item !== undefined) return { type: 'array', items: typeSchema(item, depth + 1) ?? {} };
  const member = /^Record<\s*string\s*,(.+)>$/s.exec(type)?.[1];
  if (member !== undefined) {
    return { type: 'object', additionalProperties: typeSchema(member, depth + 1) ?? {} };
  }
  return /^\{.*\}$/s.test(type) ? { type: 'object' } : undefined;
}

function unionSchema(parts: readonly string[], depth: number): SchemaObject | undefined {
  const literals = parts.map(literalOf);
  if (literals.every((literal) => literal !== undefined)) return { enum: literals };
  const schemas = parts.map((part) => typeSchema(part, depth + 1));
  return schemas.every((schema) => schema !== undefined) ? { anyOf: schemas } : undefined;
}

/** `a | b` at the outermost level of brackets and quotes. */
function splitUnion(type: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let part = '';
  for (const [token] of type.matchAll(/'[^']*'|"[^"]*"|=>|[\s\S]/g)) {
    if ('([{<'.includes(token)) depth += 1;
    if (')]}>'.includes(token)) depth -= 1;
    if (token === '|' && depth === 0) {
      parts.push(part);
      part = '';
    } else part += token;
  }
  parts.push(part);
  return parts.map((one) => one.trim()).filter((one) => one !== '');
}

function literalOf(type: string): string | number | boolean | undefined {
  const quoted = /^(?:'([^'\\]*)'|"([^"\\]*)")$/.exec(type);
  if (quoted !== null) return quoted[1] ?? quoted[2] ?? '';
  if (/^-?\d+(?:\.\d+)?$/.test(type)) return Number(type);
  return type === 'true' || type === 'false' ? type === 'true' : undefined;
}
