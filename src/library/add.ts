/** From a definition to a version: analysed, held against the policy, its examples run, then stored. */
import { contentDigest, sha256Hex } from '../cache/keys.ts';
import type { CompiledSkill } from '../cache/compile.ts';
import { abortError, RequirementError, SecurityValidationError } from '../errors.ts';
import { Execution } from './execution.ts';
import type { LibraryParts } from './parts.ts';
import { RunRequest } from './run.ts';
import type { RunSignals } from './run-signals.ts';
import type { AddOptions, AddedSkill, VerifyReport } from './types.ts';
import { decodeValue } from '../sandbox/codec.ts';
import { analyseSkill, type SkillAnalysis } from '../skills/analyse.ts';
import { parseSkillDefinition, type SkillDefinition } from '../skills/skill.ts';
import { verificationError, verifyExamples, type ExampleFailure } from '../skills/verify.ts';
import { undeclaredCapabilities } from '../syntax/purity.ts';

/**
 * Stores a definition as a version and moves the pointer to it, when its examples hold.
 * @throws {SkillInvalidError}, {SkillSyntaxError}, {InjectionError}, {RequirementError},
 * {SecurityValidationError}, {SkillVerificationError}; the old version keeps serving.
 */
export async function addSkill(
  parts: LibraryParts,
  input: unknown,
  options: AddOptions,
  signals: RunSignals,
): Promise<AddedSkill> {
  const definition = parseSkillDefinition(input);
  using request = new RunRequest(options.signal ? { signal: options.signal } : {}, signals);
  const analysis = await analyse(parts, definition);
  const undeclared = checkPolicy(parts, definition, analysis);
  const warnings = undeclared.map(
    ({ flag, line, column }) => `undeclared capability ${flag} at ${line}:${column}`,
  );
  const digest = contentDigest(definition, analysis.requires);
  const version = { name: definition.name, digest, definition, analysis };
  const current = await parts.store.resolve([definition.name]);
  const isCurrent = [...current.values()].some((one) => one.digest === digest);
  let verified = 0;
  if (!isCurrent) {
    const candidate = await parts.compile({ ...version, version: 0, createdAtMs: 0 });
    refuseCycles(candidate);
    if (options.verify !== false) {
      const { failures, passed } = await runExamples(parts, candidate, options, signals);
      if (failures.length > 0) throw verificationError(definition, failures);
      verified = passed;
    }
  }
  if (request.signal.aborted) throw abortError(request.signal);
  return { ...(await parts.store.add(version, options)), verified, undeclared, warnings };
}

/** Runs the examples of a stored version. */
export async function verifyVersion(
  parts: LibraryParts,
  skill: CompiledSkill,
  options: { signal?: AbortSignal },
  signals: RunSignals,
): Promise<VerifyReport> {
  const { name, version } = skill.version;
  return { name, version, ...(await runExamples(parts, skill, options, signals)) };
}

/** Code that is run and not stored, as a version of no name. */
export async function compileInline(
  parts: LibraryParts,
  code: string,
  language: 'javascript' | 'typescript' | undefined,
): Promise<CompiledSkill> {
  const definition = parseSkillDefinition({
    name: 'inline',
    description: 'Code that is run and not stored.',
    code,
    ...(language !== undefined && { language }),
  });
  const analysis = await analyse(parts, definition);
  const digest = contentDigest(definition, analysis.requires);
  return parts.compile({ name: 'inline', version: 0, digest, createdAtMs: 0, definition, analysis });
}

/** The key under which compiled inline code is kept. */
export function inlineKey(code: string, language: string | undefined): string {
  return sha256Hex(language ?? '', code);
}

function analyse(parts: LibraryParts, definition: SkillDefinition): Promise<SkillAnalysis> {
  return analyseSkill(definition, {
    knownGlobals: parts.options.security.knownGlobals,
    resolve: (names) => parts.store.resolve(names),
  });
}

function checkPolicy(
  parts: LibraryParts,
  definition: SkillDefinition,
  analysis: SkillAnalysis,
): AddedSkill['undeclared'] {
  const { capabilities: policy } = parts.options.security;
  if (policy === 'off') return [];
  const undeclared = undeclaredCapabilities(analysis.capabilities, definition.capabilities);
  if (policy === 'enforce' && undeclared.length > 0) {
    const places = undeclared.map(({ flag, line, column }) => `${flag} at line ${line}, column ${column}`);
    throw new SecurityValidationError(
      `${definition.name} can do what it does not declare: ${places.slice(0, 10).join('; ')}`,
      { details: { flags: undeclared } },
    );
  }
  return undeclared;
}

/** By digest there can be no cycle; by name there can, and it would never be what its author meant. */
function refuseCycles(candidate: CompiledSkill): void {
  const own = candidate.version.name.toLowerCase();
  const [, ...required] = candidate.program.units;
  const cyclic = required.find(
    (unit) => unit.fileName.slice('skill:'.length).replace(/@\d+$/, '').toLowerCase() === own,
  );
  if (!cyclic) return;
  throw new RequirementError(
    `${candidate.version.name} requires, in the end, itself: a cycle through ${cyclic.fileName}`,
    {
      details: { name: candidate.version.name, through: cyclic.fileName },
    },
  );
}

async function runExamples(
  parts: LibraryParts,
  skill: CompiledSkill,
  { signal }: { signal?: AbortSignal },
  signals: RunSignals,
): Promise<{ passed: number; failures: ExampleFailure[] }> {
  const { definition } = skill.version;
  const failures = await verifyExamples(definition, async (example) => {
    using request = new RunRequest(
      { cache: 'bypass', ...(signal && { signal }), ...(example.context && { context: example.context }) },
      signals,
    );
    const { result } = await new Execution(parts, skill, example.inputs, request).answer();
    return { output: decodeValue(result.text) };
  });
  return { passed: definition.examples.length - failures.length, failures };
}
