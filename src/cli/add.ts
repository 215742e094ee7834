/** `skillcache add` */
import { stat } from 'node:fs/promises';
import { basename, extname } from 'node:path';
import {
  ERROR_KINDS,
  FileNotFoundError,
  SkillCacheError,
  SkillInvalidError,
  UsageError,
  type ErrorCode,
} from '../errors.ts';
import type { SkillLibrary } from '../library.ts';
import type { AddedSkill } from '../library-types.ts';
import { jsonProblem, readText, type Data } from './arguments.ts';
import { plainLine } from './plain-text.ts';
import { isCodePath, languageOf } from './program-source.ts';
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
  await using library = await session.open('create');
  const { definition, warnings } = await definitionAt(session, library, path);
  const { output, signal } = session;
  const added = await output.waitFor(
    `adding ${path}`,
    library.add({ ...definition, ...given }, { verify: options.verify, signal }),
  );
  const all = { ...added, warnings: [...warnings, ...added.warnings] };
  output.answer(all, () => told(all, options.verify));
  for (const warning of all.warnings) output.warn(warning);
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

async function definitionAt(session: Session, library: SkillLibrary, path: string): Promise<Read> {
  if (path === '-') return { definition: { code: await session.stdin() }, warnings: [] };
  const found = await stat(path).catch((error: unknown) => {
    throw new FileNotFoundError(`no such file or folder: ${path}`, { cause: error });
  });
  if (found.isDirectory()) return folderAt(session, library, path);
  if (extname(path).toLowerCase() === '.json')
    return { definition: await definitionFile(path), warnings: [] };
  if (!isCodePath(path)) throw new UsageError(`${path}: expected a .js, .ts or .json file, or a folder`);
  const code = await readText(path);
  const name = basename(path, extname(path));
  return { definition: { name, description: leadingComment(code), code, ...languageOf(path) }, warnings: [] };
}

async function folderAt(session: Session, library: SkillLibrary, path: string): Promise<Read> {
  let only: Read | undefined;
  for await (const candidate of library.readSkills(path, { signal: session.signal })) {
    if (only)
      throw new UsageError(`${path} holds several skills; \`skillcache import ${path}\` takes them all`);
    const { definition, refused, warnings } = candidate;
    if (refused) throw new SkillCacheError(codeOf(refused.code), `${candidate.source}: ${refused.reason}`);
    only = { definition: { ...(definition as Data) }, warnings };
  }
  if (!only) throw new SkillInvalidError(`${path} holds no skill: expected a SKILL.md in it`);
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

/** The text of the comment that the code opens with, up to its first blank line or tag. */
function leadingComment(code: string): string {
  const block = /^\s*\/\*+([\s\S]*?)\*\//.exec(code)?.[1]?.replace(/^[ \t]*\* ?/gm, '');
  const lines = /^\s*((?:[ \t]*\/\/.*\r?\n?)+)/.exec(code)?.[1]?.replace(/^[ \t]*\/\/ ?/gm, '');
  const text = (block ?? lines ?? '').trim().split(/\r?\n\s*\r?\n|\n\s*@/)[0] ?? '';
  return plainLine(text).slice(0, 1024);
}
