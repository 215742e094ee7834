/** Real processes, killed at random moments: what comes out is what an undisturbed run gives, byte for byte. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { openBench } from './fixtures.ts';

const KILLS = Number(process.env['SKILLCACHE_BATCH_KILLS'] ?? 20);
const ITEMS = 240;
const LANES = 2;
const CHILD = fileURLToPath(new URL('batch-child.mjs', import.meta.url));

const place = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
const folder = mkdtempSync(join(place, 'skillcache-batch-kills-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Good ones, some that throw, some that do not fit the schema, and some that are no JSON. */
const INPUTS = Array.from({ length: ITEMS }, (_, n) => {
  if (n % 41 === 40) return '{"n": ';
  return n % 31 === 30 ? '{"n":"many"}' : JSON.stringify({ n });
}).join('\n');

test(
  `after ${KILLS} kills at random moments, resumed batches give what an undisturbed one gives`,
  { timeout: 120_000 + KILLS * 10_000 },
  async () => {
    await using bench = await openBench({ workers: { min: 0 } });
    const inputs = bench.write('in.ndjson', INPUTS);
    const plain = await bench.start('double', { inputs, output: bench.path('plain.ndjson') });
    await plain.finish();
    const expected = bench.read('plain.ndjson');
    let left = KILLS;
    let underWay = 0;
    const lane = async (lane: number): Promise<void> => {
      for (let nth = 0; left > 0; nth += 1) {
        const output = join(folder, `${lane}-${nth}.ndjson`);
        const options = { inputs, output, chunkSize: 7, bufferBytes: 300, run: { cache: 'bypass' } };
        const argument = {
          path: join(bench.folder, 'skills.db'),
          id: `l${lane}-${nth}`,
          skill: 'double',
          options,
        };
        let isDone = false;
        while (!isDone) {
          const mayKill = left > 0;
          if (mayKill) left -= 1;
          isDone = await runAndKill(JSON.stringify(argument), mayKill);
          if (mayKill && !isDone && existsSync(output) && readFileSync(output).length > 0) underWay += 1;
        }
        expect(readFileSync(output, 'utf8')).toBe(expected);
        rmSync(output);
      }
    };
    await Promise.all(Array.from({ length: LANES }, (_, at) => lane(at)));
    console.log(`${KILLS} kills, ${underWay} of them with output under way`);
    // Some fall into the start or the end; not most.
    expect(underWay).toBeGreaterThan(KILLS / 4);
  },
);

/** Whether it came to its end. */
async function runAndKill(argument: string, mayKill: boolean): Promise<boolean> {
  const child = spawn(process.execPath, [CHILD, argument], { stdio: ['ignore', 'pipe', 'inherit'] });
  const end = once(child, 'close');
  const lines = createInterface({ input: child.stdout });
  // One in eight while it starts; the others some items later, at any point between two of them.
  let itemsLeft = mayKill ? Math.floor(Math.random() * 8) * 8 : Infinity;
  lines.on('line', () => {
    if (itemsLeft === 0) setTimeout(() => child.kill('SIGKILL'), Math.random() * 15);
    itemsLeft -= 1;
  });
  await end;
  if (child.signalCode !== 'SIGKILL') expect(child.exitCode).toBe(0);
  return child.signalCode !== 'SIGKILL';
}
