/**
 * A template is the constant text V8 compiles for a version. Its completion value is a function
 * that the realm calls with a `TemplateScope`; holes are read from it by value.
 */
import { InjectionError } from '../errors.ts';
import type { AnswerSource, Hole, InjectionPlan, TextEdit } from './injection-plan.ts';

export interface Template {
  /** Shown in stacks, for example `skill:moving-average@3`. */
  readonly fileName: string;
  /** A classic script; line 1 is the harness's, the skill's own line n is line n + 1. */
  readonly source: string;
  /** Hole names by index. */
  readonly holes: readonly string[];
  /** Local names by which required skills are called. */
  readonly links: readonly string[];
  /**
   * Where inserted text moved columns: what stands at or behind `column` of `line` (both the
   * skill's own, from 1) moved right by `shift`, on top of the shifts before it on that line.
   */
  readonly shifts: readonly { readonly line: number; readonly column: number; readonly shift: number }[];
}

/**
 * `links`: further names by which required skills are called, beside the plan's imports; a name
 * that the skill binds itself is left out.
 * @throws {InjectionError} `UNSUPPORTED_SYNTAX` where the plan says that no template can be built.
 */
export function buildTemplate(
  source: string,
  plan: InjectionPlan,
  fileName: string,
  links: readonly string[] = [],
): Template {
  const { templateRefusal: refusal, names } = plan;
  if (refusal) {
    const { reason, line, column } = refusal;
    const message = `${reason} at line ${line}, column ${column} cannot be part of a skill`;
    throw new InjectionError('UNSUPPORTED_SYNTAX', message, { details: { line, column } });
  }
  const bound = new Set(plan.boundNames);
  const locals = new Set([
    ...plan.imports.map(({ local }) => local),
    ...links.filter((name) => !bound.has(name)),
  ]);
  const edits = [...plan.edits, ...plan.holes.flatMap((hole, index) => holeEdits(hole, index, names.scope))];
  const body = applyEdits(
    source,
    edits.sort((a, b) => a.start - b.start || a.end - b.end),
  );
  return {
    fileName,
    source: head(plan, locals) + body + tail(plan),
    holes: plan.holes.map(({ name }) => name),
    links: [...locals],
    shifts: shiftsOf(source, edits),
  };
}

/** One line, whatever it declares. */
function head(plan: InjectionPlan, locals: ReadonlySet<string>): string {
  const { scope, answer } = plan.names;
  const links = [...locals].map((name) => `const ${name} = ${scope}.links[${JSON.stringify(name)}]; `);
  const body = `${plan.hasTopLevelAwait ? 'async ' : ''}function ()`;
  return `(function (${scope}) { ${links.join('')}return ${body} { "use strict"; let ${answer};\n`;
}

function tail(plan: InjectionPlan): string {
  const answers = plan.answers.map(
    (answer) => `{ kind: "${answer.kind}", value: ${answerText(answer, plan.names.answer)} }`,
  );
  return `\n;return [${answers.join(', ')}]; } })`;
}

function answerText(answer: AnswerSource, caught: string): string {
  switch (answer.kind) {
    case 'default':
      return answer.name ?? `${caught}.default`;
    case 'function':
    case 'binding':
      return answer.name;
    case 'expression':
      return caught;
    default:
      throw new Error(`unreachable: ${answer satisfies never}`);
  }
}

function holeEdits(hole: Hole, index: number, scope: string): TextEdit[] {
  const { name, kind, start, end } = hole;
  const value = `${scope}.has[${index}] ? ${scope}.values[${index}] : `;
  const guard = hole.needsSemicolon ? ';' : '';
  if (start === end) {
    // A bare `var` keeps what was assigned before it; a bare `let` starts as undefined.
    return [{ start, end, text: ` = ${value}${kind === 'var' ? name : 'void 0'}${guard}` }];
  }
  const [open, close] = hole.isNamedEvaluation
    ? [`{ [${JSON.stringify(name)}]: `, ` }[${JSON.stringify(name)}])`]
    : ['(', '))'];
  return [
    { start, end: start, text: `(${value}${open}` },
    { start: end, end, text: close + guard },
  ];
}

function applyEdits(source: string, edits: readonly TextEdit[]): string {
  let text = '';
  let from = 0;
  for (const edit of edits) {
    text += source.slice(from, edit.start) + edit.text;
    from = edit.end;
  }
  return text + source.slice(from);
}

function shiftsOf(source: string, edits: readonly TextEdit[]): Template['shifts'] {
  const shifts: { line: number; column: number; shift: number }[] = [];
  const lineEnd = /\r\n|[\n\r\u2028\u2029]/g;
  let line = 1;
  let lineStart = 0;
  let next = lineEnd.exec(source);
  for (const { start, end, text } of edits) {
    const shift = text.length - (end - start);
    if (shift === 0) continue;
    for (; next && next.index + next[0].length <= end; next = lineEnd.exec(source)) {
      line++;
      lineStart = next.index + next[0].length;
    }
    shifts.push({ line, column: end - lineStart + 1, shift });
  }
  return shifts;
}
