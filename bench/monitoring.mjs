/**
 * What watching costs, `monitor.enabled` on against off: processor time of the main thread, which does the watching, for
 * answers in memory and for runs in workers (Linux; elsewhere of the process, where the writer's groups are noise). Libraries in one process take short blocks in turn; of each pair of blocks,
 * which ran next to each other, the ratio; of all pairs the median, and between what it lies with 95 % certainty. A
 * third library, off as well, shows what the same method says where there is no difference.
 * A run in a worker varies by more than watching costs, so its share is also read from profiles of the main thread: of the
 * samples in which it did anything, those in the monitor or in what the monitor called. On, and off beside it.
 *   npm run build && node bench/monitoring.mjs [--pairs 300]
 */
import { existsSync, readFileSync } from 'node:fs';
import { Session } from 'node:inspector/promises';
import { parseArgs } from 'node:util';
// Its modules as they are: in the package they are built together, and a profile no longer tells them apart.
import { SkillLibrary } from '../dist/library.js';
import { RunCounters } from '../dist/monitor/run-counters.js';
import { StageClock } from '../dist/monitor/stage-clock.js';

const { values } = parseArgs({ options: { pairs: { type: 'string', default: '300' } } });
const PAIRS = Number(values.pairs);
const WARM_UP = 20;
const OF_MAIN_THREAD = `/proc/self/task/${process.pid}/schedstat`;
const WARM_UP_RUNS = 3_000;
const HITS = 400;
const RUNS = 10;
const PROFILES = 12;
const PROFILED_RUNS = 1_000;
const CLOCKED = 2_000;
const LOOKS = 200;
const LOOK_EVERY_MS = 30_000;

const skill = {
  name: 'sum',
  description: 'Adds numbers. Use when they are to be added.',
  code: 'const numbers = [];\nexport const result = numbers.reduce((sum, one) => sum + one, 0);\n',
};
const numbers = Array.from({ length: 110 }, (_, index) => 100 + index * 1.01);
const hit = (library) => library.run('sum', { numbers });
const bypass = (library) => library.run('sum', { numbers }, { cache: 'bypass' });
// Looks at the numbers are measured apart: on their timer they would fall into anybody's block.
const open = (enabled) =>
  SkillLibrary.open({ path: ':memory:', monitor: { enabled, sampleIntervalMs: 86_400_000 } });
const [off, on, control] = await Promise.all([false, true, false].map(open));
for (const library of [off, on, control]) {
  await library.add(skill);
  await library.run('sum', { numbers });
}

console.log(`processor's time, in pairs of blocks        off   cost`);
await compare('answer in memory, 1 KB', PAIRS, HITS, hit);
// Only one of them runs the monitor's code: V8 compiles it in the first thousands of runs, which no service notices.
for (const library of [off, on, control])
  for (let run = 0; run < WARM_UP_RUNS; run += 1) await bypass(library);
const runUs = await compare('run in a worker', PAIRS / 2, RUNS, bypass);
await profiles();
await clocks(runUs);
await looks();
await Promise.all([off, on, control].map((library) => library.close()));

function processUs() {
  const { user, system } = process.cpuUsage();
  return user + system;
}

function mainThreadUs() {
  // The kernel brings the thread's account up to now for this, and not for the next line.
  process.cpuUsage();
  return Number(readFileSync(OF_MAIN_THREAD, 'latin1').split(' ')[0]) / 1_000;
}

async function block(library, calls, work, cpuUs = existsSync(OF_MAIN_THREAD) ? mainThreadUs : processUs) {
  const start = cpuUs();
  for (let call = 0; call < calls; call += 1) await work(library);
  return (cpuUs() - start) / calls;
}

async function compare(label, pairs, calls, work) {
  const ratios = { on: [], control: [] };
  const offs = [];
  for (let pair = -WARM_UP; pair < pairs; pair += 1) {
    for (const [name, library] of Object.entries({ on, control })) {
      // Whoever comes second finds what the first has left: they take turns in that.
      const first = pair % 2 === 0 ? off : library;
      const second = first === off ? library : off;
      const times = new Map([[first, await block(first, calls, work)]]);
      times.set(second, await block(second, calls, work));
      if (pair < 0) continue;
      ratios[name].push(times.get(library) / times.get(off));
      offs.push(times.get(off));
    }
  }
  const offUs = median(offs);
  console.log(
    `  ${label.padEnd(36)} ${offUs.toFixed(1).padStart(8)} µs   ${interval(ratios.on)}   without any difference: ${interval(ratios.control)}`,
  );
  return offUs;
}

/** The monitor's share of the main thread, library by library in turn: the median of the profiles, and its interval. */
async function profiles() {
  const shares = { on: [], off: [] };
  const session = new Session();
  session.connect();
  await session.post('Profiler.enable');
  await session.post('Profiler.setSamplingInterval', { interval: 50 });
  // Until V8 has compiled them: what runs seldom is interpreted, at twice the share.
  for (let run = 0; run < 4 * PROFILED_RUNS; run += 1) await bypass(on);
  for (let profile = 0; profile < PROFILES; profile += 1) {
    for (const [name, library] of Object.entries({ on, off })) {
      await session.post('Profiler.start');
      for (let run = 0; run < PROFILED_RUNS; run += 1) await bypass(library);
      shares[name].push(1 + shareOfMonitor((await session.post('Profiler.stop')).profile));
    }
  }
  session.disconnect();
  console.log(
    `  ${"  the monitor's share of a profile".padEnd(36)} ${''.padStart(11)}   ${interval(shares.on)}   off: ${interval(shares.off)}`,
  );
}

function shareOfMonitor({ nodes, samples }) {
  const parents = new Map(nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id])));
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const isWatching = new Map();
  const watches = (id) => {
    if (id === undefined) return false;
    if (!isWatching.has(id)) {
      const { url } = byId.get(id).callFrame;
      isWatching.set(id, url.includes('/dist/monitor/') || watches(parents.get(id)));
    }
    return isWatching.get(id);
  };
  const busy = samples.filter((id) => byId.get(id).callFrame.functionName !== '(idle)');
  return busy.filter(watches).length / busy.length;
}

/** What watching adds to a run in a worker, by itself: blocks of real runs vary by more. In rounds, as above. */
async function clocks(runUs) {
  const counters = new RunCounters();
  const times = [];
  for (let round = 0; round < 41; round += 1) {
    times.push(
      await block(off, CLOCKED, () => {
        // As `library/run` and `library/execution` do.
        const request = new StageClock(counters);
        for (const stage of ['load', 'validate', 'lookup']) request.lap(stage);
        const execution = new StageClock(counters);
        for (const stage of ['encode', 'execute', 'check']) execution.lap(stage);
      }),
    );
  }
  const shares = times.slice(1).map((us) => 1 + us / runUs);
  console.log(
    `  ${'  its clocks alone'.padEnd(36)} ${median(times).toFixed(2).padStart(8)} µs   ${interval(shares)}`,
  );
}

/** What a look at all numbers takes, threads included, and its share of a core at the default interval. */
async function looks() {
  for (let look = 0; look < 20; look += 1) await on.sampleMetrics();
  const ms = (await block(on, LOOKS, (library) => library.sampleMetrics(), processUs)) / 1_000;
  const share = `${((ms / LOOK_EVERY_MS) * 100).toFixed(4)} % of a core, one every ${LOOK_EVERY_MS / 1_000} s`;
  console.log(`  ${'a look at the numbers'.padEnd(36)} ${ms.toFixed(2).padStart(8)} ms   ${share}`);
}

function median(numbers) {
  return numbers.toSorted((left, right) => left - right)[numbers.length >> 1];
}

/** The median, and the places in the order between which the true one lies with 95 % certainty, whatever the spread. */
function interval(ratios) {
  const sorted = ratios.toSorted((left, right) => left - right);
  const reach = 0.98 * Math.sqrt(sorted.length);
  const at = (place) => sorted[Math.min(sorted.length - 1, Math.max(0, Math.round(place)))];
  const percent = (ratio) => `${((ratio - 1) * 100).toFixed(2)} %`;
  const middle = (sorted.length - 1) / 2;
  return `${percent(at(middle))} (${percent(at(middle - reach))} to ${percent(at(middle + reach))})`;
}
