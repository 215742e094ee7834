/** `skillcache add` */
import { existsSync } from 'node:fs';
import { extname } from 'node:path';
import {
  ERROR_KINDS,
  FileNotFoundError,
  SkillCacheError,
  SkillInvalidError,
  UsageError,
  type ErrorCode,
} from '../errors.ts';
import type { AddedSkill } from '../library/types.ts';
import { jsonProblem, type Data } from './arguments.ts';
import { languageOf } from './program-source.ts';
import { readText } from './read-file.ts';
import type { Session } from './session.ts';

export interface AddCommandOptions {
  readonly name?: string;
  readonly description?: string;
  readonly tag?: readonly string[];
  readonly inputSchema?: string;
  readonly outputSchema?: string;
  /** False with `--no-verify`. */
  readonly verify: boolean;
}

export async function add(session: Session, path: string, options: AddCommandOptions): Promise<void> {
  const given = await givenBy(options);
  // Before the library is opened, which creates it.
  if (path !== '-' && !existsSync(path)) throw new FileNotFoundError(`no such file or folder: ${path}`);
  const { definition, warnings } = await definitionAt(session, path);
  await using library = await session.open('create');
  const { output, signal } = session;
  const added = await output.waitFor(
    `adding ${path}`,
    library.add({ ...definition, ...given }, { verify: options.verify, signal }),
  );
  const all = { ...added, warnings: [...warnings.filter(isOpen(options)), ...added.warnings] };
  output.answer(all, () => told(all, options.verify));
  for (const warning of all.warnings) output.warn(warning);
}

/** What was made up for want of a flag need not be told where the flag is there. */
function isOpen({ name, description }: AddCommandOptions): (warning: string) => boolean {
  return (warning) =>
    (name === undefined || !warning.startsWith('the name')) &&
    (description === undefined || !/^(?:no|the) description/.test(warning));
}

function told({ name, version, status, verified }: AddedSkill, isVerified: boolean): string {
  const skill = `${name}@${version}`;
  if (status === 'unchanged') return `${skill} is there already, unchanged`;
  const examples = isVerified
    ? `${verified} ${verified === 1 ? 'example' : 'examples'} held`
    : 'not verified';
  return status === 'restored' ? `${skill} is current again` : `added ${skill}, ${examples}`;
}

/** What the flags say; it wins over what the file says. */
async function givenBy(options: AddCommandOptions): Promise<Data> {
  return {
    ...(options.name !== undefined && { name: options.name }),
    ...(options.description !== undefined && { description: options.description }),
    ...(options.tag && { tags: options.tag }),
    ...(options.inputSchema !== undefined && { inputSchema: await readJsonFile(options.inputSchema) }),
    ...(options.outputSchema !== undefined && { outputSchema: await readJsonFile(options.outputSchema) }),
  };
}

interface Read {
  readonly definition: Data;
  readonly warnings: readonly string[];
}

async function definitionAt(session: Session, path: string): Promise<Read> {
  if (path === '-') return { definition: { code: await session.stdin() }, warnings: [] };
  if (extname(path).toLowerCase() === '.json')
    return { definition: await definitionFile(path), warnings: [] };
  // Not the library itself, which would be made: a path without a skill must not leave an empty one behind.
  await using reader = await session.open('memory');
  let only: Read | undefined;
  for await (const candidate of reader.readSkills(path, { signal: session.signal })) {
    if (only)
      throw new UsageError(`${path} holds several skills; \`skillcache import ${path}\` takes them all`);
    const { source, definition, refused, warnings } = candidate;
    if (refused) throw new SkillCacheError(codeOf(refused.code), `${source}: ${refused.reason}`);
    only = { definition: { ...definition, ...languageOf(path) }, warnings };
  }
  if (!only) throw new SkillInvalidError(`${path} holds no skill`);
  return only;
}

function codeOf(code: string): ErrorCode {
  return Object.hasOwn(ERROR_KINDS, code) ? (code as ErrorCode) : 'SKILL_INVALID';
}

async function definitionFile(path: string): Promise<Data> {
  const value = await readJsonFile(path);
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Data;
  throw new SkillInvalidError(`${path}: expected one skill definition; \`skillcache import\` takes lists`);
}

async function readJsonFile(path: string): Promise<unknown> {
  const text = await readText(path);
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    const { message, details } = jsonProblem(text, path);
    throw new SkillInvalidError(message, { cause: error, details: { path, ...details } });
  }
}
