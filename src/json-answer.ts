/** Any answer as JSON: what JSON has words for by the engine itself, the rest as the command line prints it. */
import { valueText } from './value-text.ts';

const DEPTH_MAX = 100;

export function jsonAnswer(value: unknown, bytesMax: number): string {
  return isJson(value, 0) ? JSON.stringify(value) : valueText(value, { bytesMax });
}

/** Whether the engine would say it as it is. A cycle is deeper than any bound. */
function isJson(value: unknown, depth: number): boolean {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return true;
    case 'number':
      return Number.isFinite(value) && !Object.is(value, -0);
    case 'object':
      return value === null || (depth < DEPTH_MAX && isJsonObject(value, depth + 1));
    default:
      return false;
  }
}

function isJsonObject(value: object, depth: number): boolean {
  if (Array.isArray(value)) {
    // By number: holes are met too.
    for (let at = 0; at < value.length; at += 1) if (!isJson(value[at], depth)) return false;
    return true;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return false;
  const bag = value as Record<string, unknown>;
  if (typeof bag['toJSON'] === 'function') return false;
  for (const key in bag) if (bag[key] !== undefined && !isJson(bag[key], depth)) return false;
  return true;
}
