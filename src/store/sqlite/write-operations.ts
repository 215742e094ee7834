/** What the writer can be asked, in its thread, each inside a savepoint of its own. */
import {
  CacheOverflowError,
  PreconditionFailedError,
  SkillInUseError,
  SkillNotFoundError,
} from '../../errors.ts';
import type { PinnedRequirement, SkillAnalysis } from '../../skills/analyse.ts';
import type { SkillDefinition } from '../../skills/skill.ts';
import type { AddedVersion, Expectation, StoredResult } from '../store.ts';
import type { CommitMark } from './commit-mark.ts';
import { resultChecksum, toSkillVersion, versionChecksum } from './records.ts';
import type { VersionRow } from './records.ts';
import type { StoreLimits } from './retention.ts';
import {
  countVersions,
  dropExcessResults,
  dropExpiredResults,
  dropResults,
  dropResultsOf,
  retain,
  type DropArguments,
  type Retained,
} from './retention.ts';
import { countPointerMove, insertPointer, pointAt, requireAll, type PointedVersion } from './pointer.ts';
import { recordRuns, type RefusedRow, type RunRow } from './run-rows.ts';
import { serviceWrites, type ServiceWrites } from './service-operations.ts';
import type { Statements } from './statements.ts';

export interface WriteContext {
  readonly statements: Statements;
  readonly path: string;
  readonly limits: StoreLimits;
  /** Digests of versions that are gone and left more results than could be dropped with them. */
  readonly unowned: Set<string>;
  /** What the writes of a group changed, for the commit to count. */
  changed: Changes;
  /** The last commit that this process was told of. */
  acknowledged(): CommitMark | undefined;
  /** A commit is on disk. */
  committed(mark: CommitMark): void;
}

export interface Changes {
  readonly isPointerMoved: boolean;
  /** How many there are more than before, or fewer. */
  readonly skills: number;
  readonly versions: number;
}

export const NO_CHANGES: Changes = { isPointerMoved: false, skills: 0, versions: 0 };

export interface AddArguments extends Expectation {
  readonly name: string;
  readonly digest: string;
  /** JSON of `{ definition, analysis }`. */
  readonly body: string;
  readonly createdAtMs: number;
}

type Operation<Arguments, Answer> = (context: WriteContext, given: Arguments) => Answer;

/** Name → arguments and answer. */
export interface WriteOperations extends ServiceWrites {
  add: Operation<AddArguments, AddedVersion>;
  movePointer: Operation<{ name: string; version: number } & Expectation, AddedVersion>;
  remove: Operation<{ name: string } & Expectation, boolean>;
  putResult: Operation<StoredResult, undefined>;
  dropResults: Operation<DropArguments, Retained & { upTo: number }>;
  dropExpiredResults: Operation<{ nowMs: number }, Retained>;
  recordRuns: Operation<readonly RunRow[], readonly RefusedRow[]>;
  retain: Operation<{ nowMs: number }, Retained>;
}

interface Pointer {
  readonly id: number;
  readonly name: string;
  readonly version: number;
  readonly digest: string;
}

export const writeOperations: WriteOperations = {
  ...serviceWrites,

  add(context, { name, digest, body, createdAtMs, expected }) {
    const { statements } = context;
    const pointer = readPointer(statements, name);
    expectAt(name, pointer, expected);
    if (pointer?.digest === digest)
      return { name: pointer.name, version: pointer.version, digest, status: 'unchanged' };
    const older = pointer && findVersion(context, 'v.skill_id = ? AND v.digest = ?', pointer.id, digest);
    if (pointer !== undefined && older !== undefined) return pointAt(context, pointer.id, older, 'restored');

    const { definition, analysis } = JSON.parse(body) as {
      definition: SkillDefinition;
      analysis: SkillAnalysis;
    };
    // Asked before anything is inserted: a refusal that changed nothing disturbs no other write of its group.
    requireAll(statements, name, analysis.requires);
    const version = (pointer === undefined ? 0 : newestVersion(statements, pointer.id)) + 1;
    const added = { name, version, digest, createdAtMs, definition, analysis };
    const skillId = pointer?.id ?? insertPointer(context, added);
    insertVersion(
      context,
      skillId,
      { name, version, digest, created_at_ms: createdAtMs, body },
      analysis.requires,
    );
    if (pointer === undefined) return { name, version, digest, status: 'added' };
    return pointAt(context, skillId, added, 'added');
  },

  movePointer(context, { name, version, expected }) {
    const pointer = readPointer(context.statements, name);
    expectAt(name, pointer, expected);
    const target = pointer && findVersion(context, 'v.skill_id = ? AND v.version = ?', pointer.id, version);
    if (pointer === undefined || target === undefined) {
      throw new SkillNotFoundError(`no version ${name}@${version}`, { details: { name, version } });
    }
    if (pointer.version === version) {
      return { name: pointer.name, version, digest: pointer.digest, status: 'unchanged' };
    }
    return pointAt(context, pointer.id, target, 'restored');
  },

  remove(context, { name, expected }) {
    const { statements } = context;
    const pointer = readPointer(statements, name);
    expectAt(name, pointer, expected);
    if (pointer === undefined) return false;
    refuseWhileRequired(statements, pointer);
    const digests = statements.column<string>('SELECT digest FROM versions WHERE skill_id = ?', pointer.id);
    statements.run('DELETE FROM skill_index WHERE rowid = ?', pointer.id);
    statements.run('DELETE FROM skills WHERE id = ?', pointer.id);
    for (const digest of digests) dropResultsOf(context, digest);
    countPointerMove(context, -1);
    countVersions(context, -digests.length);
    return true;
  },

  putResult({ statements, limits }, result) {
    const { resultBytesMax } = limits;
    const bytes = Buffer.byteLength(result.output) + Buffer.byteLength(result.key) + result.digest.length;
    if (bytes > resultBytesMax) {
      const message = `a result of ${bytes} bytes is larger than the ${resultBytesMax} that are kept in the store`;
      throw new CacheOverflowError(message, { details: { bytes, resultBytesMax } });
    }
    const { key, digest, output, createdAtMs, expiresAtMs } = result;
    const row = { key, digest, created_at_ms: createdAtMs, expires_at_ms: expiresAtMs, output };
    statements.run('DELETE FROM results WHERE key = ?', key);
    statements.run(
      `INSERT INTO results (key, digest, created_at_ms, expires_at_ms, bytes, checksum, output)
       VALUES (?, ?, ?, ?, ?, ?, ?)`,
      key,
      digest,
      createdAtMs,
      expiresAtMs,
      bytes,
      resultChecksum(row),
      output,
    );
    dropExcessResults(statements, limits);
    return undefined;
  },

  dropResults,
  dropExpiredResults,

  recordRuns,
  retain,
};

function readPointer(statements: Statements, name: string): Pointer | undefined {
  return statements.get<Pointer>('SELECT id, name, version, digest FROM skills WHERE name = ?', name);
}

function expectAt(name: string, pointer: Pointer | undefined, expected: Expectation['expected']): void {
  const current = pointer?.digest ?? null;
  if (expected === undefined || expected === current || (expected === '*' && current !== null)) return;
  const now = pointer === undefined ? 'does not exist' : `is at ${pointer.digest.slice(0, 12)}…`;
  throw new PreconditionFailedError(`${name} ${now}, which is not what the caller expects`, {
    details: { name, expected, current },
  });
}

function newestVersion(statements: Statements, skillId: number): number {
  return (
    statements.get<{ newest: number }>(
      'SELECT max(version) AS newest FROM versions WHERE skill_id = ?',
      skillId,
    )?.newest ?? 0
  );
}

function findVersion(
  { statements, path }: WriteContext,
  where: string,
  ...values: unknown[]
): PointedVersion | undefined {
  const row = statements.get<VersionRow>(
    `SELECT name, version, digest, created_at_ms, checksum, body FROM versions v WHERE ${where}`,
    ...values,
  );
  return row && toSkillVersion(row, path);
}

function insertVersion(
  context: WriteContext,
  skillId: number,
  row: Omit<VersionRow, 'checksum'>,
  requires: readonly PinnedRequirement[],
): void {
  const { statements } = context;
  countVersions(context, 1);
  statements.run(
    `INSERT INTO versions (skill_id, version, name, digest, created_at_ms, checksum, body) VALUES (?, ?, ?, ?, ?, ?, ?)`,
    skillId,
    row.version,
    row.name,
    row.digest,
    row.created_at_ms,
    versionChecksum(row),
    row.body,
  );
  for (const required of requires) {
    statements.run(
      `INSERT OR IGNORE INTO requirements (version_id, name, version, digest)
       SELECT id, ?, ?, ? FROM versions WHERE skill_id = ? AND version = ?`,
      required.name,
      required.version,
      required.digest,
      skillId,
      row.version,
    );
  }
}

function refuseWhileRequired(statements: Statements, pointer: Pointer): void {
  const users = statements.all<{ name: string }>(
    `SELECT DISTINCT s.name FROM requirements r JOIN versions v ON v.id = r.version_id
     JOIN skills s ON s.id = v.skill_id AND s.version = v.version
     WHERE r.name = ? AND s.id != ? ORDER BY s.name LIMIT 20`,
    pointer.name,
    pointer.id,
  );
  if (users.length === 0) return;
  const requiredBy = users.map((user) => user.name);
  const message = `${pointer.name} is required by ${requiredBy.join(', ')}: remove or change these first`;
  throw new SkillInUseError(message, { details: { name: pointer.name, requiredBy } });
}
