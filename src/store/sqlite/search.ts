/** Full-text search: BM25 over the words of each skill's current version. */
import type { SearchHit } from '../store.ts';
import type { ReadContext } from './read-operations.ts';
import { toSkillSummary, type SkillRow } from './records.ts';
import { queryTerms } from './search-text.ts';

/** How much a word counts by where it stands. Measured, see docs/store.md. */
export const COLUMN_WEIGHTS = { name: 2, description: 1, tags: 1, parameters: 0.5, code: 0.2 } as const;

export interface SearchArguments {
  readonly query: string;
  readonly limit: number;
  readonly tags: readonly string[];
}

/** Best first; equal scores by name. Nothing for a query without a word. */
export function search(
  { statements, path }: ReadContext,
  { query, limit, tags }: SearchArguments,
): SearchHit[] {
  const terms = queryTerms(query);
  if (terms.length === 0) return [];
  const rows = statements.all<SkillRow & { score: number }>(
    `SELECT s.name, s.version, s.digest, s.created_at_ms, s.summary, s.checksum,
       -bm25(skill_index, ${Object.values(COLUMN_WEIGHTS).join(', ')}) AS score
     FROM skill_index JOIN skills s ON s.id = skill_index.rowid
     WHERE skill_index MATCH ? AND (skill_index.rowid % 64 != 0 OR keep_going()) ${hasTags(tags)}
     ORDER BY score DESC, s.name LIMIT ?`,
    matchAny(terms),
    ...tags,
    limit,
  );
  return rows.map((row) => Object.assign(toSkillSummary(row, path), { score: row.score }));
}

/** An `AND` for each tag, to be bound in their order. */
export function hasTags(tags: readonly string[]): string {
  return tags.map(() => 'AND EXISTS (SELECT 1 FROM tags t WHERE t.skill_id = s.id AND t.tag = ?)').join(' ');
}

// Terms are letters and digits only, and quoted: no query text is ever read as FTS5's own syntax.
// What is said of a skill and its code are asked apart: BM25 holds a word for telling where it is rare, and
// a word that most code contains (`mine`, in a library about Minecraft) may still tell one name from another.
function matchAny(terms: readonly string[]): string {
  const any = terms.map((term) => `"${term}"`).join(' OR ');
  return `({name description tags parameters} : (${any})) OR (code : (${any}))`;
}
