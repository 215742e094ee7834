/** What the words of `batch run` and `batch compare` mean. */
import { checkBatchOptions, type BatchCallOptions, type OnError } from '../batch-options.ts';
import type { BatchRunOptions } from '../batch/job.ts';
import { ConfigurationError, UsageError } from '../errors.ts';
import { checkRunOptions } from '../run-options.ts';
import { parseCount, parseSize, parseTime } from './arguments.ts';
import type { BatchRunWords } from './batch.ts';
import type { Session } from './session.ts';

type Words = Partial<BatchRunWords>;

/** What an option is called here. */
const WORDS: Readonly<Record<string, string>> = {
  id: '--id',
  format: '--format',
  chunkSize: '--chunk-size',
  chunkMs: '--chunk-minutes',
  timeBudgetMs: '--time-budget',
  itemsMax: '--max-items',
  failuresMax: '--max-failures',
  concurrency: '--concurrency',
  windowMax: '--window',
  progressItems: '--progress-items',
  progressMs: '--progress-ms',
  'onError.retry': '--on-error retry',
  timeoutMs: '--timeout-ms',
  memoryBytesMax: '--memory',
  seed: '--seed',
  now: '--now',
};

/** @throws {UsageError}, {ConfigurationError} naming the option. */
export function callOptions(words: Words): BatchCallOptions {
  const call = {
    id: words.id,
    format: words.format as BatchCallOptions['format'],
    chunkSize: numberOf('--chunk-size', words.chunkSize),
    chunkMs: minutesOf('--chunk-minutes', words.chunkMinutes),
    timeBudgetMs: durationOf('--time-budget', words.timeBudget),
    itemsMax: numberOf('--max-items', words.maxItems),
    failuresMax: numberOf('--max-failures', words.maxFailures),
    concurrency: numberOf('--concurrency', words.concurrency),
    windowMax: numberOf('--window', words.window),
    progressItems: numberOf('--progress-items', words.progressItems),
    progressMs: numberOf('--progress-ms', words.progressMs),
    onError: onErrorOf(words.onError),
  };
  return inWords(() => checkBatchOptions(said(call)));
}

export async function runOptions(session: Session, words: Words): Promise<BatchRunOptions> {
  const { context, parameters } = await session.callData({
    ...(words.context !== undefined && { context: words.context }),
    ...(words.parameters !== undefined && { parameters: words.parameters }),
  });
  const run = said({
    context,
    parameters,
    timeoutMs: numberOf('--timeout-ms', words.timeoutMs),
    memoryBytesMax:
      words.memory === undefined ? undefined : named('--memory', () => parseSize(words.memory ?? '')),
    seed: numberOf('--seed', words.seed),
    now: words.now === undefined ? undefined : named('--now', () => parseTime(words.now ?? '')),
    cache: words.cache === false ? ('bypass' as const) : undefined,
  });
  inWords(() => checkRunOptions(run));
  return run;
}

function inWords<T>(check: () => T): T {
  try {
    return check();
  } catch (error) {
    throw worded(error);
  }
}

/** What is wrong with options, of the words they were said with. */
export function worded(error: unknown): unknown {
  if (!(error instanceof ConfigurationError) || !Array.isArray(error.details['issues'])) return error;
  const told = error.details['issues'] as readonly { path: string; message: string }[];
  const issues = told.map(({ path, message }) => ({ path: WORDS[path] ?? path, message }));
  const text = issues.map(({ path, message }) => `${path}: ${message}`).join('; ');
  return new ConfigurationError(text, { cause: error, details: { ...error.details, issues } });
}

type Said<Options> = { [Key in keyof Options]?: Exclude<Options[Key], undefined> };

function said<Options extends object>(options: Options): Said<Options> {
  return Object.fromEntries(
    Object.entries(options).filter(([, value]) => value !== undefined),
  ) as Said<Options>;
}

export function numberOf(option: string, word: string | undefined): number | undefined {
  return word === undefined ? undefined : named(option, () => parseCount(word));
}

function named<T>(option: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    throw error instanceof UsageError
      ? new UsageError(`${option}: ${error.message}`, { cause: error })
      : error;
  }
}

const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

function durationOf(option: string, word: string | undefined): number | undefined {
  if (word === undefined) return undefined;
  const [, number, unit = ''] = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(word) ?? [];
  if (number !== undefined) return wholeMs(option, Number(number) * (UNITS_MS[unit] ?? 1));
  throw new UsageError(`${option}: not a time: ${word}; expected for example 90s, 30m or 2h`);
}

function minutesOf(option: string, word: string | undefined): number | undefined {
  if (word === undefined) return undefined;
  if (/^\d+(?:\.\d+)?$/.test(word)) return wholeMs(option, Number(word) * 60_000);
  throw new UsageError(`${option}: not a number of minutes: ${word}`);
}

function wholeMs(option: string, ms: number): number {
  if (ms > 0) return Math.max(1, Math.round(ms));
  throw new UsageError(`${option}: expected more than 0`);
}

function onErrorOf(word: string | undefined): OnError | undefined {
  if (word === undefined || word === 'skip' || word === 'stop') return word;
  const [, retry] = /^retry=(\d{1,4})$/.exec(word) ?? [];
  if (retry !== undefined) return { retry: Number(retry) };
  throw new UsageError(`--on-error: expected skip, stop or retry=N, not ${word}`);
}
