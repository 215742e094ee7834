import { expect, test } from 'vitest';
import { healthOf } from '../../src/monitor/health.ts';
import { poolStats, snapshotOf } from './snapshot.ts';

const alert = {
  type: 'memory-share',
  subject: 'memory',
  severity: 'critical',
  message: '81 %',
  value: 0.81,
  threshold: 0.8,
  firstSeenMs: 0,
  count: 1,
} as const;

test('a library that serves is ok, each check named', () => {
  const { status, checks } = healthOf(snapshotOf());
  expect(status).toBe('ok');
  expect(checks.map((check) => `${check.name} ${check.status}`)).toEqual([
    'store ok',
    'pool:workers ok',
    'pool:readers ok',
  ]);
  expect(checks[0]?.message).toBe('7 skills in sqlite, 0 writes waiting');
});

test('without its store a library is failing', () => {
  const { store: _store, ...snapshot } = snapshotOf({ alerts: [{ ...alert, state: 'firing' }] });
  expect(healthOf(snapshot)).toMatchObject({
    status: 'failing',
    checks: [{ name: 'store', status: 'failing', message: 'the store does not answer' }, {}, {}, {}],
  });
});

test.each([
  ['closed', poolStats({ state: 'closed' }), 'failing'],
  ['draining', poolStats({ state: 'draining' }), 'degraded'],
  ['full, with callers waiting', poolStats({ inUse: 8, waiting: 1 }), 'degraded'],
  ['full', poolStats({ inUse: 8 }), 'ok'],
])('a pool that is %s', (_what, pool, status) => {
  expect(healthOf(snapshotOf({ pools: [pool] })).status).toBe(status);
});

test('a firing alert degrades, a pending one does not', () => {
  expect(healthOf(snapshotOf({ alerts: [{ ...alert, state: 'pending' }] })).status).toBe('ok');
  const { status, checks } = healthOf(snapshotOf({ alerts: [{ ...alert, state: 'firing' }] }));
  expect(status).toBe('degraded');
  expect(checks.at(-1)).toEqual({ name: 'alert:memory-share:memory', status: 'degraded', message: '81 %' });
});
