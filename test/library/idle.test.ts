import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { openTestLibrary } from './fixtures.ts';

const PROGRAM = fileURLToPath(new URL('idle-cost.mjs', import.meta.url));
/** `SKILLCACHE_IDLE_MS=10000` measures as long as the promise says. */
const WINDOW_MS = Number(process.env['SKILLCACHE_IDLE_MS'] ?? 3_000);
const BOUND_MS_PER_SECOND = 1;

async function cost(path: string, mode: string): Promise<{ processes: number; ms: number }> {
  const child = spawn(process.execPath, [PROGRAM, String(WINDOW_MS), path, mode], { stdio: 'pipe' });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  const code = await new Promise((resolve) => child.once('close', resolve));
  if (code !== 0) throw new Error(text);
  return JSON.parse(text) as { processes: number; ms: number };
}

test(
  'an open library that nobody calls uses less than 10 ms of processor time in 10 s, its workers included',
  async ({ skip }) => {
    skip(!existsSync('/proc/self/schedstat'), 'only Linux accounts for threads so');
    await using opened = await openTestLibrary();
    await opened.library.close();
    const [bare, idle] = await Promise.all([cost(opened.path, 'bare'), cost(opened.path, 'library')]);
    expect(idle.processes).toBeGreaterThan(1);
    // What a process costs that does nothing at all, as on a kernel that charges for more, is not the library's.
    const own = idle.ms - bare.ms * idle.processes;
    expect(own).toBeLessThan((BOUND_MS_PER_SECOND * WINDOW_MS) / 1_000);
  },
  WINDOW_MS + 30_000,
);
