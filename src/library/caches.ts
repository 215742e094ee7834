/** What an operator does to the caches: empty, sweep, fill. */
import { abortError, SkillNotFoundError } from '../errors.ts';
import { parseReference } from './arguments.ts';
import type { LibraryParts } from './parts.ts';
import type { CacheCounts, ClearOptions, WarmUpOptions, WarmUpReport } from './types.ts';

/** Run records that say what is used most. */
const RUNS_SEEN = 1_000;
const WARM_UP_SKILLS = 20;

/** Empties the caches in memory but for what is pinned, and by default the stored results too. */
export async function clearCaches(parts: LibraryParts, options: ClearOptions): Promise<CacheCounts> {
  const skills = parts.skills.clear() + parts.inline.clear();
  const inMemory = parts.results.clear();
  const isStored = options.stored !== false && !parts.options.readonly;
  const dropped = isStored ? await parts.results.drop() : 0;
  if (isStored) parts.purity.remark();
  return { skills, results: Math.max(inMemory, dropped) };
}

/** Drops what is past its age, in memory and on disk. */
export async function evictExpired(parts: LibraryParts): Promise<CacheCounts> {
  const { skills, results } = sweepMemory(parts);
  const stored = parts.options.readonly ? 0 : await parts.results.evictExpiredStored();
  return { skills, results: Math.max(results, stored) };
}

/** Drops from memory what is past its age. */
export function sweepMemory(
  parts: Pick<LibraryParts, 'options' | 'skills' | 'inline' | 'results'>,
): CacheCounts {
  const { skillTtlMs } = parts.options.cache;
  const skills = parts.skills.evictOlder(skillTtlMs) + parts.inline.evictOlder(Date.now() - skillTtlMs);
  return { skills, results: parts.results.evictExpired() };
}

/**
 * Compiles the skills that were run most of late, binds a worker to each as far as there is room, and
 * starts `workers.min` more for those that come. What serves any version is not bound, only started.
 */
export async function warmUp(
  parts: LibraryParts,
  options: WarmUpOptions,
  closing: AbortSignal,
): Promise<WarmUpReport> {
  const startMs = performance.now();
  const { skills: wanted = WARM_UP_SKILLS, signal } = options;
  const records = await parts.store.listRuns({ limit: RUNS_SEEN });
  const uses = new Map<string, number>();
  for (const { skill } of records) if (skill !== undefined) uses.set(skill, (uses.get(skill) ?? 0) + 1);
  const ranked = [...uses].toSorted(([, left], [, right]) => right - left).slice(0, wanted);
  const skills: { name: string; version: number; runs: number }[] = [];
  const { min, max, isolation } = parts.options.workers;
  const isBound = isolation === 'version';
  const room = max - Math.min(min, max - 1);
  for (const [name, runs] of ranked) {
    if (signal?.aborted) throw abortError(signal);
    if (closing.aborted) throw abortError(closing);
    try {
      const { program, version: stored } = await parts.skills.get(name);
      const { version } = stored;
      if (isBound && skills.length < room) await parts.workers.bindAhead(program, closing);
      skills.push({ name, version, runs });
    } catch (error) {
      // Removed since it ran.
      if (!(error instanceof SkillNotFoundError)) throw error;
    }
  }
  const most = isBound ? min : Math.min(skills.length, parts.options.workers.concurrency);
  if (skills.length > 0) await parts.workers.warmUp(most);
  return { skills, runsSeen: records.length, durationMs: performance.now() - startMs };
}

/** Keeps what `reference` names now from being evicted. @throws {CacheOverflowError}, {SkillNotFoundError} */
export async function pin({ skills }: LibraryParts, reference: string): Promise<void> {
  const { name, version } = parseReference(reference);
  await skills.pin(name, version);
}

/** False where there is nothing to end. */
export function unpin({ skills }: LibraryParts, reference: string): boolean {
  const { name, version } = parseReference(reference);
  return skills.unpin(name, version);
}
