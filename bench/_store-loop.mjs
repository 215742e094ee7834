// How late the event loop is while a library is searched, listed and exported beside 100 runs a second, and while
// nothing else is done than those runs: what the machine and the clock are late by themselves. Prints JSON.
import { setTimeout as pause } from 'node:timers/promises';
import { SkillLibrary } from '../dist/index.js';
import { watchLoop } from './_loop-delay.mjs';
import { question } from './_store-library.mjs';

const [path, seconds = '10'] = process.argv.slice(2);
const RUNS_PER_SECOND = 100;
const library = await SkillLibrary.open({ path });
const added = await library.add({
  name: 'bench-loop-sum',
  description: 'Sums numbers. Use in a bench.',
  code: 'const numbers = [];\nexport const result = numbers.reduce((sum, one) => sum + one, 0);\n',
});

async function runSteadily(counts, endMs) {
  const startMs = performance.now();
  const running = new Set();
  for (let index = 0; performance.now() < endMs; index += 1) {
    const run = library.run(added.name, { numbers: [index, 1, 2] }, { cache: 'bypass' });
    running.add(run);
    run.finally(() => running.delete(run)).catch(() => {});
    counts.runs += 1;
    await pause(Math.max(0, startMs + ((index + 1) * 1_000) / RUNS_PER_SECOND - performance.now()));
  }
  await Promise.all(running);
}

async function repeat(endMs, work) {
  while (performance.now() < endMs) await work();
}

async function exportAll(counts, endMs) {
  for await (const definition of library.definitions()) {
    counts.exported += definition.name.length > 0 ? 1 : 0;
    if (performance.now() >= endMs) return;
  }
}

async function measure(isBusy) {
  const counts = { runs: 0, searches: 0, lists: 0, exported: 0 };
  const endMs = performance.now() + Number(seconds) * 1_000;
  const end = watchLoop();
  let after = '';
  await Promise.all([
    runSteadily(counts, endMs),
    ...(isBusy
      ? [
          repeat(endMs, async () => {
            await library.search(question());
            counts.searches += 1;
          }),
          repeat(endMs, async () => {
            const page = await library.list({ limit: 100, ...(after && { after }) });
            after = page.at(-1)?.name ?? '';
            counts.lists += 1;
          }),
          repeat(endMs, () => exportAll(counts, endMs)),
        ]
      : []),
  ]);
  return { ...counts, ...end() };
}

for (let index = 0; index < 200; index += 1)
  await library.run(added.name, { numbers: [index] }, { cache: 'bypass' });
await library.search(question());
const told = { 'runs alone': await measure(false), 'all at once': await measure(true) };
await library.remove(added.name);
await library.close();
console.log(JSON.stringify(told));
