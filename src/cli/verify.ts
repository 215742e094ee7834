/** `skillcache verify` */
import { SkillVerificationError, UsageError } from '../errors.ts';
import type { SkillLibrary } from '../library.ts';
import type { VerifyReport } from '../library/types.ts';
import type { Session } from './session.ts';

export async function verify(
  session: Session,
  names: readonly string[],
  options: { all?: boolean },
): Promise<void> {
  if (names.length === 0 && !options.all) throw new UsageError('name a skill, or say --all');
  if (names.length > 0 && options.all) throw new UsageError('names and --all exclude each other');
  await using library = await session.open('read', { isLong: true });
  const { output, signal } = session;
  const reports: VerifyReport[] = [];
  for await (const name of options.all ? everyName(library, signal) : names) {
    reports.push(await output.waitFor(`verifying ${name}`, library.verify(name, { signal })));
  }
  output.answer({ reports }, () => tableOf(session, reports));
  const failed = reports.filter((report) => report.failures.length > 0);
  if (failed.length > 0) throw failureOfAll(failed, reports.length);
}

async function* everyName(library: SkillLibrary, signal: AbortSignal): AsyncGenerator<string> {
  let after: string | undefined;
  do {
    const page = await library.list({ limit: 1_000, signal, ...(after !== undefined && { after }) });
    for (const { name } of page) yield name;
    after = page.at(-1)?.name;
  } while (after !== undefined);
}

function tableOf({ output }: Session, reports: readonly VerifyReport[]): string {
  if (reports.length === 0) return '';
  return output.table(
    [
      { title: 'NAME' },
      { title: 'VERSION', align: 'right' },
      { title: 'PASSED', align: 'right' },
      { title: 'FAILED', align: 'right' },
    ],
    reports.map(({ name, version, passed, failures }) => [
      name,
      String(version),
      String(passed),
      failures.length === 0 ? '-' : String(failures.length),
    ]),
  );
}

function failureOfAll(failed: readonly VerifyReport[], total: number): SkillVerificationError {
  const names = failed.map(({ name, version }) => `${name}@${version}`).join(', ');
  const failures = failed.flatMap(({ name, version, failures }) =>
    failures.map((failure) => ({ skill: `${name}@${version}`, ...failure })),
  );
  const message = `examples failed in ${failed.length} of ${total} skills: ${names}`;
  return new SkillVerificationError(message, { details: { failures } });
}
