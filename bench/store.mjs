// The store's figures, side by side in one run: node bench/store.mjs [--size 10000] [--library FILE]
// A library that was made before is used again where --library names it, and kept.
// Needs the compiled program: npm run build.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ResultCache } from '../dist/cache/result-cache.js';
import { openSqliteStore } from '../dist/store/sqlite/sqlite-store.js';
import { watchIdleLoopBesideSyncs, watchLoop } from './_loop-delay.mjs';
import { compareSearches, measureRetrieval } from './_store-search.mjs';
import { fill, question, skill, storeOptions as options } from './_store-library.mjs';

const Sqlite = createRequire(import.meta.url)('better-sqlite3');
const { values } = parseArgs({
  options: { size: { type: 'string', default: '10000' }, library: { type: 'string' } },
});
const size = Number(values.size);
const folder = mkdtempSync(join(tmpdir(), 'skillcache-bench-'));

const rows = [];
const report = (what, figure, beside = '') => rows.push([what, figure, beside]);
const perSecond = (rate) => `${Math.round(rate).toLocaleString('en')}/s`;
const ms = (value) => `${value.toFixed(value < 10 ? 2 : 1)} ms`;
const reportLoop = (what, { p99Ms, ownP99Ms }) =>
  report(what, `p99 ${ms(p99Ms)}`, `${ms(ownP99Ms)} without the waits for a core`);
const quantile = (sorted, q) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))];
const median = (numbers) =>
  quantile(
    [...numbers].sort((a, b) => a - b),
    0.5,
  );

/** Rates of several kinds of call in turn, so that they meet the same machine: the median of each, and of each to the first. */
async function rates(rounds, count, calls) {
  const all = calls.map(() => []);
  for (let round = 0; round < rounds; round += 1) {
    for (const [index, call] of calls.entries()) all[index].push(await rate(1, count, call));
  }
  return all.map((of) => ({
    rate: median(of),
    ofFirst: median(of.map((value, round) => value / all[0][round])),
  }));
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
  const count = 4_000;
  const skills = Array.from({ length: count }, (_, index) => skill(index));
  const addAll = async (some) => {
    const line = some.values();
    const caller = async () => {
      for (const next of line) await store.add(next);
    };
    await Promise.all(Array.from({ length: 64 }, caller));
  };
  // Until V8 has compiled what both ways use: it takes both cores for a while, and one caller would come after it.
  await addAll(Array.from({ length: 3_000 }, (_, index) => skill(-1 - index)));
  const before = await store.stats();
  const end = watchLoop();
  const start = performance.now();
  await addAll(skills);
  const grouped = (count / (performance.now() - start)) * 1_000;
  const delay = end();
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
  reportLoop('  event loop delay meanwhile', delay);
  reportLoop('  of an idle loop, another process syncing', await watchIdleLoopBesideSyncs(folder));
}

async function benchReads(store, path, names, resultKeys) {
  const raw = new Sqlite(path, { readonly: true });
  const bareSkill = raw.prepare(
    'SELECT v.body FROM skills s JOIN versions v ON v.skill_id = s.id AND v.version = s.version WHERE s.name = ?',
  );
  const bareResult = raw.prepare('SELECT output FROM results WHERE key = ?');
  const nameOf = (index) => names[(index * 7_919) % names.length];
  const keyOf = (index) => resultKeys[index % resultKeys.length];
  const bare = (told) => `${told.ofFirst.toFixed(2)} of a bare read with JSON.parse`;
  const [ofSkill, lookup] = await rates(9, 5_000, [
    (index) => JSON.parse(bareSkill.get(nameOf(index)).body),
    (index) => store.load(nameOf(index)),
  ]);
  report(
    'point lookup, checksum compared',
    perSecond(lookup.rate),
    `${bare(lookup)} (${perSecond(ofSkill.rate)})`,
  );
  // Memory holds one answer, so that each lookup misses it and finds the store's.
  const cache = new ResultCache({ entriesMax: 1, bytesMax: 1e8, ttlMs: 1e9, store });
  const options = { digest: resultKeys[0], signal: new AbortController().signal };
  const run = () => Promise.reject(new Error('the answer is not stored'));
  const [ofResult, stored, missed] = await rates(9, 5_000, [
    (index) => JSON.parse(bareResult.get(keyOf(index)).output),
    (index) => store.getResult(keyOf(index)),
    (index) => cache.getOrRun(keyOf(index), run, options),
  ]);
  raw.close();
  report(
    'stored result, checksum compared',
    perSecond(stored.rate),
    `${bare(stored)} (${perSecond(ofResult.rate)})`,
  );
  report('  through the cache, missing memory', perSecond(missed.rate), `${bare(missed)}; wanted: 0.37`);
  const epochs = await rate(5, 20_000, () => store.epoch());
  report(
    'coherence check, epoch()',
    `${(1e6 / epochs).toFixed(2)} µs`,
    `${((lookup.rate / epochs) * 100).toFixed(0)} % of a lookup`,
  );
}

async function benchSearch(store, path) {
  const times = [];
  await store.search('warm up');
  const end = watchLoop();
  for (let index = 0; index < 200; index += 1) {
    const start = performance.now();
    await store.search(question());
    times.push(performance.now() - start);
  }
  const delay = end();
  times.sort((a, b) => a - b);
  report(
    `search by five words, ${size.toLocaleString('en')} skills`,
    `p50 ${ms(quantile(times, 0.5))}`,
    `p95 ${ms(quantile(times, 0.95))}`,
  );
  reportLoop('  event loop delay meanwhile', delay);
  benchAlone(path);
  const lists = await rate(3, 20, () => store.list({ limit: 100 }));
  report('list of 100', perSecond(lists));
}

/** Ten thousand names, from all over the library. */
function someNames(path) {
  const raw = new Sqlite(path, { readonly: true });
  const every = Math.max(1, Math.floor(size / 10_000));
  const found = raw.prepare('SELECT name FROM skills WHERE id % ? = 0 LIMIT 10000').pluck().all(every);
  raw.close();
  return found;
}

async function putResults(path) {
  const store = await openSqliteStore({ ...options, path });
  const keys = Array.from({ length: 1_000 }, (_, index) =>
    createHash('sha256').update(`result ${index}`).digest('hex'),
  );
  const output = JSON.stringify([Array.from({ length: 120 }, (_, index) => index * 1.5)]);
  const [createdAtMs, expiresAtMs] = [Date.now(), Date.now() + 86_400_000];
  await Promise.all(
    keys.map((key) => store.putResult({ key, digest: keys[0], output, createdAtMs, expiresAtMs })),
  );
  await store.close();
  return keys;
}

/** In processes that do nothing else: the time without the start of Node, the memory with it. */
function benchOpening(path, name) {
  const program = `
    const { openSqliteStore } = await import(process.argv[1]);
    const start = performance.now();
    const store = await openSqliteStore(JSON.parse(process.argv[2]));
    await store.load(process.argv[3]);
    console.log(JSON.stringify({ ms: performance.now() - start, bytes: process.memoryUsage().rss }));
    await store.close();`;
  const dist = new URL('../dist/store/sqlite/sqlite-store.js', import.meta.url).href;
  const words = ['--input-type=module', '-e', program, dist, JSON.stringify({ ...options, path }), name];
  const opened = Array.from({ length: 5 }, () => JSON.parse(execFileSync(process.execPath, words)));
  const megabytes = median(opened.map(({ bytes }) => bytes)) / 1e6;
  report(
    'opening it and the first lookup',
    ms(median(opened.map((one) => one.ms))),
    `${megabytes.toFixed(0)} MB resident, Node's own included`,
  );
}

/** The whole library at work, in a process of its own. */
function benchLoop(path) {
  const program = new URL('_store-loop.mjs', import.meta.url).pathname;
  const told = JSON.parse(execFileSync(process.execPath, [program, path]));
  for (const [what, numbers] of Object.entries(told)) {
    const { runs, searches, lists, exported } = numbers;
    reportLoop(`event loop delay, ${what}`, numbers);
    if (runs)
      report('  beside it', `${runs} runs`, `${searches} searches, ${lists} lists, ${exported} exported`);
  }
}

function benchAlone(path) {
  const { planned, plainOr, sameTen } = compareSearches(path);
  const share = (key) => `${(planned[key] / plainOr.cpuP50Ms).toFixed(2)} of the median of a plain OR`;
  report("  processor's time, p50", ms(planned.cpuP50Ms), `${share('cpuP50Ms')} (${ms(plainOr.cpuP50Ms)})`);
  report("  processor's time, p95", ms(planned.cpuP95Ms), share('cpuP95Ms'));
  report('  first ten as of all ranked', `${(sameTen * 100).toFixed(0)} %`, 'of 40 questions');
}

async function benchRetrieval() {
  const data = new URL('../../shared/data/retrieval/metatool-single/', import.meta.url);
  if (!existsSync(data)) return report('NDCG@10 on metatool-single', 'skipped', 'its data is not there');
  const { all, some } = await measureRetrieval(data, join(folder, 'tools.db'), [100, 50, 20]);
  report('NDCG@10 on metatool-single', all.ndcg.toFixed(4), `recall@10 ${all.recall.toFixed(4)}`);
  for (const { count, ndcg, recall } of some)
    report(`  ranking about ${count} of 199`, ndcg.toFixed(4), `recall@10 ${recall.toFixed(4)}`);
}

try {
  await benchAdd();
  const path = values.library ?? join(folder, 'library.db');
  if (!existsSync(path)) {
    const filled = await fill(path, size);
    report(`filling with ${size.toLocaleString('en')} skills`, perSecond(filled));
  }
  const names = someNames(path);
  const resultKeys = await putResults(path);
  benchOpening(path, names[0]);
  const store = await openSqliteStore({ ...options, path });
  await benchReads(store, path, names, resultKeys);
  await benchSearch(store, path);
  await store.close();
  benchLoop(path);
  await benchRetrieval();
  const widths = [0, 1].map((column) => Math.max(...rows.map((row) => row[column].length)));
  for (const [what, figure, beside] of rows)
    console.log(`${what.padEnd(widths[0])}  ${figure.padStart(widths[1])}  ${beside}`.trimEnd());
} finally {
  rmSync(folder, { recursive: true });
}
