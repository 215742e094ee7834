/** A skill as a folder of the open Agent Skills format, in and out: read leniently, written strictly. */
import { basename, extname, join, resolve } from 'node:path';
import { FileNotFoundError, SkillInvalidError } from '../errors.ts';
import { fileNames, readInside, writeFolder } from './folder-files.ts';
import { formatFrontMatter, readFrontMatter, type FrontMatter } from './front-matter.ts';
import { parseJsonText } from './json-text.ts';
import { setOwn } from './plain-json.ts';
import { fitDescription, nameFrom } from './prose.ts';
import {
  CODE_BYTES_MAX,
  parseSkillDefinition,
  type SkillDefinition,
  type SkillDefinitionInput,
  type SkillLimits,
} from './skill.ts';

export interface SkillFolder {
  /** Not checked yet: `parseSkillDefinition` does that. */
  readonly definition: SkillDefinitionInput;
  readonly warnings: readonly string[];
}

export interface WriteFolderOptions {
  /** Whether a skill folder that is there already may be replaced. Default false. */
  overwrite?: boolean;
}

const SKILL_FILE = 'SKILL.md';
const SKILL_FILE_BYTES_MAX = 1024 * 1024;
const DATA_FILE_BYTES_MAX = 8 * 1024 * 1024;
const EXTENSIONS = {
  '.ts': 'typescript',
  '.mts': 'typescript',
  '.js': 'javascript',
  '.mjs': 'javascript',
} as const;

/** Metadata keys of files that hold one field as JSON. */
const FILES = {
  'skillcache.input-schema': ['inputSchema', 'assets/input.schema.json'],
  'skillcache.output-schema': ['outputSchema', 'assets/output.schema.json'],
  'skillcache.parameters': ['parameters', 'assets/parameters.json'],
  'skillcache.examples': ['examples', 'evals/examples.json'],
} as const;
const LIMITS = {
  'skillcache.timeout-ms': 'timeoutMs',
  'skillcache.memory-bytes-max': 'memoryBytesMax',
  'skillcache.output-bytes-max': 'outputBytesMax',
  'skillcache.log-bytes-max': 'logBytesMax',
} as const satisfies Record<string, keyof SkillLimits>;
const LISTS = {
  'skillcache.requires': 'requires',
  'skillcache.tags': 'tags',
  'skillcache.capabilities': 'capabilities',
} as const;
const KNOWN_KEYS = new Set([
  ...Object.keys(FILES),
  ...Object.keys(LIMITS),
  ...Object.keys(LISTS),
  'skillcache.entry',
  'skillcache.pure',
]);

/**
 * Reads the skill in `folder`. What the format does not know or another program wrote differently is
 * a warning; the program is what `skillcache.entry` names, else `scripts/main.*`, else the only
 * script, else the first JavaScript or TypeScript block of the text.
 * @throws {FileNotFoundError} if there is no SKILL.md; {SkillInvalidError} if there is no program, a
 * path leads out of the folder, or a file is malformed or too large.
 */
export async function readSkillFolder(folder: string): Promise<SkillFolder> {
  const path = join(folder, SKILL_FILE);
  const head = readFrontMatter(await readInside(folder, SKILL_FILE, SKILL_FILE_BYTES_MAX), path);
  const warnings = [...head.warnings];
  for (const key of Object.keys(head.metadata)) {
    if (key.startsWith('skillcache.') && !KNOWN_KEYS.has(key)) warnings.push(`unknown metadata key ${key}`);
  }
  const name = folderName(folder, head, warnings);
  const program = await readProgram(folder, head);
  const definition = {
    name,
    description: fitDescription(head.description ?? '', name, warnings),
    ...program,
    ...readWords(head.metadata),
    ...(await readDataFiles(folder, head.metadata)),
  };
  return { definition: definition as SkillDefinitionInput, warnings };
}

function folderName(folder: string, head: FrontMatter, warnings: string[]): string {
  const own = basename(resolve(folder));
  if (head.name === undefined) {
    warnings.push("the front matter has no name; the folder's is taken");
    return nameFrom(own, warnings);
  }
  if (head.name !== own) warnings.push(`the name ${head.name} is not the folder's (${own})`);
  return nameFrom(head.name, warnings);
}

async function readProgram(
  folder: string,
  head: FrontMatter,
): Promise<Pick<SkillDefinitionInput, 'code' | 'language'>> {
  const entry = head.metadata['skillcache.entry'] ?? (await findEntry(folder));
  if (entry !== undefined) {
    const language = EXTENSIONS[extname(entry) as keyof typeof EXTENSIONS];
    const code = await readInside(folder, entry, CODE_BYTES_MAX);
    return language === undefined ? { code } : { code, language };
  }
  const block = /^```(?:js|javascript|mjs|ts|typescript)\b[^\n]*\n([\s\S]*?)^```/m.exec(head.body);
  if (block?.[1] !== undefined) return { code: block[1] };
  const message =
    'has no program: no skillcache.entry, no scripts/main.ts or .js, no JavaScript block in SKILL.md';
  throw new SkillInvalidError(`${folder} ${message}`, { details: { issues: [{ path: 'code', message }] } });
}

async function findEntry(folder: string): Promise<string | undefined> {
  const scripts = (await fileNames(join(folder, 'scripts'))).filter(
    (name) => extname(name) in EXTENSIONS && !/\.(?:d|test|spec)\.m?[jt]s$/.test(name),
  );
  const main = ['.ts', '.js', '.mjs', '.mts'].map((extension) => `main${extension}`);
  const found =
    main.find((name) => scripts.includes(name)) ?? (scripts.length === 1 ? scripts[0] : undefined);
  return found === undefined ? undefined : `scripts/${found}`;
}

async function readDataFiles(
  folder: string,
  metadata: FrontMatter['metadata'],
): Promise<Record<string, unknown>> {
  const fields: Record<string, unknown> = {};
  for (const [key, [field, usual]] of Object.entries(FILES)) {
    const named = metadata[key];
    try {
      const text = await readInside(folder, named ?? usual, DATA_FILE_BYTES_MAX);
      fields[field] = parseJsonText(text, join(folder, named ?? usual));
    } catch (error) {
      // A file in its usual place need not exist; one that is named must.
      if (named !== undefined || !(error instanceof FileNotFoundError)) throw error;
    }
  }
  return fields;
}

/** Fields that stand in the metadata itself. */
function readWords(metadata: FrontMatter['metadata']): Record<string, unknown> {
  const fields: Record<string, unknown> = {};
  const limits: Record<string, unknown> = {};
  for (const [key, field] of Object.entries(LISTS)) {
    const text = metadata[key];
    if (text !== undefined) fields[field] = readList(text, key);
  }
  for (const [key, limit] of Object.entries(LIMITS)) {
    const text = metadata[key];
    // What is no number stays text, and is refused by name when the definition is checked.
    if (text !== undefined) limits[limit] = /^\d+$/.test(text.trim()) ? Number(text) : text;
  }
  const grants = metadata['skillcache.grants'];
  if (grants !== undefined) fields['grants'] = parseJsonText(grants, 'skillcache.grants');
  const pure = metadata['skillcache.pure'];
  if (pure !== undefined) fields['pure'] = pure === 'true' || pure === 'false' ? pure === 'true' : pure;
  return Object.keys(limits).length > 0 ? { ...fields, limits } : fields;
}

/** Words between commas or blanks (tags: between commas), or a JSON array where an item needs it. */
function readList(text: string, key: string): unknown {
  if (text.trimStart().startsWith('[')) return parseJsonText(text, key);
  const separator = key === 'skillcache.tags' ? /,/ : /[\s,]+/;
  return text
    .split(separator)
    .map((word) => word.trim())
    .filter((word) => word !== '');
}

function writeList(items: readonly string[], key: string): string {
  const text = items.join(key === 'skillcache.tags' ? ', ' : ' ');
  const back = readListOrNothing(text, key);
  return JSON.stringify(back) === JSON.stringify(items) ? text : JSON.stringify(items);
}

function readListOrNothing(text: string, key: string): unknown {
  return text.trimStart().startsWith('[') ? undefined : readList(text, key);
}

/**
 * Writes `definition` as the folder `folder`, whose name must be the skill's: all of it or nothing.
 * Reading it gives the same definition.
 * @throws {SkillInvalidError} if the definition is wrong or the folder has another name; {UsageError}
 * if the folder exists, unless `overwrite` is set and it is a skill's.
 */
export async function writeSkillFolder(
  folder: string,
  definition: SkillDefinitionInput,
  options: WriteFolderOptions = {},
): Promise<void> {
  const skill = parseSkillDefinition(definition);
  if (basename(resolve(folder)) !== skill.name) {
    const message = `must be the name of its folder, ${basename(resolve(folder))}`;
    throw new SkillInvalidError(`name: ${message}`, { details: { issues: [{ path: 'name', message }] } });
  }
  const { overwrite = false } = options;
  await writeFolder(folder, folderFiles(skill), (present) => overwrite && present.includes(SKILL_FILE));
}

/** The files of a skill's folder by their paths in it. */
export function folderFiles(skill: SkillDefinition): Map<string, string> {
  const entry = skill.language === 'typescript' ? 'scripts/main.ts' : 'scripts/main.js';
  const files = new Map([[entry, skill.code]]);
  const metadata = { 'skillcache.entry': entry };
  for (const [key, [field, usual]] of Object.entries(FILES)) {
    const value = skill[field];
    if (value === undefined) continue;
    const isSchema = field === 'inputSchema' || field === 'outputSchema';
    if (!isSchema && Object.keys(value).length === 0) continue;
    files.set(usual, `${JSON.stringify(value, undefined, 2)}\n`);
    setOwn(metadata, key, usual);
  }
  for (const [key, field] of Object.entries(LISTS)) {
    if (skill[field].length > 0) setOwn(metadata, key, writeList(skill[field], key));
  }
  for (const [key, limit] of Object.entries(LIMITS)) {
    if (skill.limits[limit] !== undefined) setOwn(metadata, key, String(skill.limits[limit]));
  }
  if (skill.grants !== undefined) setOwn(metadata, 'skillcache.grants', JSON.stringify(skill.grants));
  if (skill.pure !== 'auto') setOwn(metadata, 'skillcache.pure', String(skill.pure));
  const { name, description } = skill;
  const head = { name, description, compatibility: 'Requires skillcache.', metadata };
  files.set(SKILL_FILE, formatFrontMatter(head, skillText(skill)));
  return files;
}

/** The text for people and agents that read the folder without skillcache. */
function skillText(skill: SkillDefinition): string {
  const [example] = skill.examples;
  const lines = [`# ${skill.name}`, '', skill.description, ''];
  if (example !== undefined) {
    const shown = { inputs: example.inputs, output: example.output };
    lines.push('For example:', '', '```json', JSON.stringify(shown, undefined, 2), '```', '');
  }
  return lines.join('\n');
}
