/** A page of skills by name, of all or of those that carry tags. */
import type { SkillSummary } from '../store.ts';
import type { ReadContext } from './read-operations.ts';
import { toSkillSummary, type SkillRow } from './records.ts';
import type { Statements } from './statements.ts';
import { hasTags, rareTag } from './tags.ts';

export interface ListArguments {
  readonly limit: number;
  readonly after: string | undefined;
  readonly tags: readonly string[];
}

/** A tag of no more skills than this is a shorter way to them than all names in their order: some 100 ms at most. */
const FEW = 20_000;
const COLUMNS = 's.name, s.version, s.digest, s.created_at_ms, s.summary, s.checksum';

export function list(
  { statements, path }: ReadContext,
  { limit, after = '', tags }: ListArguments,
  few: number = FEW,
): SkillSummary[] {
  const rare = rareTag(statements, tags, few);
  const rows =
    rare === undefined ? byName(statements, tags, after, limit) : byTag(statements, rare, tags, after, limit);
  return rows.map((row) => toSkillSummary(row, path));
}

// Once in many rows the caller is asked whether it still waits.
function byName(statements: Statements, tags: readonly string[], after: string, limit: number): SkillRow[] {
  return statements.all<SkillRow>(
    `SELECT ${COLUMNS} FROM skills s WHERE s.name > ? AND (s.id % 64 != 0 OR keep_going()) ${hasTags(tags)} ORDER BY s.name LIMIT ?`,
    after,
    ...tags,
    limit,
  );
}

// Sorted by name alone, so that only the page's worth of entries is carried along. `LIMIT -1` keeps SQLite from asking
// whether anybody waits only where the other tags are there.
function byTag(
  statements: Statements,
  tag: string,
  tags: readonly string[],
  after: string,
  limit: number,
): SkillRow[] {
  return statements.all<SkillRow>(
    `WITH page AS MATERIALIZED (
       SELECT k.id FROM (SELECT skill_id FROM tags WHERE tag = ? AND keep_going() LIMIT -1) g
       CROSS JOIN skills k ON k.id = g.skill_id
       WHERE k.name > ? ${hasTags(tags, 'g.skill_id')}
       ORDER BY k.name LIMIT ?)
     SELECT ${COLUMNS} FROM page JOIN skills s ON s.id = page.id ORDER BY s.name`,
    tag,
    after,
    ...tags,
    limit,
  );
}
