/** Who did what: gathered for a second, equal entries as one, then written. */
import type { AuditEntry, ServiceStore } from '../store/service-store.ts';

export type AuditFact = Omit<AuditEntry, 'atMs' | 'count'>;

const GATHER_MS = 1_000;
/** With more than this it is written at once. */
const GATHERED_MAX = 1_000;

export class AuditTrail {
  readonly #store: ServiceStore;
  readonly #failed: (error: unknown, lost: number) => void;
  #gathered = new Map<string, { entry: AuditFact; atMs: number; count: number }>();
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> = Promise.resolve();

  /** `failed` is told of entries that could not be written. */
  constructor(store: ServiceStore, failed: (error: unknown, lost: number) => void) {
    this.#store = store;
    this.#failed = failed;
  }

  add(entry: AuditFact): void {
    const { tenant, caller, action, target = '', outcome } = entry;
    const key = `${tenant}\n${caller}\n${action}\n${target}\n${outcome}`;
    const gathered = this.#gathered.get(key);
    if (gathered) {
      gathered.count += 1;
      return;
    }
    this.#gathered.set(key, { entry, atMs: Date.now(), count: 1 });
    if (this.#gathered.size >= GATHERED_MAX) this.#flush();
    else this.#timer ??= setTimeout(() => this.#flush(), GATHER_MS);
  }

  /** Resolves when all that was added is on disk, or its loss was told. */
  async close(): Promise<void> {
    this.#flush();
    await this.#writing;
  }

  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#gathered.size === 0) return;
    const entries = Array.from(this.#gathered.values(), ({ entry, atMs, count }) => ({
      ...entry,
      atMs,
      count,
    }));
    this.#gathered = new Map();
    const written = this.#store.appendAudit(entries).catch((error: unknown) => {
      this.#failed(error, entries.length);
    });
    this.#writing = Promise.all([this.#writing, written]).then(() => undefined);
  }
}
