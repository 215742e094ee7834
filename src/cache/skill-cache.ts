/**
 * Compiled skills, close at hand. What is kept is addressed by digest and cannot be stale; only
 * the pointers *name → digest* can, so they are dropped whenever the store's epoch has changed,
 * and the store is asked for it before every use.
 */
import { CacheOverflowError, SkillNotFoundError, abortError } from '../errors.ts';
import type { SkillVersion, Store } from '../store/store.ts';
import { BoundedCache } from './bounded-cache.ts';
import type { CacheBounds, EvictReason, Sized } from './bounded-cache.ts';
import { cacheStats } from './cache-stats.ts';
import type { CacheStats } from './cache-stats.ts';
import type { CompiledSkill } from './compile.ts';
import { Flight } from './flight.ts';

export interface SkillCacheObserver {
  /** An entry left, or, as `overflow`, was too large to be kept at all. */
  evicted?(event: { digest: string; bytes: number; reason: EvictReason | 'overflow' }): void;
  loaded?(event: { digest: string; durationMs: number }): void;
  loadFailed?(event: { name: string; error: unknown }): void;
}

export interface SkillCacheOptions extends CacheBounds {
  readonly store: Pick<Store, 'epoch' | 'load'>;
  readonly compile: (version: SkillVersion) => Promise<CompiledSkill>;
  readonly observer?: SkillCacheObserver;
  /** Milliseconds that only ever rise. Default `performance.now`. */
  readonly clock?: () => number;
}

export interface SkillCacheStats extends CacheStats {
  /** Versions that cannot be evicted. */
  readonly pinned: number;
  /** Versions compiled. */
  readonly loads: number;
  readonly loadFailures: number;
  /** Pointers that were read again because the epoch had changed, and led to a kept entry. */
  readonly revalidations: number;
}

interface Entry extends Sized {
  readonly skill: CompiledSkill;
  readonly compiledAtMs: number;
}

export class SkillCache {
  readonly #options: SkillCacheOptions;
  readonly #clock: () => number;
  readonly #compiled: BoundedCache<Entry>;
  /** Name, or `name@version`, in lower case → digest; true as long as the epoch is `#epoch`. */
  readonly #pointers = new Map<string, string>();
  #epoch: number | undefined;
  /** Pinned versions: name, or `name@version`, as it was given to `pin`, in lower case → digest. */
  readonly #pins = new Map<string, string>();
  readonly #flights = new Map<string, Flight<CompiledSkill>>();
  readonly #counts = { hits: 0, misses: 0, shared: 0 };
  #loads = 0;
  #loadFailures = 0;
  #revalidations = 0;

  constructor(options: SkillCacheOptions) {
    this.#options = options;
    this.#clock = options.clock ?? (() => performance.now());
    this.#compiled = new BoundedCache<Entry>(options, (digest, { skill }, reason) => {
      this.#forgetPointers(skill);
      options.observer?.evicted?.({ digest, bytes: skill.bytes, reason });
    });
  }

  /**
   * `get` of `name` or `name@version` without a promise: undefined where that would have to wait.
   * Counts as a hit, or not at all.
   */
  getNow(reference: string): CompiledSkill | undefined {
    const epoch = this.#options.store.epoch();
    if (typeof epoch !== 'number') return undefined;
    return this.#hit(reference, epoch) ?? this.#hit(reference.toLowerCase(), epoch);
  }

  /**
   * The current version, or the one asked for. Concurrent misses share one load; a failed load is
   * not remembered, and a caller that aborts does not disturb the others.
   * @throws {SkillNotFoundError} when there is no such skill or version.
   * @throws {RequirementError} when what it requires cannot be linked.
   */
  async get(name: string, version?: number, options: { signal?: AbortSignal } = {}): Promise<CompiledSkill> {
    if (options.signal?.aborted) throw abortError(options.signal);
    const pointer = pointerKey(name, version);
    const epoch = await this.#options.store.epoch();
    return this.#hit(pointer, epoch) ?? this.#load(pointer, epoch, name, version).join(options.signal);
  }

  /** What `get` would find kept, its place in the order and all counts unchanged, coherent or not. */
  peek(name: string, version?: number): CompiledSkill | undefined {
    const digest = this.#pointers.get(pointerKey(name, version));
    return digest === undefined ? undefined : this.#compiled.peek(digest)?.skill;
  }

  /**
   * Keeps an entry because the caller says so, as at warm-up.
   * @throws {CacheOverflowError} when it alone is larger than the cache.
   */
  put(skill: CompiledSkill): void {
    if (this.#keep(skill)) return;
    const { name, version } = skill.version;
    const { bytesMax } = this.#options;
    throw new CacheOverflowError(
      `${name}@${version} takes ${skill.bytes} bytes compiled, the skill cache holds ${bytesMax} and has ${this.#compiled.pinned} pinned`,
      { details: { name, version, bytes: skill.bytes, bytesMax } },
    );
  }

  /**
   * Keeps a version from being evicted until `unpin` of the same words.
   * @throws {CacheOverflowError} when it is larger than what other pinned versions leave of the cache.
   */
  async pin(name: string, version?: number, options: { signal?: AbortSignal } = {}): Promise<void> {
    const skill = await this.get(name, version, options);
    const { digest } = skill.version;
    if (!this.#compiled.peek(digest)) this.put(skill);
    this.unpin(name, version);
    this.#compiled.pin(digest);
    this.#pins.set(pointerKey(name, version), digest);
  }

  /** False where nothing is pinned under these words. */
  unpin(name: string, version?: number): boolean {
    const pointer = pointerKey(name, version);
    const digest = this.#pins.get(pointer);
    if (digest === undefined) return false;
    this.#pins.delete(pointer);
    if (![...this.#pins.values()].includes(digest)) this.#compiled.unpin(digest);
    return true;
  }

  /** Drops everything kept that is not pinned; how many there were. */
  clear(): number {
    this.#pointers.clear();
    return this.#compiled.clear();
  }

  /** Drops what was compiled longer than `ageMs` ago and is not pinned; how many there were. */
  evictOlder(ageMs: number): number {
    const beforeMs = this.#clock() - ageMs;
    const pinned = new Set(this.#pins.values());
    return this.#compiled.deleteWhere(
      ({ compiledAtMs }, digest) => compiledAtMs < beforeMs && !pinned.has(digest),
      'expired',
    );
  }

  /** Lowers the bounds to a share of what they are, 0 to 1, or gives them back. */
  setShare(share: number): void {
    this.#compiled.setShare(share);
  }

  stats(): SkillCacheStats {
    return {
      ...cacheStats(this.#compiled, this.#counts),
      pinned: this.#compiled.pinned,
      loads: this.#loads,
      loadFailures: this.#loadFailures,
      revalidations: this.#revalidations,
    };
  }

  #hit(pointer: string, epoch: number): CompiledSkill | undefined {
    this.#moveTo(epoch);
    const digest = this.#pointers.get(pointer);
    const entry = digest === undefined ? undefined : this.#compiled.get(digest);
    if (!entry) return undefined;
    this.#counts.hits += 1;
    return entry.skill;
  }

  #moveTo(epoch: number): void {
    if (epoch === this.#epoch) return;
    this.#epoch = epoch;
    this.#pointers.clear();
  }

  #load(pointer: string, epoch: number, name: string, version?: number): Flight<CompiledSkill> {
    // A load that began under another epoch may end with what is no longer current: not joined.
    const key = `${epoch}\n${pointer}`;
    const under = this.#flights.get(key);
    if (under) {
      this.#counts.misses += 1;
      this.#counts.shared += 1;
      return under;
    }
    const flight = new Flight(() => this.#loadAndKeep(pointer, epoch, name, version));
    this.#flights.set(key, flight);
    void flight.settled.then(() => this.#flights.delete(key));
    return flight;
  }

  async #loadAndKeep(
    pointer: string,
    epoch: number,
    name: string,
    version: number | undefined,
  ): Promise<CompiledSkill> {
    let isCounted = false;
    try {
      const stored = await this.#options.store.load(name, version);
      const kept = stored && this.#compiled.get(stored.digest)?.skill;
      isCounted = true;
      // A skill removed and added again has its digest back, but not its version number.
      if (kept && kept.version.version === stored.version) {
        this.#counts.hits += 1;
        this.#revalidations += 1;
        this.#point(pointer, epoch, stored.digest);
        return kept;
      }
      this.#counts.misses += 1;
      if (!stored) throw notFound(name, version);
      const skill = await this.#compile(stored);
      if (this.#keep(skill)) this.#point(pointer, epoch, stored.digest);
      return skill;
    } catch (error) {
      if (!isCounted) this.#counts.misses += 1;
      if (!(error instanceof SkillNotFoundError)) {
        this.#loadFailures += 1;
        this.#options.observer?.loadFailed?.({ name, error });
      }
      throw error;
    }
  }

  async #compile(version: SkillVersion): Promise<CompiledSkill> {
    const startMs = this.#clock();
    const skill = await this.#options.compile(version);
    this.#loads += 1;
    this.#options.observer?.loaded?.({ digest: version.digest, durationMs: this.#clock() - startMs });
    return skill;
  }

  #keep(skill: CompiledSkill): boolean {
    const { digest } = skill.version;
    const isKept = this.#compiled.set(digest, { skill, bytes: skill.bytes, compiledAtMs: this.#clock() });
    if (!isKept) this.#options.observer?.evicted?.({ digest, bytes: skill.bytes, reason: 'overflow' });
    return isKept;
  }

  /** Remembers a pointer, unless the epoch moved on while it was being read. */
  #point(pointer: string, epoch: number, digest: string): void {
    if (epoch === this.#epoch) this.#pointers.set(pointer, digest);
  }

  /** An entry has two pointers at most, which leave with it: so they are bounded by the entries. */
  #forgetPointers({ version: { name, version, digest } }: CompiledSkill): void {
    for (const pointer of [pointerKey(name, undefined), pointerKey(name, version)]) {
      if (this.#pointers.get(pointer) === digest) this.#pointers.delete(pointer);
    }
  }
}

function pointerKey(name: string, version: number | undefined): string {
  const lower = name.toLowerCase();
  return version === undefined ? lower : `${lower}@${version}`;
}

function notFound(name: string, version: number | undefined): SkillNotFoundError {
  const asked = version === undefined ? name : `${name}@${version}`;
  return new SkillNotFoundError(version === undefined ? `no skill ${asked}` : `no version ${asked}`, {
    details: version === undefined ? { name } : { name, version },
  });
}
