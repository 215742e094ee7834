import { EventEmitter } from 'node:events';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import { logAlerts } from '../../src/cli/alert-log.ts';
import type { SkillLibrary } from '../../src/library.ts';

test('an alert is one JSON line on stderr, its level by its severity', async () => {
  const script = `
    const { EventEmitter } = await import('node:events');
    const { logAlerts } = await import('./dist/cli/alert-log.js');
    const library = new EventEmitter();
    logAlerts(library);
    const alert = { type: 'pool-utilization', subject: 'workers', message: 'full', value: 1, threshold: 0.9 };
    library.emit('alert', { ...alert, severity: 'critical', state: 'firing' });
    library.emit('alert', { ...alert, severity: 'critical', state: 'resolved' });
    library.emit('alert', { ...alert, severity: 'warning', state: 'firing' });
  `;
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [
    '--input-type=module',
    '-e',
    script,
  ]);
  expect(stdout).toBe('');
  const lines = stderr
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(lines.map(({ level, msg, subject }) => [level, msg, subject])).toEqual([
    [50, 'full', 'workers'],
    [30, 'full', 'workers'],
    [40, 'full', 'workers'],
  ]);
});

test('it goes to the log that a command has, at that log’s level', () => {
  const lines: string[] = [];
  const log = pino({ level: 'error' }, { write: (line) => void lines.push(line) });
  const library = new EventEmitter();
  logAlerts(library as unknown as SkillLibrary, { log, fields: { tenant: 'acme' } });
  const alert = { type: 'pool-exhaustion', subject: 'workers', message: 'exhausted', state: 'firing' };
  library.emit('alert', { ...alert, severity: 'warning' });
  library.emit('alert', { ...alert, severity: 'critical' });
  log.level = 'silent';
  library.emit('alert', { ...alert, severity: 'critical' });
  expect(lines.map((line) => JSON.parse(line) as unknown)).toMatchObject([
    { level: 50, tenant: 'acme', subject: 'workers', msg: 'exhausted' },
  ]);
});

test('a library without alerts loads no logger', () => {
  const library = new EventEmitter();
  logAlerts(library as unknown as SkillLibrary);
  expect(library.listenerCount('alert')).toBe(1);
});
