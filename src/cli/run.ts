/** `skillcache run` */
import type { RunOptions } from '../run-options.ts';
import { SkillRuntimeError, UsageError } from '../errors.ts';
import type { GivenGrants } from './grants.ts';
import { readProgram } from './program-source.ts';
import type { DataOptions, Session } from './session.ts';

export interface RunCommandOptions extends DataOptions {
  readonly timeoutMs?: number;
  readonly memory?: number;
  readonly outputMax?: number;
  readonly logMax?: number;
  /** False with `--no-cache`. */
  readonly cache: boolean;
  readonly refresh?: boolean;
  readonly explain?: boolean;
  readonly seed?: number;
  readonly now?: number | string;
  readonly grant?: readonly string[];
  readonly language?: 'javascript' | 'typescript';
}

export async function run(session: Session, word: string, options: RunCommandOptions): Promise<void> {
  if (!options.cache && options.refresh) throw new UsageError('--no-cache and --refresh exclude each other');
  const program = await readProgram(word, session.stdin, session.signal);
  const { inputs, ...data } = await session.callData(options);
  const given = options.grant && (await grantsOf(session, options.grant));
  const runOptions = {
    ...data,
    ...limitsOf(options),
    ...modeOf(options),
    ...(given && { grants: given.call }),
    signal: session.signal,
  };
  const mode = program.kind === 'code' ? 'optional' : 'read';
  await using library = await session.open(mode, given && { grants: given.most });
  const { output } = session;
  const language = options.language ?? (program.kind === 'code' ? program.language : undefined);
  const answer = await output.waitFor(
    `running ${word}`,
    program.kind === 'stored'
      ? library.run(program.reference, inputs, runOptions)
      : runFile(
          word,
          library.runCode(program.code, inputs, { ...runOptions, ...(language && { language }) }),
        ),
  );
  if (output.json) {
    output.value({ ...answer, durationMs: Math.round(answer.durationMs * 1_000) / 1_000 });
    return;
  }
  if (answer.logs !== '') output.note(answer.logs.trimEnd());
  output.value(answer.output);
  if (options.explain) {
    const from = answer.cached ? 'from the cache' : 'run';
    output.note(`${answer.durationMs.toFixed(1)} ms, ${from}${answer.explain ? `: ${answer.explain}` : ''}`);
  }
}

async function grantsOf(session: Session, words: readonly string[]): Promise<GivenGrants> {
  const { parseGrants } = await import('./grants.ts');
  return parseGrants(words, (await session.settings()).options.sandbox?.grants);
}

/** Stacks name the file, as every other tool does: the library knows its text alone. */
async function runFile<Answer>(word: string, running: Promise<Answer>): Promise<Answer> {
  try {
    return await running;
  } catch (error) {
    const thrown = error instanceof SkillRuntimeError ? error.details['error'] : undefined;
    if (!(error instanceof SkillRuntimeError) || typeof thrown !== 'object' || thrown === null) throw error;
    const stack = String((thrown as { stack?: unknown }).stack);
    const named = stack.replaceAll('skill:inline@0:', `${word === '-' ? 'stdin' : word}:`);
    const details = { ...error.details, error: { ...thrown, stack: named } };
    throw new SkillRuntimeError(error.message, { cause: error, details });
  }
}

function limitsOf({ timeoutMs, memory, outputMax, logMax }: RunCommandOptions): RunOptions {
  return {
    ...(timeoutMs !== undefined && { timeoutMs }),
    ...(memory !== undefined && { memoryBytesMax: memory }),
    ...(outputMax !== undefined && { outputBytesMax: outputMax }),
    ...(logMax !== undefined && { logBytesMax: logMax }),
  };
}

function modeOf({ cache, refresh, explain, seed, now }: RunCommandOptions): RunOptions {
  return {
    cache: refresh ? 'refresh' : cache ? 'use' : 'bypass',
    ...(explain && { explain }),
    ...(seed !== undefined && { seed }),
    ...(now !== undefined && { now }),
  };
}
