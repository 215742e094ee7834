/** A stored version and all that it requires, made ready to run: what the skill cache holds. */
import { buildTemplate } from '../inject/template.ts';
import type { Template } from '../inject/template.ts';
import type { Validator } from '../skills/validate.ts';
import { compileValidator } from '../skills/validate.ts';
import type { SkillVersion } from '../store/store.ts';
import { textBytes } from './bounded-cache.ts';
import { linkVersions } from './link.ts';
import type { LinkLimits, LinkedVersion } from './link.ts';

/** What a worker is bound to. Structurally the `Program` of `sandbox/`. */
export interface CompiledProgram {
  /** The version's digest; equal digests mean equal programs. */
  readonly digest: string;
  /** The skill itself is `units[0]`; each required version is there once. */
  readonly units: readonly CompiledUnit[];
}

export interface CompiledUnit extends Template {
  /** The unit's own parameters, as codec text of an object. */
  readonly parameters: string;
  /** Local name → index into `units`. */
  readonly requires: Readonly<Record<string, number>>;
}

export interface CompiledSkill {
  readonly version: SkillVersion;
  readonly program: CompiledProgram;
  /** Absent where the definition has no such schema. */
  readonly inputValidator?: Validator;
  readonly outputValidator?: Validator;
  /** Whether this skill and every one that it requires is pure. */
  readonly pure: boolean;
  /** Why, one line each; a required skill's reasons name it. */
  readonly pureBecause: readonly string[];
  /** Whether the code may tell apart objects that differ in the order of their keys only. */
  readonly seesKeyOrder: boolean;
  /** Estimate of the memory all this takes. */
  readonly bytes: number;
}

export interface CompileDeps {
  readonly loadDigest: (digest: string) => Promise<SkillVersion | undefined>;
  readonly limits: LinkLimits;
  /** A value as codec text. */
  readonly encode: (value: unknown) => string;
}

/** Objects of a compiled skill beside its texts; a validator is a closure over generated code. */
const SKILL_BYTES = 2_048;
const VALIDATOR_BYTES = 16_384;

/**
 * Enumerating an object needs one of these words. Text that has none cannot see the order of
 * keys; text that has one may not, and then equal data in another order is merely a miss.
 */
const KEY_ORDER_WORDS =
  /\b(?:Object|Reflect|JSON|globalThis|structuredClone|constructor|__proto__|eval|Function|Proxy|URLSearchParams|in)\b|\\[ux]/;

const IDENTIFIER = /^[\p{ID_Start}$_][\p{ID_Continue}$\u200c\u200d]*$/u;

/** Skills are strict code, and a template may be an async function. */
const RESERVED_WORDS: ReadonlySet<string> = new Set(
  (
    'arguments await break case catch class const continue debugger default delete do else enum eval export ' +
    'extends false finally for function if implements import in instanceof interface let new null package ' +
    'private protected public return static super switch this throw true try typeof var void while with yield'
  ).split(' '),
);

/**
 * @throws {RequirementError} when a required version is missing, cyclic, too deep or too large.
 */
export async function compileSkill(version: SkillVersion, deps: CompileDeps): Promise<CompiledSkill> {
  const linked = await linkVersions(version, deps.loadDigest, deps.limits);
  const program = { digest: version.digest, units: linked.map((one) => compileUnit(one, deps.encode)) };
  const { inputSchema, outputSchema } = version.definition;
  const inputValidator =
    inputSchema === undefined ? undefined : compileValidator(inputSchema, { root: 'inputs' });
  const outputValidator =
    outputSchema === undefined ? undefined : compileValidator(outputSchema, { root: 'output' });
  const validators = (inputValidator ? 1 : 0) + (outputValidator ? 1 : 0);
  return {
    version,
    program,
    ...(inputValidator && { inputValidator }),
    ...(outputValidator && { outputValidator }),
    ...purityOf(linked),
    seesKeyOrder: linked.some((one) => KEY_ORDER_WORDS.test(runnableCode(one.version))),
    bytes: SKILL_BYTES + validators * VALIDATOR_BYTES + versionBytes(version) + programBytes(program),
  };
}

function compileUnit({ version, requires }: LinkedVersion, encode: CompileDeps['encode']): CompiledUnit {
  const { definition, analysis, name } = version;
  const links = analysis.requires.map(({ local }) => local).filter(isCallable);
  const template = buildTemplate(
    runnableCode(version),
    analysis.plan,
    `skill:${name}@${version.version}`,
    links,
  );
  return { ...template, parameters: encode(definition.parameters), requires };
}

/** A required skill whose name is no identifier is linked where it is imported, under the name it has there. */
function isCallable(local: string): boolean {
  return IDENTIFIER.test(local) && !RESERVED_WORDS.has(local);
}

function runnableCode(version: SkillVersion): string {
  return version.analysis.erasedCode ?? version.definition.code;
}

/** A program is pure when each of its units is; the reasons against it are those of the impure ones. */
function purityOf(linked: readonly LinkedVersion[]): { pure: boolean; pureBecause: string[] } {
  const impure = linked.filter(({ version }) => !version.analysis.pure.decided);
  const [self] = linked as [LinkedVersion];
  if (impure.length === 0) return { pure: true, pureBecause: [...self.version.analysis.pure.because] };
  const pureBecause = impure.flatMap((one) => {
    const because = one.version.analysis.pure.because;
    if (one === self) return because;
    const reasons = because.length > 0 ? because : ['not pure'];
    return reasons.map((reason) => `requires ${one.version.name}: ${reason}`);
  });
  return { pure: false, pureBecause };
}

function versionBytes({ definition, analysis }: SkillVersion): number {
  return textBytes(definition.code) + textBytes(JSON.stringify({ ...definition, code: '', analysis }));
}

function programBytes(program: CompiledProgram): number {
  let bytes = 0;
  for (const unit of program.units)
    bytes += SKILL_BYTES + textBytes(unit.source) + textBytes(unit.parameters);
  return bytes;
}
