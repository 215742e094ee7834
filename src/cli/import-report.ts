/** What an import tells a person: refusals and counts as tables, warnings by their words. */
import type { SkillLibrary } from '../library.ts';
import type { Output } from './output.ts';
import { plainLine } from './plain-text.ts';

export type Outcome = ReturnType<SkillLibrary['import']> extends AsyncIterable<infer Each> ? Each : never;

/** Skills named beside a warning that several have. */
const NAMES_MAX = 5;

export function countsOf(outcomes: readonly Outcome[]): Record<Outcome['status'], number> {
  const counts = { imported: 0, unchanged: 0, refused: 0 };
  for (const { status } of outcomes) counts[status] += 1;
  return counts;
}

/** Each refused skill with its reason; the counts last, where one looks. */
export function reportOf(output: Output, outcomes: readonly Outcome[]): string {
  const counts = countsOf(outcomes);
  const refused = outcomes
    .filter(({ status }) => status === 'refused')
    .map(({ name, source, code, reason }) => [name ?? source, code ?? '', reason ?? '']);
  const summary = output.table(
    [{ title: 'STATUS' }, { title: 'SKILLS', align: 'right' }, { title: '' }],
    [
      ['imported', String(counts.imported), examplesOf(outcomes)],
      ['unchanged', String(counts.unchanged), ''],
      ['refused', String(counts.refused), ''],
    ],
  );
  if (refused.length === 0) return summary;
  // Not cut to the terminal: the end of a reason is what one looks for.
  return `${output.table([{ title: 'REFUSED' }, { title: 'CODE' }, { title: 'WHY' }], refused)}\n\n${summary}`;
}

function examplesOf(outcomes: readonly Outcome[]): string {
  const verified = outcomes.flatMap(({ verified = 0 }) => (verified > 0 ? [verified] : []));
  const examples = verified.reduce((sum, each) => sum + each, 0);
  return `with examples ${verified.length} (${examples} held)`;
}

/** Every warning once, those of most skills first, with the skills that have it; `--json` has each with its place. */
export function warningsOf(outcomes: readonly Outcome[]): string[] {
  const skills = new Map<string, Set<string>>();
  for (const { name, source, warnings } of outcomes) {
    for (const warning of warnings) {
      const text = plainLine(warning).replace(/ at \d+:\d+$/, '');
      const having = skills.get(text) ?? new Set();
      skills.set(text, having.add(name ?? source));
    }
  }
  const grouped = Array.from(skills, ([text, having]) => ({ text, names: Array.from(having) }));
  return grouped
    .toSorted((left, right) => right.names.length - left.names.length)
    .map(({ text, names }) => `${text} (${shown(names)})`);
}

function shown(names: readonly string[]): string {
  const first = names.slice(0, NAMES_MAX).join(', ');
  return names.length <= NAMES_MAX ? first : `${first} and ${names.length - NAMES_MAX} more`;
}
