// What a run costs, beside what it is wanted to cost and what other ways cost. 1 KB in, 1 KB out.
// `npm run build && node bench/run.mjs [section …]`; all of it takes about two minutes.
import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { performance } from 'node:perf_hooks';
import { SkillLibrary } from '../dist/index.js';
import { encodeValue } from '../dist/sandbox/codec.js';
import { bareNode, echoChild, forkedRun, peers } from './run/floors.mjs';
import { figure, inTurn, pause, printFigures, rate, time } from './run/measure.mjs';
import { DATA, dispatcher, ECHO, INPUTS, full, programOf, runOn, standBy } from './run/skills.mjs';

const sections = { hot, isolation, starts, throughput, work, deadline, memory, idle, large };

async function hot() {
  const floor = await echoChild('bytes');
  const workers = dispatcher({ min: 1, max: 4 });
  await workers.warmUp();
  const program = programOf(ECHO);
  const run = () => runOn(workers, program);
  const bounce = () => floor.bounce(DATA);
  const [floorPaced, hotPaced] = await inTurn(
    { 'echo child, one call per 5 ms': bounce, 'hot run, one call per 5 ms': run },
    400,
    { pauseMs: 5, warmUps: 50, block: 40 },
  );
  const [floorBusy, hotBusy] = await inTurn(
    { 'echo child, back to back': bounce, 'hot run, back to back': run },
    3_000,
    { warmUps: 500, block: 300 },
  );
  floor.close();
  await workers.close();
  const forked = await time('a fork per run, unconfined', 10, () => forkedRun(INPUTS));
  figure('hot run : echo, one call per 5 ms', hotPaced.median / floorPaced.median, { most: 1.6 });
  figure('hot run, one call per 5 ms, p99', hotPaced.p99, { most: 2, unit: ' ms' });
  figure('hot run : echo, back to back', hotBusy.median / floorBusy.median, { most: 9 });
  figure('a fork per run : hot run, back to back', forked.median / hotBusy.median, { least: 50 });
  figure('a fork per run : hot run, one call per 5 ms', forked.median / hotPaced.median, { least: 50 });
  for (const { name, what, run: peerRun, close } of await peers(INPUTS)) {
    const peer = await time(`${name}: ${what}`, 500, peerRun, { warmUps: 100 });
    // All of them are in the host process, where nothing holds them.
    figure(`${name} : hot run, back to back`, peer.median / hotBusy.median, {});
    await close();
  }
}

async function isolation() {
  const workers = dispatcher({ min: 4, max: 12, isolation: 'run' });
  await workers.warmUp();
  const program = programOf(ECHO);
  const one = await time(
    'isolation run, while the pool keeps up',
    40,
    async () => {
      // Some of them wait with this version in their realm already.
      await full(workers, 4);
      const startedMs = performance.now();
      await runOn(workers, program);
      return performance.now() - startedMs;
    },
    { warmUps: 4 },
  );
  const perSecond = await rate('isolation run, sustained', 4, 4_000, () => runOn(workers, program));
  await workers.close();
  figure('isolation run, while the pool keeps up', one.median, { most: 0.7, unit: ' ms' });
  figure('isolation run, sustained', perSecond, { least: 45, unit: ' /s' });
}

async function starts() {
  const workers = dispatcher({ min: 1, max: 4 });
  await workers.warmUp();
  const first = await time(
    'first run of a version, warm worker',
    20,
    async (i) => {
      const program = programOf(`${ECHO}\n// ${i}`);
      await standBy(workers, 1);
      await pause(20);
      const startedMs = performance.now();
      await runOn(workers, program);
      return performance.now() - startedMs;
    },
    { warmUps: 2 },
  );
  const program = programOf(ECHO);
  const again = await time('second run of it', 20, () => runOn(workers, program), {
    warmUps: 1,
    pauseMs: 20,
  });
  await workers.close();
  const closings = [];
  const coldRun = async () => {
    const own = dispatcher({ min: 0, max: 1 });
    await runOn(own, program);
    closings.push(own);
  };
  const [bare, cold] = await inTurn({ 'node -e 0': bareNode, 'cold start and first run': coldRun }, 9, {
    block: 1,
  });
  await Promise.all(closings.map((own) => own.close()));
  const most = Number(process.versions.node.split('.')[0]) < 22 ? 2 : 4;
  figure('first run on a warm worker, beyond a hot one', first.median - again.median, {
    most: 5,
    unit: ' ms',
  });
  figure('cold start : node -e 0', cold.median / bare.median, { most });
}

async function throughput() {
  const library = await SkillLibrary.open({ path: ':memory:', cache: { storeResults: false } });
  await library.add({ name: 'echo', description: 'Gives back what it gets.', code: ECHO });
  const options = { cache: 'bypass' };
  await Promise.all([0, 1].map(() => library.run('echo', INPUTS, options)));
  const one = await rate('library.run of one skill, 4 at once', 4, 4_000, () =>
    library.run('echo', INPUTS, options),
  );
  await library.close();
  const programs = Array.from({ length: 200 }, (_, i) => programOf(`${ECHO}\n// ${i}`));
  const shared = dispatcher({ min: 2, max: 2, isolation: 'library' });
  await Promise.all(programs.map((program) => runOn(shared, program)));
  const any = await rate('200 skills in turn, isolation library', 4, 4_000, (i) =>
    runOn(shared, programs[i % 200]),
  );
  await shared.close();
  const spawned = await rate('cold starts alone, 2 at once', 2, 4_000, async () => {
    const own = dispatcher({ min: 0, max: 1 });
    await own.confinement();
    await own.close();
  });
  const many = dispatcher({ min: 2, max: 8, concurrency: 2 });
  await many.warmUp();
  const turns = await rate('200 skills in turn, 8 workers', 2, 5_000, (i) => runOn(many, programs[i % 200]));
  await many.close();
  figure('library.run of one skill, fresh realms', one, { least: 3_000, unit: ' /s' });
  figure('200 skills in turn, isolation library', any, { least: 2_000, unit: ' /s' });
  figure('200 skills in turn, 8 workers : spawning alone', turns / spawned, { least: 0.6 });
}

const BODIES = {
  'numbers and a map': [
    2e7,
    'let a = 1, s = 0; const m = new Map(); for (let i = 0; i < n; i += 1) { a = (a * 48271) % 2147483647; s += Math.sqrt(a); if (i % 64 === 0) m.set(a % 1000, s); } return s + m.size;',
  ],
  'methods of arrays': [
    3e5,
    'const a = Array.from({ length: 100 }, (_, i) => i); let s = 0; for (let i = 0; i < n; i += 1) { const b = [...a].map((x) => x + i).filter((x) => x % 2 === 0); s += b.concat(a).slice(1).length; } return s;',
  ],
  'texts and patterns': [
    1e6,
    'let s = 0; for (let i = 0; i < n; i += 1) s += `a,b,${i}`.replace(/b/g, "x").split(",").join("-").length; return s;',
  ],
  promises: [
    4e6,
    'let s = 0; for (let i = 0; i < n; i += 1) s += await i; return s + (await Promise.all([1, 2])).length;',
  ],
};

async function work() {
  for (const [what, [n, body]] of Object.entries(BODIES)) await workOf(what, n, body);
}

async function workOf(what, n, body) {
  const plain = new Function('n', `return (async () => { ${body} })()`);
  const workers = dispatcher({ min: 0, max: 1 });
  const program = programOf(`export default async ({ n }) => { ${body} };`);
  const data = encodeValue({ inputs: { n }, context: {}, parameters: {} });
  await runOn(workers, program, data);
  await plain(n);
  // In turn, so that what else the machine does meets both.
  const took = { inside: [], outside: [] };
  for (let i = 0; i < 9; i += 1) {
    took.inside.push((await runOn(workers, program, data)).report.cpuMs);
    const before = process.cpuUsage();
    await plain(n);
    const { user, system } = process.cpuUsage(before);
    took.outside.push((user + system) / 1_000);
  }
  await workers.close();
  figure(`CPU-heavy skill (${what}) : plain Node`, Math.min(...took.inside) / Math.min(...took.outside), {
    most: 1.1,
  });
}

async function deadline() {
  const workers = dispatcher({ min: 1, max: 3 });
  const loop = 'export default () => { for (;;); };';
  const again = [];
  const dead = await time(
    'from the deadline of 100 ms to a dead process',
    20,
    async () => {
      const program = programOf(loop);
      await standBy(workers, 1).catch(() => {});
      const startedMs = performance.now();
      await runOn(workers, program, DATA, { timeoutMs: 100 }).catch(() => {});
      const deadMs = performance.now();
      await standBy(workers, 1);
      again.push(performance.now() - deadMs);
      return deadMs - startedMs - 100;
    },
    { warmUps: await workers.warmUp().then(() => 1) },
  );
  await workers.close();
  figure('from the deadline to a dead process, p99', dead.p99, { most: 10, unit: ' ms' });
  figure('from there to a warm replacement', again.toSorted((a, b) => a - b)[10], { most: 60, unit: ' ms' });
}

async function memory() {
  const workers = dispatcher({ min: 0, max: 1 });
  const program = programOf(ECHO);
  for (let i = 0; i < 20; i += 1) await runOn(workers, program);
  const rollup = readFileSync(`/proc/${workers.pids()[0]}/smaps_rollup`, 'utf8');
  const bytes = [...rollup.matchAll(/^Private_(?:Clean|Dirty): +(\d+) kB$/gm)].map(([, kib]) => kib * 1024);
  figure('private memory of a warm worker', bytes.reduce((a, b) => a + b, 0) / 1e6, {
    most: 25,
    unit: ' MB',
  });
  const flood = programOf(
    'export default () => { for (let i = 0; i < 3e5; i += 1) console.log("x".repeat(1000)); return "y".repeat(9e6); };',
  );
  await runOn(workers, flood).catch(() => {});
  globalThis.gc?.();
  const before = process.memoryUsage().rss;
  for (let i = 0; i < 5; i += 1) await runOn(workers, flood).catch(() => {});
  await pause(200);
  globalThis.gc?.();
  figure('growth of the parent by five floods', (process.memoryUsage().rss - before) / 1e6, {
    most: 5,
    unit: ' MB',
  });
  await workers.close();
}

async function idle() {
  const workers = dispatcher({ min: 10, max: 10 });
  await workers.warmUp();
  await pause(500);
  const ticks = () =>
    workers.pids().reduce((sum, pid) => {
      const fields = readFileSync(`/proc/${pid}/schedstat`, 'utf8').split(' ');
      return sum + Number(fields[0]) / 1e6;
    }, 0);
  const before = ticks();
  await pause(10_000);
  figure('processor time of 10 idle workers in 10 s', ticks() - before, { most: 5, unit: ' ms' });
  await workers.close();
}

async function large() {
  const rows = Array.from({ length: 8_000 }, (_, i) => ({
    id: i,
    name: `row ${i}`,
    price: i * 1.5,
    tags: ['a', 'b'],
    note: 'x'.repeat(60),
  }));
  const data = encodeValue({ inputs: { rows }, context: {}, parameters: {} });
  const bytes = Buffer.from(`${data}\n`);
  const floor = await echoChild('json');
  const workers = dispatcher({ min: 0, max: 2 });
  const program = programOf('export default (inputs) => inputs;');
  const [plain, ours] = await inTurn(
    {
      [`parse and stringify ${(data.length / 1e6).toFixed(2)} MB in a child`]: () => floor.bounce(bytes),
      'a run with as much in and out': () => runOn(workers, program, data),
    },
    60,
    { warmUps: 10, pauseMs: 5, block: 5 },
  );
  floor.close();
  await workers.close();
  figure('1 MB in and out : parse and stringify in a child', ours.median / plain.median, { most: 1.3 });
}

console.log(`node ${process.version}, ${cpus().length} cores, ${cpus()[0].model.trim()}\n`);
const wanted = process.argv.slice(2);
for (const [name, section] of Object.entries(sections))
  if (wanted.length === 0 || wanted.includes(name)) await section();
printFigures();
