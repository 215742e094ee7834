/** Puts a backup in the place of a library that nobody has open. */
import { resolveOptions, type SkillLibraryOptions } from '../options.ts';
import { restoreSqlite } from '../store/sqlite/restore.ts';

/**
 * Verifies the backup `from`, migrates its copy where it is older, and replaces the library at `options.path` at once.
 * @throws {DatabaseCorruptError} where the backup is damaged; {DatabaseConnectionError} where it is no library, or a
 * process has the library open. Nothing is changed then.
 */
export async function restoreLibrary(
  from: string,
  options: SkillLibraryOptions = {},
  { signal }: { signal?: AbortSignal } = {},
): Promise<{ path: string; skills: number }> {
  const { path, store } = resolveOptions(options);
  return restoreSqlite(from, { ...store, path }, signal);
}
