/** Times, and a table of what was wanted beside what was seen. */
import { performance } from 'node:perf_hooks';

const rows = [];

export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Medians and p99 of `count` calls, each after a pause. */
export async function time(name, count, action, { pauseMs = 0, warmUps = 0 } = {}) {
  for (let i = 0; i < warmUps; i += 1) await action(-1 - i);
  const took = [];
  for (let i = 0; i < count; i += 1) {
    if (pauseMs > 0) await pause(pauseMs);
    const startedMs = performance.now();
    // An action may know better what it took.
    const own = await action(i);
    took.push(typeof own === 'number' ? own : performance.now() - startedMs);
  }
  took.sort((a, b) => a - b);
  const at = (share) => took[Math.min(count - 1, Math.floor(count * share))];
  const row = { median: at(0.5), p99: at(0.99) };
  const shown = `${row.median.toFixed(2).padStart(9)} ms   p99 ${row.p99.toFixed(2).padStart(8)} ms   (${count})`;
  console.log(`${name.padEnd(46)}${shown}`);
  return row;
}

/** How many a second, `lanes` at once, over about `ms`. */
export async function rate(name, lanes, ms, action) {
  const startedMs = performance.now();
  let done = 0;
  await Promise.all(
    Array.from({ length: lanes }, async (_, lane) => {
      for (; performance.now() - startedMs < ms; done += 1) await action(done, lane);
    }),
  );
  const perSecond = done / ((performance.now() - startedMs) / 1_000);
  console.log(`${name.padEnd(46)}${perSecond.toFixed(0).padStart(9)} /s`);
  return perSecond;
}

/** Keeps a figure for the table at the end. `most` or `least` is what is wanted. */
export function figure(name, value, { most, least, unit = '' }) {
  const isMet = most === undefined ? value >= least : value <= most;
  const wanted = most === undefined ? `>= ${least}` : `<= ${most}`;
  rows.push({ name, value, wanted: `${wanted}${unit}`, isMet, unit });
}

export function printFigures() {
  console.log(`\n${'figure'.padEnd(60)}${'seen'.padStart(12)}   wanted`);
  for (const { name, value, wanted, isMet, unit } of rows) {
    const seen = `${value.toFixed(value < 100 ? 2 : 0)}${unit}`;
    console.log(`${name.padEnd(60)}${seen.padStart(12)}   ${wanted.padEnd(14)}${isMet ? '' : 'missed'}`);
  }
}
