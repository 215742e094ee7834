/** Source text → injection plan: one parse, then the module's top-level statements only. */
import { InjectionError, SkillSyntaxError } from '../errors.ts';
import { parseEither } from '../syntax/parse.ts';
import { eraseTypes } from '../syntax/typescript.ts';
import type { InjectionPlan, SourceLanguage } from './injection-plan.ts';
import { findAnswers, hygienicNames, moduleEdits } from './module-edits.ts';
import { scanModule } from './module-scan.ts';
import { findRefusal } from './template-refusal.ts';

export interface PlanOptions {
  /** Absent: JavaScript if it parses as that, else TypeScript. */
  language?: SourceLanguage;
}

export interface PlannedSource {
  readonly plan: InjectionPlan;
  /** The JavaScript that runs: the code itself, or for TypeScript the code with its types blanked. */
  readonly source: string;
}

/**
 * Parses `code` once and finds what runtime data can replace, and what the module answers with.
 * @throws {InjectionError} `PARSE_ERROR` or `UNSUPPORTED_SYNTAX`, with line and column; `LIMIT_EXCEEDED`.
 */
export function planInjection(code: string, options: PlanOptions = {}): PlannedSource {
  const { tree, language } = parse(code, options.language);
  const source = language === 'typescript' ? eraseTypes(code, tree) : code;
  const scan = scanModule(tree, { code, source });
  const names = hygienicNames(code);
  const answers = findAnswers(scan, tree);
  const refusal = findRefusal(tree, source, scan);
  const plan: InjectionPlan = {
    format: 1,
    language,
    holes: scan.holes,
    refused: scan.refused(),
    answers,
    imports: scan.imports,
    hasTopLevelAwait: tree.program.extra?.['topLevelAwait'] === true,
    boundNames: [...scan.bound.keys()],
    edits: moduleEdits(tree, source, answers, names),
    names,
    ...(refusal && { templateRefusal: refusal }),
  };
  return { plan, source };
}

function parse(code: string, language: SourceLanguage | undefined): ReturnType<typeof parseEither> {
  try {
    return parseEither(code, language);
  } catch (error) {
    if (error instanceof SkillSyntaxError) throw parseError(error);
    throw error;
  }
}

function parseError(error: SkillSyntaxError): InjectionError {
  const code = 'limit' in error.details ? 'LIMIT_EXCEEDED' : 'PARSE_ERROR';
  return new InjectionError(code, error.message, { cause: error, details: error.details });
}
