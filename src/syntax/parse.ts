/** Source text → Babel's syntax tree; errors carry line and column, both from 1. */
import { parse as babelParse } from '@babel/parser';
import type { File } from '@babel/types';
import { SkillSyntaxError, type SourcePlace } from '../errors.ts';

export type SourceLanguage = 'javascript' | 'typescript';

/**
 * Parses `code` as an ES module.
 * @throws {SkillSyntaxError} with `details.line` and `details.column`.
 */
export function parseModule(code: string, language: SourceLanguage): File {
  try {
    return babelParse(code, {
      sourceType: 'module',
      plugins: language === 'typescript' ? ['typescript'] : [],
      attachComment: false,
      createImportExpressions: true,
    });
  } catch (error) {
    throw syntaxError(error);
  }
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
