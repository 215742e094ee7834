/** The statements behind the service store: what the writer's thread and the readers' do for it. */
import { ConfigurationError } from '../../errors.ts';
import type { ApiKeyRecord, AuditEntry, KeptAnswer, StoredAuditEntry } from '../service-store.ts';
import type { ReadContext } from './read-operations.ts';
import type { Statements } from './statements.ts';
import type { WriteContext } from './write-operations.ts';

type Write<Arguments, Answer> = (context: WriteContext, given: Arguments) => Answer;
type Read<Arguments, Answer> = (context: ReadContext, given: Arguments) => Answer;

export interface ServiceWrites {
  addKey: Write<ApiKeyRecord, undefined>;
  revokeKey: Write<{ id: string; atMs: number }, boolean>;
  appendAudit: Write<readonly AuditEntry[], undefined>;
  putAnswer: Write<KeptAnswer & { nowMs: number }, undefined>;
}

export interface ServiceReads {
  listKeys: Read<Record<never, never>, ApiKeyRecord[]>;
  readAudit: Read<{ afterSeq: number; limit: number }, StoredAuditEntry[]>;
}

/** Rows that one write takes away: each write adds fewer than that. */
const DROPPED_MAX = 1_000;

export const serviceWrites: ServiceWrites = {
  addKey({ statements }, key) {
    const added = statements.run(
      'INSERT OR IGNORE INTO api_keys (id, record) VALUES (?, ?)',
      key.id,
      JSON.stringify(key),
    );
    if (added === 0) throw new ConfigurationError(`there is a key ${key.id} already`);
    return undefined;
  },
  revokeKey({ statements }, { id, atMs }) {
    return (
      statements.run(
        'UPDATE api_keys SET revoked_at_ms = ? WHERE id = ? AND revoked_at_ms IS NULL',
        atMs,
        id,
      ) > 0
    );
  },
  appendAudit({ statements, limits }, entries) {
    for (const entry of entries)
      statements.run('INSERT INTO audit (entry) VALUES (?)', JSON.stringify(entry));
    const { last = 0, first = 0 } = statements.get<{ last: number; first: number }>(
      'SELECT coalesce(max(seq), 0) AS last, coalesce(min(seq), 0) AS first FROM audit',
    ) ?? { last: 0, first: 0 };
    const excess = last - limits.auditMax;
    if (excess >= first) {
      statements.run('DELETE FROM audit WHERE seq <= ?', Math.min(excess, first + DROPPED_MAX));
    }
    return undefined;
  },
  putAnswer({ statements, limits }, { nowMs, ...answer }) {
    const { key, fingerprint, status, headers, body, expiresAtMs } = answer;
    statements.run('DELETE FROM answers WHERE expires_at_ms <= ?', nowMs);
    // The first answer is the one that counts.
    statements.run(
      `INSERT OR IGNORE INTO answers (key, fingerprint, status, headers, body, bytes, expires_at_ms)
       VALUES (?, ?, ?, ?, ?, ?, ?)`,
      key,
      fingerprint,
      status,
      headers,
      body,
      Buffer.byteLength(body) + headers.length,
      expiresAtMs,
    );
    dropExcessAnswers(statements, limits);
    return undefined;
  },
};

function dropExcessAnswers(
  statements: Statements,
  { answersMax, answerBytesMax }: { answersMax: number; answerBytesMax: number },
): void {
  for (let dropped = 0; dropped < DROPPED_MAX; dropped += 1) {
    const { count = 0, bytes = 0 } =
      statements.get<{ count: number; bytes: number }>(
        'SELECT count(*) AS count, total(bytes) AS bytes FROM answers',
      ) ?? {};
    if (count <= answersMax && bytes <= answerBytesMax) return;
    statements.run('DELETE FROM answers WHERE seq = (SELECT min(seq) FROM answers)');
  }
}

export const serviceReads: ServiceReads = {
  listKeys({ statements }) {
    return statements
      .all<KeyRow>('SELECT record, revoked_at_ms FROM api_keys')
      .map(toKey)
      .toSorted((left, right) => left.createdAtMs - right.createdAtMs);
  },
  readAudit({ statements }, { afterSeq, limit }) {
    const rows = statements.all<{ seq: number; entry: string }>(
      'SELECT seq, entry FROM audit WHERE seq > ? ORDER BY seq LIMIT ?',
      afterSeq,
      limit,
    );
    return rows.map(({ seq, entry }) => Object.assign({ seq }, JSON.parse(entry) as AuditEntry));
  },
};

interface KeyRow {
  readonly record: string;
  readonly revoked_at_ms: number | null;
}

function toKey({ record, revoked_at_ms: revokedAtMs }: KeyRow): ApiKeyRecord {
  return { ...(JSON.parse(record) as ApiKeyRecord), ...(revokedAtMs !== null && { revokedAtMs }) };
}

/** Point reads, on the main thread. */
export function readKey(statements: Statements, id: string): ApiKeyRecord | undefined {
  const row = statements.get<KeyRow>('SELECT record, revoked_at_ms FROM api_keys WHERE id = ?', id);
  return row && toKey(row);
}

export function hasKeys(statements: Statements): boolean {
  return statements.get('SELECT 1 FROM api_keys WHERE revoked_at_ms IS NULL LIMIT 1') !== undefined;
}

export function readAnswer(statements: Statements, key: string, nowMs: number): KeptAnswer | undefined {
  return statements.get<KeptAnswer>(
    `SELECT key, fingerprint, status, headers, body, expires_at_ms AS expiresAtMs FROM answers
     WHERE key = ? AND expires_at_ms > ?`,
    key,
    nowMs,
  );
}
