/** `NAME[@n]`, `./file.js` or `-`: a stored skill, or code that is not stored. */
import { extname } from 'node:path';
import type { ReadStdin } from './arguments.ts';
import { readText } from './read-file.ts';

export type ProgramSource =
  | { readonly kind: 'stored'; readonly reference: string }
  | { readonly kind: 'code'; readonly code: string; readonly language?: 'javascript' | 'typescript' };

const CODE_EXTENSIONS = new Set(['.js', '.mjs', '.cjs', '.ts', '.mts', '.cts']);

/** No skill's name has a dot or a slash in it, so that the two cannot be taken for each other. */
export function isCodePath(word: string): boolean {
  return word === '-' || /[/\\]/.test(word) || CODE_EXTENSIONS.has(extname(word).toLowerCase());
}

export async function readProgram(
  word: string,
  stdin: ReadStdin,
  signal?: AbortSignal,
): Promise<ProgramSource> {
  if (!isCodePath(word)) return { kind: 'stored', reference: word };
  if (word === '-') return { kind: 'code', code: await stdin() };
  return { kind: 'code', code: await readText(word, { signal }), ...languageOf(word) };
}

/** By the name's end; left open where that says nothing. */
export function languageOf(path: string): { language?: 'javascript' | 'typescript' } {
  const extension = extname(path).toLowerCase();
  if (!CODE_EXTENSIONS.has(extension)) return {};
  return { language: extension.includes('t') ? 'typescript' : 'javascript' };
}
