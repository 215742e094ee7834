import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { EXPOSITION_CONTENT_TYPE, exposition } from '../../src/monitor/exposition.ts';
import { HTTP_FAMILIES } from '../../src/monitor/http-metrics.ts';
import { METRIC_FAMILIES } from '../../src/monitor/metric-families.ts';
import { poolStats, snapshotOf } from './snapshot.ts';

const alert = {
  subject: 's',
  severity: 'warning',
  message: '',
  value: 1,
  threshold: 0,
  firstSeenMs: 0,
  count: 1,
} as const;
const full = snapshotOf({
  alerts: [
    { ...alert, type: 'pool-utilization', state: 'firing' },
    { ...alert, type: 'pool-utilization', state: 'firing', subject: 't' },
    { ...alert, type: 'memory-share', state: 'pending' },
  ],
});

function valuesOf(text: string): Map<string, number> {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ')))]),
  );
}

describe('exposition', () => {
  test('every metric is there with help, type and at least one value', async () => {
    const text = await exposition(full);
    for (const { name, help, type } of METRIC_FAMILIES) {
      expect(text).toContain(`# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${name}`);
    }
    expect(EXPOSITION_CONTENT_TYPE).toContain('text/plain; version=0.0.4');
  });

  test('values are those of the snapshot, in seconds and bytes', async () => {
    const values = valuesOf(await exposition(full));
    expect(Object.fromEntries(values)).toMatchObject({
      skillcache_uptime_seconds: 12.5,
      'skillcache_runs_total{outcome="ok"}': 3,
      'skillcache_runs_total{outcome="error"}': 1,
      'skillcache_run_errors_total{code="SKILL_RUNTIME"}': 1,
      skillcache_runs_in_flight: 1,
      'skillcache_run_duration_seconds_bucket{le="0.00005"}': 1,
      'skillcache_run_duration_seconds_bucket{le="0.005"}': 3,
      'skillcache_run_duration_seconds_bucket{le="30"}': 3,
      'skillcache_run_duration_seconds_bucket{le="+Inf"}': 4,
      skillcache_run_duration_seconds_count: 4,
      'skillcache_cache_evictions_total{cache="skills",reason="entries"}': 2,
      'skillcache_pool_acquire_seconds_bucket{pool="workers",le="0.01"}': 3,
      'skillcache_pool_acquire_seconds_sum{pool="workers"}': 5,
      'skillcache_pool_destroyed_total{pool="readers",reason="idle"}': 4,
      skillcache_store_wal_bytes: 8_192,
      'skillcache_memory_resident_bytes{process="workers"}': 50_000_000,
      'skillcache_sandbox_info{tier="kernel"}': 1,
      'skillcache_alerts{type="pool-utilization",state="firing"}': 2,
      'skillcache_alerts{type="memory-share",state="pending"}': 1,
    });
  });

  test('buckets rise to the count', async () => {
    const values = [...valuesOf(await exposition(full))];
    const buckets = values.filter(([name]) => name.startsWith('skillcache_run_duration_seconds_bucket'));
    const counts = buckets.map(([, count]) => count);
    expect(counts).toEqual(counts.toSorted((a, b) => a - b));
    expect(counts.at(-1)).toBe(4);
  });

  test('what a snapshot does not have is left out', async () => {
    const {
      memory: _memory,
      store: _store,
      ...rest
    } = snapshotOf({
      pools: [],
      workers: {
        running: 0,
        concurrency: 1,
        waiting: 0,
        pids: [],
        starts: 0,
        boundHits: 0,
        warmHits: 0,
        coldStarts: 0,
        each: [],
      },
    });
    const text = await exposition(rest);
    for (const part of ['_memory_', '_store_skills', '_pool_', '_sandbox_', '_cpu_', 'skillcache_alerts{']) {
      expect(text).not.toContain(part);
    }
    expect(text).toContain('skillcache_runs_total');
  });

  test('a pool whose name needs escaping leaves the text whole', async () => {
    const text = await exposition(snapshotOf({ pools: [poolStats({ name: 'a"b\\c\nd' })] }));
    expect(text).toContain('skillcache_pool_idle{pool="a\\"b\\\\c\\nd"} 1');
  });

  test('two expositions do not add up', async () => {
    expect(await exposition(full)).toBe(await exposition(full));
  });

  test('promtool check metrics accepts the text and has nothing to say', async ({ skip }) => {
    const version = spawnSync('promtool', ['--version']);
    skip(version.error !== undefined, 'promtool is not installed (Debian package prometheus)');
    const checked = spawnSync('promtool', ['check', 'metrics'], {
      input: await exposition(full),
      encoding: 'utf8',
      timeout: 50_000,
    });
    expect(checked.stderr).toBe('');
    expect(checked.stdout).toBe('');
    expect(checked.status).toBe(0);
  });
});

test('docs/monitoring.md lists every metric with its type and meaning, and no other', () => {
  const text = readFileSync(new URL('../../docs/monitoring.md', import.meta.url), 'utf8');
  const rows = [...text.matchAll(/^\| `(skillcache_\w+)` +\| (\w+) +\| (.+?) +\|$/gm)];
  const documented = rows.map(([, name, type, help]) => `${name} ${type} ${help}`);
  const all = [...METRIC_FAMILIES, ...HTTP_FAMILIES];
  expect(documented).toEqual(all.map(({ name, type, help }) => `${name} ${type} ${help}`));
});
