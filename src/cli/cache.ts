/** `skillcache cache` */
import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import { FileNotFoundError } from '../errors.ts';
import type { SkillLibrary } from '../library.ts';
import type { Perform } from './commands.ts';
import type { Session } from './session.ts';

type Outcome = ReturnType<SkillLibrary['refresh']> extends AsyncIterable<infer Each> ? Each : never;

/** The words of the commands. */
export function declareCache(program: Command, perform: Perform): void {
  const cache = program
    .command('cache')
    .description('what is kept close: stored results and compiled skills')
    .addHelpText('before', 'Examples:\n  skillcache cache clear\n  skillcache cache refresh ./skills\n');
  cache
    .command('clear')
    .description('drop all stored results')
    .action(async (_options: object, command: Command) => perform(command, clear));
  cache
    .command('evict')
    .description('drop the stored results that are past their age')
    .action(async (_options: object, command: Command) => perform(command, evict));
  cache
    .command('warm')
    .description('compile the most used skills, as a server does at its start, and name them')
    .option('--limit <n>', 'at most this many (default 20)')
    .action(async (options: { limit?: string }, command: Command) =>
      perform(command, (session) => warm(session, options)),
    );
  cache
    .command('refresh <paths...>')
    .description('import again what changed in folders on disk')
    .action(async (paths: string[], _options: object, command: Command) =>
      perform(command, (session) => refresh(session, paths)),
    );
}

async function clear(session: Session): Promise<void> {
  await using library = await session.open('existing');
  const cleared = await library.clearCaches();
  session.output.answer(cleared, () => `dropped ${cleared.results} results`);
}

async function evict(session: Session): Promise<void> {
  await using library = await session.open('existing');
  const evicted = await library.evictExpired();
  session.output.answer(evicted, () => `dropped ${evicted.results} results past their age`);
}

async function warm(session: Session, { limit }: { limit?: string }): Promise<void> {
  const { parseCount } = await import('./arguments.ts');
  await using library = await session.open('existing');
  const report = await library.warmUp({
    signal: session.signal,
    ...(limit !== undefined && { skills: parseCount(limit) }),
  });
  session.output.answer(report, () =>
    session.output.table(
      [{ title: 'SKILL' }, { title: 'VERSION', align: 'right' }, { title: 'RUNS', align: 'right' }],
      report.skills.map(({ name, version, runs }) => [name, String(version), String(runs)]),
    ),
  );
}

async function refresh(session: Session, paths: readonly string[]): Promise<void> {
  const missing = paths.find((path) => !existsSync(path));
  if (missing !== undefined) throw new FileNotFoundError(`no such file or folder: ${missing}`);
  await using library = await session.open('existing');
  const changed: Outcome[] = [];
  let unchanged = 0;
  for await (const outcome of library.refresh(paths, { signal: session.signal })) {
    if (outcome.status === 'unchanged') unchanged += 1;
    else changed.push(outcome);
  }
  session.output.answer({ changed, unchanged }, () => {
    const rows = changed.map(({ name, source, status, version, reason }) => [
      name ?? source,
      status,
      reason ?? `version ${version}`,
    ]);
    const table = session.output.table([{ title: 'SKILL' }, { title: 'STATUS' }, { title: '' }], rows);
    return rows.length === 0 ? `${unchanged} skills, none changed` : table;
  });
}
