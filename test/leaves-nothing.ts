/** After every test file: no child of it lives, none is a zombie, and no folder of theirs is left. */
import { readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { afterAll, expect, vi } from 'vitest';

// Registered before the file's own, and so called after them.
afterAll(async () => {
  await vi.waitFor(() => expect(foldersLeft()).toEqual([]), 5_000);
  if (process.platform === 'linux') await vi.waitFor(() => expect(childrenLeft()).toEqual([]), 5_000);
});

/** Worker folders of this process that exist. */
function foldersLeft(): string[] {
  return readdirSync(tmpdir()).filter((name) => name.startsWith(`skillcache-worker-${process.pid}-`));
}

/** Children of this process that are workers or zombies. */
function childrenLeft(): string[] {
  const pids = readFileSync(`/proc/${process.pid}/task/${process.pid}/children`, 'utf8').split(' ');
  return pids
    .filter((pid) => pid !== '')
    .flatMap((pid) => {
      try {
        const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
        const isZombie = readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ');
        return isZombie || command.includes('sandbox/main.cjs')
          ? [`${pid} ${isZombie ? 'zombie' : command}`]
          : [];
      } catch {
        // Gone meanwhile.
        return [];
      }
    });
}
