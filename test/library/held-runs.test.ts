/** Runs and the doorway: whoever enters leaves, however the run ends. */
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { Doorway } from '../../src/library/doorway.ts';
import { SkillLibrary } from '../../src/library.ts';

let library: SkillLibrary;
const enter = vi.spyOn(Doorway.prototype, 'enter');
const leave = vi.spyOn(Doorway.prototype, 'leave');
beforeAll(async () => {
  library = await SkillLibrary.open({ path: ':memory:', workers: { min: 0, max: 1 } });
  await library.add({
    name: 'twice',
    description: 'Twice a number.',
    code: 'export default ({ n }) => 2 * n;',
  });
});
beforeEach(() => {
  enter.mockClear();
  leave.mockClear();
});
afterAll(async () => {
  vi.restoreAllMocks();
  await library.close();
});

const PASSES = [
  ['of a skill', () => library.run('twice', { n: 1 }, { cache: 'bypass' })],
  ['of code', () => library.runCode('export const result = 1;')],
  ['that throws', () => library.runCode('throw new Error("no");')],
  ['of code that does not parse', () => library.runCode('const = 1;')],
  ['of a skill that is not there', () => library.run('thrice')],
  ['that does not end', () => library.runCode('for (;;);', {}, { timeoutMs: 50 })],
] as const;

test.each(PASSES)('a run %s enters once and leaves once', async (_what, run) => {
  await Promise.allSettled([run()]);
  expect([enter.mock.calls.length, leave.mock.calls.length]).toEqual([1, 1]);
});

test('one that was held back enters once and leaves once', async () => {
  Doorway.newcomer();
  const run = library.runCode('export const result = 2;');
  expect((await run).output).toBe(2);
  expect([enter.mock.calls.length, leave.mock.calls.length]).toEqual([1, 1]);
  expect(enter.mock.results[0]?.value).toBeInstanceOf(Promise);
});

test('one whose caller left while it was held back is not begun', async () => {
  Doorway.newcomer();
  const caller = new AbortController();
  // It does not even parse, which nobody gets to see.
  const run = library.runCode('const = 2;', {}, { signal: caller.signal });
  caller.abort();
  await expect(run).rejects.toMatchObject({ code: 'ABORTED' });
  expect([enter.mock.calls.length, leave.mock.calls.length]).toEqual([1, 1]);
});

test('a known answer passes by', async () => {
  await library.run('twice', { n: 3 });
  enter.mockClear();
  Doorway.newcomer();
  expect(await library.run('twice', { n: 3 })).toMatchObject({ output: 6, cached: true });
  expect(enter).not.toHaveBeenCalled();
});
