/** Does the file say what was written, and do its parts agree? */
import type { StoreCheck } from '../store.ts';
import { otherwiseIndexed } from './check-index.ts';
import type { ReadContext } from './read-operations.ts';
import { resultChecksum, skillChecksum, versionChecksum } from './records.ts';
import type { ResultRow, SkillRow, VersionRow } from './records.ts';

const PROBLEMS_MAX = 100;

/** `isDeep` reads every record and compares it with its checksum; without it the file's structure is checked. */
export function checkDatabase(context: ReadContext, isDeep: boolean): StoreCheck {
  const problems: string[] = [];
  const checks = [
    structure,
    foreignKeys,
    pointers,
    searchIndex,
    counters,
    ...(isDeep ? [skills, versions, results, otherwiseIndexed] : []),
  ];
  for (const check of checks) {
    context.keepGoing();
    for (const problem of check(context, isDeep)) {
      if (problems.length < PROBLEMS_MAX) problems.push(problem);
      else return { ok: false, problems: [...problems, `and more: only ${PROBLEMS_MAX} are listed`] };
    }
  }
  return { ok: problems.length === 0, problems };
}

function* structure({ statements: { database } }: ReadContext, isDeep: boolean): Generator<string> {
  const rows = database.pragma(isDeep ? 'integrity_check' : 'quick_check') as Record<string, string>[];
  for (const row of rows) {
    const text = Object.values(row)[0] ?? '';
    if (text !== 'ok') yield `structure: ${text}`;
  }
}

function* foreignKeys({ statements: { database } }: ReadContext): Generator<string> {
  for (const row of database.pragma('foreign_key_check') as {
    table: string;
    rowid: number;
    parent: string;
  }[]) {
    yield `orphan: row ${row.rowid} of ${row.table} belongs to nothing in ${row.parent}`;
  }
}

function* pointers({ statements }: ReadContext): Generator<string> {
  const lost = statements.all<{ name: string; version: number }>(
    `SELECT s.name, s.version FROM skills s LEFT JOIN versions v ON v.skill_id = s.id AND v.version = s.version
     WHERE v.id IS NULL OR v.digest != s.digest`,
  );
  for (const { name, version } of lost) yield `pointer: ${name} names version ${version}, which is not there`;
  const unmet = statements.all<{ name: string; required: string; version: number }>(
    `SELECT s.name, r.name AS required, r.version FROM requirements r
     JOIN versions v ON v.id = r.version_id JOIN skills s ON s.id = v.skill_id AND s.version = v.version
     WHERE NOT EXISTS (SELECT 1 FROM skills q JOIN versions w ON w.skill_id = q.id
       WHERE q.name = r.name AND w.version = r.version AND w.digest = r.digest)`,
  );
  for (const { name, required, version } of unmet) {
    yield `requirement: ${name} needs ${required}@${version}, which is not there`;
  }
}

function* searchIndex({ statements }: ReadContext): Generator<string> {
  const missing = statements.all<{ name: string }>(
    'SELECT name FROM skills WHERE id NOT IN (SELECT id FROM skill_index_docsize)',
  );
  for (const { name } of missing) yield `search index: ${name} is missing`;
  const extra = statements.all<{ id: number }>(
    'SELECT id FROM skill_index_docsize WHERE id NOT IN (SELECT id FROM skills)',
  );
  for (const { id } of extra) yield `search index: entry ${id} belongs to no skill`;
}

function* counters({ statements }: ReadContext): Generator<string> {
  for (const table of ['skills', 'versions', 'results']) {
    const { kept, counted } = statements.get(
      `SELECT (SELECT count(*) FROM ${table}) AS kept, (SELECT value FROM counters WHERE name = ?) AS counted`,
      table,
    ) as { kept: number; counted: number | null };
    if (kept !== counted) yield `counters: ${kept} ${table} are kept, ${counted} are counted`;
  }
}

function* skills({ statements, keepGoing }: ReadContext): Generator<string> {
  for (const row of statements.iterate<SkillRow>('SELECT * FROM skills')) {
    keepGoing();
    if (skillChecksum(row) !== row.checksum) yield `damage: the entry of skill ${row.name}`;
  }
}

function* versions({ statements, keepGoing }: ReadContext): Generator<string> {
  for (const row of statements.iterate<VersionRow>('SELECT * FROM versions')) {
    keepGoing();
    if (versionChecksum(row) !== row.checksum) yield `damage: skill ${row.name}@${row.version}`;
  }
}

function* results({ statements, keepGoing }: ReadContext): Generator<string> {
  for (const row of statements.iterate<ResultRow>('SELECT * FROM results')) {
    keepGoing();
    if (resultChecksum(row) !== row.checksum) yield `damage: result ${row.key}`;
  }
  const { kept, counted } = statements.get(
    `SELECT (SELECT coalesce(sum(bytes), 0) FROM results) AS kept,
       (SELECT value FROM counters WHERE name = 'result_bytes') AS counted`,
  ) as { kept: number; counted: number };
  if (kept !== counted) yield `results: ${kept} bytes are kept, ${counted} are counted`;
}
