/**
 * Opens a library, works with it, and prints the processor time that it and its workers take in a
 * window in which nobody calls it. With `bare` as the last word: of a process that does nothing.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';

const [settleMs, windowMs, path, mode] = process.argv.slice(2);

/** ns on a core by the scheduler's own account, all threads of these processes together. */
function spentNs(pids) {
  let sum = 0;
  for (const pid of pids) {
    for (const task of readdirSync(`/proc/${pid}/task`)) {
      sum += Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8').split(' ')[0]);
    }
  }
  return sum;
}

let library;
let pids = [process.pid];
if (mode !== 'bare') {
  const { SkillLibrary } = await import('../../dist/index.js');
  library = await SkillLibrary.open({ path, monitor: { sampleIntervalMs: 200 } });
  const code = 'const n = 1;\nexport const result = n * 2;\n';
  await library.add({ name: 'double', description: 'Doubles a number. Use when needed.', code });
  for (let n = 0; n < 20; n += 1) await library.run('double', { n: n % 5 });
  await library.search('double');
  pids = [process.pid, ...(await library.metrics()).workers.pids];
}
// What began because of the work may end: the looks at it, a worker's next realm, compilation, and,
// some 8 s after it, the one collection with which V8 gives memory back.
await pause(Number(settleMs));
const marks = [spentNs(pids)];
for (let half = 0; half < 2; half += 1) {
  await pause(Number(windowMs) / 2);
  marks.push(spentNs(pids));
}
const [start, middle, end] = marks;
console.log(
  JSON.stringify({ processes: pids.length, halvesMs: [(middle - start) / 1e6, (end - middle) / 1e6] }),
);
await library?.close();
