/** Libraries that nobody here wrote, imported whole. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { ImportOutcome, SkillLibrary } from '../../src/index.ts';
import { openTestLibrary, realData, SHIPPED_SKILLS } from './fixtures.ts';

async function importAll(library: SkillLibrary, path: string): Promise<ImportOutcome[]> {
  const outcomes: ImportOutcome[] = [];
  for await (const outcome of library.import(path)) outcomes.push(outcome);
  return outcomes;
}

/** Hundreds of programs each start a process of their own: a slow machine may take its time. */
const SLOW_MS = 300_000;

const count = (outcomes: ImportOutcome[], status: ImportOutcome['status']): number =>
  outcomes.filter((outcome) => outcome.status === status).length;

for (const [folder, total] of [
  ['voyager', 51],
  ['odyssey', 183],
] as const) {
  const path = realData(folder, 'skills.json');
  test.skipIf(path === undefined)(
    `all ${total} skills of ${folder} are stored, and again are unchanged`,
    async () => {
      await using test = await openTestLibrary();
      const first = await importAll(test.library, path ?? '');
      expect(first.filter((one) => one.status === 'refused')).toEqual([]);
      expect(count(first, 'imported')).toBe(total);
      expect((await test.library.list({ limit: 1000 })).length).toBe(total);
      expect(count(await importAll(test.library, path ?? ''), 'unchanged')).toBe(total);
    },
    SLOW_MS,
  );
}

const snippets = realData('snippets', 'snippets.json');
test.skipIf(snippets === undefined)(
  'the snippets import with examples that pass, and say why the rest do not',
  async () => {
    await using test = await openTestLibrary();
    const outcomes = await importAll(test.library, snippets ?? '');
    expect(outcomes.length).toBe(268);
    const verified = outcomes.filter((one) => one.status === 'imported' && (one.verified ?? 0) > 0);
    expect(verified.length).toBeGreaterThanOrEqual(130);
    for (const one of outcomes) {
      if (one.status === 'refused') expect(one.reason).toBeTruthy();
      else if ((one.verified ?? 0) === 0) expect(one.warnings.length).toBeGreaterThan(0);
    }
  },
  SLOW_MS,
);

test('every shipped skill imports with its examples passing', async () => {
  await using test = await openTestLibrary();
  const outcomes = await importAll(test.library, SHIPPED_SKILLS);
  expect(outcomes.filter((one) => one.status !== 'imported')).toEqual([]);
  expect(outcomes.length).toBeGreaterThanOrEqual(15);
  for (const one of outcomes) expect(one.verified).toBeGreaterThanOrEqual(3);
});

interface Task {
  readonly task_id: string;
  readonly declaration: string;
  readonly canonical_solution: string;
  readonly test: string;
}

const tasks = realData('humaneval-js', 'tasks.jsonl');
test.skipIf(tasks === undefined)(
  "other people's programs run in the sandbox and are judged by their own tests",
  async () => {
    await using test = await openTestLibrary();
    const lines = readFileSync(tasks ?? '', 'utf8')
      .trim()
      .split('\n');
    const failed: string[] = [];
    const judge = async (line: string): Promise<void> => {
      const task = JSON.parse(line) as Task;
      const code = `let failures = 0;
const assertions = { assert: (holds) => { if (!holds) failures += 1; } };
${task.declaration}${task.canonical_solution}
${task.test.replaceAll('console.assert', 'assertions.assert')}
export const result = failures;
`;
      const run = await test.library.runCode(code).catch((error: Error) => ({ output: error.message }));
      if (run.output !== 0) failed.push(`${task.task_id}: ${String(run.output)}`);
    };
    await Promise.all(lines.map(judge));
    // One of the 82 assigns to a name that it never declared, which a module may not.
    expect(failed).toEqual(['JavaScript/65: the skill threw ReferenceError: s is not defined']);
  },
  SLOW_MS,
);
