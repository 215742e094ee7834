// A batch beside a bare loop of `library.run`, what checkpoints cost, and the memory of the parent.
// `npm run build && node bench/batch.mjs`; SKILLCACHE_BENCH_ITEMS=100000 for more than 10,000 items.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Batches, SkillLibrary } from '../dist/index.js';

const ITEMS = Number(process.env.SKILLCACHE_BENCH_ITEMS ?? 10_000);
const ROUNDS = Number(process.env.SKILLCACHE_BENCH_ROUNDS ?? 3);
const folder = mkdtempSync(join(tmpdir(), 'skillcache-bench-'));
const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
const run = { cache: 'bypass' };

async function timed(work) {
  const startMs = performance.now();
  await work();
  return performance.now() - startMs;
}

try {
  const inputs = join(folder, 'in.ndjson');
  writeFileSync(inputs, Array.from({ length: ITEMS }, (_, n) => `{"n":${n}}\n`).join(''));
  const library = await SkillLibrary.open({ path: join(folder, 'skills.db') });
  await library.add({
    name: 'double',
    description: 'Doubles a number. Use when measured.',
    code: 'const n = 0;\nexport const result = n * 2;',
  });
  const lanes = library.options.workers.concurrency;
  const batches = new Batches(library);
  let nth = 0;
  const bare = async () => {
    let n = 0;
    const lane = async () => {
      while (n < ITEMS) await library.run('double', { n: n++ }, run);
    };
    await Promise.all(Array.from({ length: lanes }, lane));
  };
  const batch = async (options = {}) => {
    const output = join(folder, `${(nth += 1)}.ndjson`);
    await (await batches.start('double', { inputs, output, run, ...options })).finish();
  };
  const checkpointMs = () => library.metrics().batches.checkpointMs.sumMs;
  await bare();
  const times = { bare: [], batch: [], unchecked: [] };
  const shares = [];
  // In turns, so that noise falls on all of them.
  for (let round = 0; round < ROUNDS; round += 1) {
    times.bare.push(await timed(bare));
    const beforeMs = checkpointMs();
    times.batch.push(await timed(() => batch()));
    shares.push((checkpointMs() - beforeMs) / times.batch.at(-1));
    times.unchecked.push(await timed(() => batch({ chunkSize: 1_000_000_000 })));
  }
  const perSecond = (ms) => `${Math.round((ITEMS / ms) * 1_000)} items/s`;
  const ratios = times.bare.map((ms, at) => ms / times.batch[at]);
  const costs = times.batch.map((ms, at) => ms / times.unchecked[at] - 1);
  console.log(`${ITEMS} items, ${lanes} at once, ${ROUNDS} rounds, medians`);
  console.log(`bare loop of library.run   ${perSecond(median(times.bare))}`);
  console.log(`batch                      ${perSecond(median(times.batch))}`);
  console.log(`batch : bare loop          ${(median(ratios) * 100).toFixed(1)} %`);
  console.log(`checkpoints                ${(median(shares) * 100).toFixed(1)} % of a batch, by the clock`);
  console.log(`batch without chunks       ${(median(costs) * 100).toFixed(1)} % faster`);
  // Answers out of the cache: many items in little time.
  const many = join(folder, 'many.ndjson');
  // The first one warms up: the collector has its room, and the caches what they hold.
  for (const count of [100_000, 10_000, 1_000_000]) {
    writeFileSync(many, '{"n":1}\n'.repeat(count));
    const ms = await timed(() => batch({ inputs: many, run: {} }));
    const { rss, heapUsed } = process.memoryUsage();
    const mib = (bytes) => `${(bytes / 2 ** 20).toFixed(0)} MiB`;
    console.log(
      `${count} equal items: ${(ms / 1_000).toFixed(1)} s, resident ${mib(rss)}, heap ${mib(heapUsed)}`,
    );
  }
  await library.close();
} finally {
  rmSync(folder, { recursive: true, force: true });
}
