import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { openTestLibrary } from './fixtures.ts';

const PROGRAM = fileURLToPath(new URL('idle-cost.mjs', import.meta.url));
/** `SKILLCACHE_IDLE_LONG=1` measures as long as the promise says, when V8 has given its memory back. */
const IS_LONG = process.env['SKILLCACHE_IDLE_LONG'] === '1';
const SETTLE_MS = IS_LONG ? 30_000 : 2_500;
const WINDOW_MS = IS_LONG ? 10_000 : 3_000;
const BOUND_MS_PER_SECOND = 1;

async function cost(path: string, mode: string): Promise<{ processes: number; ms: number }> {
  const words = [PROGRAM, String(SETTLE_MS), String(WINDOW_MS), path, mode];
  const child = spawn(process.execPath, words, { stdio: 'pipe' });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  const code = await new Promise((resolve) => child.once('close', resolve));
  if (code !== 0) throw new Error(text);
  const { processes, halvesMs } = JSON.parse(text) as { processes: number; halvesMs: [number, number] };
  // In the short window V8's one collection may fall into one half; polling would be in both.
  const ms = IS_LONG ? halvesMs[0] + halvesMs[1] : Math.min(...halvesMs) * 2;
  return { processes, ms };
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
  SETTLE_MS + WINDOW_MS + 30_000,
);
