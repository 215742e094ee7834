import { expect, test } from 'vitest';
import { AlertEngine } from '../../src/monitor/alerts.ts';
import { CachePressure } from '../../src/monitor/cache-pressure.ts';
import { memoryReport } from '../../src/monitor/memory-report.ts';
import { snapshotOf } from './snapshot.ts';

test('the caches give way before the memory alert fires, down to a sixteenth, and grow back', () => {
  const pressure = new CachePressure(0.8);
  expect([pressure.look(0.5), pressure.share]).toEqual([false, 1]);
  expect([pressure.look(0.73), pressure.share]).toEqual([true, 0.5]);
  for (let look = 0; look < 5; look += 1) pressure.look(0.9);
  expect(pressure.share).toBe(1 / 16);
  expect(pressure.look(0.7)).toBe(false);
  for (let look = 0; look < 10; look += 1) pressure.look(0.3);
  expect(pressure.share).toBe(1);
});

test('a report relates the resident set to what each cache holds', () => {
  const report = memoryReport(snapshotOf());
  expect(report).toMatchObject({
    selfBytes: 100_000_000,
    share: 0.15,
    cacheShare: 1,
    skills: { entries: 10, bytes: 1_000, ofResident: 0.00001, hitRate: 0.75 },
  });
  expect(report?.message).toContain('95.4 MiB here and 47.7 MiB in workers of 953.7 MiB (15.0 %)');
  const { memory: _, ...unsampled } = snapshotOf();
  expect(memoryReport(unsampled)).toBeUndefined();
});

test('a rule with many subjects tells no more than its limit, counts the rest, and tells them when it may', () => {
  const subjects = Array.from({ length: 5 }, (_, index) => `s${index}`);
  let value = 1;
  const read = () => subjects.map((subject) => ({ subject, value, message: '' }));
  const rule = { type: 'many', severity: 'warning' as const, threshold: 0, read };
  const engine = new AlertEngine({ rules: [rule], repeatMs: 1_000, perRuleMax: 2 });
  const told = (nowMs: number): string[] =>
    engine.evaluate(snapshotOf(), nowMs).map((alert) => `${alert.subject} ${alert.state}`);
  expect(told(0)).toEqual(['s0 firing', 's1 firing']);
  expect(engine.suppressed).toBe(3);
  expect(engine.active()).toHaveLength(5);
  expect(told(500)).toEqual([]);
  value = 0;
  // Nobody is told that something is over of which nobody was told.
  expect(told(600)).toEqual(['s0 resolved', 's1 resolved']);
});
