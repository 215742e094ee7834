/** Source text → Babel's syntax tree; errors carry line and column, both from 1. */
import type { ParserPlugin } from '@babel/parser';
import type { File, Node } from '@babel/types';
import { babelParse } from './babel.ts';
import { checkSource } from './source-limits.ts';
import { SkillSyntaxError, type SourcePlace } from '../errors.ts';

export type SourceLanguage = 'javascript' | 'typescript';

/** A parsed module, and any node of it, for readers outside this folder. */
export type SyntaxTree = File;
export type SyntaxNode = Node;

/** Decorators are parsed in TypeScript only so that the eraser can name the place it refuses. */
const PLUGINS = {
  javascript: ['explicitResourceManagement'],
  typescript: ['typescript', 'decorators-legacy', 'explicitResourceManagement'],
} satisfies Record<SourceLanguage, ParserPlugin[]>;

/**
 * Parses `code` as an ES module.
 * @throws {SkillSyntaxError} with `details.line` and `details.column`, or with `details.limit` for
 * what is not even tried.
 */
export function parseModule(code: string, language: SourceLanguage): File {
  checkSource(code);
  try {
    return babelParse(code, {
      sourceType: 'module',
      plugins: PLUGINS[language],
      attachComment: false,
      createImportExpressions: true,
    });
  } catch (error) {
    throw syntaxError(error);
  }
}

/**
 * Parses `code` in its language; where none is named, as JavaScript if it is that, else as TypeScript.
 * @throws {SkillSyntaxError} of the parser that got further.
 */
export function parseEither(
  code: string,
  language: SourceLanguage | undefined,
): { tree: File; language: SourceLanguage } {
  if (language !== undefined) return { tree: parseModule(code, language), language };
  const first = tryParse(code, 'javascript');
  if (!(first instanceof SkillSyntaxError)) return { tree: first, language: 'javascript' };
  const second = tryParse(code, 'typescript');
  if (!(second instanceof SkillSyntaxError)) return { tree: second, language: 'typescript' };
  throw isFurther(second, first) ? second : first;
}

function tryParse(code: string, language: SourceLanguage): File | SkillSyntaxError {
  try {
    return parseModule(code, language);
  } catch (error) {
    if (error instanceof SkillSyntaxError) return error;
    throw error;
  }
}

/** The parser that got further knew more of the language. */
function isFurther(a: SkillSyntaxError, b: SkillSyntaxError): boolean {
  const [aLine, aColumn] = [Number(a.details['line']), Number(a.details['column'])];
  const [bLine, bColumn] = [Number(b.details['line']), Number(b.details['column'])];
  return aLine > bLine || (aLine === bLine && aColumn > bColumn);
}

/** A Babel position (column from 0) as ours (column from 1). */
export function placeOf(position: { line: number; column: number }): SourcePlace {
  return { line: position.line, column: position.column + 1 };
}

function syntaxError(error: unknown): SkillSyntaxError {
  if (error instanceof RangeError) {
    return new SkillSyntaxError('the code is nested too deeply to be parsed', { cause: error });
  }
  if (!(error instanceof SyntaxError) || !('loc' in error)) throw error;
  const place = placeOf(error.loc as { line: number; column: number });
  const reason = error.message.replace(/ \(\d+:\d+\)$/, '');
  return new SkillSyntaxError(`${reason} at line ${place.line}, column ${place.column}`, {
    cause: error,
    details: { ...place },
  });
}

/** The places where a JavaScript text that parses has an operator that begins with `text`. */
export function operatorPlaces(source: string, text: string): SourcePlace[] {
  const { tokens } = babelParse(source, {
    sourceType: 'module',
    plugins: PLUGINS.javascript,
    attachComment: false,
    createImportExpressions: true,
    tokens: true,
  });
  return (tokens as Token[])
    .filter(({ type, start }) => source.startsWith(text, start) && OPERATOR.test(labelOf(type)))
    .map(({ loc }) => placeOf(loc.start));
}

const OPERATOR = /^[^a-z]/i;

/** Comments are among the tokens, with a string for a type. */
interface Token {
  type: { label: string } | string;
  start: number;
  loc: { start: { line: number; column: number } };
}

function labelOf(type: Token['type']): string {
  return typeof type === 'string' ? type : type.label;
}
