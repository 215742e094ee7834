/** `skillcache import` */
import { existsSync } from 'node:fs';
import { AbortedError, FileNotFoundError, SkillInvalidError } from '../errors.ts';
import type { SkillLibrary } from '../library.ts';
import type { Session } from './session.ts';

export interface ImportCommandOptions {
  readonly strict?: boolean;
  /** False with `--no-verify`. */
  readonly verify: boolean;
}

type Outcome = ReturnType<SkillLibrary['import']> extends AsyncIterable<infer Each> ? Each : never;

export async function importSkills(
  session: Session,
  paths: readonly string[],
  options: ImportCommandOptions,
): Promise<void> {
  const missing = paths.find((path) => !existsSync(path));
  if (missing !== undefined) throw new FileNotFoundError(`no such file or folder: ${missing}`);
  await using library = await session.open('create', { isLong: true });
  const outcomes: Outcome[] = [];
  const interrupted = await collect(session, library, { paths, verify: options.verify, outcomes });
  const counts = countsOf(outcomes);
  session.output.answer({ ...counts, interrupted: interrupted !== undefined, outcomes }, () =>
    reportOf(session, outcomes),
  );
  if (interrupted) {
    const done = counts.imported + counts.unchanged;
    throw new AbortedError(`interrupted: ${done} skills are in and stay, the rest was not looked at`, {
      cause: interrupted,
      details: { ...counts },
    });
  }
  if (options.strict && counts.refused > 0) {
    throw new SkillInvalidError(`${counts.refused} of ${outcomes.length} skills were refused`, {
      details: { ...counts },
    });
  }
}

/** Fills `outcomes`; what is returned is the abort that ended it early. */
async function collect(
  { output, signal }: Session,
  library: SkillLibrary,
  { paths, verify, outcomes }: { paths: readonly string[]; verify: boolean; outcomes: Outcome[] },
): Promise<AbortedError | undefined> {
  try {
    for (const path of paths) {
      output.progress(`reading ${path} …`);
      for await (const outcome of library.import(path, { signal, verify })) {
        outcomes.push(outcome);
        output.progress(`${outcomes.length} skills, the last ${outcome.name ?? outcome.source}`);
      }
    }
  } catch (error) {
    if (!(error instanceof AbortedError)) throw error;
    return error;
  }
  return undefined;
}

function countsOf(outcomes: readonly Outcome[]): Record<Outcome['status'], number> {
  const counts = { imported: 0, unchanged: 0, refused: 0 };
  for (const { status } of outcomes) counts[status] += 1;
  return counts;
}

/** The counts, then each refused skill with its reason, then what was imported with a warning. */
function reportOf({ output }: Session, outcomes: readonly Outcome[]): string {
  const counts = countsOf(outcomes);
  const verified = outcomes.reduce((sum, { verified = 0 }) => sum + verified, 0);
  const summary = output.table(
    [{ title: 'STATUS' }, { title: 'SKILLS', align: 'right' }, { title: '' }],
    [
      ['imported', String(counts.imported), `${verified} examples held`],
      ['unchanged', String(counts.unchanged), ''],
      ['refused', String(counts.refused), ''],
    ],
  );
  const refused = outcomes
    .filter(({ status }) => status === 'refused')
    .map(({ name, source, code, reason }) => [name ?? source, code ?? '', reason ?? '']);
  const warned = outcomes.flatMap(({ name, source, warnings }) =>
    withoutPlaces(warnings).map((warning) => [name ?? source, warning]),
  );
  const tables = [summary];
  // Not cut to the terminal: the end of a reason is what one looks for.
  const why = { title: 'WHY' };
  if (refused.length > 0) tables.push(output.table([{ title: 'REFUSED' }, { title: 'CODE' }, why], refused));
  if (warned.length > 0) {
    tables.push(output.table([{ title: 'WARNING' }, { title: '' }], warned));
  }
  return tables.join('\n\n');
}

/** The same warning of several places is one, with their number; `--json` has them all. */
function withoutPlaces(warnings: readonly string[]): string[] {
  const counts = new Map<string, number>();
  for (const warning of warnings) {
    const text = warning.replace(/ at \d+:\d+$/, '');
    counts.set(text, (counts.get(text) ?? 0) + 1);
  }
  return Array.from(counts, ([text, count]) => (count === 1 ? text : `${text} (${count} places)`));
}
