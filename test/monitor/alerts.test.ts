import { describe, expect, test } from 'vitest';
import { defaultRules } from '../../src/monitor/alert-rules.ts';
import { AlertEngine } from '../../src/monitor/alerts.ts';
import type { AlertRule } from '../../src/monitor/alerts.ts';
import type { MetricsSnapshot, StoreNumbers } from '../../src/monitor/metrics.ts';
import { resolveOptions } from '../../src/options.ts';
import { poolStats, snapshotOf } from './snapshot.ts';

const REPEAT_MS = 300_000;

/** A rule whose readings the test chooses. */
function dial(changes: Partial<AlertRule> = {}) {
  const readings = new Map<string, number>();
  const rule: AlertRule = {
    type: 'dial',
    severity: 'warning',
    threshold: 10,
    clearAt: 8,
    read: () =>
      [...readings].map(([subject, value]) => ({ subject, value, message: `${subject} at ${value}` })),
    ...changes,
  };
  const engine = new AlertEngine({ rules: [rule], repeatMs: REPEAT_MS });
  const at = (nowMs: number, values: Readonly<Record<string, number>>): string[] => {
    readings.clear();
    for (const [subject, value] of Object.entries(values)) readings.set(subject, value);
    return engine.evaluate(snapshotOf(), nowMs).map((alert) => `${alert.subject} ${alert.state}`);
  };
  return { engine, at };
}

describe('states', () => {
  test('an alert is told once when it fires, not again before repeatMs, and once when it is resolved', () => {
    const { at } = dial();
    expect(at(0, { a: 10 })).toEqual([]);
    expect(at(1_000, { a: 11 })).toEqual(['a firing']);
    expect(at(2_000, { a: 12 })).toEqual([]);
    expect(at(REPEAT_MS + 999, { a: 12 })).toEqual([]);
    expect(at(REPEAT_MS + 1_000, { a: 12 })).toEqual(['a firing']);
    expect(at(REPEAT_MS + 2_000, { a: 12 })).toEqual([]);
    expect(at(REPEAT_MS + 3_000, { a: 1 })).toEqual(['a resolved']);
    expect(at(REPEAT_MS + 4_000, { a: 1 })).toEqual([]);
  });

  test('it is resolved only when the value has fallen to where it clears', () => {
    const { at } = dial();
    expect(at(0, { a: 11 })).toEqual(['a firing']);
    expect(at(1, { a: 9 })).toEqual([]);
    expect(at(2, { a: 11 })).toEqual([]);
    expect(at(3, { a: 8 })).toEqual(['a resolved']);
    expect(at(4, { a: 9 })).toEqual([]);
  });

  test('where no place to clear is given it is 95 % of the threshold', () => {
    const { clearAt: _clearAt, ...rule }: AlertRule = {
      type: 'plain',
      severity: 'warning',
      threshold: 100,
      clearAt: 0,
      read: ({ uptimeMs }) => [{ subject: 'a', value: uptimeMs, message: '' }],
    };
    const engine = new AlertEngine({ rules: [rule], repeatMs: REPEAT_MS });
    const states = [101, 96, 95].map(
      (uptimeMs, nowMs) => engine.evaluate(snapshotOf({ uptimeMs }), nowMs)[0]?.state,
    );
    expect(states).toEqual(['firing', undefined, 'resolved']);
  });

  test('it is pending, and not told, until it has lasted', () => {
    const { engine, at } = dial({ forMs: 60_000 });
    expect(at(0, { a: 11 })).toEqual([]);
    expect(engine.active()).toMatchObject([{ state: 'pending', count: 1, firstSeenMs: 0 }]);
    expect(at(30_000, { a: 5 })).toEqual([]);
    expect(engine.active()).toEqual([]);
    expect(at(40_000, { a: 11 })).toEqual([]);
    // Pending asks for the threshold itself, not for where a firing alert clears.
    expect(at(70_000, { a: 9 })).toEqual([]);
    expect(at(80_000, { a: 11 })).toEqual([]);
    expect(at(140_000, { a: 11 })).toEqual(['a firing']);
    expect(engine.active()).toMatchObject([{ state: 'firing', count: 2, firstSeenMs: 80_000 }]);
  });

  test('each subject has a state of its own', () => {
    const { engine, at } = dial();
    expect(at(0, { a: 11, b: 1 })).toEqual(['a firing']);
    expect(at(1, { a: 11, b: 12 })).toEqual(['b firing']);
    expect(engine.active().map((alert) => alert.subject)).toEqual(['a', 'b']);
    expect(at(2, { a: 1, b: 12 })).toEqual(['a resolved']);
  });

  test('a subject that is gone is resolved, or forgotten where it was pending', () => {
    const { engine, at } = dial();
    at(0, { a: 11 });
    expect(at(1, {})).toEqual(['a resolved']);
    const slow = dial({ forMs: 10 });
    slow.at(0, { a: 11 });
    expect(slow.at(1, {})).toEqual([]);
    expect([...engine.active(), ...slow.engine.active()]).toEqual([]);
  });

  test('an alert carries its numbers', () => {
    const rule: AlertRule = {
      type: 'uptime',
      severity: 'critical',
      threshold: 10,
      read: ({ uptimeMs }) => [{ subject: 'library', value: uptimeMs, message: `up ${uptimeMs} ms` }],
    };
    const engine = new AlertEngine({ rules: [rule], repeatMs: 1 });
    engine.evaluate(snapshotOf({ uptimeMs: 20 }), 5);
    expect(engine.evaluate(snapshotOf({ uptimeMs: 30 }), 6)).toEqual([
      {
        type: 'uptime',
        subject: 'library',
        severity: 'critical',
        state: 'firing',
        message: 'up 30 ms',
        value: 30,
        threshold: 10,
        firstSeenMs: 5,
        count: 2,
      },
    ]);
  });

  test('NaN passes no threshold', () => {
    expect(dial().at(0, { a: Number.NaN })).toEqual([]);
  });
});

test('a rule that throws is told once, hinders no other, and is told again when it works', () => {
  let isBroken = true;
  const broken: AlertRule = {
    type: 'broken',
    severity: 'warning',
    threshold: 1,
    read: () => {
      if (isBroken) throw new TypeError('pools is undefined');
      return [{ subject: 'x', value: 2, message: 'x at 2' }];
    },
  };
  const other: AlertRule = {
    type: 'other',
    severity: 'warning',
    threshold: 1,
    read: ({ uptimeMs }) => [{ subject: 'y', value: uptimeMs, message: '' }],
  };
  const engine = new AlertEngine({ rules: [broken, other], repeatMs: REPEAT_MS });
  expect(engine.evaluate(snapshotOf({ uptimeMs: 0 }), 0)).toMatchObject([
    {
      type: 'rule-failed',
      subject: 'broken',
      state: 'firing',
      message: 'the alert rule broken failed: pools is undefined',
    },
  ]);
  expect(engine.evaluate(snapshotOf({ uptimeMs: 2 }), 1)).toMatchObject([{ type: 'other', state: 'firing' }]);
  expect(engine.active()).toMatchObject([
    { type: 'other' },
    { type: 'rule-failed', count: 2, firstSeenMs: 0 },
  ]);
  isBroken = false;
  expect(engine.evaluate(snapshotOf({ uptimeMs: 2 }), 2)).toMatchObject([
    { type: 'rule-failed', state: 'resolved' },
    { type: 'broken', state: 'firing' },
  ]);
});

describe('default rules', () => {
  const { monitor } = resolveOptions();
  const told = (...snapshots: MetricsSnapshot[]): string[] => {
    const engine = new AlertEngine({ rules: defaultRules(monitor), repeatMs: REPEAT_MS });
    return snapshots.flatMap((snapshot, index) =>
      engine.evaluate(snapshot, index).map((alert) => `${alert.type} ${alert.subject} ${alert.state}`),
    );
  };
  const caches = snapshotOf().caches;

  test('a quiet library has no alert', () => {
    expect(told(snapshotOf(), snapshotOf())).toEqual([]);
  });

  test.each<[string, MetricsSnapshot]>([
    [
      'pool-utilization workers firing',
      snapshotOf({ pools: [poolStats({ inUse: 8, utilization: 1, waiting: 4 })] }),
    ],
    [
      'pool-overflow workers firing',
      snapshotOf({ pools: [poolStats({ overflowInUse: 2, overflowUtilization: 1 })] }),
    ],
    ['pool-exhaustion workers firing', snapshotOf({ pools: [poolStats({ exhaustionEvents: 11 })] })],
    [
      'cache-utilization skills firing',
      snapshotOf({ caches: { ...caches, skills: { ...caches.skills, utilization: 0.86 } } }),
    ],
    [
      'cache-utilization results firing',
      snapshotOf({ caches: { ...caches, results: { ...caches.results, utilization: 0.86 } } }),
    ],
    [
      'pool-leak reader: backup firing',
      snapshotOf({
        pools: [
          poolStats({
            name: 'reader',
            leakThresholdMs: 60_000,
            longestHeld: [
              { holder: 'backup', heldMs: 61_000 },
              { holder: 'backup', heldMs: 60_500 },
              { holder: 'search', heldMs: 59_000 },
            ],
          }),
          poolStats({ longestHeld: [{ holder: '', heldMs: 1e9 }] }),
        ],
      }),
    ],
    [
      'wal-size store firing',
      snapshotOf({ store: { ...(snapshotOf().store as StoreNumbers), walBytes: 300_000_000 } }),
    ],
    [
      'memory-share memory firing',
      snapshotOf({
        memory: { ...(snapshotOf().memory as NonNullable<MetricsSnapshot['memory']>), share: 0.81 },
      }),
    ],
  ])('%s', (alert, snapshot) => {
    expect(told(snapshot)).toEqual([alert]);
    expect(told(snapshot, snapshotOf())).toEqual([alert, alert.replace('firing', 'resolved')]);
  });

  test('exhaustion is that of the time since the last look, so that a rush ends', () => {
    const rush = snapshotOf({ pools: [poolStats({ requests: 100, exhaustionEvents: 50 })] });
    const later = snapshotOf({ pools: [poolStats({ requests: 150, exhaustionEvents: 50 })] });
    const idle = later;
    expect(told(rush, later, idle)).toEqual([
      'pool-exhaustion workers firing',
      'pool-exhaustion workers resolved',
    ]);
  });

  test('messages say the numbers', () => {
    const engine = new AlertEngine({ rules: defaultRules(monitor), repeatMs: REPEAT_MS });
    const busy = snapshotOf({ pools: [poolStats({ inUse: 8, utilization: 1, waiting: 41 })] });
    expect(engine.evaluate(busy, 0)[0]?.message).toBe('pool workers: 8 of 8 in use (100.0 %), 41 waiting');
  });

  test('the alerts about readers name who holds one', () => {
    const engine = new AlertEngine({ rules: defaultRules(monitor), repeatMs: REPEAT_MS });
    const store = { ...(snapshotOf().store as StoreNumbers), walBytes: 300_000_000 };
    const reader = poolStats({
      name: 'reader',
      leakThresholdMs: 60_000,
      longestHeld: [{ holder: 'backup', heldMs: 61_000 }],
    });
    const told = (pools: (typeof reader)[]) =>
      engine.evaluate(snapshotOf({ store, pools }), 0).map((alert) => alert.message);
    expect(told([reader])).toEqual([
      'pool reader: a lease is held for 61.0 s (60.0 s allowed) by backup',
      "the store's log has 300000000 bytes beside 40960 of the file; a connection is held by backup for 61.0 s",
    ]);
    // Given back: nobody holds one any more, and both are told again only when they are over or due.
    expect(told([{ ...reader, longestHeld: [] }])).toEqual([
      'pool reader: a lease is held for 61.0 s (60.0 s allowed) by backup',
    ]);
  });

  test('without a sample of memory there is nothing to say of it', () => {
    const { memory: _memory, ...snapshot } = snapshotOf();
    expect(told(snapshot)).toEqual([]);
  });
});
