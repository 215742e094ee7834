/** The disk as a power cut may leave it, rebuilt from a recording of real writes and syncs. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import { CachedDisk, type DiskRecord, readRecording } from './disk-states.ts';
import { privateDist } from './private-dist.ts';
import { type Line, problemsOf, Promises, TEMPLATE } from './promises.ts';
import { SQLITE_OPTIONS } from './records.ts';
import { seededRandom } from './seeded-random.ts';

const CUTS = Number(process.env['SKILLCACHE_POWER_CUTS'] ?? 500);
const SEED = Number(process.env['SKILLCACHE_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
const RECORDER = fileURLToPath(new URL('./disk-recorder.c', import.meta.url));

const place = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
const folder = mkdtempSync(join(place, 'skillcache-power-'));
afterAll(() => rmSync(folder, { recursive: true }));

const library = join(folder, 'recorder.so');
const canRecord = process.platform === 'linux' && compile();
if (!canRecord) console.log('skipped: the power cut needs Linux and gcc');

describe.skipIf(!canRecord)('after a power cut', () => {
  let recording: DiskRecord[];
  beforeAll(async () => {
    recording = await record('full', 60, () => undefined);
  });

  test(
    `in each of ${CUTS} states that the disk may be in, every acknowledged write is there and nothing is corrupt`,
    { timeout: 60_000 + CUTS * 200 },
    async () => {
      const { problems, acknowledged } = await cutAndOpen(recording, CUTS);
      expect(problems, `seed ${SEED}`).toEqual([]);
      expect(acknowledged).toBeGreaterThan(CUTS * 10);
    },
  );

  test.each(['OFF', 'NORMAL'])(
    'with synchronous=%s writes are lost, so this test can fail',
    async (synchronous) => {
      const unsafe = await record(synchronous, 15, (replace) => {
        replace('store/sqlite/database-file.js', `'FULL'`, `'${synchronous}'`);
        replace('store/sqlite/database-file.js', '? 0 : 2', `? 0 : ${synchronous === 'OFF' ? 0 : 1}`);
      });
      const { problems } = await cutAndOpen(unsafe, 25);
      expect(problems.length).toBeGreaterThan(0);
    },
  );
});

/** Lets a process write under the recorder; what it did. */
async function record(
  name: string,
  rounds: number,
  change: (replace: ReturnType<typeof privateDist>['replace']) => void,
): Promise<DiskRecord[]> {
  const { program, replace } = privateDist(join(folder, `program-${name}`));
  change(replace);
  const home = join(folder, name);
  mkdirSync(home);
  const path = join(home, 'skills.db');
  const argument = {
    options: { ...SQLITE_OPTIONS, path },
    prefix: 'p',
    callers: 8,
    rounds,
    isShared: false,
    template: TEMPLATE,
    tellTo: `${path}.told`,
  };
  const log = join(folder, `${name}.log`);
  const child = spawn(process.execPath, [program, JSON.stringify(argument)], {
    stdio: 'inherit',
    env: { ...process.env, LD_PRELOAD: library, RECORD_LOG: log, RECORD_PREFIX: path },
  });
  await once(child, 'close');
  expect(child.exitCode).toBe(0);
  return readRecording(log);
}

/** Opens what `count` cuts leave, most of them just after an acknowledgement; all that is wrong. */
async function cutAndOpen(
  recording: readonly DiskRecord[],
  count: number,
): Promise<{ problems: string[]; acknowledged: number }> {
  const random = seededRandom(SEED);
  const told = recording.flatMap(({ path }, at) => (path.endsWith('.told') ? [at] : []));
  const pick = () =>
    random() < 0.5 ? Math.floor(random() * recording.length) : told[Math.floor(random() * told.length)];
  const moments = Array.from({ length: count }, () => pick() as number).sort((a, b) => a - b);
  const disk = new CachedDisk();
  const promises = new Promises();
  const problems: string[] = [];
  let acknowledged = 0;
  let at = 0;
  for (const [index, moment] of moments.entries()) {
    for (; at <= moment; at += 1) {
      const { path, kind, bytes } = recording[at] as DiskRecord;
      if (!path.endsWith('.told')) disk.apply(recording[at] as DiskRecord);
      else if (kind === 'write') promises.hear(JSON.parse(bytes.toString()) as Line);
    }
    const home = join(folder, `cut-${index}`);
    mkdirSync(home);
    disk.cut(home, random);
    // What is left of it is of no use to SQLite after a cut, and it is told so by nobody.
    rmSync(join(home, 'skills.db-shm'), { force: true });
    acknowledged += promises.acknowledged;
    for (const problem of await wrongIn(join(home, 'skills.db'), promises)) {
      problems.push(`cut after record ${moment}: ${problem}`);
    }
    rmSync(home, { recursive: true });
    // Thousands of them are no hang: whoever watches for one counts turns of the loop.
    await nextTurn();
  }
  return { problems, acknowledged };
}

async function wrongIn(path: string, promises: Promises): Promise<string[]> {
  try {
    const store = await openSqliteStore({ ...SQLITE_OPTIONS, path });
    try {
      return [...(await promises.broken(store)), ...problemsOf(path)];
    } finally {
      await store.close();
    }
  } catch (error) {
    return [String(error)];
  }
}

function compile(): boolean {
  try {
    execFileSync('gcc', ['-shared', '-fPIC', '-O1', '-o', library, RECORDER, '-ldl', '-lpthread'], {
      stdio: 'ignore',
      timeout: 50_000,
    });
    return true;
  } catch {
    // No gcc, or no headers: told once, above.
    return false;
  }
}
