/** JSON libraries: Voyager's map, arrays of snippets, arrays of definitions. */
import { SkillInvalidError } from '../errors.ts';
import type { ImportCandidate } from './importers.ts';
import { isPlainObject, shorten } from './plain-json.ts';
import { fitDescription, leadingComment, nameFrom, voyagerDescription } from './prose.ts';
import type { SkillDefinitionInput } from './skill.ts';
import { snippetSkill } from './snippet.ts';

const FIELDS = new Set([
  'name',
  'description',
  'code',
  'language',
  'inputSchema',
  'outputSchema',
  'parameters',
  'tags',
  'requires',
  'examples',
  'pure',
  'capabilities',
  'limits',
  'grants',
]);

/**
 * The skills of a parsed JSON text: an array of snippets or definitions, one definition, or a map
 * from names to `{ code, description }`.
 * @throws {SkillInvalidError} if it is none of these.
 */
export function jsonCandidates(json: unknown, source: string): ImportCandidate[] {
  if (Array.isArray(json)) return json.map((item: unknown, index) => itemCandidate(item, source, index));
  if (isPlainObject(json) && typeof json['code'] === 'string' && typeof json['name'] === 'string') {
    return [itemCandidate(json, source, 0)];
  }
  const entries = isPlainObject(json) ? Object.entries(json) : [];
  const isMap = entries.some(
    ([, item]) => typeof item === 'string' || (isPlainObject(item) && 'code' in item),
  );
  if (isMap) return entries.map(([name, item]) => mapCandidate(name, item, source));
  const message =
    'is no known kind of library: neither an array of skills nor a map from names to { code, description }';
  throw new SkillInvalidError(`${source} ${message}`, { details: { issues: [{ path: source, message }] } });
}

function itemCandidate(item: unknown, source: string, index: number): ImportCandidate {
  if (!isPlainObject(item)) return refused(source, undefined, `item ${index} is no object`);
  const warnings: string[] = [];
  const given = item['name'];
  if (typeof given !== 'string') return refused(source, undefined, `item ${index} has no name`);
  if (typeof item['code'] !== 'string') return refused(source, given, `item ${index} has no code`);
  const name = nameFrom(given, warnings);
  if (Array.isArray(item['expectations']) || typeof item['example'] === 'string') {
    const snippet = snippetSkill(item, name);
    return { source, name, definition: snippet.definition, warnings: [...warnings, ...snippet.warnings] };
  }
  const known = Object.entries(item).filter(([key]) => FIELDS.has(key));
  const unknown = Object.keys(item).filter((key) => !FIELDS.has(key));
  if (unknown.length > 0) warnings.push(`unknown fields were left out: ${shorten(unknown.join(', '), 200)}`);
  const text = typeof item['description'] === 'string' ? item['description'] : leadingComment(item['code']);
  const description = fitDescription(text, name, warnings);
  const definition = { ...Object.fromEntries(known), name, description } as SkillDefinitionInput;
  return { source, name, definition, warnings };
}

function mapCandidate(name: string, item: unknown, source: string): ImportCandidate {
  const code = isPlainObject(item) ? item['code'] : item;
  if (typeof code !== 'string') return refused(source, name, `${name} has no code`);
  const warnings: string[] = [];
  const given = isPlainObject(item) ? item['description'] : undefined;
  const text = typeof given === 'string' ? voyagerDescription(given) : leadingComment(code);
  const description = fitDescription(text, name, warnings);
  return { source, name, definition: { name, description, code }, warnings };
}

function refused(source: string, name: string | undefined, reason: string): ImportCandidate {
  const named = name === undefined ? {} : { name: shorten(name, 80) };
  return { source, ...named, warnings: [], refused: { code: 'SKILL_INVALID', reason } };
}
