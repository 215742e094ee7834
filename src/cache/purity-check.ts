/**
 * Holds skills to their purity: one in so many hits is run again in the background. An answer that
 * differs shows that the version is not pure: from then on it is run each time, here and, as the
 * mark is stored, in every process that compiles it later.
 */
import type { CompiledSkill } from './compile.ts';
import { sha256Hex } from './keys.ts';
import type { RunSkill } from './result-cache-types.ts';
import { StoredResults, type ResultStore } from './stored-results.ts';
import { SkillRuntimeError } from '../errors.ts';

export interface PurityCheckOptions {
  /** One in this many hits is checked; 0 checks none. */
  readonly everyHits: number;
  /** Drops the answers of a version that turned out impure. */
  readonly drop: (digest: string) => Promise<unknown>;
  readonly store?: ResultStore;
  /** Wall time in ms. Default `Date.now`. */
  readonly clock?: () => number;
}

/** A version that gave two answers to the same data. */
export interface ImpureVersion {
  readonly name: string;
  readonly version: number;
  readonly digest: string;
  /** When it was found; wall time. */
  readonly foundAtMs: number;
}

export interface PurityNumbers {
  /** Hits that were run again. */
  readonly checks: number;
  /** Of these, answers that differed. */
  readonly differing: number;
  /** Of these, runs that failed for reasons of their own, as for want of a worker. */
  readonly inconclusive: number;
  /** Found since the library was opened; the latest 100. */
  readonly found: readonly ImpureVersion[];
}

const BECAUSE = 'it gave two answers to the same data';
const FOUND_MAX = 100;
const FOR_EVER = Number.MAX_SAFE_INTEGER;

export class PurityCheck {
  readonly #options: PurityCheckOptions;
  readonly #stored: StoredResults;
  readonly #impure = new Set<string>();
  readonly #found: ImpureVersion[] = [];
  readonly #closing = new AbortController();
  #running: Promise<void> | undefined;
  #hits = 0;
  #checks = 0;
  #differing = 0;
  #inconclusive = 0;

  constructor(options: PurityCheckOptions) {
    this.#options = options;
    this.#stored = new StoredResults(options.store, 100, undefined);
  }

  /** Counts a hit; whether it is one to be checked. One check runs at a time: the next waits for its turn. */
  isDue(): boolean {
    const { everyHits } = this.#options;
    if (everyHits === 0) return false;
    this.#hits += 1;
    return this.#hits >= everyHits && !this.#running && !this.#closing.signal.aborted;
  }

  /** Runs the skill again, in the background, and compares with the answer that was served. */
  check(skill: CompiledSkill, served: string, run: RunSkill): void {
    this.#hits = 0;
    this.#checks += 1;
    const check = this.#check(skill, served, run).finally(() => {
      this.#running = undefined;
    });
    this.#running = check;
  }

  isImpure(digest: string): boolean {
    return this.#impure.size > 0 && this.#impure.has(digest);
  }

  /** Why the answers of a skill are not kept. */
  because(skill: CompiledSkill): readonly string[] {
    return this.isImpure(skill.version.digest) ? [BECAUSE] : skill.pureBecause;
  }

  /** Reads the mark of a version that is about to be used. */
  async load(digest: string): Promise<void> {
    if (!this.#options.store || this.#impure.has(digest)) return;
    if (await this.#stored.get(markKey(digest))) this.#impure.add(digest);
  }

  /** Stores the known marks again, as after all stored results were dropped. */
  remark(): void {
    for (const digest of this.#impure) this.#mark(digest);
  }

  numbers(): PurityNumbers {
    return {
      checks: this.#checks,
      differing: this.#differing,
      inconclusive: this.#inconclusive,
      found: [...this.#found],
    };
  }

  /** Resolves when the check under way has ended. */
  async settled(): Promise<void> {
    await this.#running;
    await this.#stored.flush();
  }

  /** Stops the check under way. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.settled();
  }

  async #check(skill: CompiledSkill, served: string, run: RunSkill): Promise<void> {
    let again: string | undefined;
    try {
      again = await run(this.#closing.signal);
    } catch (error) {
      // It answered before: to throw now is to differ. All else says nothing about the skill.
      if (!(error instanceof SkillRuntimeError)) {
        this.#inconclusive += 1;
        return;
      }
    }
    if (again !== served) await this.#differs(skill);
  }

  async #differs({ version: { name, version, digest } }: CompiledSkill): Promise<void> {
    this.#differing += 1;
    this.#impure.add(digest);
    this.#found.push({ name, version, digest, foundAtMs: (this.#options.clock ?? Date.now)() });
    if (this.#found.length > FOUND_MAX) this.#found.shift();
    try {
      await this.#options.drop(digest);
    } catch {
      // The version is not served from its results any more, dropped or not.
    }
    this.#mark(digest);
  }

  #mark(digest: string): void {
    const key = markKey(digest);
    // Under a digest of its own, so that it outlives the results of the version.
    this.#stored.put({ key, digest: key, output: '"impure"', createdAtMs: 0, expiresAtMs: FOR_EVER });
  }
}

function markKey(digest: string): string {
  return sha256Hex('skillcache-impure/1', digest);
}
