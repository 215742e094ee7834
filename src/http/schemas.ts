/** What requests and answers look like: the schemas that check the ones and describe both. */
import { z } from 'zod';
import { callGrantsSchema } from '../grants.ts';
import type { HttpOptions } from '../http-options.ts';

const isObject = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Any JSON object, which is looked at no further here. */
const data = z
  .custom<Readonly<Record<string, unknown>>>(isObject, 'expected an object')
  .meta({ type: 'object', additionalProperties: true });
const anything = z.unknown();

export const skillName = z
  .string()
  .regex(/^[A-Za-z][A-Za-z0-9_-]{0,63}$/, 'must be a letter and at most 63 letters, digits, "_" or "-"')
  .describe('Name of a skill.');
export const skillReference = z
  .string()
  .regex(
    /^[A-Za-z][A-Za-z0-9_-]{0,63}(?:@[1-9][0-9]{0,8})?$/,
    'must be a name, or a name and a version: `median@2`',
  )
  .describe('Name of a skill, or of a version of it: `median@2`.');
/** In the examples of the document. */
export const EXAMPLE_RUN_ID = '0b9cbe1e-7a53-4c8e-9d5e-3f0e4c1d2a10';

export const EXAMPLE_RUNNING = {
  id: EXAMPLE_RUN_ID,
  status: 'running',
  skill: 'moving-average',
  startedAtMs: 1_790_000_000_000,
};

export const runId = z.uuid().describe('Id of a run.');

const whole = (least: number, most: number) => z.int().min(least).max(most).optional();

/** What is said of a run, within what this service allows. */
export function runBody(options: HttpOptions) {
  return z.strictObject({
    inputs: data.optional(),
    context: data.optional(),
    parameters: data.optional(),
    timeoutMs: whole(1, options.runTimeoutMsMax),
    memoryBytesMax: whole(16_777_216, options.runMemoryBytesMax),
    outputBytesMax: whole(1, options.runOutputBytesMax),
    logBytesMax: whole(0, options.runOutputBytesMax),
    cache: z.enum(['use', 'bypass', 'refresh']).optional(),
    // A caller elsewhere has no business with the files of this machine.
    grants: callGrantsSchema.omit({ files: true }).optional(),
    explain: z.boolean().optional(),
    seed: whole(0, 0xffff_ffff),
    now: z
      .union([z.int(), z.iso.datetime({ offset: true })])
      .optional()
      .describe('The time the run sees: ms since 1970, or ISO 8601 with its zone.'),
  });
}

const code = z.string().min(1).max(1_048_576).describe('JavaScript or TypeScript.');
const language = z.enum(['javascript', 'typescript']).optional();

export function runCodeBody(options: HttpOptions) {
  return z.strictObject({ ...runBody(options).shape, code, language });
}

export const injectBody = z
  .strictObject({
    code: code.optional(),
    skill: skillReference.optional(),
    language,
    inputs: data.optional(),
    context: data.optional(),
    parameters: data.optional(),
  })
  .refine((body) => (body.code === undefined) !== (body.skill === undefined), 'give either code or skill');

/** A definition is checked by the library, by the schema that the document shows. */
export const skillBody = data;

const page = {
  limit: z.coerce.number().int().min(1).max(1_000).default(20).describe('Most entries of one page.'),
  cursor: z.string().min(1).max(400).optional().describe('`next` of the page before.'),
};

export const pageQuery = z.strictObject(page);

export const listQuery = z.strictObject({
  query: z.string().min(1).max(10_000).optional().describe('Plain words; without them all skills, by name.'),
  tag: z
    .union([z.string().min(1).max(64), z.array(z.string().min(1).max(64)).max(32)])
    .optional()
    .describe('Only skills that carry it; repeat for several.'),
  ...page,
});

export const verifyQuery = z.strictObject({
  verify: z.enum(['true', 'false']).default('true').describe('Whether its examples are run first.'),
});

export const rollbackBody = z.strictObject({
  version: z.int().min(1).max(999_999_999).optional().describe('Default: the one before the current.'),
});

export const runAnswer = z
  .object({
    id: runId,
    skill: z.string().optional(),
    version: z.int().optional(),
    output: anything,
    cached: z.boolean(),
    durationMs: z.number(),
    logs: z.string(),
    explain: z.string().optional(),
  })
  .describe('What a run answers.');

export const runState = z
  .object({
    id: runId,
    status: z.enum(['running', 'succeeded', 'failed', 'cancelled']),
    skill: z.string().optional(),
    version: z.int().optional(),
    startedAtMs: z.int(),
    durationMs: z.number().optional(),
    result: runAnswer.optional().describe('Of a run that was answered later and is still kept.'),
    problem: z.looseObject({}).optional(),
  })
  .describe('Where a run stands.');

export const addedSkill = z.object({
  name: z.string(),
  version: z.int(),
  digest: z.string(),
  status: z.enum(['added', 'unchanged', 'restored']),
  verified: z.int().optional(),
  warnings: z.array(z.string()).optional(),
});

const summary = {
  name: z.string(),
  version: z.int(),
  digest: z.string(),
  description: z.string(),
  tags: z.array(z.string()),
  language: z.enum(['javascript', 'typescript']),
  pure: z.boolean(),
  createdAtMs: z.int(),
};

const next = z.string().nullable().describe('Cursor of the next page; null: there is none.');

export const skillPage = z.object({
  skills: z.array(z.object({ ...summary, score: z.number().optional() })),
  next,
});

export const storedSkill = z.object({
  name: z.string(),
  version: z.int(),
  digest: z.string(),
  createdAtMs: z.int(),
  definition: z.looseObject({}),
  pure: z.boolean(),
  holes: z.array(z.string()),
  requires: z.array(z.object({ name: z.string(), version: z.int(), digest: z.string() })),
});

export const versionList = z.object({
  versions: z.array(
    z.object({ version: z.int(), digest: z.string(), createdAtMs: z.int(), current: z.boolean() }),
  ),
  next,
});

export const injected = z.object({
  code: z.string(),
  injected: z.array(z.string()),
  unused: z.array(z.string()),
});

export const health = z.object({
  status: z.string(),
  checks: z.array(z.object({ name: z.string(), status: z.string(), message: z.string() })).optional(),
});
