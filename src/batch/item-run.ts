/** Runs one item, and says what of it goes into the output: nothing that differs from one time to the next. */
import { setTimeout as pause } from 'node:timers/promises';
import type { OnError } from '../batch-options.ts';
import { abortError, SkillCacheError, type ErrorCode } from '../errors.ts';
import { jsonAnswer } from '../json-answer.ts';
import type { SkillLibrary } from '../library.ts';
import type { Item } from './item.ts';
import type { BatchRunOptions } from './job.ts';

/** Why an item failed, as its line in the output says it. */
export interface ItemError {
  readonly code: ErrorCode;
  readonly message: string;
  /** Of inputs or of an output that do not fit the schema. */
  readonly issues?: unknown;
  /** Where in the inputs its item begins, from 1. */
  readonly line: number;
}

export interface ItemResult {
  /** With its newline. */
  readonly line: string;
  readonly output?: unknown;
  readonly error?: ItemError;
  /** What was thrown, of a failed item. */
  readonly thrown?: SkillCacheError;
  readonly cached: boolean;
  /** Of the run itself; 0 where there was none. */
  readonly durationMs: number;
}

/** Codes that are about the item; every other one is about the machine, and no item is blamed for it. */
const ITEM_CODES: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'INPUT_VALIDATION',
  'OUTPUT_VALIDATION',
  'INVALID_INPUTS',
  'UNSUPPORTED_TARGET',
  'UNSERIALIZABLE_VALUE',
  'LIMIT_EXCEEDED',
  'SKILL_RUNTIME',
  'EXECUTION_TIMEOUT',
  'EXECUTION_MEMORY',
  'OUTPUT_LIMIT',
  'WORKER_CRASHED',
]);
/** Of these, those that a second try may mend. */
const RETRIED: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'SKILL_RUNTIME',
  'EXECUTION_TIMEOUT',
  'EXECUTION_MEMORY',
  'OUTPUT_VALIDATION',
  'OUTPUT_LIMIT',
  'WORKER_CRASHED',
]);

/** A pool that is full is waited for so many times, each longer than the one before. */
const FULL_TRIES = 10;
const FULL_PAUSE_MS = 200;

export interface ItemRunOptions {
  readonly library: SkillLibrary;
  readonly reference: string;
  readonly run: BatchRunOptions;
  readonly onError: OnError;
  readonly outputBytesMax: number;
}

/** @throws whatever is no fault of the item. */
export async function runItem(options: ItemRunOptions, item: Item, signal: AbortSignal): Promise<ItemResult> {
  if (item.problem) return failed(item, item.problem);
  const { library, reference, run, onError, outputBytesMax } = options;
  const triesMax = typeof onError === 'object' ? onError.retry : 0;
  let tries = 0;
  for (let full = 0; ;) {
    try {
      const answer = await library.run(reference, item.inputs, { ...run, signal });
      const { output, cached, durationMs } = answer;
      const line = `{"index":${item.index},"output":${jsonAnswer(output ?? null, outputBytesMax)}}\n`;
      return { line, output, cached, durationMs: cached ? 0 : durationMs };
    } catch (error) {
      if (signal.aborted) throw abortError(signal);
      if (!(error instanceof SkillCacheError)) throw error;
      if (error.code === 'POOL_EXHAUSTED' && full < FULL_TRIES) {
        full += 1;
        await pause(FULL_PAUSE_MS * full, undefined, { signal }).catch(() => {});
      } else if (RETRIED.has(error.code) && tries < triesMax) tries += 1;
      else if (ITEM_CODES.has(error.code)) return failed(item, error);
      else throw error;
    }
  }
}

function failed({ index, line: place }: Item, thrown: SkillCacheError): ItemResult {
  const { issues } = thrown.details;
  const error: ItemError = {
    code: thrown.code,
    message: messageOf(thrown),
    ...(issues !== undefined && { issues }),
    line: place,
  };
  return { line: `${JSON.stringify({ index, error })}\n`, error, thrown, cached: false, durationMs: 0 };
}

/** The messages of these two tell how long it took: another number each time. */
function messageOf({ code, message, details }: SkillCacheError): string {
  const { memoryBytesMax, signal, exitCode } = details;
  if (code === 'EXECUTION_MEMORY')
    return `the skill ran out of its memory of ${String(memoryBytesMax)} bytes`;
  if (code !== 'WORKER_CRASHED') return message;
  return typeof signal === 'string'
    ? `the worker ended by ${signal}`
    : `the worker ended with exit code ${String(exitCode)}`;
}
