/** What is worked out once, when a version is added, and stored with it. */
import { InjectionError, RequirementError, SkillSyntaxError } from '../errors.ts';
import type { InjectionPlan } from '../inject/injection-plan.ts';
import { planInjection, type PlannedSource } from '../inject/planner.ts';
import { buildTemplate } from '../inject/template.ts';
import { reportCapabilities, type CapabilityReport } from '../syntax/capabilities.ts';
import { decidePurity } from '../syntax/purity.ts';
import { expectCompilable } from './compilable.ts';
import { derivedInputSchema } from './derived-schema.ts';
import type { JsonSchema, SkillDefinition } from './skill.ts';

export interface PinnedRequirement {
  /** The name by which the code calls it. */
  readonly local: string;
  readonly name: string;
  readonly version: number;
  readonly digest: string;
}

export interface SkillAnalysis {
  readonly plan: InjectionPlan;
  /** The JavaScript that runs; absent where it equals the code (JavaScript skills). */
  readonly erasedCode?: string;
  readonly capabilities: CapabilityReport;
  /** The skill's own code; whether what it requires is pure is known when they are linked. */
  readonly pure: { readonly decided: boolean; readonly because: readonly string[] };
  readonly requires: readonly PinnedRequirement[];
  /** Derived from the plan where the definition has no `inputSchema`. Tells; it is not enforced. */
  readonly derivedInputSchema?: JsonSchema;
}

/** A skill that exists, at the version that is current. */
export interface ResolvedSkill {
  readonly name: string;
  readonly version: number;
  readonly digest: string;
}

export interface AnalyseOptions {
  /** Free names to take as provided. */
  readonly knownGlobals: readonly string[];
  /** Which of `names` are skills; those that are none are left out of the answer. */
  readonly resolve: (names: readonly string[]) => Promise<ReadonlyMap<string, ResolvedSkill>>;
}

/**
 * Parses a definition's code, refuses what could not run, and pins the skills that it calls: those
 * it imports, those in `requires`, and free names that are the exact name of a skill.
 * @throws {SkillSyntaxError} with line and column; {InjectionError} `UNSUPPORTED_SYNTAX` for what a
 * skill may not contain; {RequirementError} for a required skill that does not exist.
 */
export async function analyseSkill(
  definition: SkillDefinition,
  options: AnalyseOptions,
): Promise<SkillAnalysis> {
  const { code, language, name } = definition;
  const { plan, source } = planned(definition);
  // What cannot run is refused now, not at the first run.
  expectCompilable(buildTemplate(source, plan, `skill:${name}`));
  const { knownGlobals } = options;
  const { freeNames } = reportCapabilities(code, { language, knownGlobals });
  const requires = await pinRequirements(definition, plan, freeNames, options);
  const locals = requires.map((requirement) => requirement.local);
  const capabilities = reportCapabilities(code, { language, knownGlobals: [...knownGlobals, ...locals] });
  return {
    plan,
    ...(source !== code && { erasedCode: source }),
    capabilities,
    pure: purity(definition, capabilities),
    requires,
    ...(definition.inputSchema === undefined && { derivedInputSchema: derivedInputSchema(plan) }),
  };
}

function planned({ code, language }: SkillDefinition): PlannedSource {
  try {
    return planInjection(code, { language });
  } catch (error) {
    if (!(error instanceof InjectionError) || error.code !== 'PARSE_ERROR') throw error;
    throw new SkillSyntaxError(error.message, { cause: error, details: error.details });
  }
}

function purity(definition: SkillDefinition, capabilities: CapabilityReport): SkillAnalysis['pure'] {
  if (definition.pure === 'auto') return decidePurity(capabilities);
  return { decided: definition.pure, because: [`declared ${definition.pure ? 'pure' : 'not pure'}`] };
}

async function pinRequirements(
  definition: SkillDefinition,
  plan: InjectionPlan,
  freeNames: readonly string[],
  options: AnalyseOptions,
): Promise<PinnedRequirement[]> {
  const demanded = new Set([...plan.imports.map((one) => one.skill), ...definition.requires]);
  if (demanded.has(definition.name)) {
    throw new RequirementError(`${definition.name} requires itself`, {
      details: { missing: [], cycle: [definition.name] },
    });
  }
  const called = freeNames.filter((free) => free !== definition.name);
  const names = [...new Set([...demanded, ...called])];
  const found = names.length === 0 ? new Map<string, ResolvedSkill>() : await options.resolve(names);
  // A store may know names without regard to case; code calls them by their exact name.
  const skills = new Map([...found].filter(([asked, skill]) => asked === skill.name));
  requireAll(definition.name, [...demanded], skills, found);

  const pins = new Map<string, PinnedRequirement>();
  const pin = (local: string, skillName: string): void => {
    const skill = skills.get(skillName);
    if (skill === undefined || pins.has(local)) return;
    pins.set(local, { local, name: skill.name, version: skill.version, digest: skill.digest });
  };
  for (const { local, skill } of plan.imports) pin(local, skill);
  const imported = new Set(plan.imports.map((one) => one.skill));
  for (const required of definition.requires) if (!imported.has(required)) pin(localName(required), required);
  for (const free of called) pin(free, free);
  return [...pins.values()].sort((left, right) => (left.local < right.local ? -1 : 1));
}

function requireAll(
  caller: string,
  demanded: readonly string[],
  skills: ReadonlyMap<string, ResolvedSkill>,
  found: ReadonlyMap<string, ResolvedSkill>,
): void {
  const missing = demanded.filter((name) => !skills.has(name));
  if (missing.length === 0) return;
  const sentences = missing.map((name) => {
    const near = found.get(name);
    return near === undefined ? name : `${name} (there is ${near.name}; case counts)`;
  });
  throw new RequirementError(`${caller} requires what does not exist: ${sentences.join(', ')}`, {
    details: { missing },
  });
}

/** `parse-csv` is called `parseCsv`: a name with a dash is no identifier. */
function localName(name: string): string {
  return name.replace(/-+([A-Za-z0-9_]?)/g, (_dash, next: string) => next.toUpperCase());
}
