/** Whole libraries in and out: past a bad skill the rest goes on. */
import { AbortedError, SkillCacheError, abortError } from './errors.ts';
import type { AddedSkill } from './library-types.ts';
import { readImport } from './skills/importers.ts';

export interface ImportOptions {
  signal?: AbortSignal;
  /** Whether examples are run before a pointer moves. Default true. */
  verify?: boolean;
}

/** What became of one skill of an import. */
export interface ImportOutcome {
  /** The file or folder it came from. */
  readonly source: string;
  readonly name?: string;
  readonly status: 'imported' | 'unchanged' | 'refused';
  readonly version?: number;
  /** Examples that were run and held. */
  readonly verified?: number;
  readonly warnings: readonly string[];
  /** Why it was refused: an error code and its message. */
  readonly code?: string;
  readonly reason?: string;
}

export type AddSkill = (definition: unknown, options: ImportOptions) => Promise<AddedSkill>;

/**
 * Adds every skill under `path`, required ones first. What was imported when `signal` fires stays.
 * @throws {FileNotFoundError} when there is nothing at `path`; {AbortedError} when `signal` fires.
 */
export async function* importSkills(
  path: string,
  add: AddSkill,
  options: ImportOptions = {},
): AsyncGenerator<ImportOutcome> {
  const { signal } = options;
  for await (const candidate of readImport(path, signal ? { signal } : {})) {
    if (signal?.aborted) throw abortError(signal);
    const { source, warnings } = candidate;
    const named = candidate.name === undefined ? {} : { name: candidate.name };
    if (candidate.refused || !candidate.definition) {
      const { code, reason } = candidate.refused ?? {
        code: 'SKILL_INVALID',
        reason: 'no definition was found',
      };
      yield { source, ...named, status: 'refused', warnings, code, reason };
      continue;
    }
    try {
      const added = await add(candidate.definition, options);
      yield {
        source,
        name: added.name,
        status: added.status === 'unchanged' ? 'unchanged' : 'imported',
        version: added.version,
        verified: added.verified,
        warnings: [...warnings, ...added.warnings],
      };
    } catch (thrown) {
      // One bad skill must not stop the import; what is wrong with the library itself must.
      if (!isOfTheSkill(thrown)) throw thrown;
      yield { source, ...named, status: 'refused', warnings, code: thrown.code, reason: thrown.message };
    }
  }
}

/** Errors that end an import: they would meet every other skill too. */
const FATAL = new Set(['CLOSED', 'ABORTED', 'CONFIGURATION', 'SANDBOX_UNAVAILABLE', 'POOL_EXHAUSTED']);

function isOfTheSkill(thrown: unknown): thrown is SkillCacheError {
  if (!(thrown instanceof SkillCacheError) || thrown instanceof AbortedError) return false;
  return !FATAL.has(thrown.code) && !thrown.code.startsWith('DATABASE_');
}
