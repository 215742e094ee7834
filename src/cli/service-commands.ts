/** The commands of the service: their words, options and examples. */
import { InvalidArgumentError, type Command } from 'commander';
import type { Perform } from './commands.ts';
import type { ServeOptions } from './serve.ts';

const PORT_MAX = 65_535;

export function declareService(program: Command, perform: Perform): void {
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
