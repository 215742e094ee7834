/** What requests and answers of batches look like. */
import { z } from 'zod';
import type { HttpOptions } from '../http-options.ts';
import { runBody, skillReference } from './schemas.ts';

export const EXAMPLE_BATCH_ID = '20261126-013000-1a2b3c';

export const batchId = z
  .string()
  .regex(/^[a-z0-9][a-z0-9_-]{0,63}$/, 'must be the id of a batch')
  .describe('Id of a batch.');

const DAY_MS = 24 * 60 * 60_000;
const INPUTS_MAX = 10_000_000;

const whole = (least: number, most: number) => z.int().min(least).max(most).optional();

/** When a batch stops before its inputs end. */
const bounds = {
  timeBudgetMs: whole(1, 365 * DAY_MS).describe('Stop after this; it can be resumed.'),
  itemsMax: whole(1, Number.MAX_SAFE_INTEGER).describe('Only so many inputs.'),
  failuresMax: whole(0, Number.MAX_SAFE_INTEGER).describe('Stop at the failure that is one too many.'),
  onError: z
    .union([z.enum(['skip', 'stop']), z.strictObject({ retry: z.int().min(0).max(1_000) })])
    .optional()
    .describe('Of a failed item. Default: `skip`.'),
};

/** What is said otherwise of a batch that goes on, for this once. */
export const resumeBounds = z.strictObject(bounds);
/** No body says nothing otherwise; Fastify calls it null. */
export const resumeBody = resumeBounds.nullable();

/** What is said of a batch, within what this service allows. */
export function batchBody(options: HttpOptions) {
  const { inputs: _inputs, explain: _explain, ...run } = runBody(options).shape;
  return z
    .strictObject({
      skill: skillReference,
      inputs: z
        .union([z.array(z.unknown()).max(INPUTS_MAX), z.string()])
        .optional()
        .describe('An input for each item, or text in `format`.'),
      file: z
        .string()
        .regex(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/, 'must be the name of a file, without a path')
        .optional()
        .describe('Instead of `inputs`: a file in the folder that the service has for them.'),
      format: z
        .enum(['ndjson', 'json', 'csv'])
        .optional()
        .describe('Of text. Default: by the ending of `file`.'),
      run: z.strictObject(run).optional().describe('The same for every item.'),
      concurrency: whole(1, 1_024).describe('Most runs at once. Default: half of the workers.'),
      chunkSize: whole(1, 1_000_000_000).describe('Items between two checkpoints.'),
      chunkMs: whole(1, 30 * DAY_MS).describe('Longest time between two checkpoints.'),
      ...bounds,
    })
    .refine(
      ({ inputs, file }) => (inputs === undefined) !== (file === undefined),
      'give either inputs or file',
    )
    .refine(
      ({ inputs, format }) => format === undefined || !Array.isArray(inputs),
      'format is of text or of a file: an array needs none',
    );
}

export type BatchBody = z.output<ReturnType<typeof batchBody>>;

export const batchView = z
  .object({
    id: batchId,
    skill: z.string(),
    status: z.enum(['running', 'interrupted', 'completed', 'cancelled']),
    createdAtMs: z.int(),
    done: z.int().describe('Items whose lines are written, failed ones included.'),
    failed: z.int(),
    cached: z.int(),
    outputBytes: z.int().describe('Of the output, what no resumption will change.'),
    itemsPerSecond: z.number().optional(),
    share: z.number().optional().describe('Of the inputs, 0 to 1.'),
    remainingMs: z.int().optional(),
    workedMs: z.int().optional(),
    problem: z.looseObject({}).optional().describe('Why it was interrupted, where this process knows.'),
  })
  .describe('Where a batch stands.');

export const batchPage = z.object({
  batches: z.array(batchView),
  next: z.string().nullable().describe('Cursor of the next page; null: there is none.'),
});

export const batchListQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(100).default(20).describe('Most batches of one page.'),
  cursor: batchId.optional().describe('`next` of the page before.'),
});

export const outputQuery = z.strictObject({
  offset: z.coerce
    .number()
    .int()
    .min(0)
    .max(Number.MAX_SAFE_INTEGER)
    .default(0)
    .describe('Bytes to leave out: those that are there already.'),
});
