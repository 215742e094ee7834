/** JavaScript or TypeScript? The text decides. */
import { SkillSyntaxError } from '../errors.ts';
import { parseModule, type SourceLanguage } from '../syntax/parse.ts';
import { checkSource } from '../syntax/source-limits.ts';

/**
 * `javascript` if `code` parses as such, else `typescript` if it parses as that. Code that is
 * neither is called what it parses further as, so that the error shown is the real one.
 * @throws {SkillSyntaxError} for no text, or one that is too large to be parsed.
 */
export function detectLanguage(code: string): SourceLanguage {
  checkSource(code);
  const javascript = failureOffset(code, 'javascript');
  if (javascript === undefined) return 'javascript';
  const typescript = failureOffset(code, 'typescript');
  return typescript === undefined || typescript > javascript ? 'typescript' : 'javascript';
}

/** How far the parser came: line and column as one number; nothing when it came through. */
function failureOffset(code: string, language: SourceLanguage): number | undefined {
  try {
    parseModule(code, language);
    return undefined;
  } catch (error) {
    if (!(error instanceof SkillSyntaxError)) throw error;
    const { line, column } = error.details;
    return Number(line ?? 0) * 2 ** 21 + Number(column ?? 0);
  }
}
