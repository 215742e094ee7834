/** Times, and a table of what was wanted beside what was seen. */
import { performance } from 'node:perf_hooks';

const rows = [];

export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Medians and p99 of `count` calls, each after a pause. */
export async function time(name, count, action, options) {
  const [row] = await inTurn({ [name]: action }, count, options);
  return row;
}

/** The same of several, `block` calls of each at a time: what else the machine does meanwhile meets all of them. */
export async function inTurn(actions, count, { pauseMs = 0, warmUps = 0, block = count } = {}) {
  const all = Object.entries(actions).map(([name, action]) => ({ name, action, took: [] }));
  for (const { action } of all) for (let i = 0; i < warmUps; i += 1) await action(-1 - i);
  while (all.at(-1).took.length < count)
    for (const { action, took } of all) for (let i = 0; i < block; i += 1) await timed(action, took, pauseMs);
  return all.map(({ name, took }) => told(name, took));
}

async function timed(action, took, pauseMs) {
  if (pauseMs > 0) await pause(pauseMs);
  const startedMs = performance.now();
  // An action may know better what it took.
  const own = await action(took.length);
  took.push(typeof own === 'number' ? own : performance.now() - startedMs);
}

function told(name, took) {
  took.sort((a, b) => a - b);
  const count = took.length;
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

/** Keeps a figure for the table at the end. `most` or `least` is what is wanted, if anything is. */
export function figure(name, value, { most = Infinity, least = -Infinity, unit = '' }) {
  const isMet = value >= least && value <= most;
  const wanted = least > -Infinity ? `>= ${least}${unit}` : most < Infinity ? `<= ${most}${unit}` : '–';
  rows.push({ name, value, wanted, isMet, unit });
}

export function printFigures() {
  console.log(`\n${'figure'.padEnd(60)}${'seen'.padStart(12)}   wanted`);
  for (const { name, value, wanted, isMet, unit } of rows) {
    const seen = `${value.toFixed(value < 100 ? 2 : 0)}${unit}`;
    console.log(`${name.padEnd(60)}${seen.padStart(12)}   ${wanted.padEnd(14)}${isMet ? '' : 'missed'}`);
  }
}
