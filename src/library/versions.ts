/** The versions of a skill, and the way back to an older one. */
import { SkillNotFoundError } from '../errors.ts';
import type { AddedVersion, Store, VersionSummary } from '../store/store.ts';

/** Newest first. @throws {SkillNotFoundError} */
export async function versionsOf(store: Store, name: string): Promise<VersionSummary[]> {
  const versions = await store.versions(name);
  if (versions.length === 0) throw new SkillNotFoundError(`no skill ${name}`, { details: { name } });
  return versions.toSorted((left, right) => right.version - left.version);
}

/** Moves the pointer to `version`, by default the one before the current. @throws {SkillNotFoundError} */
export async function rollBack(store: Store, name: string, version?: number): Promise<AddedVersion> {
  const versions = await versionsOf(store, name);
  const current = versions.find((one) => one.current)?.version ?? 0;
  const target = version ?? versions.find((one) => one.version < current)?.version;
  if (target !== undefined) return store.movePointer(name, target);
  throw new SkillNotFoundError(`${name}@${current} has no version before it`, { details: { name } });
}
