/**
 * Code that is run and not stored, compiled: addressed by its text. What its free names mean is up
 * to the store, so an entry that has any, or requires a skill, holds for one epoch only.
 */
import type { Store } from '../store/store.ts';
import { BoundedCache, type CacheBounds } from './bounded-cache.ts';
import { cacheStats, type CacheStats } from './cache-stats.ts';
import type { CompiledSkill } from './compile.ts';

interface Entry {
  readonly skill: CompiledSkill;
  readonly epoch: number;
  readonly bytes: number;
  readonly compiledAtMs: number;
}

export interface InlineCacheOptions extends CacheBounds {
  readonly store: Pick<Store, 'epoch'>;
}

export class InlineCache {
  readonly #store: Pick<Store, 'epoch'>;
  readonly #entries: BoundedCache<Entry>;
  readonly #counts = { hits: 0, misses: 0, shared: 0 };

  constructor(options: InlineCacheOptions) {
    this.#store = options.store;
    this.#entries = new BoundedCache(options);
  }

  /** The compiled code kept under `key`, else what `compile` gives; a failure is not kept. */
  async get(key: string, compile: () => Promise<CompiledSkill>): Promise<CompiledSkill> {
    const epoch = await this.#store.epoch();
    const entry = this.#entries.get(key);
    if (entry && (entry.epoch === epoch || !leansOnStore(entry.skill))) {
      this.#counts.hits += 1;
      return entry.skill;
    }
    this.#counts.misses += 1;
    const skill = await compile();
    this.#entries.set(key, { skill, epoch, bytes: skill.bytes, compiledAtMs: Date.now() });
    return skill;
  }

  /** Drops what was compiled before `beforeMs`; how many there were. */
  evictOlder(beforeMs: number): number {
    return this.#entries.deleteWhere((entry) => entry.compiledAtMs < beforeMs, 'expired');
  }

  /** Lowers the bounds to a share of what they are, 0 to 1, or gives them back. */
  setShare(share: number): void {
    this.#entries.setShare(share);
  }

  clear(): number {
    return this.#entries.clear();
  }

  stats(): CacheStats {
    return cacheStats(this.#entries, this.#counts);
  }
}

function leansOnStore(skill: CompiledSkill): boolean {
  const { requires, capabilities } = skill.version.analysis;
  return requires.length > 0 || capabilities.freeNames.length > 0;
}
