/** `skillcache import` */
import { existsSync } from 'node:fs';
import { AbortedError, FileNotFoundError, SkillCacheError, SkillInvalidError } from '../errors.ts';
import type { SkillLibrary } from '../library.ts';
import { countsOf, reportOf, warningsOf, type Outcome } from './import-report.ts';
import type { Session } from './session.ts';

export interface ImportCommandOptions {
  readonly strict?: boolean;
  /** False with `--no-verify`. */
  readonly verify: boolean;
}

export async function importSkills(
  session: Session,
  paths: readonly string[],
  options: ImportCommandOptions,
): Promise<void> {
  // Before the library is opened, which creates it.
  if (!paths.some((path) => existsSync(path))) {
    throw new FileNotFoundError(`no such file or folder: ${paths.join(', ')}`);
  }
  await expectSkills(session, paths);
  await using library = await session.open('create', { isLong: true });
  const outcomes: Outcome[] = [];
  const ended = await collect(session, library, { paths, verify: options.verify, outcomes });
  if (ended && outcomes.length === 0 && !(ended instanceof AbortedError)) throw ended;
  const { output } = session;
  const counts = countsOf(outcomes);
  if (!output.json) for (const warning of warningsOf(outcomes)) output.warn(warning);
  output.answer({ ...counts, interrupted: ended !== undefined, outcomes }, () => reportOf(output, outcomes));
  if (ended) throw endedEarly(ended, counts);
  if (options.strict && counts.refused > 0) {
    throw new SkillInvalidError(`${counts.refused} of ${outcomes.length} skills were refused`, {
      details: { ...counts },
    });
  }
}

/** Before a library is made: where no path holds skills, no empty one may be left behind. */
async function expectSkills(session: Session, paths: readonly string[]): Promise<void> {
  const { exists } = await session.place();
  if (exists) return;
  await using reader = await session.open('memory');
  const errors: unknown[] = [];
  for (const path of paths) {
    try {
      await reader.readSkills(path, { signal: session.signal })[Symbol.asyncIterator]().next();
      return;
    } catch (error) {
      errors.push(error);
    }
  }
  throw errors[0];
}

/** Fills `outcomes`; what is returned is the error that ended it early. */
async function collect(
  session: Session,
  library: SkillLibrary,
  { paths, verify, outcomes }: { paths: readonly string[]; verify: boolean; outcomes: Outcome[] },
): Promise<SkillCacheError | undefined> {
  const { output, signal } = session;
  for (const path of paths) {
    output.progress(`reading ${path} …`);
    try {
      for await (const outcome of library.import(path, { signal, verify })) {
        outcomes.push(outcome);
        output.progress(`${outcomes.length} skills, the last ${outcome.name ?? outcome.source}`);
      }
    } catch (error) {
      if (!(error instanceof SkillCacheError)) throw error;
      if (paths.length === 1 || !OF_THE_PATH.has(error.code)) return error;
      const { code, message: reason } = error;
      outcomes.push({ source: path, status: 'refused', warnings: [], code, reason });
    }
  }
  return undefined;
}

/** What is wrong with one path alone: the next one may be good. */
const OF_THE_PATH: ReadonlySet<string> = new Set(['FILE_NOT_FOUND', 'SKILL_INVALID', 'SKILL_SYNTAX']);

function endedEarly(cause: SkillCacheError, counts: ReturnType<typeof countsOf>): SkillCacheError {
  const done = counts.imported + counts.unchanged;
  const rest = `${done === 1 ? '1 skill is in and stays' : `${done} skills are in and stay`}, the rest was not looked at`;
  const details = { ...cause.details, ...counts };
  return cause instanceof AbortedError
    ? new AbortedError(`interrupted: ${rest}`, { cause, details })
    : new SkillCacheError(cause.code, `${rest}: ${cause.message}`, { cause, details });
}
