/** The versions of a skill, the way back to an older one, and its end. */
import { SkillNotFoundError } from '../errors.ts';
import { parseReference } from './arguments.ts';
import type { AddedVersion, Expectation, SkillVersion, Store, VersionSummary } from '../store/store.ts';

/** The version that `name` or `name@version` names. @throws {SkillNotFoundError} */
export async function loadStored(store: Store, reference: string): Promise<SkillVersion> {
  const { name, version } = parseReference(reference);
  const stored = await store.load(name, version);
  if (!stored) throw new SkillNotFoundError(`no skill ${reference}`, { details: { reference } });
  return stored;
}

/** @throws {SkillNotFoundError}, {SkillInUseError}, {PreconditionFailedError} */
export async function removeSkill(store: Store, name: string, expectation?: Expectation): Promise<void> {
  if (await store.remove(name, expectation)) return;
  throw new SkillNotFoundError(`no skill ${name}`, { details: { name } });
}

/** Newest first. @throws {SkillNotFoundError} */
export async function versionsOf(store: Store, name: string): Promise<VersionSummary[]> {
  const versions = await store.versions(name);
  if (versions.length === 0) throw new SkillNotFoundError(`no skill ${name}`, { details: { name } });
  return versions.toSorted((left, right) => right.version - left.version);
}

/** Moves the pointer to `version`, by default the one before the current. @throws {SkillNotFoundError} */
export async function rollBack(
  store: Store,
  name: string,
  version?: number,
  expectation?: Expectation,
): Promise<AddedVersion> {
  const versions = await versionsOf(store, name);
  const current = versions.find((one) => one.current)?.version ?? 0;
  const target = version ?? versions.find((one) => one.version < current)?.version;
  if (target !== undefined) return store.movePointer(name, target, expectation);
  throw new SkillNotFoundError(`${name}@${current} has no version before it`, { details: { name } });
}
