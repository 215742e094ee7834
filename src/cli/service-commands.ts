/** The commands of the service: their words, options and examples. */
import { InvalidArgumentError, type Command } from 'commander';
import type { Perform } from './commands.ts';
import type { KeyCreateOptions } from './keys.ts';
import type { ServeOptions } from './serve.ts';

const PORT_MAX = 65_535;
const UNIT_MS = { m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

const KEY_EXAMPLES = `Examples:
  skillcache keys create --name agent --scope read --scope run --expires 30d
  skillcache keys create --tenant acme --scope write --skill csv-*
  skillcache keys revoke abcdefgh2345
`;

export function declareService(program: Command, perform: Perform): void {
  declareServe(program, perform);
  declareKeys(program, perform);
  program
    .command('audit')
    .description('who did what over HTTP, as NDJSON, oldest first')
    .addHelpText('before', 'Examples:\n  skillcache audit > audit.ndjson\n  skillcache audit --after 1200\n')
    .option('--after <seq>', 'only entries behind this one', whole)
    .action(async (options: { after?: number }, command: Command) =>
      perform(command, async (session) => (await import('./audit.ts')).audit(session, options)),
    );
}

function declareKeys(program: Command, perform: Perform): void {
  const keys = program
    .command('keys')
    .description('who may ask the service')
    .addHelpText('before', KEY_EXAMPLES);
  keys
    .command('create')
    .description('make a key; it is shown this once')
    .option('--name <name>', 'what you call it')
    .option('--tenant <tenant>', 'whose skills it works with', 'default')
    .option(
      '--scope <scope>',
      'read, run, write or admin; repeat for several (default: read and run)',
      collect,
    )
    .option('--skill <name>', 'only this skill, or those that begin so (csv-*); repeat for several', collect)
    .option('--expires <time>', 'it ends after this: 12h, 30d', time)
    .action(async (options: KeyCreateOptions, command: Command) =>
      perform(command, async (session) => (await import('./keys.ts')).createKey(session, options)),
    );
  keys
    .command('list')
    .description('the keys, without what is secret of them')
    .action(async (_options: object, command: Command) =>
      perform(command, async (session) => (await import('./keys.ts')).listKeys(session)),
    );
  keys
    .command('revoke <id>')
    .description('end a key; a service that is running refuses it within a second')
    .action(async (id: string, _options: object, command: Command) =>
      perform(command, async (session) => (await import('./keys.ts')).revokeKey(session, id)),
    );
}

function declareServe(program: Command, perform: Perform): void {
  program
    .command('serve')
    .description('serve the library over HTTP until it is told to stop')
    .addHelpText('before', `Examples:\n  skillcache serve\n  skillcache serve --port 0 --no-skills --json\n`)
    .option('--host <address>', 'address to listen on (default: the option http.host)')
    .option('--port <port>', 'port to listen on; 0 takes a free one (default: http.port)', port)
    .option('--skills <folder>', 'import this folder first (default: ./skills where there is one)')
    .option('--no-skills', 'import nothing')
    .action(async ({ skills, ...options }: ServeOptions & { skills?: string | boolean }, command: Command) =>
      perform(command, async (session) => {
        const given = typeof skills === 'string' || skills === false ? { ...options, skills } : options;
        return (await import('./serve.ts')).serve(session, given);
      }),
    );
}

function port(word: string): number {
  const value = Number(word);
  if (/^\d{1,5}$/.test(word) && value <= PORT_MAX) return value;
  throw new InvalidArgumentError(`expected a port, 0 to ${PORT_MAX}`);
}

function whole(word: string): number {
  if (/^\d{1,15}$/.test(word)) return Number(word);
  throw new InvalidArgumentError('expected a whole number');
}

function time(word: string): number {
  const [, count = '', unit = ''] = /^([1-9]\d{0,4})([mhd])$/.exec(word) ?? [];
  if (count !== '') return Number(count) * UNIT_MS[unit as keyof typeof UNIT_MS];
  throw new InvalidArgumentError('expected minutes, hours or days: 30m, 12h, 30d');
}

function collect(word: string, before: readonly string[] = []): string[] {
  return [...before, word];
}
