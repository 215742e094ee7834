/** The tables, as numbered migrations. A migration that was released is never changed. */
import { renameSync, rmSync } from 'node:fs';
import { DatabaseConnectionError } from '../../errors.ts';
import type { SqliteDatabase } from './driver.ts';

/** 'SKLC': how a file says that it is ours. */
const APPLICATION_ID = 0x53_4b_4c_43;

/** One step to the next schema version. */
export interface Migration {
  readonly sql: string;
  /** It drops what somebody may want back: the file is copied to `FILE.vN.bak` first. */
  readonly isDestructive?: boolean;
}

export const MIGRATIONS: readonly Migration[] = [
  {
    sql: `
  CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  INSERT INTO counters VALUES ('pointer_epoch', 1), ('result_bytes', 0);

  -- The pointer, and what a list shows of the version it names. \`checksum\` covers the row.
  CREATE TABLE skills (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE COLLATE NOCASE,
    version INTEGER NOT NULL,
    digest TEXT NOT NULL,
    created_at_ms INTEGER NOT NULL,
    summary TEXT NOT NULL,
    checksum TEXT NOT NULL
  ) STRICT;

  -- Immutable. \`checksum\` covers the row; \`body\` is the JSON of definition and analysis.
  CREATE TABLE versions (
    id INTEGER PRIMARY KEY,
    skill_id INTEGER NOT NULL REFERENCES skills (id) ON DELETE CASCADE,
    version INTEGER NOT NULL,
    name TEXT NOT NULL,
    digest TEXT NOT NULL,
    created_at_ms INTEGER NOT NULL,
    checksum TEXT NOT NULL,
    body TEXT NOT NULL,
    UNIQUE (skill_id, version),
    UNIQUE (skill_id, digest)
  ) STRICT;
  CREATE INDEX versions_by_digest ON versions (digest);

  -- What a version pins, by name: the required skill may be gone once no pointer needs it.
  CREATE TABLE requirements (
    version_id INTEGER NOT NULL REFERENCES versions (id) ON DELETE CASCADE,
    name TEXT NOT NULL COLLATE NOCASE,
    version INTEGER NOT NULL,
    digest TEXT NOT NULL,
    PRIMARY KEY (version_id, name, version)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX requirements_by_name ON requirements (name);

  CREATE TABLE tags (
    tag TEXT NOT NULL COLLATE NOCASE,
    skill_id INTEGER NOT NULL REFERENCES skills (id) ON DELETE CASCADE,
    PRIMARY KEY (tag, skill_id)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX tags_by_skill ON tags (skill_id);

  -- Its row describes the current version; the words are split by us (see search-text.ts).
  CREATE VIRTUAL TABLE skill_index USING fts5 (
    name, description, tags, parameters, code,
    content = '', contentless_delete = 1, tokenize = 'porter unicode61 remove_diacritics 2'
  );

  CREATE TABLE results (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    key TEXT NOT NULL UNIQUE,
    digest TEXT NOT NULL,
    created_at_ms INTEGER NOT NULL,
    expires_at_ms INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    checksum TEXT NOT NULL,
    output TEXT NOT NULL
  ) STRICT;
  CREATE INDEX results_by_digest ON results (digest);
  CREATE TRIGGER result_added AFTER INSERT ON results BEGIN
    UPDATE counters SET value = value + new.bytes WHERE name = 'result_bytes';
  END;
  CREATE TRIGGER result_dropped AFTER DELETE ON results BEGIN
    UPDATE counters SET value = value - old.bytes WHERE name = 'result_bytes';
  END;

  CREATE TABLE runs (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    skill TEXT COLLATE NOCASE,
    record TEXT NOT NULL
  ) STRICT;
  CREATE INDEX runs_by_skill ON runs (skill, seq);
  `,
  },
  {
    sql: `
  -- \`commits\` counts transactions that changed something; the mark beside the file is compared with it.
  INSERT INTO counters VALUES
    ('library_id', abs(random()) >> 11), ('commits', 0), ('results', (SELECT count(*) FROM results));
  DROP TRIGGER result_added;
  DROP TRIGGER result_dropped;
  CREATE TRIGGER result_added AFTER INSERT ON results BEGIN
    UPDATE counters SET value = value + new.bytes WHERE name = 'result_bytes';
    UPDATE counters SET value = value + 1 WHERE name = 'results';
  END;
  CREATE TRIGGER result_dropped AFTER DELETE ON results BEGIN
    UPDATE counters SET value = value - old.bytes WHERE name = 'result_bytes';
    UPDATE counters SET value = value - 1 WHERE name = 'results';
  END;
  CREATE INDEX results_by_expiry ON results (expires_at_ms);

  -- Versions that no pointer names, and since when.
  CREATE TABLE superseded (
    version_id INTEGER PRIMARY KEY REFERENCES versions (id) ON DELETE CASCADE,
    at_ms INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX superseded_by_age ON superseded (at_ms);
  INSERT INTO superseded SELECT v.id, v.created_at_ms
    FROM versions v JOIN skills s ON s.id = v.skill_id WHERE v.version != s.version;
  `,
  },
  {
    sql: `
  -- What the endpoint keeps. Of a key only its hash is known.
  CREATE TABLE api_keys (id TEXT PRIMARY KEY, record TEXT NOT NULL, revoked_at_ms INTEGER) STRICT, WITHOUT ROWID;

  -- Append-only: no entry is changed, and only the oldest may go.
  CREATE TABLE audit (seq INTEGER PRIMARY KEY AUTOINCREMENT, entry TEXT NOT NULL) STRICT;
  CREATE TRIGGER audit_unchanged BEFORE UPDATE ON audit BEGIN
    SELECT RAISE(ABORT, 'the audit trail is append-only');
  END;
  CREATE TRIGGER audit_from_its_old_end BEFORE DELETE ON audit
    WHEN EXISTS (SELECT 1 FROM audit WHERE seq < old.seq) BEGIN
    SELECT RAISE(ABORT, 'the audit trail is append-only');
  END;

  CREATE TABLE answers (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    key TEXT NOT NULL UNIQUE,
    fingerprint TEXT NOT NULL,
    status INTEGER NOT NULL,
    headers TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    expires_at_ms INTEGER NOT NULL,
    body TEXT NOT NULL
  ) STRICT;
  CREATE INDEX answers_by_expiry ON answers (expires_at_ms);
  `,
  },
  {
    sql: `
  -- Counting a million rows takes a tenth of a second, and whoever watches asks again and again. Triggers would take
  -- 5 µs of each skill that is added: commits keep these counters.
  INSERT INTO counters VALUES
    ('skills', (SELECT count(*) FROM skills)), ('versions', (SELECT count(*) FROM versions));
  `,
  },
];

export const SCHEMA_VERSION = MIGRATIONS.length;

/**
 * The file's schema version; 0 for an empty file.
 * @throws {DatabaseConnectionError} for another program's file and for one of a newer version.
 */
export function readSchemaVersion(
  database: SqliteDatabase,
  path: string,
  newest: number = SCHEMA_VERSION,
): number {
  const version = database.pragma('user_version', { simple: true }) as number;
  const applicationId = database.pragma('application_id', { simple: true }) as number;
  const isEmpty = database.prepare('SELECT 1 FROM sqlite_master LIMIT 1').get() === undefined;
  if (isEmpty && version === 0 && applicationId === 0) return 0;
  const details = { path, schemaVersion: version, applicationId };
  if (applicationId !== APPLICATION_ID) {
    throw new DatabaseConnectionError(`${path} is a SQLite database of another program; name another file`, {
      details,
    });
  }
  if (version > newest) {
    const message = `${path} has schema ${version}, this program knows ${newest} at most: upgrade skillcache`;
    throw new DatabaseConnectionError(message, { details });
  }
  return version;
}

/**
 * Brings the file to the newest schema, each step in one transaction. Safe beside other processes that do the
 * same. Before a destructive step the file is copied beside itself; the copies' paths.
 */
export function migrate(
  database: SqliteDatabase,
  path: string,
  migrations: readonly Migration[] = MIGRATIONS,
): string[] {
  const copies: string[] = [];
  for (;;) {
    const version = readSchemaVersion(database, path, migrations.length);
    const migration = migrations[version];
    if (migration === undefined) return copies;
    if (migration.isDestructive && version > 0) copies.push(copyOfVersion(database, path, version));
    step(database, path, version, migrations);
  }
}

function step(database: SqliteDatabase, path: string, from: number, migrations: readonly Migration[]): void {
  database
    .transaction(() => {
      // Read again under the write lock: another process may have been first.
      if (readSchemaVersion(database, path, migrations.length) !== from) return;
      database.exec((migrations[from] as Migration).sql);
      database.pragma(`application_id = ${APPLICATION_ID}`);
      database.pragma(`user_version = ${from + 1}`);
    })
    .immediate();
}

// Whole or not there: it gets its name when it is complete.
function copyOfVersion(database: SqliteDatabase, path: string, version: number): string {
  const copy = `${path}.v${version}.bak`;
  const half = `${copy}.${process.pid}.part`;
  rmSync(half, { force: true });
  database.prepare('VACUUM INTO ?').run(half);
  renameSync(half, copy);
  return copy;
}
