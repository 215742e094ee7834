/** Versions and compiled skills made up for the tests of this folder. */
import type { CompiledSkill } from '../../src/cache/compile.ts';
import { planInjection } from '../../src/inject/planner.ts';
import { contentDigest } from '../../src/cache/keys.ts';
import type { PinnedRequirement } from '../../src/skills/analyse.ts';
import type { SkillDefinition } from '../../src/skills/skill.ts';
import type { SkillVersion } from '../../src/store/store.ts';

export interface VersionParts {
  name?: string;
  version?: number;
  code?: string;
  requires?: readonly SkillVersion[];
  pure?: boolean;
  because?: readonly string[];
  definition?: Partial<SkillDefinition>;
}

export function versionOf(parts: VersionParts = {}): SkillVersion {
  const { name = 'double', version = 1, code = 'export const result = 2;\n', requires = [] } = parts;
  const definition: SkillDefinition = {
    name,
    description: 'A skill.',
    code,
    language: 'javascript',
    parameters: {},
    tags: [],
    requires: requires.map((required) => required.name),
    examples: [],
    pure: 'auto',
    capabilities: [],
    limits: {},
    ...parts.definition,
  };
  const pins = requires.map((required) => pinOf(required));
  return {
    name,
    version,
    digest: contentDigest(definition, pins),
    createdAtMs: 0,
    definition,
    analysis: {
      plan: planInjection(code).plan,
      capabilities: { flags: [], freeNames: [] },
      pure: { decided: parts.pure ?? true, because: parts.because ?? [] },
      requires: pins,
    },
  };
}

export function pinOf(required: SkillVersion, local = required.name): PinnedRequirement {
  return { local, name: required.name, version: required.version, digest: required.digest };
}

/** A compiled skill of the size given, without compiling anything. */
export function compiledOf(version: SkillVersion, bytes = 100): CompiledSkill {
  return {
    version,
    program: { digest: version.digest, units: [] },
    pure: true,
    pureBecause: [],
    seesKeyOrder: false,
    bytes,
  };
}

/** A promise and what settles it. */
export function deferred<Value>(): {
  promise: Promise<Value>;
  resolve: (value: Value) => void;
  reject: (error: unknown) => void;
} {
  let resolve!: (value: Value) => void;
  let reject!: (error: unknown) => void;
  const promise = new Promise<Value>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}
