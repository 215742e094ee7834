/** The main thread's own connection: point reads of a few microseconds, and the coherence check. */
import type { RunRecord, SkillVersion, StoredResult } from '../store.ts';
import { databaseError } from './database-errors.ts';
import type { SqliteDatabase, SqliteStatement } from './driver.ts';
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
  // Asked before every run: prepared here, and a number instead of a row.
  readonly #readDataVersion: SqliteStatement;
  readonly #readEpoch: SqliteStatement;
  #dataVersion = -1;
  #epoch = 0;

  constructor(database: SqliteDatabase, path: string) {
    this.#statements = new Statements(database);
    this.#path = path;
    this.#readDataVersion = database.prepare('PRAGMA data_version').pluck();
    this.#readEpoch = database.prepare(`SELECT value FROM counters WHERE name = 'pointer_epoch'`).pluck();
  }

  load(name: string, version: number | undefined): SkillVersion | undefined {
    const subject = version === undefined ? `skill ${name}` : `skill ${name}@${version}`;
    return this.read(subject, (statements) => {
      if (version === undefined) return this.#loadCurrent(statements, name);
      const row = statements.get<VersionRow>(
        `SELECT ${VERSION_COLUMNS} FROM skills s JOIN versions v ON v.skill_id = s.id WHERE s.name = ? AND v.version = ?`,
        name,
        version,
      );
      return row && this.#named(name, version, row);
    });
  }

  loadDigest(digest: string): SkillVersion | undefined {
    return this.read(`the version of digest ${digest}`, (statements) => {
      const row = statements.get<VersionRow>(
        `SELECT ${VERSION_COLUMNS} FROM versions v WHERE v.digest = ? LIMIT 1`,
        digest,
      );
      if (row !== undefined && row.digest !== digest) {
        throw damaged(`the version of digest ${digest}`, this.#path, { digest });
      }
      return row && toSkillVersion(row, this.#path);
    });
  }

  resolve(names: readonly string[]): Map<string, { name: string; version: number; digest: string }> {
    return this.read('the list of skills', (statements) => {
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
    return this.read(`result ${key}`, (statements) => {
      const row = statements.get<ResultRow>(
        'SELECT key, digest, created_at_ms, expires_at_ms, checksum, output FROM results WHERE key = ?',
        key,
      );
      if (row !== undefined && row.key !== key) throw damaged(`result ${key}`, this.#path, { result: key });
      // Compared before its age is believed.
      const result = row && toStoredResult(row, this.#path);
      return result === undefined || result.expiresAtMs <= Date.now() ? undefined : result;
    });
  }

  getRun(id: string): RunRecord | undefined {
    return this.read(`run ${id}`, (statements) => {
      const row = statements.get<{ record: string }>('SELECT record FROM runs WHERE id = ?', id);
      return row && toRunRecord(row);
    });
  }

  /** `data_version` tells whether anybody committed; only then is the counter of pointer moves read. */
  epoch(): number {
    try {
      const dataVersion = this.#readDataVersion.get() as number;
      if (dataVersion !== this.#dataVersion) {
        this.#epoch = (this.#readEpoch.get() as number | undefined) ?? 0;
        this.#dataVersion = dataVersion;
      }
      return this.#epoch;
    } catch (error) {
      throw databaseError(error, this.#path, 'the counter of pointer moves');
    }
  }

  get schemaVersion(): number {
    return this.read(
      'the schema',
      ({ database }) => database.pragma('user_version', { simple: true }) as number,
    );
  }

  /** Any other read of a few rows; what SQLite says is told as ours, naming the `subject`. */
  read<Answer>(subject: string, read: (statements: Statements) => Answer): Answer {
    try {
      return read(this.#statements);
    } catch (error) {
      throw databaseError(error, this.#path, subject);
    }
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
    if (row.digest === row.pointer_digest) return this.#named(name, row.pointer_version, row);
    const { pointer_name: skill, pointer_version: version } = row;
    throw damaged(`the pointer of skill ${skill} to version ${version}`, this.#path, { skill, version });
  }

  // A damaged index leads to a row that is sound, but another's.
  #named(name: string, version: number, row: VersionRow): SkillVersion {
    if (row.version === version && row.name.toLowerCase() === name.toLowerCase()) {
      return toSkillVersion(row, this.#path);
    }
    throw damaged(`skill ${name}@${version}`, this.#path, { skill: name, version });
  }
}
