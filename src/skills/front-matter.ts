/** The head of a SKILL.md: YAML between two lines of dashes, with the six keys of Agent Skills. */
import { SkillInvalidError } from '../errors.ts';
import { isPlainObject, setOwn, shorten } from './plain-json.ts';
import { loadYaml } from './yaml.ts';

export interface FrontMatter {
  readonly name?: string;
  readonly description?: string;
  readonly metadata: Readonly<Record<string, string>>;
  /** The Markdown text behind the head. */
  readonly body: string;
  readonly warnings: readonly string[];
}

const LEGAL_KEYS = new Set(['name', 'description', 'license', 'compatibility', 'metadata', 'allowed-tools']);
const HEAD_LENGTH_MAX = 256 * 1024;
const HEAD = /^\uFEFF?---[ \t]*\r?\n([\s\S]*?)(?:\r?\n)?^---[ \t]*(?:\r?\n|$)/m;

/**
 * Reads a SKILL.md leniently: an unknown key or a value of an odd type is a warning.
 * @throws {SkillInvalidError} if there is no head, or it is no YAML map.
 */
export function readFrontMatter(text: string, source: string): FrontMatter {
  const head = HEAD.exec(text);
  if (head === null || head.index !== 0)
    throw invalid(source, 'has no front matter (YAML between two lines of ---)');
  const yaml = head[1] ?? '';
  if (yaml.length > HEAD_LENGTH_MAX)
    throw invalid(source, `has a front matter of more than ${HEAD_LENGTH_MAX} characters`);
  const map = parseYaml(yaml, source);
  const warnings: string[] = [];
  for (const key of Object.keys(map)) {
    if (!LEGAL_KEYS.has(key)) warnings.push(`unknown front-matter key ${JSON.stringify(shorten(key, 64))}`);
  }
  const scalar = (key: string): string | undefined => scalarText(map[key], key, warnings);
  const name = scalar('name');
  const description = scalar('description');
  return {
    ...(name !== undefined && { name }),
    ...(description !== undefined && { description }),
    metadata: metadataOf(map['metadata'], warnings),
    body: text.slice(head[0].length),
    warnings,
  };
}

/** A SKILL.md out of its head and body. Strings are written so that any YAML reader gives them back. */
export function formatFrontMatter(head: Readonly<Record<string, unknown>>, body: string): string {
  const yaml = loadYaml().stringify(head, {
    lineWidth: 0,
    version: '1.2',
    singleQuote: false,
    aliasDuplicateObjects: false,
  });
  return `---\n${yaml}---\n\n${body}`;
}

function parseYaml(yaml: string, source: string): Record<string, unknown> {
  const document = loadYaml().parseDocument(yaml, {
    version: '1.2',
    schema: 'core',
    prettyErrors: true,
    logLevel: 'silent',
  });
  const [error] = document.errors;
  if (error !== undefined) {
    const [start] = error.linePos ?? [];
    const place = start === undefined ? {} : { line: start.line + 1, column: start.col };
    const where = start === undefined ? '' : ` at line ${start.line + 1}, column ${start.col}`;
    const [reason] = error.message.split(/ at line | \(/);
    throw invalid(source, `has a front matter that is no YAML: ${reason ?? ''}${where}`, error, place);
  }
  let map: unknown;
  try {
    // Aliases make exponential growth possible; a skill's head has no use for them.
    map = document.toJS({ maxAliasCount: 10 });
  } catch (cause) {
    throw invalid(source, 'has a front matter with too many aliases', cause);
  }
  if (!isPlainObject(map)) throw invalid(source, 'has a front matter that is no map of keys');
  return map;
}

function metadataOf(value: unknown, warnings: string[]): Record<string, string> {
  const metadata = {};
  if (value === undefined || value === null) return metadata;
  if (!isPlainObject(value)) {
    warnings.push('metadata is no map and was ignored');
    return metadata;
  }
  for (const [key, member] of Object.entries(value)) {
    const text = scalarText(member, `metadata.${shorten(key, 64)}`, warnings);
    if (text !== undefined) setOwn(metadata, key, text);
  }
  return metadata;
}

/** A scalar as text: `1.0` unquoted is a number to YAML and a string to Agent Skills. */
function scalarText(value: unknown, key: string, warnings: string[]): string | undefined {
  if (typeof value === 'string') return value;
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'number' || typeof value === 'boolean') {
    warnings.push(`${key} should be a string`);
    return String(value);
  }
  warnings.push(`${key} is no text and was ignored`);
  return undefined;
}

function invalid(source: string, message: string, cause?: unknown, place = {}): SkillInvalidError {
  const details = { issues: [{ path: source, message }], ...place };
  return new SkillInvalidError(`${source} ${message}`, { cause, details });
}
