// Searches without the thread between, beside the full OR of their words; and how well they find the right skill where
// only some are ranked. Both sides take the questions in turn, so that they meet the same machine.
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import { PLAN_BOUNDS } from '../dist/store/sqlite/search-plan.js';
import { queryTerms } from '../dist/store/sqlite/search-text.js';
import { search } from '../dist/store/sqlite/search.js';
import { Statements } from '../dist/store/sqlite/statements.js';
import { openSqliteStore } from '../dist/store/sqlite/sqlite-store.js';
import { question, skill, storeOptions } from './_store-library.mjs';

const Sqlite = createRequire(import.meta.url)('better-sqlite3');
/** All that have any of the words are ranked. */
const ALL = { rankAll: 1e9, wanted: 1e9, ranked: 1e9 };

function openContext(path) {
  const database = new Sqlite(path, { readonly: true });
  database.pragma('cache_size = -16000');
  database.function('keep_going', { deterministic: false, directOnly: true }, () => 1);
  return { statements: new Statements(database), path, keepGoing() {} };
}

function timed(work) {
  const before = process.cpuUsage();
  const startMs = performance.now();
  const answer = work();
  const wallMs = performance.now() - startMs;
  const { user, system } = process.cpuUsage(before);
  return { answer, wallMs, cpuMs: (user + system) / 1_000 };
}

const quantile = (numbers, q) =>
  numbers.toSorted((left, right) => left - right)[
    Math.min(numbers.length - 1, Math.floor(numbers.length * q))
  ];

function spread(times) {
  const of = (key, q) =>
    quantile(
      times.map((time) => time[key]),
      q,
    );
  return {
    p50Ms: of('wallMs', 0.5),
    p95Ms: of('wallMs', 0.95),
    cpuP50Ms: of('cpuMs', 0.5),
    cpuP95Ms: of('cpuMs', 0.95),
  };
}

/** `{ planned, plainOr, sameTen }`: times of both, and the share of questions whose first ten are those of all ranked. */
export function compareSearches(path, count = 40) {
  const context = openContext(path);
  const plain = context.statements.database.prepare(
    'SELECT rowid FROM skill_index WHERE skill_index MATCH ? ORDER BY rank LIMIT 10',
  );
  const ten = (query, bounds) => search(context, { query, limit: 10, tags: [] }, bounds);
  ten('warm up', PLAN_BOUNDS);
  const [planned, plainOr] = [[], []];
  let same = 0;
  for (let index = 0; index < count; index += 1) {
    const query = question();
    planned.push(timed(() => ten(query, PLAN_BOUNDS)));
    const any = queryTerms(query)
      .map((term) => `"${term}"`)
      .join(' OR ');
    plainOr.push(timed(() => plain.all(any)));
    const [some, all] = [PLAN_BOUNDS, ALL].map((bounds) =>
      ten(query, bounds)
        .map((hit) => hit.name)
        .join(),
    );
    if (some === all) same += 1;
  }
  context.statements.database.close();
  return { planned: spread(planned), plainOr: spread(plainOr), sameTen: same / count };
}

/** NDCG@10 and recall@10 of questions about tools: as searched, and ranking about `wanted` of them. */
export async function measureRetrieval(data, path, wanted) {
  const lines = (file) => readFileSync(new URL(file, data), 'utf8').trim().split('\n');
  const store = await openSqliteStore({ ...storeOptions, path });
  await Promise.all(
    lines('corpus.jsonl').map((line, index) => {
      const { _id, text } = JSON.parse(line);
      const base = skill(index);
      const definition = { ...base.definition, name: _id, description: text, code: '', tags: [] };
      return store.add({ ...base, name: _id, definition });
    }),
  );
  await store.close();
  const answers = new Map(
    lines('qrels.tsv')
      .slice(1)
      .map((line) => line.split('\t')),
  );
  const context = openContext(path);
  const questions = lines('queries.jsonl').map((line) => JSON.parse(line));
  const measure = (bounds) => {
    let [ndcg, recall] = [0, 0];
    for (const { _id, text } of questions) {
      const hits = search(context, { query: text, limit: 10, tags: [] }, bounds);
      const rank = hits.findIndex((hit) => hit.name === answers.get(_id));
      if (rank < 0) continue;
      recall += 1;
      ndcg += 1 / Math.log2(rank + 2);
    }
    return { ndcg: ndcg / questions.length, recall: recall / questions.length };
  };
  const narrow = { rankAll: 10, ranked: PLAN_BOUNDS.ranked };
  const measured = {
    all: measure(ALL),
    some: wanted.map((count) => ({ count, ...measure({ ...narrow, wanted: count }) })),
  };
  context.statements.database.close();
  return measured;
}
