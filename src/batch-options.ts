/** What a batch may be told: what a library presets for all of its batches, and what a caller says of one. */
import { z } from 'zod';
import { ConfigurationError } from './errors.ts';

const MIB = 1024 * 1024;
const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

const count = (least: number, most: number) => z.int().min(least).max(most);

/** The section `batch` of a library's options. */
export const batchShape = {
  folder: z
    .string()
    .max(4_096)
    .default('')
    .describe('Where checkpoints and progress are kept; empty: beside the library, in `<path>-batches`.'),
  chunkSize: count(1, 1_000_000_000)
    .default(10_000)
    .describe('Items of a chunk; at its end a checkpoint is committed and the workers are recycled.'),
  chunkMs: count(1, 30 * DAY_MS)
    .default(5 * MINUTE_MS)
    .describe('Longest chunk, in ms.'),
  windowMax: count(1, 10_000_000)
    .default(10_000)
    .describe('Most items between the slowest run under way and the last input that was taken.'),
  windowBytesMax: count(1, 64 * 1024 * MIB)
    .default(64 * MIB)
    .describe('The same in bytes, of inputs and of answers that wait for their turn.'),
  itemBytesMax: count(1, 1024 * MIB)
    .default(16 * MIB)
    .describe('Largest input; a larger one is a failed item.'),
  bufferBytes: count(1, 1024 * MIB)
    .default(256 * 1024)
    .describe('Output that is gathered for one write, in bytes.'),
  outputFileBytesMax: count(1, Number.MAX_SAFE_INTEGER)
    .default(1024 * 1024 * MIB)
    .describe('Largest output, in bytes; a batch that would write more ends.'),
  progressItems: count(1, 1_000_000_000).default(100).describe('Items after which progress is told anew.'),
  progressMs: count(1, DAY_MS).default(10_000).describe('Time after which progress is told anew, in ms.'),
  keptMax: count(0, 1_000_000)
    .default(1_000)
    .describe('Batches that are over of which the checkpoints are kept; the oldest go first.'),
};

const { folder: _folder, keptMax: _keptMax, ...tunable } = batchShape;
const presets = z.strictObject(tunable);

/** What a library presets and a batch may say otherwise. */
export type BatchTuning = z.output<typeof presets>;

export type BatchFormat = 'ndjson' | 'json' | 'csv';

const callSchema = presets.partial().extend({
  id: z
    .string()
    .regex(/^[a-z0-9][a-z0-9_-]{0,63}$/, 'expected up to 64 of a-z, 0-9, _ and -')
    .optional(),
  format: z.enum(['ndjson', 'json', 'csv']).optional(),
  concurrency: count(1, 1_024).optional(),
  timeBudgetMs: count(1, 365 * DAY_MS).optional(),
  itemsMax: count(1, Number.MAX_SAFE_INTEGER).optional(),
  failuresMax: count(0, Number.MAX_SAFE_INTEGER).optional(),
  onError: z.union([z.enum(['skip', 'stop']), z.strictObject({ retry: count(0, 1_000) })]).optional(),
});

/** `skip`: the line carries the error, and the next goes on. `stop`: the batch ends before that line. */
export type OnError = 'skip' | 'stop' | { readonly retry: number };

/** What a caller says of one batch, streams and signals aside. */
export interface BatchCallOptions extends Partial<BatchTuning> {
  /** Default: one that is made of the time. */
  id?: string;
  /** Of the inputs. Default: by the name's ending (`.csv`, `.json`), else `ndjson`. */
  format?: BatchFormat;
  /** Most runs at once. Default: the library's `workers.concurrency`. */
  concurrency?: number;
  /** The batch stops after this, and can be resumed. */
  timeBudgetMs?: number;
  /** The batch is complete after so many items, at least one. */
  itemsMax?: number;
  /** The batch stops, before its line, at the failed item that is one too many. */
  failuresMax?: number;
  /** Default `skip`. */
  onError?: OnError;
}

/** What a resumption may say otherwise than its batch was begun with. */
const resumeSchema = callSchema.pick({
  onError: true,
  failuresMax: true,
  timeBudgetMs: true,
  itemsMax: true,
});

/** @throws {ConfigurationError} naming each wrong key. */
export const checkBatchOptions = (options: object): BatchCallOptions => checked(callSchema, options);

/** @throws {ConfigurationError} naming each wrong key. */
export const checkResumeBounds = (options: object): BatchCallOptions => checked(resumeSchema, options);

function checked(schema: z.ZodType, options: object): BatchCallOptions {
  // Presets have defaults, which must not count as said.
  const said = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  const parsed = schema.safeParse(said);
  if (parsed.success) return said;
  const issues = parsed.error.issues.map(({ path, message }) => ({
    path: path.join('.') || '(options)',
    message,
  }));
  const text = issues.map(({ path, message }) => `${path}: ${message}`).join('; ');
  throw new ConfigurationError(`wrong batch options: ${text}`, { details: { issues } });
}

/** What is said of the batch, over what is preset. */
export function batchTuning(preset: BatchTuning, said: BatchCallOptions): BatchTuning {
  const names = Object.keys(tunable) as (keyof BatchTuning)[];
  return Object.fromEntries(
    names.map((name) => [name, said[name] ?? preset[name]]),
  ) as unknown as BatchTuning;
}
