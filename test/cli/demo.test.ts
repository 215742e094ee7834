import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { command, temporaryFolder } from './command.ts';

test('the demo shows the main job from any folder, stops what is hostile, and leaves nothing behind', async () => {
  using folder = temporaryFolder();
  const { code, stdout, stderr } = await command(['demo'], {
    cwd: folder.path,
    env: { TMPDIR: folder.path },
  });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toMatch(/^ {3}\d+ skills stored, \d+ examples held +\d+ ms$/m);
  expect(stdout).toMatch(/^ {3}output {2}\[102,102\.5,103,105,105\.5\] +[\d.]+ ms$/m);
  expect(stdout).toMatch(/^ {3}\+ +\d+ {2}const window = 2;$/m);
  expect(stdout).toMatch(/^ {3}100 of 100 more answers from the cache/m);
  expect(stdout).toMatch(/^ {3}loops for ever +EXECUTION_TIMEOUT/m);
  expect(stdout).toMatch(/^ {3}evaluates text +SKILL_RUNTIME .*\n.*EvalError/m);
  expect(stdout).toMatch(/^ {3}fills the memory +EXECUTION_MEMORY/m);
  expect(stdout).not.toContain('\u001b');
  expect(stdout.split('\n').length).toBeLessThan(70);
  expect(readdirSync(folder.path)).toEqual([]);
});

test('the demo is one document with --json', async () => {
  using folder = temporaryFolder();
  const { code, stdout } = await command(['demo', '--json'], {
    cwd: folder.path,
    env: { TMPDIR: folder.path },
  });
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({
    import: { refused: 0 },
    search: [{ name: 'moving-average' }, {}, {}],
    injected: ['prices', 'window'],
    again: { run: { cached: true } },
    isHeld: true,
    metrics: { runs: { cached: 101 } },
  });
});
