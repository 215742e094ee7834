/** Every command's words, options and examples. What a command does is loaded when it is asked for. */
import { InvalidArgumentError, Option, type Command } from 'commander';
import { UsageError } from '../errors.ts';
import { parseCount, parseSize, parseTime } from './arguments.ts';
import { declareBatch } from './batch.ts';
import { declareCache } from './cache.ts';
import { declareService } from './service-commands.ts';
import type { AddCommandOptions } from './add.ts';
import type { ExportCommandOptions } from './export.ts';
import type { ImportCommandOptions } from './import.ts';
import type { InjectCommandOptions } from './inject.ts';
import type { ListCommandOptions, SearchCommandOptions } from './list.ts';
import type { MetricsOptions } from './metrics.ts';
import type { RunCommandOptions } from './run.ts';
import type { Session } from './session.ts';

/** Of one page, as the store has it. */
const LIMIT_MAX = 1_000;
/** V8 does not start with less. */
const MEMORY_BYTES_LEAST = 16 * 2 ** 20;

/** May give an exit code of its own. */
export type Action = (session: Session) => Promise<number | void>;
export type Perform = (command: Command, action: Action) => Promise<void>;

export function declareCommands(program: Command, perform: Perform): void {
  examples(program, [
    'skillcache import ./skills',
    'skillcache search moving average of prices',
    `skillcache run moving-average --inputs '{"prices":[1,2,3,4],"window":2}'`,
    'skillcache run ./try.js --input n=5',
  ]);
  declareStoring(program, perform);
  declareFinding(program, perform);
  declareRunning(program, perform);
  declareKeeping(program, perform);
  declareOperating(program, perform);
  declareBatch(program, perform);
  declareCache(program, perform);
  declareService(program, perform);
}

function declareStoring(program: Command, perform: Perform): void {
  examples(program.command('init').description('make an empty library'), [
    'skillcache init --db ./skills.db',
  ]).action(async (_options: object, command: Command) =>
    perform(command, async (session) => (await import('./init.ts')).init(session)),
  );
  examples(
    program
      .command('add <path>')
      .description('store a skill: a .js or .ts file, a folder, a definition in JSON'),
    [
      'skillcache add double.js --description "Doubles a number. Use when …"',
      'skillcache add ./skills/csv-stats',
      'skillcache add definition.json --no-verify',
    ],
  )
    .option('--name <name>', 'its name (default: the file’s)')
    .option(
      '--description <text>',
      'what it does and when to use it (default: the comment the code opens with)',
    )
    .option('--tag <tag>', 'repeat for several', collect)
    .option('--input-schema <file>', 'JSON Schema 2020-12 of the inputs')
    .option('--output-schema <file>', 'JSON Schema 2020-12 of the answer')
    .option('--no-verify', 'do not run its examples first')
    .action(async (path: string, options: AddCommandOptions, command: Command) =>
      perform(command, async (session) => (await import('./add.ts')).add(session, path, options)),
    );
  examples(
    program
      .command('import <paths...>')
      .description('store many: folders, skills.json, lists in JSON, .js and .ts files'),
    ['skillcache import ./skills', 'skillcache import skills.json more-skills/ --strict'],
  )
    .option('--strict', 'exit 6 when a skill was refused')
    .option('--no-verify', 'do not run their examples first')
    .action(async (paths: string[], options: ImportCommandOptions, command: Command) =>
      perform(command, async (session) =>
        (await import('./import.ts')).importSkills(session, paths, options),
      ),
    );
}

function declareFinding(program: Command, perform: Perform): void {
  examples(program.command('list').description('the skills, by name'), [
    'skillcache list --tag finance',
    'skillcache list --limit 20 --after csv-stats',
  ])
    .option('--limit <n>', 'at most this many, 1 to 1000', limit, 100)
    .option('--after <name>', 'names behind this one')
    .option('--tag <tag>', 'only skills that carry it; repeat for several', collect)
    .action(async (options: ListCommandOptions, command: Command) =>
      perform(command, async (session) => (await import('./list.ts')).list(session, options)),
    );
  examples(program.command('show <skill>').description('all about a skill: NAME or NAME@VERSION'), [
    'skillcache show moving-average',
    'skillcache show moving-average@1 --code > moving-average.js',
  ])
    .option('--code', 'its code, nothing else')
    .action(async (skill: string, options: { code?: boolean }, command: Command) =>
      perform(command, async (session) => (await import('./show.ts')).show(session, skill, options)),
    );
  examples(program.command('search <words...>').description('skills that fit plain words, best first'), [
    'skillcache search average of a price series',
    'skillcache search parse csv --limit 3 --json',
  ])
    .option('--limit <n>', 'at most this many, 1 to 1000', limit, 10)
    .option('--tag <tag>', 'only skills that carry it; repeat for several', collect)
    .action(async (words: string[], options: SearchCommandOptions, command: Command) =>
      perform(command, async (session) => (await import('./list.ts')).search(session, words, options)),
    );
}

function declareRunning(program: Command, perform: Perform): void {
  withData(
    examples(program.command('run <program>').description('run a skill, a file, or stdin (-)'), [
      `skillcache run moving-average --inputs '{"prices":[1,2,3,4],"window":2}'`,
      'skillcache run csv-stats@1 --input text=@data.csv --timeout-ms 5000',
      'skillcache run ./try.ts --inputs @inputs.json',
      `echo 'const n = 1; n * 2' | skillcache run - --input n=21`,
    ]),
  )
    .option('--timeout-ms <ms>', 'kill it after this long', count)
    .option('--memory <size>', 'the most it may use, for example 256MiB', memory)
    .option('--output-max <size>', 'the largest answer', size)
    .option('--log-max <size>', 'console output kept', size)
    .option('--no-cache', 'run it even where the answer is known')
    .option('--refresh', 'run it and keep the new answer')
    .option('--explain', 'say why the answer came from where it came')
    .option('--seed <n>', 'make its random numbers replay', count)
    .option('--now <time>', 'the time it sees, for example 2026-01-01T00:00:00Z', time)
    .option(
      '--grant <what>',
      'fetch=HOST, read=NAME=PATH, write=NAME=PATH, wasm, eval, shared-memory, no-random, no-clock; repeat',
      collect,
    )
    .action(async (word: string, options: RunCommandOptions, command: Command) =>
      perform(command, async (session) => (await import('./run.ts')).run(session, word, options)),
    );
  withData(
    examples(program.command('inject <program>').description('print a program with the data put in'), [
      `skillcache inject moving-average --inputs '{"window":5}' --diff`,
      'skillcache inject ./try.js --input n=5 > filled.js',
    ]),
  )
    .option('--diff', 'number the lines and mark what changed')
    .action(async (word: string, options: InjectCommandOptions, command: Command) =>
      perform(command, async (session) => (await import('./inject.ts')).inject(session, word, options)),
    );
  examples(program.command('verify [skills...]').description('run the examples of stored skills again'), [
    'skillcache verify moving-average',
    'skillcache verify --all',
  ])
    .option('--all', 'every skill')
    .action(async (skills: string[], options: { all?: boolean }, command: Command) =>
      perform(command, async (session) => (await import('./verify.ts')).verify(session, skills, options)),
    );
}

function declareKeeping(program: Command, perform: Perform): void {
  examples(
    program.command('export [skills...]').description('write skills out (all, unless some are named)'),
    [
      'skillcache export --out ./skills',
      'skillcache export moving-average --format json',
      'skillcache export > skills.ndjson',
    ],
  )
    .option('--out <path>', 'a folder, or a file whose name ends in .json or .ndjson (default: stdout)')
    .addOption(
      new Option('--format <format>', 'default: from --out, else ndjson').choices([
        'ndjson',
        'json',
        'folders',
      ]),
    )
    .option('--force', 'write over skill folders that are there already')
    .action(async (skills: string[], options: ExportCommandOptions, command: Command) =>
      perform(command, async (session) =>
        (await import('./export.ts')).exportSkills(session, skills, options),
      ),
    );
  examples(program.command('remove <skill>').description('remove a skill with all its versions'), [
    'skillcache remove moving-average',
  ]).action(async (skill: string, _options: object, command: Command) =>
    perform(command, async (session) => (await import('./remove.ts')).remove(session, skill)),
  );
  examples(program.command('rollback <skill>').description('make an older version current'), [
    'skillcache rollback moving-average',
    'skillcache rollback moving-average --to 1',
  ])
    .option('--to <version>', 'default: the one before the current', count)
    .action(async (skill: string, options: { to?: number }, command: Command) =>
      perform(command, async (session) => (await import('./remove.ts')).rollback(session, skill, options)),
    );
}

function declareOperating(program: Command, perform: Perform): void {
  examples(
    program
      .command('metrics')
      .description('the numbers of a service, or of the store and this process: runs count from its start'),
    ['skillcache metrics --url http://127.0.0.1:7433', 'skillcache metrics --format prometheus'],
  )
    .addOption(new Option('--format <format>', 'the form').choices(['json', 'prometheus']).default('json'))
    .option('--url <url>', 'ask the service there; the key is in SKILLCACHE_KEY')
    .action(async (options: MetricsOptions, command: Command) =>
      perform(command, async (session) => (await import('./metrics.ts')).metrics(session, options)),
    );
  examples(
    program.command('backup <file>').description('copy the library into a new file, while it is in use'),
    ['skillcache backup ./skills-backup.db'],
  ).action(async (file: string, _options: object, command: Command) =>
    perform(command, async (session) => (await import('./backup.ts')).backup(session, file)),
  );
  examples(program.command('restore <file>').description('put a backup in the place of the library'), [
    'skillcache restore ./skills-backup.db',
  ]).action(async (file: string, _options: object, command: Command) =>
    perform(command, async (session) => (await import('./backup.ts')).restore(session, file)),
  );
  examples(program.command('doctor').description('look at everything a run needs'), [
    'skillcache doctor --deep',
  ])
    .option('--deep', 'read the whole database')
    .action(async (options: { deep?: boolean }, command: Command) =>
      perform(command, async (session) => (await import('./doctor.ts')).doctor(session, options)),
    );
  const config = program.command('config').description('the options in force, and where each comes from');
  examples(config, ['skillcache config', 'skillcache config schema > skillcache.schema.json']);
  config
    .command('show', { isDefault: true })
    .description('every option (the default)')
    .action(async (_options: object, command: Command) =>
      perform(command, async (session) => (await import('./config.ts')).showConfig(session)),
    );
  config
    .command('schema')
    .description('JSON Schema of a --config file')
    .action(async (_options: object, command: Command) =>
      perform(command, async (session) => (await import('./config.ts')).showConfigSchema(session)),
    );
  examples(
    program.command('demo').description('the main job, end to end, in a library that is gone afterwards'),
    ['skillcache demo'],
  ).action(async (_options: object, command: Command) =>
    perform(command, async (session) => (await import('./demo.ts')).demo(session)),
  );
}

/** The data of a call: the same words for `run` and `inject`. */
function withData(command: Command): Command {
  return command
    .option('--inputs <json>', 'the data: JSON, @file, or - for stdin')
    .option('--input <key=value>', 'one datum: JSON or text, or key=@file; repeat for several', collect)
    .option('--context <json>', 'data that inputs win over: JSON, @file or -')
    .option('--parameters <json>', 'data that both win over: JSON, @file or -')
    .addOption(
      new Option('--language <language>', 'of a file or stdin').choices(['javascript', 'typescript']),
    );
}

function examples(command: Command, lines: readonly string[]): Command {
  return command.addHelpText('before', `Examples:\n${lines.map((line) => `  ${line}`).join('\n')}\n`);
}

function collect(word: string, before: readonly string[] = []): string[] {
  return [...before, word];
}

const count = (word: string): number =>
  parsed(word, (text) => {
    if (/^-\d+$/.test(text)) throw new UsageError(`${text} is under 0`);
    return parseCount(text);
  });
const limit = (word: string): number =>
  parsed(word, (text) => {
    const value = parseCount(text);
    if (value >= 1 && value <= LIMIT_MAX) return value;
    throw new UsageError(`${value} is not within 1 and ${LIMIT_MAX}`);
  });
const size = (word: string): number => parsed(word, parseSize);
const memory = (word: string): number =>
  parsed(word, (text) => {
    const bytes = parseSize(text);
    if (bytes >= MEMORY_BYTES_LEAST) return bytes;
    throw new UsageError(`${bytes} ${bytes === 1 ? 'byte is' : 'bytes are'} under 16 MiB`);
  });
const time = (word: string): number | string => parsed(word, parseTime);

/** Commander names the option before the message of this class of error alone. */
function parsed<T>(word: string, parse: (word: string) => T): T {
  try {
    return parse(word);
  } catch (error) {
    throw error instanceof UsageError ? new InvalidArgumentError(error.message) : error;
  }
}
