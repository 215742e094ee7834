/**
 * What a cached answer costs: its key, against the bare `JSON.stringify` + SHA-256 of the same
 * data, and the lookup, against `lru-cache` alone. Medians of rounds that alternate, in one process.
 *   npm run build && node bench/cache.mjs
 */
import { hash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { resultKey } from '../dist/cache/keys.js';
import { ResultCache } from '../dist/cache/result-cache.js';

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

const parts = { digest: 'a'.repeat(64), sandboxVersion: '1' };

console.log('key of about 1 KB of data                 bare        key     ratio');
for (const [name, data] of Object.entries(shapes)) {
  const [bare, key] = medians(
    () => hash('sha256', JSON.stringify(data), 'hex'),
    () => resultKey({ ...parts, data }),
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
  () => cache.getNow(resultKey({ ...parts, data: shapes.numbers })) ?? 0,
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
