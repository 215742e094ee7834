/** `skillcache demo`: the main job, end to end, in a library that is gone afterwards. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SkillCacheError } from '../errors.ts';
import type { SkillLibrary } from '../library.ts';
import { packagePath } from '../package-root.ts';
import { markChanges } from './changed-lines.ts';
import { brief } from './failure.ts';
import type { Output } from './output.ts';
import { cutTo, plainLine, widthOf } from './plain-text.ts';
import type { Session } from './session.ts';

const SHIPPED_SKILLS = packagePath('skills');
const QUERY = 'average of a price series';
const SKILL = 'moving-average';
const INPUTS = { prices: [101, 103, 102, 104, 106, 105], window: 2 };
const REPEATS = 100;

/** Each tries to do harm; none may succeed. */
const HOSTILE: readonly { does: string; code: string; timeoutMs?: number }[] = [
  { does: 'loops for ever', code: 'for (;;) {}', timeoutMs: 300 },
  {
    does: 'evaluates text',
    code: `globalThis.constructor.constructor('return process')().getBuiltinModule('fs').readFileSync('/etc/passwd')`,
  },
  { does: 'fills the memory', code: 'const held = []; for (;;) held.push(new Float64Array(1e6).fill(1))' },
];

const WIDTH = 80;
const NOT_STOPPED = 'NOT STOPPED';

/** The exit code: 1 where something hostile was not stopped. */
export async function demo(session: Session): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'skillcache-demo-'));
  try {
    const { SkillLibrary } = await import('../library.ts');
    await using library = await SkillLibrary.open({ path: join(folder, 'skills.db') });
    return await perform(session, library);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Every step says its part as it is done; with `--json` all of it at the end. */
async function perform(session: Session, library: SkillLibrary): Promise<number> {
  const { output } = session;
  const told: Record<string, unknown> = {};
  for (const [at, { title, run }] of STEPS.entries()) {
    if (!output.json) output.text(`${at === 0 ? '' : '\n'}${output.paint('bold', `${at + 1}  ${title}`)}`);
    const { lines, ...facts } = await output.waitFor(title, run(session, library));
    Object.assign(told, facts);
    if (!output.json) output.text(lines.map((line) => `   ${line}`.trimEnd()).join('\n'));
  }
  if (output.json) output.value(told);
  return told['isHeld'] === true ? 0 : 1;
}

type Told = { readonly lines: readonly string[] } & Readonly<Record<string, unknown>>;

interface Step {
  readonly title: string;
  readonly run: (session: Session, library: SkillLibrary) => Promise<Told>;
}

const STEPS: readonly Step[] = [
  { title: 'Import the skills of this package, each checked by its own examples', run: importShipped },
  { title: `Search in plain words: ${QUERY}`, run: searchPlainWords },
  { title: `Run ${SKILL} with fresh data, in a confined process`, run: runFresh },
  { title: 'What the data replaced in the code', run: showInjected },
  { title: 'Run it again: it is pure, so that the answer was remembered', run: runAgain },
  { title: 'Run hostile code', run: runHostile },
  { title: 'Numbers', run: showNumbers },
];

async function importShipped({ signal, output }: Session, library: SkillLibrary): Promise<Told> {
  const startedAt = performance.now();
  const counts = { imported: 0, unchanged: 0, refused: 0 };
  let examples = 0;
  const reasons: string[] = [];
  for await (const outcome of library.import(SHIPPED_SKILLS, { signal })) {
    counts[outcome.status] += 1;
    examples += outcome.verified ?? 0;
    if (outcome.status === 'refused')
      reasons.push(`${outcome.name ?? outcome.source}: ${outcome.reason ?? ''}`);
    output.progress(`${counts.imported} skills`);
  }
  const took = duration(performance.now() - startedAt);
  const refused = counts.refused === 0 ? '' : `, ${counts.refused} refused`;
  const line = beside(`${counts.imported} skills stored, ${examples} examples held${refused}`, took, output);
  return {
    lines: [line, ...reasons.map((reason) => cutTo(plainLine(reason), WIDTH - 3))],
    import: { ...counts, examples },
  };
}

async function searchPlainWords({ signal, output }: Session, library: SkillLibrary): Promise<Told> {
  const startedAt = performance.now();
  const hits = await library.search(QUERY, { limit: 3, signal });
  const took = duration(performance.now() - startedAt);
  const width = Math.max(0, ...hits.map(({ name }) => name.length));
  const lines = hits.map(({ name, description }, at) => {
    const text = cutTo(`${name.padEnd(width)}  ${plainLine(description)}`, WIDTH - 16);
    return at === 0 ? beside(text, took, output) : text;
  });
  return { lines, search: hits.map(({ name, score }) => ({ name, score })) };
}

async function runFresh({ signal, output }: Session, library: SkillLibrary): Promise<Told> {
  const run = await library.run(SKILL, INPUTS, { signal });
  const { tier } = await library.confinement();
  const lines = [
    `inputs  ${brief(INPUTS)}`,
    beside(`output  ${brief(run.output)}`, duration(run.durationMs), output),
    `held by ${HOLDERS[tier]}`,
  ];
  return { lines, run, confinement: tier };
}

const HOLDERS = {
  kernel: 'the kernel (seccomp, rlimits): no files, no network, no other programs',
  permission: "Node's permission flags: no files, no other programs",
  none: 'nothing but a process of its own',
} as const;

async function showInjected({ output }: Session, library: SkillLibrary): Promise<Told> {
  const { definition } = await library.get(SKILL);
  const { code, language, parameters } = definition;
  const before = library.inject(code, { inputs: {}, language }).code;
  const filled = library.inject(code, { inputs: INPUTS, parameters, language });
  return { lines: markChanges(before, filled.code, output.paint).split('\n'), injected: filled.injected };
}

async function runAgain({ signal, output }: Session, library: SkillLibrary): Promise<Told> {
  const run = await library.run(SKILL, INPUTS, { signal });
  const times: number[] = [];
  for (let at = 0; at < REPEATS; at += 1) {
    const { durationMs, cached } = await library.run(SKILL, INPUTS, { signal });
    if (cached) times.push(durationMs);
  }
  const median = times.sort((one, other) => one - other)[Math.floor(times.length / 2)] ?? Number.NaN;
  const lines = [
    beside(`output  ${brief(run.output)}`, duration(run.durationMs), output),
    beside(`${times.length} of ${REPEATS} more answers from the cache, median`, duration(median), output),
  ];
  return { lines, again: { run, medianMs: median } };
}

async function runHostile({ signal, output }: Session, library: SkillLibrary): Promise<Told> {
  const lines: string[] = [];
  const outcomes: unknown[] = [];
  for (const { does, code, ...options } of HOSTILE) {
    const startedAt = performance.now();
    const { outcome, said } = await attempt(library, code, { ...options, signal });
    const took = duration(performance.now() - startedAt);
    lines.push(
      beside(
        `${does.padEnd(17)}${output.paint(outcome === NOT_STOPPED ? 'red' : 'green', outcome)}`,
        took,
        output,
      ),
      output.paint('dim', `  ${cutTo(plainLine(said), WIDTH - 8)}`),
    );
    outcomes.push({ does, outcome, said });
  }
  return { lines, hostile: outcomes, isHeld: !lines.some((line) => line.includes(NOT_STOPPED)) };
}

async function attempt(
  library: SkillLibrary,
  code: string,
  options: { timeoutMs?: number; signal: AbortSignal },
): Promise<{ outcome: string; said: string }> {
  try {
    const { output } = await library.runCode(code, {}, options);
    return { outcome: NOT_STOPPED, said: brief(output) };
  } catch (error) {
    if (!(error instanceof SkillCacheError) || error.code === 'ABORTED') throw error;
    return { outcome: error.code, said: error.message };
  }
}

async function showNumbers(_session: Session, library: SkillLibrary): Promise<Told> {
  const metrics = await library.sampleMetrics();
  const { runs, caches, pools, store } = metrics;
  const errors = Object.entries(runs.errors).map(([code, count]) => `${count} ${code}`);
  const workers = pools.find(({ name }) => name.includes('worker'));
  const rows: [string, string][] = [
    ['runs', `${runs.ok} ok, ${runs.cached} of them from the cache`],
    ['stopped', errors.join(', ')],
    ['results', `${caches.results.entries} kept in memory, ${caches.results.bytes} bytes`],
    ['workers', workers ? `${workers.created} processes started, at most ${workers.max} at once` : ''],
    ['store', store ? `${store.skills} skills, ${store.writes} writes in ${store.commits} commits` : ''],
  ];
  const lines = rows.filter(([, text]) => text !== '').map(([name, text]) => `${name.padEnd(9)}${text}`);
  return { lines, metrics };
}

/** A line with how long it took at the right. */
function beside(text: string, took: string, { paint }: Output): string {
  const gap = ' '.repeat(Math.max(2, WIDTH - 3 - widthOf(text) - took.length));
  return `${text}${gap}${paint('dim', took)}`;
}

function duration(ms: number): string {
  return ms < 10 ? `${ms.toFixed(2)} ms` : `${Math.round(ms)} ms`;
}
