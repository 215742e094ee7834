/** Does the search index hold the words of every skill's current version, and no others? */
import { SkillCacheError, toError } from '../../errors.ts';
import { openDatabase } from './driver.ts';
import type { ReadContext } from './read-operations.ts';
import { versionChecksum, type VersionRow } from './records.ts';
import { indexedText } from './search-text.ts';
import type { SkillVersion } from '../store.ts';
import { Statements } from './statements.ts';

/** Skills indexed afresh at a time. */
const BATCH = 500;

interface Word {
  readonly doc: number;
  readonly term: string;
  readonly col: string;
  readonly offset: number;
}

interface CurrentRow extends VersionRow {
  readonly skill_id: number;
}

const WORDS = 'SELECT doc, term, col, offset FROM temp.words';

/**
 * Each skill's words as one number, in the index and in one that is made afresh in memory: a name for each that
 * differs. Versions that are damaged themselves are left to others.
 */
export function* otherwiseIndexed({ statements, keepGoing }: ReadContext): Generator<string, void> {
  const sums = new Map<number, number>();
  listWords(statements);
  try {
    for (const word of statements.iterate<Word>(WORDS)) {
      keepGoing();
      sums.set(word.doc, (sums.get(word.doc) ?? 0) + numberOf(word));
    }
  } catch (error) {
    // That nobody waits any longer; else its pages are damaged, which is an answer.
    if (error instanceof SkillCacheError) throw error;
    return yield `search index: ${toError(error).message}`;
  } finally {
    statements.database.exec('DROP TABLE temp.words');
  }
  const fresh = freshIndex(statements);
  try {
    let batch: CurrentRow[] = [];
    for (const row of statements.iterate<CurrentRow>(
      `SELECT s.id AS skill_id, v.name, v.version, v.digest, v.created_at_ms, v.checksum, v.body
       FROM skills s JOIN versions v ON v.skill_id = s.id AND v.version = s.version
       JOIN skill_index_docsize d ON d.id = s.id`,
    )) {
      keepGoing();
      if (versionChecksum(row) !== row.checksum) continue;
      batch.push(row);
      if (batch.length < BATCH) continue;
      yield* differing(batch, sums, fresh);
      batch = [];
    }
    yield* differing(batch, sums, fresh);
  } finally {
    fresh.database.close();
  }
}

function* differing(
  batch: readonly CurrentRow[],
  sums: ReadonlyMap<number, number>,
  fresh: Statements,
): Generator<string> {
  fresh.run(`INSERT INTO skill_index (skill_index) VALUES ('delete-all')`);
  for (const { skill_id: id, body } of batch) {
    const { definition, analysis } = JSON.parse(body) as Pick<SkillVersion, 'definition' | 'analysis'>;
    const { name, description, tags, parameters, code } = indexedText(definition, analysis);
    fresh.run(
      'INSERT INTO skill_index (rowid, name, description, tags, parameters, code) VALUES (?, ?, ?, ?, ?, ?)',
      id,
      name,
      description,
      tags,
      parameters,
      code,
    );
  }
  const expected = new Map<number, number>();
  for (const word of fresh.iterate<Word>(WORDS)) {
    expected.set(word.doc, (expected.get(word.doc) ?? 0) + numberOf(word));
  }
  for (const { skill_id: id, name } of batch) {
    if ((sums.get(id) ?? 0) === (expected.get(id) ?? 0)) continue;
    yield `search index: ${name} is found by other words than its version has`;
  }
}

/** The same kind of index, empty, in memory. */
function freshIndex(statements: Statements): Statements {
  const fresh = new Statements(openDatabase(':memory:', { readonly: false, busyTimeoutMs: 0 }));
  const [sql] = statements.column<string>(`SELECT sql FROM sqlite_master WHERE name = 'skill_index'`);
  fresh.database.exec(sql as string);
  listWords(fresh);
  return fresh;
}

function listWords({ database }: Statements): void {
  database.exec(`DROP TABLE IF EXISTS temp.words;
    CREATE VIRTUAL TABLE temp.words USING fts5vocab('main', 'skill_index', 'instance')`);
}

/** FNV-1a of the word and its place; sums of these do not depend on their order and stay exact. */
function numberOf({ term, col, offset }: Word): number {
  let number = 0x81_1c_9d_c5;
  const text = `${term} ${col} ${offset}`;
  for (let index = 0; index < text.length; index += 1) {
    number = Math.imul(number ^ text.charCodeAt(index), 0x01_00_01_93);
  }
  return number;
}
