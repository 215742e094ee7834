/** What the words of `batch run` and `batch compare` mean. */
import type { BatchCallOptions, OnError } from '../batch-options.ts';
import type { BatchRunOptions } from '../batch/job.ts';
import { UsageError } from '../errors.ts';
import { parseCount, parseSize, parseTime } from './arguments.ts';
import type { BatchRunWords } from './batch.ts';
import type { Session } from './session.ts';

type Words = Partial<BatchRunWords>;

/** @throws {UsageError} naming the option. */
export function callOptions(words: Words): BatchCallOptions {
  const call = {
    id: words.id,
    format: words.format as BatchCallOptions['format'],
    chunkSize: numberOf('--chunk-size', words.chunkSize),
    chunkMs: durationOf(
      '--chunk-minutes',
      words.chunkMinutes === undefined ? undefined : `${words.chunkMinutes}m`,
    ),
    timeBudgetMs: durationOf('--time-budget', words.timeBudget),
    itemsMax: numberOf('--max-items', words.maxItems),
    failuresMax: numberOf('--max-failures', words.maxFailures),
    concurrency: numberOf('--concurrency', words.concurrency),
    windowMax: numberOf('--window', words.window),
    progressItems: numberOf('--progress-items', words.progressItems),
    progressMs: numberOf('--progress-ms', words.progressMs),
    onError: onErrorOf(words.onError),
  };
  return said(call);
}

export async function runOptions(session: Session, words: Words): Promise<BatchRunOptions> {
  const { context, parameters } = await session.callData({
    ...(words.context !== undefined && { context: words.context }),
    ...(words.parameters !== undefined && { parameters: words.parameters }),
  });
  return said({
    context,
    parameters,
    timeoutMs: numberOf('--timeout-ms', words.timeoutMs),
    memoryBytesMax:
      words.memory === undefined ? undefined : named('--memory', () => parseSize(words.memory ?? '')),
    seed: numberOf('--seed', words.seed),
    now: words.now === undefined ? undefined : named('--now', () => parseTime(words.now ?? '')),
    cache: words.cache === false ? ('bypass' as const) : undefined,
  });
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
  if (number !== undefined) return Math.max(1, Math.round(Number(number) * (UNITS_MS[unit] ?? 1)));
  throw new UsageError(`${option}: not a time: ${word}; expected for example 90s, 30m or 2h`);
}

function onErrorOf(word: string | undefined): OnError | undefined {
  if (word === undefined || word === 'skip' || word === 'stop') return word;
  const [, retry] = /^retry=(\d{1,4})$/.exec(word) ?? [];
  if (retry !== undefined) return { retry: Number(retry) };
  throw new UsageError(`--on-error: expected skip, stop or retry=N, not ${word}`);
}
