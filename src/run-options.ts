/** What a caller may say of one run; checked once, here. */
import { z } from 'zod';
import { ConfigurationError } from './errors.ts';
import type { ResolvedOptions } from './options.ts';

const data = z.custom<Readonly<Record<string, unknown>>>(
  (value) => typeof value === 'object' && value !== null,
  'expected an object',
);

const schema = z.strictObject({
  context: data.optional(),
  parameters: data.optional(),
  language: z.enum(['javascript', 'typescript']).optional(),
  timeoutMs: z.int().min(1).max(86_400_000).optional(),
  memoryBytesMax: z.int().min(16_777_216).max(68_719_476_736).optional(),
  outputBytesMax: z.int().min(1).max(1_073_741_824).optional(),
  logBytesMax: z.int().min(0).max(1_073_741_824).optional(),
  cache: z.enum(['use', 'bypass', 'refresh']).optional(),
  explain: z.boolean().optional(),
  seed: z.int().min(0).max(0xffff_ffff).optional(),
  now: z.union([z.int(), z.iso.datetime({ offset: true }), z.date()]).optional(),
  signal: z.instanceof(AbortSignal).optional(),
});

export interface RunOptions {
  /** Data shared by many runs; `inputs` win over it. */
  context?: Readonly<Record<string, unknown>>;
  /** Over the skill's own parameters; `context` and `inputs` win over both. */
  parameters?: Readonly<Record<string, unknown>>;
  /** `runCode` only: taken from the code when absent. */
  language?: 'javascript' | 'typescript';
  /** Default: the lower of the skill's and the library's `run.timeoutMs`. So for the three bounds below. */
  timeoutMs?: number;
  memoryBytesMax?: number;
  outputBytesMax?: number;
  logBytesMax?: number;
  /** `use` (default), `bypass` the result cache, or `refresh` what it holds. Only pure skills have results in it. */
  cache?: 'use' | 'bypass' | 'refresh';
  /** Say in `run.explain` why the answer came from where it came. */
  explain?: boolean;
  /** Makes `Math.random` and its kin replay, 0 to 2^32 - 1. */
  seed?: number;
  /** The time the skill sees: ms since 1970, an ISO 8601 text with zone, or a Date. */
  now?: number | string | Date;
  signal?: AbortSignal;
}

export interface RunLimits {
  readonly timeoutMs: number;
  readonly memoryBytesMax: number;
  readonly outputBytesMax: number;
  readonly logBytesMax: number;
}

/** @throws {ConfigurationError} naming each wrong key. */
export function checkRunOptions(options: RunOptions): RunOptions {
  const parsed = schema.safeParse(options);
  if (parsed.success) return options;
  const issues = parsed.error.issues.map((issue) => ({
    path: issue.path.join('.') || '(options)',
    message: issue.message,
  }));
  throw new ConfigurationError(
    `wrong run options: ${issues.map((issue) => `${issue.path}: ${issue.message}`).join('; ')}`,
    {
      details: { issues },
    },
  );
}

/** `now` in ms since 1970. */
export function nowMs(now: RunOptions['now']): number | undefined {
  if (now === undefined) return undefined;
  return typeof now === 'number' ? now : new Date(now).getTime();
}

/** The call's bound; else the skill's where it is lower than the library's: a skill cannot help itself to more. */
export function limitsFor(
  call: RunOptions,
  skill: { readonly [Limit in keyof RunLimits]?: number | undefined },
  library: ResolvedOptions['run'],
): RunLimits {
  const limit = (name: keyof RunLimits): number =>
    call[name] ?? Math.min(skill[name] ?? Infinity, library[name]);
  return {
    timeoutMs: limit('timeoutMs'),
    memoryBytesMax: limit('memoryBytesMax'),
    outputBytesMax: limit('outputBytesMax'),
    logBytesMax: limit('logBytesMax'),
  };
}
