/** Follows pinned requirements: every distinct version once, the asked one first. */
import { RequirementError } from '../errors.ts';
import type { SkillVersion } from '../store/store.ts';

export interface LinkLimits {
  /** Longest chain of required skills. */
  readonly depthMax: number;
  /** Code of a skill and all it requires, in bytes of UTF-8. */
  readonly bytesMax: number;
}

export interface LinkedVersion {
  readonly version: SkillVersion;
  /** Local name → index of the linked version. */
  readonly requires: Readonly<Record<string, number>>;
}

/**
 * @throws {RequirementError} when one is missing, when they form a cycle, or are over a limit.
 */
export async function linkVersions(
  version: SkillVersion,
  loadDigest: (digest: string) => Promise<SkillVersion | undefined>,
  limits: LinkLimits,
): Promise<LinkedVersion[]> {
  const versions = await loadAll(version, loadDigest, limits);
  const indexes = new Map([...versions.keys()].map((digest, index) => [digest, index]));
  checkChains(version, versions, limits);
  return [...versions.values()].map((one) => ({
    version: one,
    requires: Object.fromEntries(
      one.analysis.requires.map(({ local, digest }) => [local, indexes.get(digest) as number]),
    ),
  }));
}

async function loadAll(
  version: SkillVersion,
  loadDigest: (digest: string) => Promise<SkillVersion | undefined>,
  limits: LinkLimits,
): Promise<Map<string, SkillVersion>> {
  const versions = new Map([[version.digest, version]]);
  let bytes = Buffer.byteLength(version.definition.code);
  // A map is walked in the order of insertion, and what is inserted meanwhile is walked too.
  for (const owner of versions.values()) {
    for (const pin of owner.analysis.requires) {
      if (versions.has(pin.digest)) continue;
      const required = await loadDigest(pin.digest);
      if (!required) throw missing(owner, pin);
      versions.set(pin.digest, required);
      bytes += Buffer.byteLength(required.definition.code);
      if (bytes > limits.bytesMax) throw tooLarge(version, versions.size, bytes, limits);
    }
  }
  return versions;
}

/** Refuses cycles and chains beyond the limit; no deeper in its own calls than the limit allows. */
function checkChains(
  root: SkillVersion,
  versions: ReadonlyMap<string, SkillVersion>,
  limits: LinkLimits,
): void {
  const below = new Map<string, number>();
  const path: SkillVersion[] = [];
  const longestBelow = (version: SkillVersion): number => {
    const known = below.get(version.digest);
    if (known !== undefined) return check(version, known);
    if (path.includes(version)) throw cyclic([...path.slice(path.indexOf(version)), version]);
    check(version, 0);
    path.push(version);
    let longest = 0;
    for (const { digest } of version.analysis.requires) {
      longest = Math.max(longest, 1 + longestBelow(versions.get(digest) as SkillVersion));
    }
    path.pop();
    below.set(version.digest, longest);
    return longest;
  };
  const check = (version: SkillVersion, more: number): number => {
    if (path.length + more > limits.depthMax) throw tooDeep(root, version, path.length + more, limits);
    return more;
  };
  longestBelow(root);
}

function missing(
  owner: SkillVersion,
  pin: { readonly name: string; readonly version: number; readonly digest: string },
): RequirementError {
  return new RequirementError(
    `${label(owner)} requires ${pin.name}@${pin.version}, which is not stored (digest ${pin.digest.slice(0, 12)})`,
    { details: { skill: owner.name, requires: pin.name, version: pin.version, digest: pin.digest } },
  );
}

function cyclic(cycle: readonly SkillVersion[]): RequirementError {
  const names = cycle.map(label);
  return new RequirementError(`requirements form a cycle: ${names.join(' → ')}`, {
    details: { cycle: names },
  });
}

function tooDeep(root: SkillVersion, at: SkillVersion, depth: number, limits: LinkLimits): RequirementError {
  return new RequirementError(
    `${label(root)} requires skills ${depth} deep or more (at ${label(at)}), the limit is ${limits.depthMax}`,
    { details: { skill: root.name, depth, depthMax: limits.depthMax } },
  );
}

function tooLarge(root: SkillVersion, skills: number, bytes: number, limits: LinkLimits): RequirementError {
  return new RequirementError(
    `${label(root)} and what it requires have ${bytes} bytes of code in the first ${skills} skills, the limit is ${limits.bytesMax}`,
    { details: { skill: root.name, bytes, bytesMax: limits.bytesMax } },
  );
}

function label(version: SkillVersion): string {
  return `${version.name}@${version.version}`;
}
