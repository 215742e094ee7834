/** Full-text search: BM25 over the words of each skill's current version. */
import type { SearchHit } from '../store.ts';
import type { ReadContext } from './read-operations.ts';
import { toSkillSummary, type SkillRow } from './records.ts';
import { anyOf } from './search-expression.ts';
import { PLAN_BOUNDS, planSearch, type IndexProbe, type PlanBounds, type SearchPlan } from './search-plan.ts';
import { queryTerms } from './search-text.ts';
import { hasTags, rareTag, taggedIds } from './tags.ts';

/** How much a word counts by where it stands. Measured, see docs/store.md. */
export const COLUMN_WEIGHTS = { name: 2, description: 1, tags: 1, parameters: 0.5, code: 0.2 } as const;

export interface SearchArguments {
  readonly query: string;
  readonly limit: number;
  readonly tags: readonly string[];
}

export interface SearchBounds extends PlanBounds {
  /** Where a tag is on no more skills than this, all of those that have a word are ranked. */
  readonly fewTagged: number;
  /** Skills of the index looked through at once, in 2 ms where one in fourteen has a word. */
  readonly foundAtOnce: number;
}

const BOUNDS: SearchBounds = { ...PLAN_BOUNDS, fewTagged: 100_000, foundAtOnce: 131_072 };

/** Best first; equal scores by name. Nothing for a query without a word. */
export function search(
  context: ReadContext,
  { query, limit, tags }: SearchArguments,
  given: Partial<SearchBounds> = {},
): SearchHit[] {
  const { statements, path } = context;
  const bounds = { ...BOUNDS, ...given };
  const terms = queryTerms(query);
  if (terms.length === 0 || limit === 0) return [];
  const plan =
    planTagged(context, terms, tags, bounds) ??
    planSearch(terms, limit, indexProbe(context, tags, bounds), bounds);
  if (plan?.ids.length === 0) return [];
  // Beside the scored expression, not in it: BM25 would count its words again. The `+` keeps SQLite from
  // asking for one skill after the other, each time with all the statistics of the words.
  const isChosen = plan === undefined ? '' : 'AND +skill_index.rowid IN (SELECT value FROM json_each(?))';
  // What BM25 counts before its first row cannot be stopped: it is not begun for nobody.
  context.keepGoing();
  // Ranked before the entries are read: of thousands, the limit's worth is.
  const rows = statements.all<SkillRow & { score: number }>(
    `WITH ranked AS MATERIALIZED (
       SELECT rowid AS id, -bm25(skill_index, ${Object.values(COLUMN_WEIGHTS).join(', ')}) AS score
       FROM skill_index WHERE ${MATCHES} ${isChosen} ${hasTags(tags, 'skill_index.rowid')} LIMIT ?)
     SELECT s.name, s.version, s.digest, s.created_at_ms, s.summary, s.checksum, r.score
     FROM ranked r JOIN skills s ON s.id = r.id
     WHERE r.score >= (SELECT min(score) FROM (SELECT score FROM ranked ORDER BY score DESC LIMIT ?))
     ORDER BY r.score DESC, s.name LIMIT ?`,
    (plan?.groups ?? [terms]).map(scored).join(' AND '),
    ...(plan === undefined ? [] : [JSON.stringify(plan.ids)]),
    ...tags,
    Math.max(bounds.ranked, bounds.rankAll, plan?.ids.length ?? 0),
    limit,
    limit,
  );
  return rows.map((row) => Object.assign(toSkillSummary(row, path), { score: row.score }));
}

// Once in many rows the caller is asked whether it still waits: it costs as much as some ten rows.
const MATCHES = 'skill_index MATCH ? AND (skill_index.rowid % 64 != 0 OR keep_going())';

/** All that carry a rare tag are ranked: looking for the words' skills first would pass by many that do not carry it. */
function planTagged(
  { statements }: ReadContext,
  terms: readonly string[],
  tags: readonly string[],
  { fewTagged }: SearchBounds,
): SearchPlan | undefined {
  const rare = rareTag(statements, tags, fewTagged);
  return rare === undefined ? undefined : { ids: taggedIds(statements, rare, tags), groups: [terms] };
}

function indexProbe(
  { statements, keepGoing }: ReadContext,
  tags: readonly string[],
  { foundAtOnce }: SearchBounds,
): IndexProbe {
  const newest = statements.get<{ id: number | null }>('SELECT max(id) AS id FROM skill_index_docsize');
  const skills = newest?.id ?? 0;
  const ids = `SELECT rowid FROM skill_index WHERE ${MATCHES} ${hasTags(tags, 'skill_index.rowid')}`;
  return {
    skills,
    count(match, most) {
      if (tags.length === 0) {
        // Rows that are skipped cost a third of what counted ones do.
        const [lastId] = statements.column<number>(`${ids} LIMIT 1 OFFSET ?`, match, most - 1);
        if (lastId !== undefined) return { seen: most, lastId };
      }
      const sql = `SELECT count(*) AS seen, max(rowid) AS lastId FROM (${ids} LIMIT ?)`;
      return statements.get(sql, match, ...tags, most) as ReturnType<IndexProbe['count']>;
    },
    // A part of the index after the other: where few have several words, FTS5 looks at many before it shows one.
    find(match, most) {
      const found: number[] = [];
      for (let after = 0; after < skills && found.length < most; after += foundAtOnce) {
        keepGoing();
        const bounds = [after + 1, after + foundAtOnce];
        // Numbers are bound as REAL, which FTS5 takes for no bound at all.
        const part = `${ids} AND skill_index.rowid BETWEEN CAST(? AS INTEGER) AND CAST(? AS INTEGER) LIMIT ?`;
        found.push(...statements.column<number>(part, match, ...tags, ...bounds, most - found.length));
      }
      return found;
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
