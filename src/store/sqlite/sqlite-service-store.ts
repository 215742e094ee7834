/** The service store of the same file: its writes share the groups of the skills'. */
import type {
  ApiKeyRecord,
  AuditEntry,
  KeptAnswer,
  ServiceStore,
  StoredAuditEntry,
} from '../service-store.ts';
import { AUDIT_PAGE, bounded } from './bounds.ts';
import type { GroupCommit } from './group-commit.ts';
import type { PointReader } from './point-reader.ts';
import type { ReadOperations } from './read-operations.ts';
import { hasKeys, readAnswer, readKey } from './service-operations.ts';

export interface ServiceStoreParts {
  readonly points: PointReader;
  readonly writes: GroupCommit;
  read<Name extends keyof ReadOperations>(
    operation: Name,
    given: Parameters<ReadOperations[Name]>[1],
  ): Promise<ReturnType<ReadOperations[Name]>>;
  expectOpen(): void;
  expectWritable(): void;
}

export class SqliteServiceStore implements ServiceStore {
  readonly #parts: ServiceStoreParts;

  constructor(parts: ServiceStoreParts) {
    this.#parts = parts;
  }

  async addKey(key: ApiKeyRecord): Promise<void> {
    this.#parts.expectWritable();
    await this.#parts.writes.write('addKey', key);
  }

  async getKey(id: string): Promise<ApiKeyRecord | undefined> {
    this.#parts.expectOpen();
    return this.#parts.points.read(`key ${id}`, (statements) => readKey(statements, id));
  }

  listKeys(): Promise<ApiKeyRecord[]> {
    return this.#parts.read('listKeys', {});
  }

  async hasKeys(): Promise<boolean> {
    this.#parts.expectOpen();
    return this.#parts.points.read('the keys', hasKeys);
  }

  async revokeKey(id: string, atMs: number): Promise<boolean> {
    this.#parts.expectWritable();
    return this.#parts.writes.write('revokeKey', { id, atMs });
  }

  async appendAudit(entries: readonly AuditEntry[]): Promise<void> {
    this.#parts.expectWritable();
    await this.#parts.writes.write('appendAudit', entries, true);
  }

  async readAudit(options: { afterSeq?: number; limit?: number } = {}): Promise<StoredAuditEntry[]> {
    await this.#parts.writes.flush();
    return this.#parts.read('readAudit', {
      afterSeq: options.afterSeq ?? 0,
      limit: bounded(options.limit, AUDIT_PAGE),
    });
  }

  async getAnswer(key: string): Promise<KeptAnswer | undefined> {
    this.#parts.expectOpen();
    return this.#parts.points.read('an answer', (statements) => readAnswer(statements, key, Date.now()));
  }

  async putAnswer(answer: KeptAnswer): Promise<void> {
    this.#parts.expectWritable();
    await this.#parts.writes.write('putAnswer', { ...answer, nowMs: Date.now() });
  }
}
