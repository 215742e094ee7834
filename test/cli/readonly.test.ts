import { chmodSync, existsSync, readdirSync, writeFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { command, mustEnd, temporaryFolder } from './command.ts';

/** Root may write anywhere but where the file system itself may not be written. */
function lock(folder: string): (() => void) | undefined {
  if (process.getuid?.() !== 0) {
    chmodSync(folder, 0o555);
    return () => chmodSync(folder, 0o755);
  }
  try {
    execFileSync('mount', ['--bind', folder, folder], { stdio: 'ignore' });
    execFileSync('mount', ['-o', 'remount,bind,ro', folder], { stdio: 'ignore' });
  } catch {
    return undefined;
  }
  return () => execFileSync('umount', ['-l', folder]);
}

test('what only reads works where nothing can be written; what writes says that it cannot', async (context) => {
  using folder = temporaryFolder();
  const cwd = folder.path;
  writeFileSync(join(cwd, 'double.js'), '// Doubles n.\nconst n = 1;\nexport const result = n * 2;\n');
  mustEnd(await command(['add', 'double.js'], { cwd }));
  const unlock = lock(cwd);
  if (!unlock) return context.skip('mounting a file system is not permitted here');
  try {
    const before = readdirSync(cwd);
    const told = async (...words: string[]): Promise<string> => {
      const { code, stdout, stderr } = await command(words, { cwd });
      expect({ words, code, stderr }).toEqual({ words, code: 0, stderr: '' });
      return stdout;
    };
    expect(await told('run', 'double', '--input', 'n=4')).toBe('8\n');
    expect(await told('list')).toContain('double');
    expect(await told('search', 'doubles')).toContain('double');
    expect(await told('export')).toContain('"double"');
    expect(await told('metrics')).toContain('"runs"');
    expect(await told('doctor')).toMatch(/^warn +write .*it is opened read-only$/m);
    expect((await command(['remove', 'double'], { cwd })).code).toBe(9);
    expect(readdirSync(cwd)).toEqual(before);
    expect(existsSync(join(cwd, 'skills.db'))).toBe(true);
  } finally {
    unlock();
  }
});

test('doctor looks for no place to write when the library is opened read-only', async () => {
  using folder = temporaryFolder();
  mustEnd(await command(['init'], { cwd: folder.path }));
  const env = { SKILLCACHE_READONLY: 'true' };
  const { code, stdout } = await command(['doctor'], { cwd: folder.path, env });
  expect(code).toBe(0);
  expect(stdout).toMatch(/^ok +write +not needed: the library is opened read-only$/m);
});
