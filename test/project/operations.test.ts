/** The files for operators: they name metrics and codes that exist, and the tools that read them accept them. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { ERROR_KINDS } from '../../src/errors.ts';
import { METRIC_FAMILIES } from '../../src/monitor/metric-families.ts';

const CONFIG = fileURLToPath(new URL('../../config/', import.meta.url));
const read = (path: string) => readFileSync(`${CONFIG}${path}`, 'utf8');

/** What the exposition writes of each family. */
const EXPOSED = new Set(
  METRIC_FAMILIES.flatMap(({ name, type }) =>
    type === 'histogram' ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name],
  ),
);
const metricsIn = (text: string) => [...new Set(text.match(/\bskillcache_[a-z_]+\b/g))];
const unknownIn = (text: string) => metricsIn(text).filter((name) => !EXPOSED.has(name));

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly labels: { readonly severity: string };
  readonly annotations: { readonly summary: string; readonly action: string };
}
const RULES = (parse(read('prometheus/alerts.yml')) as { groups: { rules: Rule[] }[] }).groups.flatMap(
  ({ rules }) => rules,
);

describe('config/prometheus', () => {
  test.each(RULES.map((rule) => [rule.alert, rule] as const))(
    '%s asks for metrics and codes that exist, and says what to do',
    (_name, { expr, labels, annotations }) => {
      expect(unknownIn(expr)).toEqual([]);
      const codes = [...expr.matchAll(/code=~?"([^"]+)"/g)].flatMap(([, pattern = '']) => pattern.split('|'));
      const known = Object.keys(ERROR_KINDS);
      expect(codes.filter((code) => !known.some((one) => new RegExp(`^${code}$`).test(one)))).toEqual([]);
      expect(['warning', 'critical']).toContain(labels.severity);
      expect(annotations.summary).toContain('{{ $labels.instance }}');
      expect(annotations.action).toMatch(/\S/);
    },
  );

  test('each alert has a test that makes it fire', () => {
    const cases = parse(read('prometheus/alerts.test.yml')) as {
      tests: { alert_rule_test: { alertname: string; exp_alerts: unknown[] }[] }[];
    };
    const fired = cases.tests.flatMap(({ alert_rule_test: tests }) =>
      tests.filter(({ exp_alerts: expected }) => expected.length > 0).map(({ alertname }) => alertname),
    );
    expect([...new Set(fired)].toSorted()).toEqual(RULES.map(({ alert }) => alert).toSorted());
  });

  test('promtool accepts the rules, and their tests pass', ({ skip }) => {
    skip(spawnSync('promtool', ['--version']).error !== undefined, 'promtool is not installed');
    for (const args of [
      ['check', 'rules', 'alerts.yml'],
      ['test', 'rules', 'alerts.test.yml'],
    ]) {
      const { status, stdout, stderr } = spawnSync('promtool', args, {
        cwd: `${CONFIG}prometheus`,
        encoding: 'utf8',
        timeout: 50_000,
      });
      expect([status, stdout, stderr]).toEqual([0, expect.stringContaining('SUCCESS'), '']);
    }
  });
});

describe('config/grafana/dashboard.json', () => {
  const dashboard = JSON.parse(read('grafana/dashboard.json')) as {
    panels: { id: number; type: string; description?: string; targets?: { expr: string }[] }[];
  };

  test('asks for metrics that exist', () => {
    expect(unknownIn(JSON.stringify(dashboard))).toEqual([]);
  });

  test('each panel has an id of its own, and says what it shows', () => {
    const ids = dashboard.panels.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    const shown = dashboard.panels.filter(({ type }) => type !== 'row');
    expect(shown.filter(({ description, targets }) => !description || !targets?.length)).toEqual([]);
  });
});

describe('config/systemd/skillcache.service', () => {
  test('systemd-analyze verify has nothing to say', ({ skip }) => {
    const verified = spawnSync('systemd-analyze', ['verify', `${CONFIG}systemd/skillcache.service`], {
      encoding: 'utf8',
      timeout: 50_000,
    });
    skip(verified.error !== undefined, 'systemd-analyze is not installed');
    expect([verified.status, verified.stdout, verified.stderr]).toEqual([0, '', '']);
  });
});

describe('Dockerfile', () => {
  const text = readFileSync(`${CONFIG}../Dockerfile`, 'utf8');
  const ignored = readFileSync(`${CONFIG}../.dockerignore`, 'utf8').split('\n');

  test('copies what exists and what is sent', () => {
    const copied = [...text.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, names = '']) =>
      names.split(' '),
    );
    expect(copied).toContain('src');
    expect(copied.filter((name) => !existsSync(`${CONFIG}../${name}`))).toEqual([]);
    expect(copied.filter((name) => !ignored.includes(`!${name}`))).toEqual([]);
    const { scripts } = JSON.parse(readFileSync(`${CONFIG}../package.json`, 'utf8')) as {
      scripts: Record<string, string>;
    };
    const needed = Object.entries(scripts).flatMap(([name, script]) =>
      name.startsWith('build') ? (script.match(/[\w.]+\.(?:json|mjs)\b/g) ?? []) : [],
    );
    expect(needed.length).toBeGreaterThan(1);
    expect(needed.filter((name) => !copied.includes(name))).toEqual([]);
  });

  test('serves as config/production.json says', () => {
    expect(text).toMatch(/^ENV NODE_ENV=production$/m);
    expect(text).toMatch(/^ENTRYPOINT .*"--config", "\/app\/config"\]$/m);
  });

  test('serves as nobody in particular', () => {
    expect(text).toMatch(/^USER node$/m);
    expect(text.indexOf('USER node')).toBeLessThan(text.indexOf('ENTRYPOINT'));
  });
});
