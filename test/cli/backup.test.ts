/** `backup` and `restore`, as a user types them. */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { command, temporaryFolder } from './command.ts';

test('a library is backed up, damaged, and restored with what it had', async () => {
  using folder = temporaryFolder();
  const cwd = folder.path;
  const run = (...words: string[]) => command(words, { cwd });
  writeFileSync(join(cwd, 'twice.js'), '// Doubles n.\nconst n = 1;\nexport const result = n * 2;\n');
  expect((await run('add', 'twice.js', '--name', 'twice')).code).toBe(0);
  const copied = await run('backup', 'copy.db', '--json');
  expect(JSON.parse(copied.stdout)).toEqual({ path: join(cwd, 'copy.db'), bytes: expect.any(Number) });
  const again = await run('backup', 'copy.db');
  expect([again.code, again.stderr]).toEqual([9, expect.stringContaining('a backup replaces no file')]);

  writeFileSync(join(cwd, 'skills.db'), 'damaged'.repeat(1_000));
  expect((await run('doctor', '--deep')).code).not.toBe(0);
  const restored = await run('restore', 'copy.db');
  expect([restored.code, restored.stdout]).toEqual([0, `restored 1 skills to ${join(cwd, 'skills.db')}\n`]);
  expect((await run('run', 'twice', '--input', 'n=21')).stdout).toBe('42\n');
  expect((await run('doctor', '--deep')).stdout).toMatch(/is sound \(deep check/);

  const refused = await run('restore', 'twice.js');
  expect(refused.code).not.toBe(0);
  expect((await run('run', 'twice', '--input', 'n=4')).stdout).toBe('8\n');
  expect(existsSync(join(cwd, 'skills.db-mark'))).toBe(false);
});
