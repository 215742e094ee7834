import { expect, test } from 'vitest';
import { DURATION_BOUNDS_MS, DurationHistogram } from '../../src/monitor/histogram.ts';
import { RunCounters } from '../../src/monitor/run-counters.ts';

test('a duration counts in the first bucket whose bound it does not pass, the last having none', () => {
  const histogram = new DurationHistogram();
  for (const ms of [0, 0.05, 0.051, 1, 30_000, 30_001, -5]) histogram.record(ms);
  const { boundsMs, counts, count, sumMs } = histogram.snapshot();
  expect(boundsMs).toBe(DURATION_BOUNDS_MS);
  expect(counts).toHaveLength(boundsMs.length + 1);
  expect([counts[0], counts[1], counts[4], counts.at(-2), counts.at(-1)]).toEqual([3, 1, 1, 1, 1]);
  expect(count).toBe(7);
  expect(sumMs).toBeCloseTo(60_002.101);
});

test('a snapshot does not change with what is counted after it', () => {
  const histogram = new DurationHistogram();
  const before = histogram.snapshot();
  histogram.record(1);
  expect(before.count).toBe(0);
  expect(before.counts.every((count) => count === 0)).toBe(true);
});

test('runs are counted by outcome, those under way apart', () => {
  const counters = new RunCounters();
  for (let run = 0; run < 5; run += 1) counters.started();
  counters.ended(1, false);
  counters.ended(0.1, true);
  counters.failed(3, 'EXECUTION_TIMEOUT');
  counters.failed(3, 'EXECUTION_TIMEOUT');
  counters.stage('execute', 2);
  const { durationMs, stagesMs, ...counts } = counters.snapshot();
  expect(counts).toEqual({ total: 4, ok: 2, errors: { EXECUTION_TIMEOUT: 2 }, cached: 1, inFlight: 1 });
  expect(durationMs.count).toBe(4);
  expect(stagesMs.execute).toMatchObject({ count: 1, sumMs: 2 });
  expect(stagesMs.load.count).toBe(0);
});
