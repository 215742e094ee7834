/** The main thread's own connection: point reads of a few microseconds, and the coherence check. */
import type { RunRecord, SkillVersion, StoredResult } from '../store.ts';
import { databaseError } from './database-errors.ts';
import type { SqliteDatabase } from './driver.ts';
import { damaged, toRunRecord, toSkillVersion, toStoredResult } from './records.ts';
import type { ResultRow, VersionRow } from './records.ts';
import { Statements } from './statements.ts';

interface PointedRow extends VersionRow {
  readonly pointer_name: string;
  readonly pointer_version: number;
  readonly pointer_digest: string;
}

const VERSION_COLUMNS = 'v.name, v.version, v.digest, v.created_at_ms, v.checksum, v.body';

export class PointReader {
  readonly #statements: Statements;
  readonly #path: string;
  #dataVersion = -1;
  #epoch = 0;

  constructor(database: SqliteDatabase, path: string) {
    this.#statements = new Statements(database);
    this.#path = path;
  }

  load(name: string, version: number | undefined): SkillVersion | undefined {
    return this.#read((statements) => {
      if (version === undefined) return this.#loadCurrent(statements, name);
      const row = statements.get<VersionRow>(
        `SELECT ${VERSION_COLUMNS} FROM skills s JOIN versions v ON v.skill_id = s.id WHERE s.name = ? AND v.version = ?`,
        name,
        version,
      );
      return row && toSkillVersion(row, this.#path);
    });
  }

  loadDigest(digest: string): SkillVersion | undefined {
    return this.#read((statements) => {
      const row = statements.get<VersionRow>(
        `SELECT ${VERSION_COLUMNS} FROM versions v WHERE v.digest = ? LIMIT 1`,
        digest,
      );
      return row && toSkillVersion(row, this.#path);
    });
  }

  resolve(names: readonly string[]): Map<string, { name: string; version: number; digest: string }> {
    return this.#read((statements) => {
      const found = new Map<string, { name: string; version: number; digest: string }>();
      for (const name of names) {
        const row = statements.get<{ name: string; version: number; digest: string }>(
          'SELECT name, version, digest FROM skills WHERE name = ?',
          name,
        );
        if (row !== undefined) found.set(name, row);
      }
      return found;
    });
  }

  /** One that has not expired. */
  getResult(key: string): StoredResult | undefined {
    return this.#read((statements) => {
      const row = statements.get<ResultRow>(
        'SELECT key, digest, created_at_ms, expires_at_ms, checksum, output FROM results WHERE key = ?',
        key,
      );
      if (row === undefined || row.expires_at_ms <= Date.now()) return undefined;
      return toStoredResult(row, this.#path);
    });
  }

  getRun(id: string): RunRecord | undefined {
    return this.#read((statements) => {
      const row = statements.get<{ record: string }>('SELECT record FROM runs WHERE id = ?', id);
      return row && toRunRecord(row);
    });
  }

  /** `data_version` tells whether anybody committed; only then is the counter of pointer moves read. */
  epoch(): number {
    return this.#read((statements) => {
      const { data_version: dataVersion } = statements.get('PRAGMA data_version') as { data_version: number };
      if (dataVersion === this.#dataVersion) return this.#epoch;
      const row = statements.get<{ value: number }>(
        `SELECT value FROM counters WHERE name = 'pointer_epoch'`,
      );
      this.#dataVersion = dataVersion;
      this.#epoch = row?.value ?? 0;
      return this.#epoch;
    });
  }

  get schemaVersion(): number {
    return this.#read(({ database }) => database.pragma('user_version', { simple: true }) as number);
  }

  close(): void {
    this.#statements.database.close();
  }

  #loadCurrent(statements: Statements, name: string): SkillVersion | undefined {
    const row = statements.get<PointedRow>(
      `SELECT ${VERSION_COLUMNS}, s.name AS pointer_name, s.version AS pointer_version, s.digest AS pointer_digest
       FROM skills s LEFT JOIN versions v ON v.skill_id = s.id AND v.version = s.version WHERE s.name = ?`,
      name,
    );
    if (row === undefined) return undefined;
    if (row.digest === row.pointer_digest) return toSkillVersion(row, this.#path);
    const { pointer_name: skill, pointer_version: version } = row;
    throw damaged(`the pointer of skill ${skill} to version ${version}`, this.#path, { skill, version });
  }

  #read<Answer>(read: (statements: Statements) => Answer): Answer {
    try {
      return read(this.#statements);
    } catch (error) {
      throw databaseError(error, this.#path);
    }
  }
}
