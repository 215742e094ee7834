/**
 * What a cached answer costs: its key, against the bare `JSON.stringify` + SHA-256 of the same
 * data, the lookup, against `lru-cache` alone, and the whole `library.run` against all three. Then
 * what each policy keeps of a trace with scans. Medians of rounds that alternate, in one process.
 *   npm run build && node bench/cache.mjs
 */
import { hash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { BoundedCache } from '../dist/cache/bounded-cache.js';
import { KeyAliases, resultKey } from '../dist/cache/keys.js';
import { ResultCache } from '../dist/cache/result-cache.js';
import { SkillLibrary } from '../dist/index.js';

const ROUNDS = 31;
const CALLS = 2_000;

const rows = Array.from({ length: 12 }, (_, id) => ({
  id,
  name: `row ${id}`,
  price: id * 1.37,
  qty: id * 3,
  ok: true,
  note: 'some text here',
}));
const numbers = Array.from({ length: 110 }, (_, index) => 100 + index * 1.01);
const shapes = {
  'rows, keys out of order': { inputs: { rows }, context: {}, parameters: {} },
  'rows, keys in order': {
    context: {},
    inputs: { rows: rows.map(({ id, name, note, ok, price, qty }) => ({ id, name, note, ok, price, qty })) },
    parameters: {},
  },
  numbers: { inputs: { prices: numbers, window: 5 }, context: {}, parameters: {} },
  text: { inputs: { text: 'lorem ipsum '.repeat(85) }, context: {}, parameters: {} },
};

const aliases = new KeyAliases();
const parts = { digest: 'a'.repeat(64), sandboxVersion: '1' };

console.log('key of about 1 KB of data                 bare        key     ratio');
for (const [name, data] of Object.entries(shapes)) {
  const [bare, key] = medians(
    () => hash('sha256', JSON.stringify(data), 'hex'),
    () => resultKey({ ...parts, data }, aliases),
  );
  console.log(`  ${name.padEnd(32)} ${ns(bare)} ${ns(key)}   ${(key / bare).toFixed(2)}`);
}

const ENTRIES = 10_000;
const keys = Array.from({ length: ENTRIES }, (_, index) => hash('sha256', String(index), 'hex'));
const lru = new LRUCache({ max: ENTRIES });
const cache = new ResultCache({ entriesMax: ENTRIES, bytesMax: 64 * 1024 * 1024, ttlMs: 3_600_000 });
for (const key of keys) {
  lru.set(key, { text: '[1,2,3]' });
  await cache.getOrRun(key, async () => '[1,2,3]', { digest: parts.digest });
}
let at = 0;
const next = () => keys[(at = (at + 7) % ENTRIES)];
const [bareGet, get, whole] = medians(
  () => lru.get(next()),
  () => cache.getNow(next()),
  () => cache.getNow(resultKey({ ...parts, data: shapes.numbers }, aliases)) ?? 0,
);
console.log('\nlookup of 10,000 answers            lru-cache    getNow     ratio');
console.log(`  ${'hit'.padEnd(32)} ${ns(bareGet)} ${ns(get)}   ${(get / bareGet).toFixed(2)}`);

const [bareAll] = medians(() => lru.get(hash('sha256', JSON.stringify(shapes.numbers), 'hex')));
console.log(
  `  ${'key and lookup, numbers'.padEnd(32)} ${ns(bareAll)} ${ns(whole)}   ${(whole / bareAll).toFixed(2)}`,
);

/** Nanoseconds a call, the median of alternating rounds. */
function medians(...works) {
  const times = works.map(() => []);
  for (let round = -3; round < ROUNDS; round += 1) {
    for (const [index, work] of works.entries()) {
      const start = process.hrtime.bigint();
      for (let call = 0; call < CALLS; call += 1) work();
      if (round >= 0) times[index].push(Number(process.hrtime.bigint() - start) / CALLS);
    }
  }
  return times.map((all) => all.sort((a, b) => a - b)[ROUNDS >> 1]);
}

function ns(value) {
  return `${value.toFixed(0)} ns`.padStart(10);
}

await wholeRuns();
hitRates();

/** `library.run` as a user calls it, against the least that any cache of answers must do. */
async function wholeRuns() {
  const library = await SkillLibrary.open({ path: ':memory:' });
  const code = (name) => `const ${name} = [];\nexport const result = ${name}.length;\n`;
  console.log('\ncached run, 1 KB of inputs          bare        run     ratio   (target: at most 3)');
  for (const [name, data] of Object.entries(shapes)) {
    const { inputs } = data;
    const [first] = Object.keys(inputs);
    const skill = `bench-${name.replace(/\W+/g, '-')}`;
    await library.add({ name: skill, description: 'Counts. Use in a bench.', code: code(first) });
    await library.run(skill, inputs);
    lru.set(hash('sha256', JSON.stringify(inputs), 'hex'), { text: '[1]' });
    const [bareUs, runUs] = await asyncMedians(
      () => lru.get(hash('sha256', JSON.stringify(inputs), 'hex')),
      () => library.run(skill, inputs),
    );
    const ratio = runUs / bareUs;
    const verdict = ratio <= 3 ? 'reached' : 'missed';
    console.log(`  ${name.padEnd(32)} ${ns(bareUs)} ${ns(runUs)}   ${ratio.toFixed(2)}   ${verdict}`);
  }
  await library.close();
}

/** A trace of Zipf-distributed keys with scans between them, through caches of 5 % of the keys. */
function hitRates() {
  const KEYS = 20_000;
  const entriesMax = KEYS / 20;
  console.log(`\nhit rate, ${KEYS} keys, cache of ${entriesMax}: Zipf 0.9, a third of it scans`);
  const trace = zipfWithScans(KEYS, 600_000);
  const bare = new LRUCache({ max: entriesMax });
  const rows = [
    ['lru-cache', (key) => bare.get(key) !== undefined || void bare.set(key, true)],
    ...['lru', 's3-fifo'].map((policy) => {
      const cache = new BoundedCache({ entriesMax, bytesMax: 2 ** 40, policy });
      return [policy, (key) => cache.get(key) !== undefined || void cache.set(key, { bytes: 1 })];
    }),
  ];
  const rates = rows.map(([name, use]) => {
    const hits = trace.reduce((sum, key) => sum + (use(key) ? 1 : 0), 0);
    const rate = (hits / trace.length) * 100;
    console.log(`  ${name.padEnd(32)} ${rate.toFixed(2).padStart(7)} %`);
    return rate;
  });
  console.log(`  s3-fifo over lru-cache alone     ${(rates[2] - rates[0]).toFixed(2).padStart(7)} points`);
}

function zipfWithScans(keyCount, length) {
  // A linear congruential generator: the same trace in every run.
  let seed = 42;
  const random = () => (seed = (seed * 1_664_525 + 1_013_904_223) % 2 ** 32) / 2 ** 32;
  const sums = [];
  let total = 0;
  for (let rank = 1; rank <= keyCount; rank += 1) sums.push((total += rank ** -0.9));
  const draw = () => {
    const at = random() * total;
    let [low, high] = [0, keyCount - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (sums[middle] < at) low = middle + 1;
      else high = middle;
    }
    return `k${low}`;
  };
  const trace = [];
  let scanned = 0;
  while (trace.length < length) {
    for (let use = 0; use < 2_000; use += 1) trace.push(draw());
    for (let step = 0; step < 1_000; step += 1) trace.push(`s${(scanned += 1) % (keyCount * 10)}`);
  }
  return trace;
}

async function asyncMedians(...works) {
  const times = works.map(() => []);
  for (let round = -3; round < ROUNDS; round += 1) {
    for (const [index, work] of works.entries()) {
      const start = process.hrtime.bigint();
      for (let call = 0; call < CALLS; call += 1) await work();
      if (round >= 0) times[index].push(Number(process.hrtime.bigint() - start) / CALLS);
    }
  }
  return times.map((all) => all.sort((a, b) => a - b)[ROUNDS >> 1]);
}
