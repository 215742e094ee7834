/** The program: reads its words, runs one command, and ends with the exit code that belongs to what happened. */
import { Command, CommanderError } from 'commander';
import { ERROR_KINDS, SkillNotFoundError, UsageError, abortError, AbortedError } from '../errors.ts';
import { packageVersion } from '../package-root.ts';
import { stdinReader } from './arguments.ts';
import { declareCommands } from './commands.ts';
import { failureJson, failureOf, failureText } from './failure.ts';
import { Output } from './output.ts';
import { Session, type GlobalOptions } from './session.ts';

/** How long an interrupted command has to tidy up before the process ends regardless. */
const GRACE_MS = 10_000;

export async function main(words: readonly string[]): Promise<never> {
  const interruption = new Interruption();
  const exitCode = await perform(words, interruption);
  await Promise.all([flushed(process.stdout), flushed(process.stderr)]);
  // Not left to the loop: a handle that somebody forgot must not hold the shell.
  process.exit(interruption.isPipeClosed ? 0 : exitCode);
}

/** Where writes are not done at once (pipes of some platforms), waits for them. */
async function flushed(stream: NodeJS.WriteStream): Promise<void> {
  // An error is told by the stream's own listener.
  await new Promise<unknown>((resolve) => stream.write('', resolve));
}

async function perform(words: readonly string[], interruption: Interruption): Promise<number> {
  const json = words.includes('--json');
  let output = outputOf({ json, quiet: false });
  let exitCode = 0;
  try {
    const program = buildProgram(json);
    declareCommands(program, async (command, action) => {
      const global = command.optsWithGlobals<GlobalOptions>();
      output = outputOf({ json: global.json === true, quiet: global.quiet === true });
      const stdin = stdinReader(process.stdin, interruption.signal);
      const session = new Session({
        output,
        signal: interruption.signal,
        stdin,
        env: process.env,
        global,
        lasts: () => interruption.takeTime(),
        bePatient: () => interruption.bePatient(),
      });
      try {
        exitCode = (await action(session)) ?? 0;
      } catch (error) {
        if (!(error instanceof SkillNotFoundError)) throw error;
        throw await (await import('./similar-names.ts')).withSimilarNames(error, session);
      }
    });
    await program.parseAsync(words, { from: 'user' });
    return exitCode;
  } catch (thrown) {
    if (thrown instanceof CommanderError && thrown.exitCode === 0) return 0;
    return tell(output, thrown, interruption);
  }
}

/** Says what went wrong, on stderr; its exit code. */
function tell(output: Output, thrown: unknown, interruption: Interruption): number {
  if (interruption.isPipeClosed) return 0;
  // `skillcache` alone: its help was printed, and is the whole answer.
  if (thrown instanceof CommanderError && thrown.code === 'commander.help' && !output.json) {
    return ERROR_KINDS.USAGE.exitCode;
  }
  const failure = failureOf(thrown instanceof CommanderError ? usageError(thrown) : thrown);
  const { logs } = failure.details;
  // What a skill said before it failed; with `--json` it is among the details.
  if (typeof logs === 'string' && logs !== '' && !output.json) output.note(logs.trimEnd());
  output.error(output.json ? failureJson(failure) : failureText(failure, output.paintNotes));
  return failure.exitCode;
}

function usageError(error: CommanderError): UsageError {
  if (error.code === 'commander.help') return new UsageError('no command was named; see skillcache --help');
  return new UsageError(error.message.replace(/^error: /, '').replace(/\n/g, ' '), { cause: error });
}

function outputOf({ json, quiet }: { json: boolean; quiet: boolean }): Output {
  return new Output({ stdout: process.stdout, stderr: process.stderr, env: process.env, json, quiet });
}

function buildProgram(json: boolean): Command {
  return (
    new Command('skillcache')
      .description(
        'A skill library for LLM agents: store programs, find them, fill them with data, run them confined.',
      )
      .version(packageVersion(), '-V, --version', 'print the version')
      .option('--db <path>', 'the library (default: $SKILLCACHE_DB, else the config file, else skills.db)')
      .option('--config <path>', 'options as JSON, a file or a folder; `skillcache config` shows them all')
      .option('--json', 'print one JSON document on stdout, errors as JSON on stderr')
      .option('--quiet', 'print nothing but the answer and errors')
      .helpOption('-h, --help', 'show this')
      .configureHelp({ showGlobalOptions: true })
      // Errors are told by `tell`; what is left for stderr is the help that follows a missing command.
      .configureOutput({ outputError: () => undefined, ...(json && { writeErr: () => undefined }) })
      .exitOverride()
  );
}

/** SIGINT, SIGTERM and a closed stdout, as one abort signal. */
class Interruption {
  readonly #controller = new AbortController();
  /** Set where the first interruption asks, and only the second one stops. */
  #second: AbortController | undefined;
  isPipeClosed = false;
  #takesTime = false;

  constructor() {
    process.on('SIGINT', () => this.#interrupt('SIGINT'));
    process.on('SIGTERM', () => this.#interrupt('SIGTERM'));
    process.stdout.on('error', (error: NodeJS.ErrnoException) => this.#stdoutFailed(error));
    // Nobody hears us: no reason to stop working.
    process.stderr.on('error', () => undefined);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** The first signal is a request, which has no deadline here. */
  takeTime(): void {
    this.#takesTime = true;
  }

  /** From now on the first interruption has no deadline; the signal of the second. */
  bePatient(): AbortSignal {
    this.#second ??= new AbortController();
    return this.#second.signal;
  }

  #stdoutFailed(error: NodeJS.ErrnoException): void {
    if (error.code !== 'EPIPE') {
      process.stderr.write(`error: stdout cannot be written: ${error.code ?? error.message}\n`);
      process.exit(ERROR_KINDS.INTERNAL.exitCode);
    }
    // The reader has seen enough (`| head`).
    this.isPipeClosed = true;
    this.#controller.abort(new AbortedError('stdout was closed'));
  }

  #interrupt(name: string): void {
    const next = this.signal.aborted ? this.#second : this.#controller;
    if (!next || next.signal.aborted) process.exit(ERROR_KINDS.ABORTED.exitCode);
    next.abort(new AbortedError(`interrupted by ${name}`));
    const isAsked = this.#second !== undefined && !this.#second.signal.aborted;
    if (this.#takesTime || isAsked) return;
    const { exitCode } = abortError(this.signal);
    setTimeout(() => process.exit(exitCode), GRACE_MS).unref();
  }
}
