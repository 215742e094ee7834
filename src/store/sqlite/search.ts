/** Full-text search: BM25 over the words of each skill's current version. */
import type { SearchHit } from '../store.ts';
import type { ReadContext } from './read-operations.ts';
import { toSkillSummary, type SkillRow } from './records.ts';
import { anyOf } from './search-expression.ts';
import { PLAN_BOUNDS, planSearch, type IndexProbe, type PlanBounds } from './search-plan.ts';
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
  context: ReadContext,
  { query, limit, tags }: SearchArguments,
  bounds: PlanBounds = PLAN_BOUNDS,
): SearchHit[] {
  const { statements, path } = context;
  const terms = queryTerms(query);
  if (terms.length === 0 || limit === 0) return [];
  const plan = planSearch(terms, limit, indexProbe(context, tags), bounds);
  // Beside the scored expression, not in it: BM25 would count its words again. The `+` keeps SQLite from
  // asking for one skill after the other, each time with all the statistics of the words.
  const isChosen = plan === undefined ? '' : 'AND +skill_index.rowid IN (SELECT value FROM json_each(?))';
  // What BM25 counts before its first row cannot be stopped: it is not begun for nobody.
  context.keepGoing();
  // Ranked before the entries are read: of thousands, the limit's worth is.
  const rows = statements.all<SkillRow & { score: number }>(
    `WITH ranked AS MATERIALIZED (
       SELECT rowid AS id, -bm25(skill_index, ${Object.values(COLUMN_WEIGHTS).join(', ')}) AS score
       FROM skill_index WHERE ${matches(64)} ${isChosen} ${hasTags(tags, 'skill_index.rowid')} LIMIT ?)
     SELECT s.name, s.version, s.digest, s.created_at_ms, s.summary, s.checksum, r.score
     FROM ranked r JOIN skills s ON s.id = r.id
     WHERE r.score >= (SELECT min(score) FROM (SELECT score FROM ranked ORDER BY score DESC LIMIT ?))
     ORDER BY r.score DESC, s.name LIMIT ?`,
    (plan?.groups ?? [terms]).map(scored).join(' AND '),
    ...(plan === undefined ? [] : [JSON.stringify(plan.ids)]),
    ...tags,
    Math.max(bounds.ranked, bounds.rankAll),
    limit,
    limit,
  );
  return rows.map((row) => Object.assign(toSkillSummary(row, path), { score: row.score }));
}

/** An `AND` for each tag, to be bound in their order. */
export function hasTags(tags: readonly string[], id = 's.id'): string {
  return tags.map(() => `AND EXISTS (SELECT 1 FROM tags t WHERE t.skill_id = ${id} AND t.tag = ?)`).join(' ');
}

// Once in many rows the caller is asked whether it still waits: it costs as much as some ten rows.
const matches = (every: number) =>
  `skill_index MATCH ? AND (skill_index.rowid % ${every} != 0 OR keep_going())`;

function indexProbe({ statements, keepGoing }: ReadContext, tags: readonly string[]): IndexProbe {
  const newest = statements.get<{ id: number | null }>('SELECT max(id) AS id FROM skill_index_docsize');
  const ids = (every: number) =>
    `SELECT rowid AS id FROM skill_index WHERE ${matches(every)} ${hasTags(tags, 'skill_index.rowid')} LIMIT ?`;
  return {
    skills: newest?.id ?? 0,
    count: (match, most) =>
      statements.get(
        `SELECT count(*) AS seen, max(id) AS lastId FROM (${ids(64)})`,
        match,
        ...tags,
        most,
      ) as ReturnType<IndexProbe['count']>,
    find(match, most) {
      keepGoing();
      // Of what has several words, few rows are seen between many.
      return statements.column<number>(ids(8), match, ...tags, most);
    },
  };
}

// Terms are letters and digits only, and quoted: no query text is ever read as FTS5's own syntax.
// What is said of a skill and its code are asked apart: BM25 holds a word for telling where it is rare, and
// a word that most code contains (`mine`, in a library about Minecraft) may still tell one name from another.
function scored(terms: readonly string[]): string {
  const any = anyOf(terms);
  return `(({name description tags parameters} : (${any})) OR (code : (${any})))`;
}
