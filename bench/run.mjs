// What a run costs: hot, warm and cold, beside a fork per run and a bare echo over the same kind of channel.
// `npm run build && node bench/run.mjs`; takes under a minute. 1 KB in, 1 KB out; medians and p99.
import { fork, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { buildTemplate } from '../dist/inject/template.js';
import { planInjection } from '../dist/inject/planner.js';
import { resolveOptions } from '../dist/options.js';
import { encodeValue } from '../dist/sandbox/codec.js';
import { Dispatcher } from '../dist/workers/dispatch.js';

const MIB = 1024 * 1024;
const LIMITS = { timeoutMs: 30_000, memoryBytesMax: 128 * MIB, outputBytesMax: 10 * MIB, logBytesMax: MIB };
const text = 'x'.repeat(1_000);
const data = encodeValue({ inputs: { text, n: 1 }, context: {}, parameters: {} });
const rows = [];
const loop = 'export default () => { for (;;); };';

let nth = 0;
function programOf(code) {
  const { plan, source } = planInjection(code);
  nth += 1;
  const unit = { ...buildTemplate(source, plan, 'skill:bench@1'), parameters: '{}', requires: {} };
  return { digest: `bench-${nth}`, units: [unit] };
}
const echo = 'export default ({ text, n }) => ({ text, n: n + 1 });';

function dispatcher(workers) {
  return new Dispatcher({ workers: { ...resolveOptions({}).workers, ...workers }, require: 'permission' });
}
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function measure(name, count, action, { pauseMs = 0 } = {}) {
  const took = [];
  for (let i = 0; i < count; i += 1) {
    if (pauseMs > 0) await pause(pauseMs);
    const startedMs = performance.now();
    await action(i);
    took.push(performance.now() - startedMs);
  }
  took.sort((a, b) => a - b);
  const row = {
    name,
    median: took[Math.floor(count / 2)],
    p99: took[Math.min(count - 1, Math.floor(count * 0.99))],
    count,
  };
  rows.push(row);
  return row;
}

// A folder for the two plain children that we compare with.
const folder = mkdtempSync(join(tmpdir(), 'skillcache-bench-'));
const echoPath = join(folder, 'echo.mjs');
writeFileSync(
  echoPath,
  `import { readSync, writeSync } from 'node:fs';
const bytes = Buffer.alloc(1 << 16);
writeSync(3, 'r');
for (;;) { const n = readSync(3, bytes, 0, bytes.length, null); if (n === 0) break; writeSync(3, bytes, 0, n); }`,
);
const forkPath = join(folder, 'fork.mjs');
writeFileSync(
  forkPath,
  `import vm from 'node:vm';
process.once('message', ({ code, inputs }) => { process.send(vm.runInNewContext(code)(inputs)); process.disconnect(); });`,
);

try {
  const child = spawn(process.execPath, [echoPath], { stdio: ['ignore', 'ignore', 'inherit', 'pipe'] });
  const channel = child.stdio[3];
  await once(channel, 'data');
  const bounce = async () => {
    channel.write(data);
    let have = 0;
    while (have < data.length) have += (await once(channel, 'data'))[0].length;
  };
  const floorPaced = await measure('echo child, one call per 5 ms', 400, bounce, { pauseMs: 5 });
  const floorBusy = await measure('echo child, back to back', 2_000, bounce);
  channel.destroy();

  const workers = dispatcher({ min: 1, max: 4 });
  await workers.warmUp();
  const hot = programOf(echo);
  const run = (program) => workers.run({ program, data, limits: LIMITS });
  await run(hot);
  const paced = await measure('hot run, one call per 5 ms', 400, () => run(hot), { pauseMs: 5 });
  const busy = await measure('hot run, back to back', 2_000, () => run(hot));
  const warm = await measure(
    'first run of a version, warm worker',
    20,
    async (i) => run(programOf(`${echo}\n// ${i}`)),
    { pauseMs: 300 },
  );
  const deadline = await measure(
    'a loop, deadline 100 ms',
    10,
    async () => {
      await workers
        .run({ program: programOf(loop), data, limits: { ...LIMITS, timeoutMs: 100 } })
        .catch(() => {});
    },
    { pauseMs: 300 },
  );
  await workers.close();

  const parallel = dispatcher({ min: 0, max: 2, concurrency: 2 });
  await Promise.all([0, 1].map(() => parallel.run({ program: hot, data, limits: LIMITS })));
  const total = 2_000;
  const startedMs = performance.now();
  let left = total;
  await Promise.all(
    [0, 1].map(async () => {
      while ((left -= 1) >= 0) await parallel.run({ program: hot, data, limits: LIMITS });
    }),
  );
  const perSecond = total / ((performance.now() - startedMs) / 1_000);
  await parallel.close();

  const cold = await measure(
    'cold start and first run',
    8,
    async () => {
      const own = dispatcher({ min: 0, max: 1 });
      await own.run({ program: hot, data, limits: LIMITS });
      rows.closing = own.close();
    },
    { pauseMs: 50 },
  );
  await rows.closing;
  const bare = await measure('node -e 0', 8, () => void spawnSync(process.execPath, ['-e', '0']));
  const forked = await measure('fork per run (unconfined)', 10, async () => {
    const one = fork(forkPath, { stdio: 'ignore' });
    one.send({ code: '({ text, n }) => ({ text, n: n + 1 })', inputs: { text, n: 1 } });
    await once(one, 'message');
    await once(one, 'exit');
  });

  console.log(`node ${process.version}, ${cpus().length} cores, ${cpus()[0].model.trim()}\n`);
  for (const { name, median, p99, count } of rows)
    console.log(
      `${name.padEnd(38)}${median.toFixed(2).padStart(9)} ms  p99 ${p99.toFixed(2).padStart(8)} ms  (${count})`,
    );
  const ratio = (label, a, b) => console.log(`${label.padEnd(52)}${(a / b).toFixed(2).padStart(8)}`);
  console.log();
  ratio('hot run : echo floor, paced', paced.median, floorPaced.median);
  ratio('hot run : echo floor, back to back', busy.median, floorBusy.median);
  ratio('fork per run : hot run', forked.median, busy.median);
  ratio('cold start : node -e 0', cold.median, bare.median);
  console.log(
    `${'first run on a warm worker, beyond a hot one'.padEnd(52)}${(warm.median - paced.median).toFixed(2).padStart(8)} ms`,
  );
  console.log(
    `${'from deadline to the error'.padEnd(52)}${(deadline.median - 100).toFixed(2).padStart(8)} ms`,
  );
  console.log(`${'throughput, two workers'.padEnd(52)}${perSecond.toFixed(0).padStart(8)} runs/s`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
