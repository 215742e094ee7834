/** A record of a CSV as the inputs of a run. */
import { parse } from 'csv-parse/sync';
import type { JsonSchema } from './item.ts';

/** The fields of one record. @throws whatever is wrong with it. */
export function fieldsOf(text: string): string[] {
  const records = parse(text, { record_delimiter: ['\r\n', '\n'], relax_column_count: true }) as string[][];
  return records[0] ?? [];
}

/**
 * One datum a column. A field is text where the schema says string; else JSON where it reads as such, and text
 * where it does not. An empty field that need not be text is left out.
 */
export function inputsOf(
  columns: readonly string[],
  fields: readonly string[],
  schema: JsonSchema | undefined,
): Record<string, unknown> {
  const entries: [string, unknown][] = [];
  for (const [at, column] of columns.entries()) {
    const field = fields[at] ?? '';
    if (isText(schema, column)) entries.push([column, field]);
    else if (field !== '') entries.push([column, jsonOrText(field)]);
  }
  // Not by assignment: `__proto__` is a column like any other.
  return Object.fromEntries(entries);
}

function isText(schema: JsonSchema | undefined, column: string): boolean {
  const properties = schema?.['properties'];
  if (typeof properties !== 'object' || properties === null || !Object.hasOwn(properties, column))
    return false;
  const { type } = ((properties as Record<string, unknown>)[column] ?? {}) as { type?: unknown };
  return type === 'string' || (Array.isArray(type) && type.includes('string'));
}

function jsonOrText(field: string): unknown {
  try {
    return JSON.parse(field) as unknown;
  } catch {
    return field;
  }
}
