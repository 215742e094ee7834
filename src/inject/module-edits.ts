/** What a module answers with, and the edits that make a script body of it. */
import { blank, skipTrivia } from '../syntax/source-text.ts';
import type { SyntaxNode, SyntaxTree } from '../syntax/parse.ts';
import { isTypeOnly } from '../syntax/type-only.ts';
import type { AnswerSource, InjectionPlan, TextEdit } from './injection-plan.ts';
import type { ModuleScan } from './module-scan.ts';

type NodeOf<T extends SyntaxNode['type']> = Extract<SyntaxNode, { type: T }>;

const FUNCTION_NAMES = ['run', 'main'];
/** More than a text can count up to. */
const DIGITS_MAX = 9;
const RESULT_NAME = 'result';

/** Two names that occur nowhere in `code`, not even written with unicode escapes. */
export function hygienicNames(code: string): InjectionPlan['names'] {
  const unescaped = code.replaceAll(/\\u(?:\{0*([0-9a-fA-F]{1,6})\}|([0-9a-fA-F]{4}))/g, (_, long, short) =>
    String.fromCharCode(Number.parseInt(String(long ?? short), 16)),
  );
  const pick = (stem: string): string => {
    if (!code.includes(stem) && !unescaped.includes(stem)) return stem;
    const taken = new Set<string>();
    for (const text of [code, unescaped]) {
      for (let at = text.indexOf(stem); at >= 0; at = text.indexOf(stem, at + stem.length)) {
        const digits = /^\d*/.exec(text.slice(at + stem.length, at + stem.length + DIGITS_MAX))![0];
        for (let length = 1; length <= digits.length; length++) taken.add(digits.slice(0, length));
      }
    }
    let n = 0;
    while (taken.has(String(n))) n++;
    return `${stem}${n}`;
  };
  return { scope: pick('$s'), answer: pick('$d') };
}

/** The contract's order, up to the first source that is certain to answer. */
export function findAnswers(scan: ModuleScan, tree: SyntaxTree): AnswerSource[] {
  const name = scan.exported.get('default');
  if (name !== undefined) return [{ kind: 'default', name }];
  if (tree.program.body.some((statement) => isDefault(statement))) return [{ kind: 'default' }];
  const answers: AnswerSource[] = [];
  const isCertain = (name: string): boolean => scan.bound.get(name) === 'function';
  for (const exportedName of FUNCTION_NAMES) {
    for (const name of new Set([scan.exported.get(exportedName), exportedName])) {
      const kind = name === undefined ? undefined : scan.bound.get(name);
      if (name === undefined || (kind !== 'function' && kind !== 'variable')) continue;
      answers.push({ kind: 'function', name });
      if (isCertain(name)) return answers;
    }
  }
  for (const name of [RESULT_NAME, scan.exported.get(RESULT_NAME)]) {
    if (name !== undefined && scan.bound.get(name) === 'variable')
      return [...answers, { kind: 'binding', name }];
  }
  const [only, ...others] = scan.functions;
  if (
    only &&
    others.length === 0 &&
    !answers.some((answer) => answer.kind === 'function' && answer.name === only.name)
  ) {
    answers.push({ kind: 'function', name: only.name });
    if (only.isCertain) return answers;
  }
  const last = lastExpression(tree);
  return last ? [...answers, { kind: 'expression', ...last }] : answers;
}

function isDefault(statement: SyntaxNode): boolean {
  return statement.type === 'ExportDefaultDeclaration' && !isTypeOnly(statement);
}

function lastExpression(tree: SyntaxTree): { start: number; end: number } | undefined {
  const statement = tree.program.body.findLast((candidate) => candidate.type === 'ExpressionStatement');
  if (statement) return { start: statement.start!, end: statement.expression.end! };
  const directive = tree.program.directives.at(-1)?.value;
  if (!directive || directive.value === 'use strict') return undefined;
  return { start: directive.start!, end: directive.end! };
}

/** Takes exports and imports out, and catches an answer that has no name. */
export function moduleEdits(
  tree: SyntaxTree,
  source: string,
  answers: readonly AnswerSource[],
  names: InjectionPlan['names'],
): TextEdit[] {
  const edits: TextEdit[] = [];
  // `#!` opens a comment on a file's first line only; the template has a line before it.
  if (tree.program.interpreter) edits.push({ start: 0, end: 2, text: '//' });
  for (const statement of tree.program.body) {
    if (isTypeOnly(statement)) continue;
    if (statement.type === 'ExportDefaultDeclaration') {
      edits.push(...defaultEdits(statement, source, names));
    } else if (statement.type === 'ExportNamedDeclaration' && statement.declaration) {
      edits.push(blankEdit(source, statement.start!, statement.start! + 'export'.length));
    } else if (statement.type === 'ExportNamedDeclaration' || statement.type === 'ImportDeclaration') {
      edits.push(emptyStatement(source, statement));
    }
  }
  const caught = answers.find((answer) => answer.kind === 'expression');
  if (caught) edits.push(...captureEdits(caught, source, names));
  return edits.sort((a, b) => a.start - b.start || a.end - b.end);
}

function blankEdit(source: string, start: number, end: number): TextEdit {
  return { start, end, text: blank(source.slice(start, end)) };
}

/** A `;` stays: the lines around must not be joined. */
function emptyStatement(source: string, { start, end }: SyntaxNode): TextEdit {
  return { start: start!, end: end!, text: `;${blank(source.slice(start! + 1, end!))}` };
}

/**
 * A named function or class only loses `export default`. Anything else becomes
 * `$d={   default: value};`, in the same columns; the property gives a function its name, `default`.
 */
function defaultEdits(
  statement: NodeOf<'ExportDefaultDeclaration'>,
  source: string,
  names: InjectionPlan['names'],
): TextEdit[] {
  const { declaration } = statement;
  const start = statement.start!;
  const exportEnd = start + 'export'.length;
  const word = skipTrivia(source, exportEnd);
  const wordEnd = word + 'default'.length;
  const isNamed =
    (declaration.type === 'FunctionDeclaration' || declaration.type === 'ClassDeclaration') && declaration.id;
  if (isNamed) return [blankEdit(source, start, exportEnd), blankEdit(source, word, wordEnd)];
  const isBlank = source[wordEnd] === ' ' || source[wordEnd] === '\t';
  const end = statement.end!;
  const closing =
    source[end - 1] === ';' && end > declaration.end!
      ? { start: end - 1, end: end - 1, text: '}' }
      : { start: end, end, text: '};' };
  return [
    { start, end: exportEnd, text: `${names.answer}={`.padEnd(exportEnd - start) },
    { start: wordEnd, end: wordEnd + (isBlank ? 1 : 0), text: ':' },
    closing,
  ];
}

function captureEdits(
  { start, end }: { start: number; end: number },
  source: string,
  names: InjectionPlan['names'],
): TextEdit[] {
  // The expression's own end leaves out the parentheses around it.
  let close = end;
  for (let next = skipTrivia(source, close); source[next] === ')'; next = skipTrivia(source, close)) {
    close = next + 1;
  }
  return [
    { start, end: start, text: `${names.answer}=(` },
    { start: close, end: close, text: ')' },
  ];
}
