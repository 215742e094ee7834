import { expect, test } from 'vitest';
import { callOptions, runOptions } from '../../src/cli/batch-words.ts';
import type { Session } from '../../src/cli/session.ts';

test.each([
  ['--chunk-size', { chunkSize: '0' }],
  ['--chunk-minutes', { chunkMinutes: '0' }],
  ['--chunk-minutes', { chunkMinutes: 'soon' }],
  ['--time-budget', { timeBudget: '0s' }],
  ['--time-budget', { timeBudget: '2 days' }],
  ['--max-items', { maxItems: '0' }],
  ['--max-failures', { maxFailures: '-1' }],
  ['--concurrency', { concurrency: '0' }],
  ['--window', { window: '0' }],
  ['--progress-items', { progressItems: '0' }],
  ['--progress-ms', { progressMs: '0' }],
  ['--format', { format: 'xml' }],
  ['--id', { id: 'Not one' }],
  ['--on-error', { onError: 'sometimes' }],
  ['--on-error', { onError: 'retry=9999' }],
])('what is wrong with %s is told of that word: %j', (flag, words) => {
  expect(() => callOptions(words)).toThrow(new RegExp(`^${flag}`));
});

test('what is wrong with a run is told of its word', async () => {
  const session = { callData: async () => ({}) } as unknown as Session;
  for (const [flag, words] of [
    ['--timeout-ms', { timeoutMs: '0' }],
    ['--memory', { memory: '1k' }],
    ['--seed', { seed: '4294967296' }],
    ['--now', { now: 'soon' }],
  ] as const)
    await expect(runOptions(session, words)).rejects.toThrow(new RegExp(`^${flag}`));
});

test('times are said in minutes, or with their unit', () => {
  const { chunkMs, timeBudgetMs } = callOptions({ chunkMinutes: '0.5', timeBudget: '1.5h' });
  expect([chunkMs, timeBudgetMs]).toEqual([30_000, 5_400_000]);
});
