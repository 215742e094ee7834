/**
 * The libraries of the tenants. Each is a file of its own with caches and workers of its own: what one tenant has,
 * another cannot meet. They are opened when they are asked for, and the one used longest ago is closed for the next.
 */
import { SkillCacheError } from '../errors.ts';
import type { SkillLibrary } from '../library.ts';
import { DEFAULT_TENANT } from './caller.ts';

export type OpenTenant = (tenant: string) => Promise<SkillLibrary>;

/** One that was asked within this is not closed for another. */
const IDLE_MS = 10_000;

interface Opened {
  readonly library: Promise<SkillLibrary>;
  usedMs: number;
}

export class Tenants {
  readonly #own: SkillLibrary;
  readonly #open: OpenTenant;
  readonly #openMax: number;
  readonly #opened = new Map<string, Opened>();

  constructor(own: SkillLibrary, { open, openMax }: { open: OpenTenant; openMax: number }) {
    this.#own = own;
    this.#open = open;
    this.#openMax = openMax;
  }

  /** @throws {SkillCacheError} OVERLOADED when as many as may be are in use. */
  libraryOf(tenant: string): SkillLibrary | Promise<SkillLibrary> {
    if (tenant === DEFAULT_TENANT) return this.#own;
    const opened = this.#opened.get(tenant);
    if (opened) {
      opened.usedMs = performance.now();
      return opened.library;
    }
    if (this.#opened.size >= this.#openMax) this.#closeOldest();
    const library = this.#open(tenant);
    this.#opened.set(tenant, { library, usedMs: performance.now() });
    // The next one who asks tries again.
    library.catch(() => this.#opened.delete(tenant));
    return library;
  }

  async close(): Promise<void> {
    const opened = [...this.#opened.values()];
    this.#opened.clear();
    await Promise.allSettled(opened.map(async ({ library }) => (await library).close()));
  }

  #closeOldest(): void {
    const [oldest] = [...this.#opened].toSorted(([, left], [, right]) => left.usedMs - right.usedMs);
    if (!oldest || performance.now() - oldest[1].usedMs < IDLE_MS) {
      throw new SkillCacheError('OVERLOADED', `${this.#openMax} tenants are at work: try again later`, {
        details: { retryAfterSeconds: Math.ceil(IDLE_MS / 1_000) },
      });
    }
    this.#opened.delete(oldest[0]);
    // What still runs there is let finish.
    void oldest[1].library.then((library) => library.close()).catch(() => undefined);
  }
}
