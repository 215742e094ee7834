/** What a skill is: the definition an author writes, its one schema and its limits. */
import { z } from 'zod';
import { SkillInvalidError } from '../errors.ts';
import { skillGrantsSchema, type SkillGrants } from '../grants.ts';
import type { CapabilityFlag } from '../syntax/capability-flags.ts';
import { detectLanguage } from './language.ts';
import { isPlainObject, joinPath, shorten, toPlainJson, type JsonIssue } from './plain-json.ts';
import { schemaIssues } from './validate.ts';

/** JSON Schema 2020-12. */
export type JsonSchema = boolean | { readonly [keyword: string]: unknown };

export interface SkillExample {
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly context?: Readonly<Record<string, unknown>>;
  readonly output: unknown;
  /** Largest relative difference of two floats that counts as equal. Default 1e-9. */
  readonly tolerance?: number;
}

export interface SkillLimits {
  readonly timeoutMs?: number;
  readonly memoryBytesMax?: number;
  readonly outputBytesMax?: number;
  readonly logBytesMax?: number;
}

/** A definition that passed `parseSkillDefinition`: every default is filled in. */
export interface SkillDefinition {
  readonly name: string;
  readonly description: string;
  readonly code: string;
  readonly language: 'javascript' | 'typescript';
  readonly inputSchema?: JsonSchema;
  readonly outputSchema?: JsonSchema;
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly tags: readonly string[];
  /** Names of other skills that this one calls. */
  readonly requires: readonly string[];
  readonly examples: readonly SkillExample[];
  readonly pure: boolean | 'auto';
  /** Capability flags the author admits to. */
  readonly capabilities: readonly string[];
  readonly limits: SkillLimits;
  /** What it asks for beside computing; it is given as far as the library allows. */
  readonly grants?: SkillGrants;
}

/** What an author may give: name, description and code; the rest has defaults. */
export type SkillDefinitionInput = Pick<SkillDefinition, 'name' | 'description' | 'code'> & {
  readonly [Key in Exclude<keyof SkillDefinition, 'name' | 'description' | 'code'>]?:
    | SkillDefinition[Key]
    | undefined;
};

const KIB = 1024;
const MIB = 1024 * KIB;

export const DESCRIPTION_LENGTH_MAX = 1024;
export const CODE_BYTES_MAX = MIB;
/** Examples and parameters together, as JSON text. */
const DATA_BYTES_MAX = 4 * MIB;

/** Every flag of the capability report; the compiler refuses a missing one. */
const CAPABILITY_FLAGS = {
  'child-process': true,
  'dynamic-global': true,
  'dynamic-import': true,
  env: true,
  'environment-dependent': true,
  eval: true,
  fs: true,
  'function-ctor': true,
  'global-write': true,
  'huge-allocation': true,
  'infinite-loop': true,
  'module-state': true,
  native: true,
  net: true,
  nondeterminism: true,
  process: true,
  'proto-access': true,
  'proto-pollution-risk': true,
  'proto-write': true,
  'regex-dos': true,
  'regex-dynamic': true,
  'shared-memory': true,
  timers: true,
  'undeclared-global': true,
  vm: true,
  wasm: true,
  worker: true,
} satisfies Record<CapabilityFlag, true>;

export const SKILL_NAME = /^[A-Za-z][A-Za-z0-9_-]{0,63}$/;

const bytesOf = (text: string): number => Buffer.byteLength(text, 'utf8');
const wellFormed = (text: string): boolean => !/\p{Surrogate}/u.test(text);
const NOT_WELL_FORMED = 'must be well-formed Unicode (it has a lone surrogate)';

const skillName = z
  .string()
  .regex(SKILL_NAME, 'must be a letter followed by at most 63 letters, digits, "_" or "-"');
const record = z.custom<Readonly<Record<string, unknown>>>(isPlainObject, 'must be an object');
const jsonSchema = z.custom<JsonSchema>(
  (value) => typeof value === 'boolean' || isPlainObject(value),
  'must be a JSON Schema: an object or a boolean',
);
const unique = (names: readonly string[]): boolean => new Set(names).size === names.length;

const example = z.strictObject({
  inputs: record,
  context: record.optional(),
  output: z.custom<unknown>((value) => value !== undefined, 'must be given (null is a value)'),
  tolerance: z.number().min(0).max(1).optional(),
});

// The bounds are those of the library's `run` options; a test compares the two.
const limits = z.strictObject({
  timeoutMs: z.int().min(1).max(86_400_000).optional(),
  memoryBytesMax: z
    .int()
    .min(16 * MIB)
    .max(64 * KIB * MIB)
    .optional(),
  outputBytesMax: z
    .int()
    .min(1)
    .max(KIB * MIB)
    .optional(),
  logBytesMax: z
    .int()
    .min(0)
    .max(KIB * MIB)
    .optional(),
});

const definitionSchema = z.strictObject({
  name: skillName,
  description: z
    .string()
    .max(DESCRIPTION_LENGTH_MAX)
    .refine((text) => text.trim() !== '', 'must not be empty')
    .refine(wellFormed, NOT_WELL_FORMED),
  code: z
    .string()
    .refine((code) => bytesOf(code) <= CODE_BYTES_MAX, {
      error: (issue) => `must be at most ${CODE_BYTES_MAX} bytes (it has ${bytesOf(String(issue.input))})`,
    })
    .refine((code) => code.trim() !== '', 'must not be empty')
    .refine(wellFormed, NOT_WELL_FORMED),
  language: z.enum(['javascript', 'typescript']).optional(),
  inputSchema: jsonSchema.optional(),
  outputSchema: jsonSchema.optional(),
  parameters: record.default({}),
  tags: z
    .array(z.string().min(1).max(64).refine(wellFormed, NOT_WELL_FORMED))
    .max(32)
    .refine(unique, 'must not repeat a tag')
    .default([]),
  requires: z.array(skillName).max(256).refine(unique, 'must not repeat a name').default([]),
  examples: z.array(example).max(100).default([]),
  pure: z.union([z.boolean(), z.literal('auto')], 'must be true, false or "auto"').default('auto'),
  capabilities: z
    .array(
      z.string().refine((flag) => Object.hasOwn(CAPABILITY_FLAGS, flag), {
        error: (issue) => `is no capability: ${JSON.stringify(shorten(String(issue.input), 64))}`,
      }),
    )
    .max(64)
    .refine(unique, 'must not repeat a flag')
    .default([]),
  limits: limits.default({}),
  grants: skillGrantsSchema.optional(),
});

/**
 * Checks a definition and fills in its defaults. What comes out is a copy: plain JSON, no getters.
 * Without `language` the code is taken for JavaScript if it parses as such, else for TypeScript.
 * @throws {SkillInvalidError} naming each wrong field; `details.issues` is `[{ path, message }]`.
 */
export function parseSkillDefinition(input: unknown): SkillDefinition {
  const issues: JsonIssue[] = [];
  const plain = toPlainJson(input, '', issues);
  if (issues.length > 0) throw invalid(plain, issues);
  const parsed = definitionSchema.safeParse(plain);
  if (!parsed.success) throw invalid(plain, zodIssues(parsed.error));
  const { language, ...given } = parsed.data;
  for (const key of ['inputSchema', 'outputSchema'] as const) {
    if (given[key] !== undefined) issues.push(...schemaIssues(given[key], key));
  }
  if (bytesOf(JSON.stringify([given.examples, given.parameters])) > DATA_BYTES_MAX) {
    issues.push({ path: 'examples', message: `with the parameters exceed ${DATA_BYTES_MAX} bytes` });
  }
  if (given.requires.includes(given.name)) {
    issues.push({ path: 'requires', message: 'must not name the skill itself' });
  }
  if (issues.length > 0) throw invalid(plain, issues);
  return { ...given, language: language ?? detectLanguage(given.code) } as SkillDefinition;
}

/** JSON Schema of a definition, for whoever describes it to others. */
export function definitionJsonSchema(): object {
  return z.toJSONSchema(definitionSchema, { io: 'input', unrepresentable: 'any' });
}

function zodIssues(error: z.ZodError): JsonIssue[] {
  return error.issues.flatMap((issue) => {
    const base = issue.path.reduce<string>((path, key) => joinPath(path, key as string | number), '');
    if (issue.code !== 'unrecognized_keys') {
      const isMissing = issue.code === 'invalid_type' && issue.message.endsWith('received undefined');
      return [{ path: base || '(definition)', message: isMissing ? 'is required' : issue.message }];
    }
    return issue.keys.map((key) => ({ path: joinPath(base, key), message: 'is not a known field' }));
  });
}

function invalid(input: unknown, issues: readonly JsonIssue[]): SkillInvalidError {
  const shown = issues.slice(0, 20).map(({ path, message }) => ({ path, message: shorten(message, 300) }));
  const name = isPlainObject(input) && typeof input['name'] === 'string' ? input['name'] : undefined;
  const which = name === undefined ? 'skill' : `skill ${JSON.stringify(shorten(name, 64))}`;
  const text = shown.map((issue) => `${issue.path}: ${issue.message}`).join('; ');
  return new SkillInvalidError(`the definition of ${which} is wrong: ${text}`, {
    details: { issues: shown },
  });
}
