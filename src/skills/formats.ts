/** String formats whose check is bounded: a format is for short texts, and its regular expression is not ours. */
import type { FormatDefinition } from 'ajv/dist/2020.js';
import { loadFormats } from './ajv.ts';

/** A longer string has no format but those of bulk data. */
const FORMAT_LENGTH_MAX = 2_048;
const BULK = new Set<string>(['byte', 'binary', 'password']);

type BoundedFormat = true | FormatDefinition<string> | FormatDefinition<number>;

let formats: ReadonlyMap<string, BoundedFormat> | undefined;

/** The formats of JSON Schema and OpenAPI by name; one that is not here is not checked. */
export function boundedFormats(): ReadonlyMap<string, BoundedFormat> {
  const { formatNames, fullFormats } = loadFormats();
  formats ??= new Map(formatNames.map((name) => [name, bounded(name, fullFormats[name])]));
  return formats;
}

function bounded(name: string, format: unknown): BoundedFormat {
  if (format === true || BULK.has(name))
    return format === true ? true : { type: 'string', validate: textTest(format) };
  if (isNumeric(format)) return format;
  const test = textTest(format);
  return { type: 'string', validate: (text: string) => text.length <= FORMAT_LENGTH_MAX && test(text) };
}

function isNumeric(format: unknown): format is FormatDefinition<number> {
  return typeof format === 'object' && format !== null && 'type' in format && format.type === 'number';
}

function textTest(format: unknown): (text: string) => boolean {
  if (format instanceof RegExp) return (text) => format.test(text);
  if (typeof format === 'function') return format as (text: string) => boolean;
  return textTest((format as { validate: unknown }).validate);
}
