/**
 * What is kept, by age and count. The oldest go first, in steps of some milliseconds, each in a group of its own:
 * between two steps the writer serves whoever waits.
 */
import type { Statements } from './statements.ts';
import type { WriteContext } from './write-operations.ts';

/** What is kept. */
export interface StoreLimits {
  readonly runsMax: number;
  readonly runAgeMaxMs: number;
  readonly resultsMax: number;
  readonly resultBytesMax: number;
  /** Of one skill. */
  readonly versionsMax: number;
  /** Since another version took its place. */
  readonly versionAgeMaxMs: number;
  /** Entries of the audit trail. */
  readonly auditMax: number;
  /** Answers kept for repeated requests. */
  readonly answersMax: number;
  readonly answerBytesMax: number;
}

export interface Retained {
  readonly removed: number;
  /** There is more to do: another step is wanted. */
  readonly isMore: boolean;
}

export interface DropArguments {
  /** Undefined: of all versions. */
  readonly digest: string | undefined;
  /** What the step before answered; undefined for the first. */
  readonly upTo: number | undefined;
}

/** A quarter of the 20 ms that the writer may be held: the commit is to come. */
const STEP_MS = 5;
/** Rows of one statement, so few that the clock is looked at often. */
const ROWS = 16;
/** Pages given back to the file system by one statement. */
const PAGES = 16;
/** Free pages below which the file is left as it is: they will be used again. */
const FREE_PAGES_MIN = 256;

export function limitsOf(options: StoreLimits): StoreLimits {
  const { runsMax, runAgeMaxMs, resultsMax, resultBytesMax, versionsMax, versionAgeMaxMs } = options;
  const { auditMax, answersMax, answerBytesMax } = options;
  const ofSkills = { runsMax, runAgeMaxMs, resultsMax, resultBytesMax, versionsMax, versionAgeMaxMs };
  return { ...ofSkills, auditMax, answersMax, answerBytesMax };
}

/** One step: takes away what is too old or too much, then shrinks the file. */
export function retain(context: WriteContext, { nowMs }: { nowMs: number }): Retained {
  const { statements, limits } = context;
  return inStep([
    () => statements.run(DROP_EXPIRED_RESULTS, nowMs, ROWS),
    () => dropUnowned(context),
    () => dropExcessResults(statements, limits),
    () => statements.run(DROP_OLD_RUNS, nowMs - limits.runAgeMaxMs, ROWS),
    () => dropExcessRuns(statements, limits),
    () => dropVersions(context, OLD_VERSIONS, nowMs - limits.versionAgeMaxMs, ROWS),
    () => shrink(statements),
  ]);
}

/**
 * One step of dropping the results of one version, or all. Only those that were there when the first step was taken go:
 * the others would make it last for ever.
 */
export function dropResults(
  { statements }: WriteContext,
  { digest, upTo = newestResult(statements) }: DropArguments,
): Retained & { upTo: number } {
  const isOfVersion = digest === undefined ? '' : 'digest = ? AND';
  const sql = `DELETE FROM results WHERE id IN (SELECT id FROM results WHERE ${isOfVersion} id <= ? LIMIT ?)`;
  const step = inStep([() => statements.run(sql, ...(digest === undefined ? [] : [digest]), upTo, ROWS)]);
  return { ...step, upTo };
}

/** One step of dropping the results that nobody is given any more. */
export function dropExpiredResults({ statements }: WriteContext, { nowMs }: { nowMs: number }): Retained {
  return inStep([() => statements.run(DROP_EXPIRED_RESULTS, nowMs, ROWS)]);
}

/** Some of the results of a version that is no longer there; the others go with retention. */
export function dropResultsOf({ statements, unowned }: WriteContext, digest: string): number {
  const removed = statements.run(DROP_UNOWNED, digest, ROWS);
  if (removed < ROWS) unowned.delete(digest);
  else unowned.add(digest);
  return removed;
}

const newestResult = (statements: Statements): number =>
  statements.get<{ id: number | null }>('SELECT max(id) AS id FROM results')?.id ?? 0;

// Each chore until it finds nothing more to do, or the step has taken its time.
function inStep(chores: readonly (() => number)[]): Retained {
  const endMs = performance.now() + STEP_MS;
  let removed = 0;
  for (const chore of chores) {
    for (let count = chore(); count > 0; count = chore()) {
      removed += count;
      if (performance.now() > endMs) return { removed, isMore: true };
    }
  }
  return { removed, isMore: false };
}

/** Some of the oldest results, where too many or too large ones are kept; how many. */
export function dropExcessResults(statements: Statements, limits: StoreLimits): number {
  const kept = statements.get<{ bytes: number; results: number }>(
    `SELECT a.value AS bytes, b.value AS results FROM counters a, counters b
     WHERE a.name = 'result_bytes' AND b.name = 'results'`,
  ) as { bytes: number; results: number };
  let removed = 0;
  let { bytes, results } = kept;
  while ((bytes > limits.resultBytesMax || results > limits.resultsMax) && removed < ROWS) {
    const oldest = statements.get<{ id: number; bytes: number }>(
      'SELECT id, bytes FROM results ORDER BY id LIMIT 1',
    );
    if (oldest === undefined) break;
    statements.run('DELETE FROM results WHERE id = ?', oldest.id);
    bytes -= oldest.bytes;
    results -= 1;
    removed += 1;
  }
  return removed;
}

/**
 * Some of the oldest run records, where too many are kept; how many. As many as `added` make room for those. SQLite would
 * plan anew for each limit of its own; for a sum it does not.
 */
export function dropExcessRuns(statements: Statements, { runsMax }: StoreLimits, added = 0): number {
  return statements.run(
    `DELETE FROM runs WHERE seq IN (
       SELECT seq FROM runs WHERE seq <= (SELECT max(seq) FROM runs) - ? ORDER BY seq LIMIT ? + 0)`,
    runsMax,
    Math.max(ROWS, added),
  );
}

/** Some of the oldest versions of a skill, where it has too many; how many. */
export function dropExcessVersions(context: WriteContext, skillId: number): number {
  const { statements, limits } = context;
  const { versionsMax } = limits;
  const { count } = statements.get('SELECT count(*) AS count FROM versions WHERE skill_id = ?', skillId) as {
    count: number;
  };
  if (count <= versionsMax) return 0;
  return dropVersions(context, EXCESS_VERSIONS, skillId, Math.min(count - versionsMax, ROWS));
}

const DROP_EXPIRED_RESULTS = `DELETE FROM results WHERE id IN (
  SELECT id FROM results WHERE expires_at_ms <= ? ORDER BY expires_at_ms LIMIT ?)`;

// Another skill may have the same version, or it was added again.
const DROP_UNOWNED = `DELETE FROM results WHERE id IN (
  SELECT id FROM results r WHERE digest = ? AND NOT EXISTS (SELECT 1 FROM versions v WHERE v.digest = r.digest)
  LIMIT ?)`;

// Runs are kept in the order they ended, so that the first that is young enough ends the search: nearly.
const DROP_OLD_RUNS = `DELETE FROM runs WHERE seq IN (
  SELECT seq FROM (SELECT seq, record FROM runs ORDER BY seq LIMIT 64)
  WHERE json_extract(record, '$.startedAtMs') < ? LIMIT ?)`;

// Nobody pins it, no pointer names it, and its number is not the one the next version is counted from.
const IS_SPARE = `NOT EXISTS (
    SELECT 1 FROM requirements r WHERE r.name = v.name AND r.version = v.version AND r.digest = v.digest)
  AND v.version < (SELECT max(version) FROM versions w WHERE w.skill_id = v.skill_id)`;

const OLD_VERSIONS = `SELECT v.id, v.digest FROM superseded o JOIN versions v ON v.id = o.version_id
  WHERE o.at_ms < ? AND ${IS_SPARE} ORDER BY o.at_ms LIMIT ?`;

const EXCESS_VERSIONS = `SELECT v.id, v.digest FROM superseded o JOIN versions v ON v.id = o.version_id
  WHERE v.skill_id = ? AND ${IS_SPARE} ORDER BY v.version LIMIT ?`;

function dropVersions(context: WriteContext, query: string, bound: number, count: number): number {
  const { statements } = context;
  const spare = statements.all<{ id: number; digest: string }>(query, bound, count);
  for (const { id, digest } of spare) {
    statements.run('DELETE FROM versions WHERE id = ?', id);
    dropResultsOf(context, digest);
  }
  countVersions(context, -spare.length);
  return spare.length;
}

/** How many there are more, or fewer. */
export function countVersions(context: WriteContext, versions: number): void {
  const { changed } = context;
  context.changed = { ...changed, versions: changed.versions + versions };
}

function dropUnowned(context: WriteContext): number {
  const [digest] = context.unowned;
  // At least 1: a version may have had just as many as were dropped before.
  return digest === undefined ? 0 : Math.max(1, dropResultsOf(context, digest));
}

// Only where a good part of the file is free: its pages are used again otherwise.
function shrink({ database }: Statements): number {
  const count = (pragma: string) => database.pragma(pragma, { simple: true }) as number;
  const free = count('freelist_count');
  if (free < Math.max(FREE_PAGES_MIN, count('page_count') / 10)) return 0;
  database.pragma(`incremental_vacuum(${PAGES})`);
  return free - count('freelist_count');
}
