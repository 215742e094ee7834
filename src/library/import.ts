/** Whole libraries in and out: past a bad skill the rest goes on. */
import { AbortedError, abortError, SkillCacheError } from '../errors.ts';
import type { AddedSkill } from './types.ts';
import { type ImportCandidate, readImport } from '../skills/importers.ts';

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

/** An add under way, and what tells whether another candidate may lean on it. */
interface Adding {
  readonly name: string;
  readonly text: string;
  readonly outcome: Promise<ImportOutcome>;
}

/**
 * Adds every skill under `path`, required ones first, up to `concurrency` at once; outcomes come in the
 * order of the source. What was imported when `signal` fires stays.
 * @throws {FileNotFoundError} when there is nothing at `path`; {AbortedError} when `signal` fires.
 */
export async function* importSkills(
  path: string,
  add: AddSkill,
  options: ImportOptions = {},
  concurrency = 1,
): AsyncGenerator<ImportOutcome> {
  const { signal } = options;
  const underway: Adding[] = [];
  try {
    for await (const candidate of readImport(path, signal ? { signal } : {})) {
      if (signal?.aborted) throw abortError(signal);
      const next = { name: (candidate.name ?? '').toLowerCase(), text: textOf(candidate) };
      // Of two skills one of which may call the other, the first is stored before the second is looked at.
      const leansOn = underway.findLastIndex((one) => mentions(next, one) || mentions(one, next));
      for (let done = Math.max(leansOn + 1, underway.length - concurrency + 1); done > 0; done -= 1) {
        yield await (underway.shift() as Adding).outcome;
      }
      const outcome = addCandidate(candidate, add, options);
      outcome.catch(() => {
        // Heard of when its turn comes.
      });
      underway.push({ ...next, outcome });
    }
    while (underway.length > 0) yield await (underway.shift() as Adding).outcome;
  } catch (error) {
    // What was under way beside it may have got in, and then stays.
    for (const one of await Promise.allSettled(underway.map(({ outcome }) => outcome))) {
      if (one.status === 'fulfilled') yield one.value;
    }
    throw error;
  } finally {
    // Whoever stops listening must not leave adds behind that write later on.
    await Promise.allSettled(underway.map((one) => one.outcome));
  }
}

function textOf({ definition }: ImportCandidate): string {
  return definition === undefined ? '' : JSON.stringify(definition).toLowerCase();
}

function mentions(one: { readonly text: string }, other: { readonly name: string }): boolean {
  return other.name !== '' && one.text.includes(other.name);
}

async function addCandidate(
  candidate: ImportCandidate,
  add: AddSkill,
  options: ImportOptions,
): Promise<ImportOutcome> {
  const { source, warnings } = candidate;
  const named = candidate.name === undefined ? {} : { name: candidate.name };
  if (candidate.refused || !candidate.definition) {
    const { code, reason } = candidate.refused ?? {
      code: 'SKILL_INVALID',
      reason: 'no definition was found',
    };
    return { source, ...named, status: 'refused', warnings, code, reason };
  }
  try {
    const added = await add(candidate.definition, options);
    return {
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
    return { source, ...named, status: 'refused', warnings, code: thrown.code, reason: thrown.message };
  }
}

/** Errors that end an import: they would meet every other skill too. */
const FATAL = new Set(['CLOSED', 'ABORTED', 'CONFIGURATION', 'SANDBOX_UNAVAILABLE', 'POOL_EXHAUSTED']);

function isOfTheSkill(thrown: unknown): thrown is SkillCacheError {
  if (!(thrown instanceof SkillCacheError) || thrown instanceof AbortedError) return false;
  return !FATAL.has(thrown.code) && !thrown.code.startsWith('DATABASE_');
}
