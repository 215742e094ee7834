/** Real processes, killed at random moments: what was acknowledged is there and whole. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, expect, test } from 'vitest';
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import { privateDist } from './private-dist.ts';
import { type Line, problemsOf, Promises, TEMPLATE } from './promises.ts';
import { SQLITE_OPTIONS } from './records.ts';
import { seededRandom } from './seeded-random.ts';

const KILLS = Number(process.env['SKILLCACHE_KILLS'] ?? 200);
const SEED = Number(process.env['SKILLCACHE_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
const CALLERS = 32;
const KILLS_PER_FILE = 10;
const LANES = 2;

// In memory where that can be: a killed process leaves what it wrote to the kernel, synced or not.
const place = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
const folder = mkdtempSync(join(place, 'skillcache-crash-'));
afterAll(() => rmSync(folder, { recursive: true }));
const { program } = privateDist(join(folder, 'program'));
const random = seededRandom(SEED);

test(
  `after each of ${KILLS} kills every acknowledged write is there and whole, and no other by half`,
  { timeout: 60_000 + KILLS * 2_000 },
  async () => {
    let left = KILLS;
    const totals = { acknowledged: 0, duringWrites: 0 };
    const lane = async (): Promise<void> => {
      for (let file = 0; left > 0; file += 1) {
        const path = join(folder, `${file}-${left}.db`);
        for (let kill = 0; kill < KILLS_PER_FILE && left > 0; kill += 1) {
          left -= 1;
          const promises = await runAndKill(path, `k${left}`);
          totals.acknowledged += promises.acknowledged;
          if (promises.acknowledged > 0) totals.duringWrites += 1;
          const store = await openSqliteStore({ ...SQLITE_OPTIONS, path });
          try {
            expect(await promises.broken(store), `seed ${SEED}, ${left} kills left`).toEqual([]);
            expect(problemsOf(path), `seed ${SEED}, ${left} kills left`).toEqual([]);
          } finally {
            await store.close();
          }
        }
        for (const suffix of ['', '-wal', '-shm']) rmSync(path + suffix, { force: true });
      }
    };
    await Promise.all(Array.from({ length: LANES }, lane));
    console.log(`${KILLS} kills, ${totals.acknowledged} acknowledged writes, seed ${SEED}`);
    // Some fall into the opening, before there is anything to lose; not most.
    expect(totals.duringWrites).toBeGreaterThan(KILLS / 2);
  },
);

/** Kills a writer of 32 callers some time after its first acknowledgement, or, one in ten, during its start. */
async function runAndKill(path: string, prefix: string): Promise<Promises> {
  const argument = {
    options: { ...SQLITE_OPTIONS, path },
    prefix,
    callers: CALLERS,
    rounds: 1_000_000,
    isShared: false,
    template: TEMPLATE,
  };
  const child = spawn(process.execPath, [program, JSON.stringify(argument)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const end = once(child, 'close');
  const promises = new Promises();
  const lines = createInterface({ input: child.stdout });
  const killAfter = (ms: number): void => void setTimeout(() => child.kill('SIGKILL'), ms);
  if (random() < 0.1) lines.once('line', () => killAfter(random() * 100));
  lines.on('line', (text) => {
    promises.hear(JSON.parse(text) as Line);
    if (promises.acknowledged === 1) killAfter(random() * 25);
  });
  await end;
  expect([child.exitCode, child.signalCode]).toEqual([null, 'SIGKILL']);
  return promises;
}
