/**
 * What watching costs, `monitor.enabled` on against off: processor time of answers in memory, wall
 * and processor time of runs in workers. Two libraries in one process, rounds that alternate, medians.
 *   npm run build && node bench/monitoring.mjs
 */
import { SkillLibrary } from '../dist/index.js';

const ROUNDS = 41;
const HITS = 4_000;
const RUNS = 100;

const skill = {
  name: 'sum',
  description: 'Adds numbers. Use when they are to be added.',
  code: 'const numbers = [];\nexport const result = numbers.reduce((sum, one) => sum + one, 0);\n',
};
const bypass = (library) => library.run('sum', { numbers }, { cache: 'bypass' });
const numbers = Array.from({ length: 110 }, (_, index) => 100 + index * 1.01);
// Alerts look once a second here, 30 times as often as by default.
const libraries = await Promise.all(
  [true, false].map((enabled) =>
    SkillLibrary.open({ path: ':memory:', monitor: { enabled, sampleIntervalMs: 1_000 } }),
  ),
);
for (const library of libraries) {
  await library.add(skill);
  await library.run('sum', { numbers });
}

console.log('                                   off            on        cost');
await compare('answer in memory, 1 KB', HITS, cpuNs, (library) => library.run('sum', { numbers }));
await compare('run in a worker', RUNS, wallNs, bypass);
// Watching is done by this process alone, and the wall tells more of the machine than of it.
await compare("  this process's part of it", RUNS, cpuNs, bypass);
await Promise.all(libraries.map((library) => library.close()));

/** Wall time would count what else the machine does. */
function cpuNs() {
  const { user, system } = process.cpuUsage();
  return (user + system) * 1_000;
}

function wallNs() {
  return Number(process.hrtime.bigint());
}

async function compare(label, calls, clockNs, work) {
  const [on, off] = [[], []];
  for (let round = -3; round < ROUNDS; round += 1) {
    const order = round % 2 === 0 ? [0, 1] : [1, 0];
    for (const which of order) {
      const start = clockNs();
      for (let call = 0; call < calls; call += 1) await work(libraries[which]);
      const us = (clockNs() - start) / calls / 1_000;
      if (round >= 0) (which === 0 ? on : off).push(us);
    }
  }
  // Of each pair of rounds, which ran next to each other, the ratio: what else the machine does is in both.
  const ratio = median(on.map((us, round) => us / off[round]));
  const cost = `${((ratio - 1) * 100).toFixed(2)} %`.padStart(9);
  console.log(`  ${label.padEnd(26)} ${micro(median(off))} ${micro(median(on))}   ${cost}`);
}

function median(values) {
  return values.toSorted((left, right) => left - right)[values.length >> 1];
}

function micro(us) {
  return `${us.toFixed(2)} µs`.padStart(12);
}
