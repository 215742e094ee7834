/** What a caller may say of one run; checked once, here. */
import { z } from 'zod';
import { CancelSignal } from './cancel-signal.ts';
import { ConfigurationError } from './errors.ts';
import { callGrantsSchema, type CallGrants } from './grants.ts';
import type { ResolvedOptions } from './options.ts';

const data = z.custom<Readonly<Record<string, unknown>>>(
  (value) => typeof value === 'object' && value !== null,
  'expected an object',
);

/** Bounds of the options that are whole numbers: what is looked at by hand and by the schema alike. */
const BOUNDS = {
  timeoutMs: [1, 86_400_000],
  memoryBytesMax: [16_777_216, 68_719_476_736],
  outputBytesMax: [1, 1_073_741_824],
  logBytesMax: [0, 1_073_741_824],
  seed: [0, 0xffff_ffff],
} as const;

const TENANT_MAX = 256;

const whole = ([least, most]: readonly [number, number]) => z.int().min(least).max(most).optional();

const schema = z.strictObject({
  context: data.optional(),
  parameters: data.optional(),
  language: z.enum(['javascript', 'typescript']).optional(),
  timeoutMs: whole(BOUNDS.timeoutMs),
  memoryBytesMax: whole(BOUNDS.memoryBytesMax),
  outputBytesMax: whole(BOUNDS.outputBytesMax),
  logBytesMax: whole(BOUNDS.logBytesMax),
  cache: z.enum(['use', 'bypass', 'refresh']).optional(),
  explain: z.boolean().optional(),
  seed: whole(BOUNDS.seed),
  tenant: z.string().min(1).max(TENANT_MAX).optional(),
  now: z.union([z.int(), z.iso.datetime({ offset: true }), z.date()]).optional(),
  grants: callGrantsSchema.optional(),
  signal: z.union([z.instanceof(AbortSignal), z.instanceof(CancelSignal)]).optional(),
  id: z.uuid().optional(),
  onLog: z.custom<(text: string) => void>((value) => typeof value === 'function').optional(),
  onStage: z.custom<OnStage>((value) => typeof value === 'function').optional(),
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
  /** Whose run it is, at most 256 characters: tenants take turns, and never share a worker. */
  tenant?: string;
  /** Makes `Math.random` and its kin replay, 0 to 2^32 - 1. */
  seed?: number;
  /** The time the skill sees: ms since 1970, an ISO 8601 text with zone, or a Date. */
  now?: number | string | Date;
  /** Beside computing, within `sandbox.grants`; a key wins over the skill's own. */
  grants?: CallGrants;
  signal?: AbortSignal;
  /** UUID of the run, where the caller has to know it ahead. Default: a new one. */
  id?: string;
  /** Told what the skill writes to its console while it runs, as far as it is kept. Must not throw. */
  onLog?: (text: string) => void;
  /** Told of each part of the run as it ends. Must not throw. */
  onStage?: OnStage;
}

/**
 * The parts of a run, in their order: its skill is loaded, its inputs checked, a known answer looked up, its data
 * encoded; it waits for its turn, a worker is started where none is there, it runs, and its answer is checked.
 */
export type ToldStage = 'load' | 'validate' | 'lookup' | 'encode' | 'queue' | 'start' | 'run' | 'check';
/** `endedAgoMs`: 0 for most; those that only the worker knows of are told together. */
export type OnStage = (stage: ToldStage, durationMs: number, endedAgoMs: number) => void;

export interface RunLimits {
  readonly timeoutMs: number;
  readonly memoryBytesMax: number;
  readonly outputBytesMax: number;
  readonly logBytesMax: number;
}

const UUID = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/;

type Looks = { readonly [Key in keyof RunOptions]-?: (value: unknown) => boolean };

const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null;
const isWithin = (value: unknown, [least, most]: readonly [number, number]): boolean =>
  Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most;

const LOOKS: Looks = {
  context: isObject,
  parameters: isObject,
  language: (value) => value === 'javascript' || value === 'typescript',
  timeoutMs: (value) => isWithin(value, BOUNDS.timeoutMs),
  memoryBytesMax: (value) => isWithin(value, BOUNDS.memoryBytesMax),
  outputBytesMax: (value) => isWithin(value, BOUNDS.outputBytesMax),
  logBytesMax: (value) => isWithin(value, BOUNDS.logBytesMax),
  cache: (value) => value === 'use' || value === 'bypass' || value === 'refresh',
  explain: (value) => typeof value === 'boolean',
  seed: (value) => isWithin(value, BOUNDS.seed),
  tenant: (value) => typeof value === 'string' && value !== '' && value.length <= TENANT_MAX,
  now: (value) => Number.isSafeInteger(value),
  // Rare, and worth the schema.
  grants: () => false,
  signal: (value) => value instanceof AbortSignal || value instanceof CancelSignal,
  id: (value) => typeof value === 'string' && UUID.test(value),
  onLog: (value) => typeof value === 'function',
  onStage: (value) => typeof value === 'function',
};

/** Whether options are good beyond doubt: the schema costs more than a cached answer, so it sees the others only. */
function areGood(options: RunOptions): boolean {
  if (!isObject(options) || Object.getPrototypeOf(options) !== Object.prototype) return false;
  for (const key in options) {
    if (!Object.hasOwn(LOOKS, key)) return false;
    const value = options[key as keyof RunOptions];
    if (value !== undefined && !LOOKS[key as keyof RunOptions](value)) return false;
  }
  return true;
}

/** @throws {ConfigurationError} naming each wrong key. */
export function checkRunOptions(options: RunOptions): RunOptions {
  if (areGood(options)) return options;
  const parsed = schema.safeParse(options);
  if (parsed.success) return options;
  const issues = parsed.error.issues.flatMap((issue) => {
    if (issue.code !== 'unrecognized_keys')
      return [{ path: issue.path.join('.') || '(options)', message: issue.message }];
    const message = `unknown option; expected one of ${Object.keys(LOOKS).join(', ')}`;
    return issue.keys.map((path) => ({ path, message }));
  });
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
