/** `skillcache batch`: its words. What they do is loaded when it is asked for. */
import type { Command } from 'commander';
import type { Perform } from './commands.ts';

/** As commander has read them. */
export interface BatchRunWords {
  readonly inputs: string;
  readonly output: string;
  readonly overwrite?: boolean;
  readonly format?: string;
  readonly id?: string;
  readonly context?: string;
  readonly parameters?: string;
  readonly chunkSize?: string;
  readonly chunkMinutes?: string;
  readonly timeBudget?: string;
  readonly maxItems?: string;
  readonly maxFailures?: string;
  readonly onError?: string;
  readonly concurrency?: string;
  readonly window?: string;
  readonly progressItems?: string;
  readonly progressMs?: string;
  readonly timeoutMs?: string;
  readonly memory?: string;
  readonly seed?: string;
  readonly now?: string;
  /** False with `--no-cache`. */
  readonly cache: boolean;
}

export type BatchResumeWords = Pick<BatchRunWords, 'onError' | 'maxFailures' | 'maxItems' | 'timeBudget'>;

export type BatchCompareWords = Partial<Omit<BatchRunWords, 'cache'>> & {
  readonly inputs: string;
  /** True with `--cache` alone. */
  readonly cache?: boolean;
  readonly show: string;
};

const ON_ERROR = 'skip (the line carries the error), stop, or retry=N';

export function declareBatch(program: Command, perform: Perform): void {
  const batch = program
    .command('batch')
    .description('run one skill over many inputs; what is killed can be resumed')
    .addHelpText(
      'before',
      'Examples:\n  skillcache batch run moving-average --inputs in.ndjson --output out.ndjson\n' +
        '  skillcache batch resume 20261126-013000-1a2b3c\n' +
        '  skillcache batch compare moving-average@1 moving-average@2 --inputs in.ndjson\n',
    );
  declareRun(batch, perform);
  declareCompare(batch, perform);
  batch
    .command('list')
    .description('the batches, the latest first')
    .option('--limit <n>', 'at most this many', '20')
    .action(async (options: { limit: string }, command: Command) =>
      perform(command, async (session) => (await import('./batch-list.ts')).list(session, options)),
    );
  batch
    .command('status <id>')
    .description('how far a batch is')
    .action(async (id: string, _options: object, command: Command) =>
      perform(command, async (session) => (await import('./batch-list.ts')).status(session, id)),
    );
  batch
    .command('resume <id>')
    .description('go on from the last checkpoint; inputs that came from stdin are piped in again')
    .option('--on-error <what>', `${ON_ERROR}; here and below: other than it was begun with`)
    .option('--max-failures <n>', 'of the whole batch, those before included')
    .option('--max-items <n>', 'of the whole batch; one that ended at fewer goes on')
    .option('--time-budget <time>', 'of this attempt, for example 90s, 30m or 2h')
    .action(async (id: string, options: BatchResumeWords, command: Command) =>
      perform(command, async (session) => (await import('./batch-run.ts')).resume(session, id, options)),
    );
  batch
    .command('cancel <id>')
    .description('end a batch for good; what runs is finished first')
    .action(async (id: string, _options: object, command: Command) =>
      perform(command, async (session) => (await import('./batch-list.ts')).cancel(session, id)),
    );
}

function declareRun(batch: Command, perform: Perform): void {
  withRunOptions(
    batch
      .command('run <skill>')
      .description('run a skill over all inputs: NDJSON, a JSON array (.json) or CSV (.csv)')
      .requiredOption('--inputs <file>', 'or - for stdin')
      .requiredOption('--output <file>', 'NDJSON, one line an input, in their order; - for stdout'),
  )
    .option('--overwrite', 'empty an output file that holds something; else it is refused')
    .option('--id <id>', 'its name (default: made of the time)')
    .option('--chunk-size <n>', 'items between two checkpoints')
    .option('--chunk-minutes <m>', 'longest time between two checkpoints')
    .option('--time-budget <time>', 'stop after this, for example 90s, 30m or 2h; it can be resumed')
    .option('--max-failures <n>', 'stop at the failed item that is one too many')
    .option('--progress-items <n>', 'tell progress anew after so many items')
    .option('--progress-ms <ms>', 'and after this long')
    .option('--no-cache', 'run every item, even where its answer is known')
    .action(async (skill: string, options: BatchRunWords, command: Command) =>
      perform(command, async (session) => (await import('./batch-run.ts')).run(session, skill, options)),
    );
}

function declareCompare(batch: Command, perform: Perform): void {
  withRunOptions(
    batch
      .command('compare <before> <after>')
      .description('run two versions over the same inputs: where they differ, who fails, who is faster')
      .requiredOption('--inputs <file>', 'or - for stdin'),
  )
    .option('--cache', 'take known answers from the cache: they are not timed')
    .option('--no-cache', 'run every item (the default)')
    .option('--show <n>', 'print so many of the inputs that differ', '10')
    .action(async (before: string, after: string, options: BatchCompareWords, command: Command) =>
      perform(command, async (session) =>
        (await import('./batch-compare.ts')).compare(session, before, after, options),
      ),
    );
}

function withRunOptions(command: Command): Command {
  return command
    .option('--format <format>', 'of the inputs: ndjson, json or csv')
    .option('--context <json>', 'data that inputs win over: JSON, @file or -')
    .option('--parameters <json>', 'data that both win over: JSON, @file or -')
    .option('--max-items <n>', 'only so many inputs')
    .option('--on-error <what>', ON_ERROR)
    .option('--concurrency <n>', 'most runs at once')
    .option('--window <n>', 'most items between the slowest run and the last input taken')
    .option('--timeout-ms <ms>', 'kill a run after this long')
    .option('--memory <size>', 'the most a run may use, for example 256MiB')
    .option('--seed <n>', 'make random numbers replay')
    .option('--now <time>', 'the time the skill sees');
}
