/** How well a question finds the right skill, on 2,062 questions about 199 tools (MetaTool). */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import { skillVersion, SQLITE_OPTIONS } from './records.ts';

const FOLDER = fileURLToPath(new URL('../../../shared/data/retrieval/metatool-single/', import.meta.url));
const isThere = existsSync(FOLDER);
if (!isThere) console.log(`skipped: ${FOLDER} is not there`);

const lines = (file: string) =>
  readFileSync(FOLDER + file, 'utf8')
    .trim()
    .split('\n');
const records = (file: string) =>
  lines(file).map((line) => JSON.parse(line) as { _id: string; title: string; text: string });

test.skipIf(!isThere)(
  'the right tool is among the first ten: NDCG@10 of at least 0.56, recall of at least 0.69',
  async () => {
    const store = await openSqliteStore({ ...SQLITE_OPTIONS, path: ':memory:' });
    try {
      const tools = records('corpus.jsonl');
      await Promise.all(
        tools.map(({ _id, text }) => store.add(skillVersion({ name: _id, description: text, code: '' }))),
      );
      const wanted = new Map<string, Set<string>>();
      for (const line of lines('qrels.tsv').slice(1)) {
        const [query = '', tool = ''] = line.split('\t');
        wanted.set(query, (wanted.get(query) ?? new Set()).add(tool));
      }
      const gain = (found: readonly boolean[]) =>
        found.reduce((sum, hit, rank) => sum + (hit ? 1 / Math.log2(rank + 2) : 0), 0);
      const scores: { ndcg: number; recall: number }[] = [];
      for (const { _id, text } of records('queries.jsonl')) {
        const relevant = wanted.get(_id) ?? new Set();
        const hits = (await store.search(text, { limit: 10 })).map((hit) => relevant.has(hit.name));
        const ideal = gain(Array.from({ length: Math.min(10, relevant.size) }, () => true));
        scores.push({ ndcg: gain(hits) / ideal, recall: hits.filter(Boolean).length / relevant.size });
      }
      const mean = (key: 'ndcg' | 'recall') =>
        scores.reduce((sum, score) => sum + score[key], 0) / scores.length;
      expect(mean('ndcg')).toBeGreaterThan(0.56);
      expect(mean('recall')).toBeGreaterThan(0.69);
    } finally {
      await store.close();
    }
  },
);
