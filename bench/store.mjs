// The store's figures, side by side in one run: node bench/store.mjs [--size 10000]
// Needs the compiled program: npm run build.
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { openSqliteStore } from '../dist/store/sqlite/sqlite-store.js';

const Sqlite = createRequire(import.meta.url)('better-sqlite3');
const { values } = parseArgs({ options: { size: { type: 'string', default: '10000' } } });
const size = Number(values.size);
const folder = mkdtempSync(join(tmpdir(), 'skillcache-bench-'));
const readers = {
  min: 0,
  max: 2,
  overflowMax: 0,
  acquireTimeoutMs: 60_000,
  waitingMax: 100_000,
  idleTimeoutMs: 300_000,
  usesMax: 1e9,
  ageMaxMs: 3_600_000,
};
const options = {
  readonly: false,
  readers,
  busyTimeoutMs: 10_000,
  writesWaitingMax: 100_000,
  runsMax: 1_000,
  runAgeMaxMs: 1e12,
  resultsMax: 1e6,
  resultBytesMax: 1e8,
  versionsMax: 1_000,
  versionAgeMaxMs: 1e13,
};

const rows = [];
const report = (what, figure, beside = '') => rows.push([what, figure, beside]);
const perSecond = (rate) => `${Math.round(rate).toLocaleString('en')}/s`;
const ms = (value) => `${value.toFixed(value < 10 ? 2 : 1)} ms`;
const quantile = (sorted, q) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))];
const median = (numbers) =>
  quantile(
    [...numbers].sort((a, b) => a - b),
    0.5,
  );

const NOUNS =
  'price series table column text token date range matrix vector graph node edge path tree list queue color image sound file row index weight score rate tax loan bond stock market city route map point line polygon circle angle word sentence letter digit'.split(
    ' ',
  );
const VERBS =
  'compute parse render sort filter merge split count rank score convert format validate encode decode compress search match sample smooth fit plot group join reverse rotate scale shift trim round'.split(
    ' ',
  );
let seed = 1;
const random = (n) => (seed = (seed * 48_271) % 2_147_483_647) % n;
const pick = (words) => words[random(words.length)];

function skill(number, codeBytes = 1_000) {
  const [verb, noun, other] = [pick(VERBS), pick(NOUNS), pick(NOUNS)];
  const name = `${verb}-${noun}-${number}`;
  const code = `export function ${verb}${noun}(${other}) { /* ${'x'.repeat(codeBytes)} */ return ${number}; }`;
  const plan = {
    format: 1,
    language: 'javascript',
    holes: [],
    refused: [],
    answers: [],
    imports: [],
    hasTopLevelAwait: false,
    boundNames: [],
    edits: [],
  };
  return {
    name,
    digest: createHash('sha256')
      .update(name + code)
      .digest('hex'),
    definition: {
      name,
      description: `${verb} the ${noun} of each ${other}, ${pick(VERBS)} and ${pick(VERBS)} by ${pick(NOUNS)}`,
      code,
      language: 'javascript',
      parameters: {},
      tags: [noun],
      requires: [],
      examples: [],
      pure: 'auto',
      capabilities: [],
      limits: {},
    },
    analysis: {
      plan,
      capabilities: { flags: [], freeNames: [] },
      pure: { decided: true, because: [] },
      requires: [],
    },
  };
}

/** Median rate of `rounds` rounds of `count` calls. */
async function rate(rounds, count, call) {
  const rates = [];
  for (let round = 0; round < rounds; round += 1) {
    const start = performance.now();
    for (let index = 0; index < count; index += 1) await call(index);
    rates.push((count / (performance.now() - start)) * 1_000);
  }
  return median(rates);
}

async function benchAdd() {
  const store = await openSqliteStore({ ...options, path: join(folder, 'add.db') });
  const count = 2_000;
  const skills = Array.from({ length: count }, (_, index) => skill(index));
  const delay = monitorEventLoopDelay({ resolution: 1 });
  await store.add(skill(-1));
  const before = await store.stats();
  delay.enable();
  const start = performance.now();
  const line = skills.values();
  await Promise.all(
    Array.from({ length: 64 }, async () => {
      for (const next of line) await store.add(next);
    }),
  );
  const grouped = (count / (performance.now() - start)) * 1_000;
  delay.disable();
  const after = await store.stats();

  // Beside it: one caller, so one transaction and one fsync each, through the same store.
  const oneByOne = await rate(1, 300, (index) => store.add(skill(count + index)));
  await store.close();

  // And the least that this disk allows: bare rows, one transaction and one fsync each.
  const single = new Sqlite(join(folder, 'single.db'));
  single.pragma('journal_mode = WAL');
  single.pragma('synchronous = FULL');
  single.exec('CREATE TABLE versions (name TEXT UNIQUE, body TEXT)');
  const insert = single.prepare('INSERT INTO versions VALUES (?, ?)');
  const singleStart = performance.now();
  const singles = skills.slice(0, 500);
  for (const { name, ...body } of singles) insert.run(name, JSON.stringify(body));
  const alone = (singles.length / (performance.now() - singleStart)) * 1_000;
  single.close();
  const share = (after.writes - before.writes) / (after.commits - before.commits);
  const ratio = `${(grouped / oneByOne).toFixed(1)} times one transaction each (${perSecond(oneByOne)})`;
  report('durable add, 64 callers', perSecond(grouped), ratio);
  report(
    '  bare rows, one fsync each',
    perSecond(alone),
    'better-sqlite3 alone: no index, no search, no thread',
  );
  report('  writes that share an fsync', share.toFixed(1));
  report('  event loop delay meanwhile, p99', ms(delay.percentile(99) / 1e6 - 1), 'beyond the 1 ms timer');
}

async function benchReads(store, names) {
  const raw = new Sqlite(join(folder, 'library.db'), { readonly: true });
  const bare = raw.prepare(
    'SELECT v.body FROM skills s JOIN versions v ON v.skill_id = s.id AND v.version = s.version WHERE s.name = ?',
  );
  const lookups = await rate(5, 10_000, (index) => store.load(names[(index * 7_919) % names.length]));
  const bareLookups = await rate(5, 10_000, (index) =>
    JSON.parse(bare.get(names[(index * 7_919) % names.length]).body),
  );
  raw.close();
  report(
    'point lookup, checksum compared',
    perSecond(lookups),
    `${(lookups / bareLookups).toFixed(2)} of a bare read with JSON.parse (${perSecond(bareLookups)})`,
  );
  const epochs = await rate(5, 20_000, () => store.epoch());
  report(
    'coherence check, epoch()',
    `${(1e6 / epochs).toFixed(2)} µs`,
    `${((lookups / epochs) * 100).toFixed(0)} % of a lookup`,
  );
}

async function benchSearch(store) {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  const times = [];
  await store.search('warm up');
  delay.enable();
  for (let index = 0; index < 200; index += 1) {
    const start = performance.now();
    await store.search(
      `How do I ${pick(VERBS)} the ${pick(NOUNS)} of a ${pick(NOUNS)} and ${pick(VERBS)} it by ${pick(NOUNS)}?`,
    );
    times.push(performance.now() - start);
  }
  delay.disable();
  times.sort((a, b) => a - b);
  report(
    `search by five words, ${size.toLocaleString('en')} skills`,
    `p50 ${ms(quantile(times, 0.5))}`,
    `p95 ${ms(quantile(times, 0.95))}`,
  );
  report('  event loop delay meanwhile, p99', ms(delay.percentile(99) / 1e6 - 1), 'beyond the 1 ms timer');
  const lists = await rate(3, 20, () => store.list({ limit: 100 }));
  report('list of 100', perSecond(lists));
}

async function benchRetrieval() {
  const data = new URL('../../shared/data/retrieval/metatool-single/', import.meta.url);
  if (!existsSync(data)) return report('NDCG@10 on metatool-single', 'skipped', 'its data is not there');
  const lines = (file) => readFileSync(new URL(file, data), 'utf8').trim().split('\n');
  const store = await openSqliteStore({ ...options, path: ':memory:' });
  await Promise.all(
    lines('corpus.jsonl').map((line) => {
      const { _id, text } = JSON.parse(line);
      const base = skill(0);
      return store.add({
        ...base,
        name: _id,
        digest: createHash('sha256').update(_id).digest('hex'),
        definition: { ...base.definition, name: _id, description: text, code: '', tags: [] },
      });
    }),
  );
  const wanted = new Map(
    lines('qrels.tsv')
      .slice(1)
      .map((line) => line.split('\t')),
  );
  let [ndcg, recall, count] = [0, 0, 0];
  for (const { _id, text } of lines('queries.jsonl').map((line) => JSON.parse(line))) {
    const rank = (await store.search(text, { limit: 10 })).findIndex((hit) => hit.name === wanted.get(_id));
    count += 1;
    if (rank < 0) continue;
    recall += 1;
    ndcg += 1 / Math.log2(rank + 2);
  }
  await store.close();
  report('NDCG@10 on metatool-single', (ndcg / count).toFixed(4), `recall@10 ${(recall / count).toFixed(4)}`);
}

try {
  await benchAdd();
  const path = join(folder, 'library.db');
  const filling = await openSqliteStore({ ...options, path });
  const names = [];
  const fillStart = performance.now();
  for (let done = 0; done < size; done += 1_000) {
    const batch = Array.from({ length: Math.min(1_000, size - done) }, (_, index) => skill(done + index));
    for (const { name } of batch) names.push(name);
    await Promise.all(batch.map((next) => filling.add(next)));
  }
  report(
    `filling with ${size.toLocaleString('en')} skills`,
    perSecond((size / (performance.now() - fillStart)) * 1_000),
  );
  await filling.close();
  const openStart = performance.now();
  const store = await openSqliteStore({ ...options, path });
  await store.load(names[0]);
  const openMs = performance.now() - openStart;
  const rssMiB = process.memoryUsage().rss / 2 ** 20;
  report(
    'opening it and the first lookup',
    ms(openMs),
    `${rssMiB.toFixed(0)} MiB resident in all, filling included`,
  );
  await benchReads(store, names);
  await benchSearch(store);
  await store.close();
  await benchRetrieval();
  const widths = [0, 1].map((column) => Math.max(...rows.map((row) => row[column].length)));
  for (const [what, figure, beside] of rows)
    console.log(`${what.padEnd(widths[0])}  ${figure.padStart(widths[1])}  ${beside}`.trimEnd());
} finally {
  rmSync(folder, { recursive: true });
}
