/** Other libraries' formats in: files and folders become candidates for `add`, required ones first. */
import { createReadStream } from 'node:fs';
import { opendir } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import { abortError, SkillCacheError, SkillInvalidError } from '../errors.ts';
import { fileNames, kindOfPath, readTextFile } from './folder-files.ts';
import { requiredFirst } from './import-order.ts';
import { jsonCandidates } from './import-json.ts';
import { parseJsonText } from './json-text.ts';
import { fitDescription, leadingComment, nameFrom } from './prose.ts';
import { CODE_BYTES_MAX, type SkillDefinitionInput } from './skill.ts';
import { readSkillFolder } from './skill-folder.ts';

/** One skill that was found; either `definition` (unchecked) or `refused` is there. */
export interface ImportCandidate {
  /** The file or folder it came from. */
  readonly source: string;
  readonly name?: string;
  readonly definition?: SkillDefinitionInput;
  readonly warnings: readonly string[];
  readonly refused?: { readonly code: string; readonly reason: string };
}

export interface ReadImportOptions {
  signal?: AbortSignal;
}

const FOLDER_DEPTH_MAX = 12;
const FOLDERS_MAX = 100_000;
/** Lines of a stream are put in order within batches of this many. */
const BATCH_MAX = 5_000;
const LINE_LENGTH_MAX = 16 * 1024 * 1024;
/** Files that may hold skills too, and those that have their place beside scripts. */
const COLLECTION = /\.(?:json|ndjson|jsonl)$/;
const SET_UP = /^(?:package|package-lock|[jt]sconfig)\.json$/;
const SCRIPTS = new Set(['.js', '.ts', '.mjs', '.mts']);

/**
 * Reads a SKILL.md folder or a tree of them, a folder of scripts, a `skills.json` of Voyager's kind, an
 * array of snippets or of definitions, newline-delimited definitions, or one script. A bad item is a
 * candidate that says why it was refused; the others follow.
 * @throws {FileNotFoundError} when there is nothing at `path`; {SkillInvalidError} when it is of no
 * known kind, or its JSON is malformed; {AbortedError} when the signal fires.
 */
export async function* readImport(
  path: string,
  options: ReadImportOptions = {},
): AsyncGenerator<ImportCandidate, void, undefined> {
  const { signal } = options;
  throwIfAborted(signal);
  const isFolder = (await kindOfPath(path)) === 'folder';
  const extension = extname(path).toLowerCase();
  if (isFolder) yield* requiredFirst(await folderCandidates(path, signal));
  else if (basename(path) === 'SKILL.md') yield await skillFolderCandidate(join(path, '..'));
  else if (SCRIPTS.has(extension)) yield await attempt(path, () => scriptCandidate(path));
  else if (extension === '.ndjson' || extension === '.jsonl') yield* lineCandidates(path, signal);
  else if (extension === '.json') {
    const json = parseJsonText(await readTextFile(path), path);
    throwIfAborted(signal);
    yield* requiredFirst(jsonCandidates(json, path));
  } else
    throw unknownKind(path, 'a .json, .ndjson, .js, .mjs, .ts or .mts file, or a folder with a SKILL.md');
}

async function folderCandidates(root: string, signal: AbortSignal | undefined): Promise<ImportCandidate[]> {
  const folders = await skillFolders(root, signal);
  const candidates: ImportCandidate[] = [];
  for (const folder of folders) {
    throwIfAborted(signal);
    candidates.push(await skillFolderCandidate(folder));
  }
  if (candidates.length > 0) return candidates;
  const names = await fileNames(root);
  const scripts = names.filter(
    (name) => SCRIPTS.has(extname(name)) && !/\.(?:d|test|spec)\.m?[jt]s$/.test(name),
  );
  if (scripts.length === 0)
    throw unknownKind(root, 'a folder with a SKILL.md in it or below it, or with scripts');
  for (const name of scripts) {
    throwIfAborted(signal);
    candidates.push(await attempt(join(root, name), () => scriptCandidate(join(root, name))));
  }
  const left = names.filter((name) => COLLECTION.test(name) && !SET_UP.test(name));
  const [first, ...others] = candidates;
  if (!first || left.length === 0) return candidates;
  const warning = `of the folder's files only scripts were read; import these by name: ${left.join(', ')}`;
  return [{ ...first, warnings: [...first.warnings, warning] }, ...others];
}

/** Folders with a SKILL.md, sorted; links are not followed, nor is a skill's own folder searched. */
async function skillFolders(root: string, signal: AbortSignal | undefined): Promise<string[]> {
  const found: string[] = [];
  const open: { folder: string; depth: number }[] = [{ folder: root, depth: 0 }];
  let seen = 0;
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    throwIfAborted(signal);
    if ((seen += 1) > FOLDERS_MAX) throw unknownKind(root, `a tree of at most ${FOLDERS_MAX} folders`);
    const below: string[] = [];
    let isSkill = false;
    for await (const entry of await opendir(at.folder)) {
      if (entry.name === 'SKILL.md' && entry.isFile()) isSkill = true;
      const isHidden = entry.name.startsWith('.') || entry.name === 'node_modules';
      if (entry.isDirectory() && !isHidden) below.push(join(at.folder, entry.name));
    }
    if (isSkill) found.push(at.folder);
    else if (at.depth < FOLDER_DEPTH_MAX)
      for (const folder of below) open.push({ folder, depth: at.depth + 1 });
  }
  return found.sort();
}

async function skillFolderCandidate(folder: string): Promise<ImportCandidate> {
  return attempt(folder, async () => {
    const { definition, warnings } = await readSkillFolder(folder);
    return { source: folder, name: definition.name, definition, warnings };
  });
}

async function scriptCandidate(path: string): Promise<ImportCandidate> {
  const warnings: string[] = [];
  const code = await readTextFile(path, CODE_BYTES_MAX);
  const name = nameFrom(basename(path, extname(path)), warnings);
  const description = fitDescription(leadingComment(code), name, warnings);
  return { source: path, name, definition: { name, description, code }, warnings };
}

/** What cannot be read is refused by itself; the import goes on. */
async function attempt(source: string, read: () => Promise<ImportCandidate>): Promise<ImportCandidate> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof SkillCacheError)) throw error;
    return {
      source,
      name: basename(source),
      warnings: [],
      refused: { code: error.code, reason: error.message },
    };
  }
}

async function* lineCandidates(
  path: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<ImportCandidate, void, undefined> {
  let batch: ImportCandidate[] = [];
  let line = 0;
  for await (const text of linesOf(path)) {
    throwIfAborted(signal);
    line += 1;
    if (text.trim() !== '') batch.push(...lineCandidate(text, `${path}:${line}`));
    if (batch.length < BATCH_MAX) continue;
    yield* requiredFirst(batch);
    batch = [];
  }
  throwIfAborted(signal);
  yield* requiredFirst(batch);
}

async function* linesOf(path: string): AsyncGenerator<string, void, undefined> {
  let rest = '';
  // Leaving the loop, whichever way, closes the file.
  for await (const chunk of createReadStream(path, { encoding: 'utf8', highWaterMark: 1024 * 1024 })) {
    const lines = (rest + String(chunk)).split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > LINE_LENGTH_MAX)
      throw unknownKind(path, `lines of at most ${LINE_LENGTH_MAX} characters`);
    yield* lines;
  }
  yield rest;
}

function lineCandidate(text: string, source: string): ImportCandidate[] {
  try {
    return jsonCandidates([parseJsonText(text, source)], source);
  } catch (error) {
    if (!(error instanceof SkillCacheError)) throw error;
    return [{ source, warnings: [], refused: { code: error.code, reason: error.message } }];
  }
}

function unknownKind(path: string, wanted: string): SkillInvalidError {
  const message = `is no known kind of library: expected ${wanted}`;
  return new SkillInvalidError(`${path} ${message}`, { details: { issues: [{ path, message }] } });
}

function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw abortError(signal);
}
