/** Random damage: a flipped bit, a lost log. What is not as it was written is refused, and named. */
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import type { Store } from '../../src/store/store.ts';
import { skillVersion, SQLITE_OPTIONS, storedResult } from './records.ts';
import { seededRandom } from './seeded-random.ts';

const FLIPS = Number(process.env['SKILLCACHE_FLIPS'] ?? 1_500);
const SEED = Number(process.env['SKILLCACHE_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
const SKILLS = 40;

const place = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
const folder = mkdtempSync(join(place, 'skillcache-damage-'));
afterAll(() => rmSync(folder, { recursive: true }));
const open = (path: string) => openSqliteStore({ ...SQLITE_OPTIONS, path });

const name = (index: number) => `skill${index}`;
const given = Array.from({ length: SKILLS }, (_, index) =>
  skillVersion({ name: name(index), code: `// ${`body ${index} `.repeat(20 + index * 15)}` }),
);
const results = Array.from({ length: SKILLS }, (_, index) =>
  storedResult(`key${index}`, `"${`answer ${index} `.repeat(10 + index * 10)}"`),
);

async function fill(path: string): Promise<void> {
  const store = await open(path);
  await Promise.all([
    ...given.map((version) => store.add(version)),
    ...results.map((one) => store.putResult(one)),
  ]);
  await store.close();
}

test(`of ${FLIPS} flipped bits, at least 99 % of those that change a skill or result are refused by name`, async () => {
  const good = join(folder, 'good.db');
  await fill(good);
  const bytes = readFileSync(good);
  const random = seededRandom(SEED);
  const path = join(folder, 'flipped.db');
  const counts = { harmless: 0, refused: 0, unnamed: 0, missed: 0, served: 0 };
  const examples: string[] = [];
  for (let flip = 0; flip < FLIPS; flip += 1) {
    const at = Math.floor(random() * bytes.length);
    const bit = 1 << Math.floor(random() * 8);
    const damaged = Buffer.from(bytes);
    damaged[at] = (damaged[at] as number) ^ bit;
    writeFileSync(path, damaged);
    for (const suffix of ['-wal', '-shm', '-mark']) rmSync(path + suffix, { force: true });
    const outcome = await readBack(path);
    counts[outcome.kind] += 1;
    if (outcome.kind !== 'harmless' && outcome.kind !== 'refused') examples.push(`${at}: ${outcome.detail}`);
  }
  console.log(`flips: ${JSON.stringify(counts)}, seed ${SEED}`);
  const changed = FLIPS - counts.harmless;
  expect(counts.served, examples.join('\n')).toBe(0);
  expect(counts.refused / changed, examples.join('\n')).toBeGreaterThanOrEqual(0.99);
});

type Outcome = { kind: 'harmless' | 'refused' | 'unnamed' | 'missed' | 'served'; detail: string };

/** The worst that happens to any skill or result. */
async function readBack(path: string): Promise<Outcome> {
  let store: Store;
  try {
    store = await open(path);
  } catch (error) {
    return refusal(error, '');
  }
  try {
    let worst: Outcome = { kind: 'harmless', detail: '' };
    const RANK = ['harmless', 'refused', 'unnamed', 'missed', 'served'];
    const see = (outcome: Outcome) => {
      if (RANK.indexOf(outcome.kind) > RANK.indexOf(worst.kind)) worst = outcome;
    };
    for (const wanted of given) {
      try {
        const found = await store.load(wanted.name);
        if (found === undefined) see({ kind: 'missed', detail: wanted.name });
        else if (
          found.digest !== wanted.digest ||
          JSON.stringify(found.definition) !== JSON.stringify(wanted.definition)
        ) {
          see({ kind: 'served', detail: wanted.name });
        }
      } catch (error) {
        see(refusal(error, wanted.name));
      }
    }
    for (const wanted of results) {
      try {
        const found = await store.getResult(wanted.key);
        // A result that is not found is computed anew: only a wrong one does harm.
        if (found !== undefined && found.output !== wanted.output)
          see({ kind: 'served', detail: wanted.key });
      } catch (error) {
        see(refusal(error, wanted.key));
      }
    }
    return worst;
  } finally {
    await store.close();
  }
}

function refusal(error: unknown, subject: string): Outcome {
  const { code, message } = error as { code: string; message: string };
  const isNamed = code === 'DATABASE_CORRUPT' && message.includes(subject);
  return { kind: isNamed ? 'refused' : 'unnamed', detail: `${subject}: ${code} ${message}` };
}

describe('a log that lost acknowledged commits', () => {
  const path = join(folder, 'crashed.db');
  const copy = join(folder, 'copy.db');
  const SUFFIXES = ['', '-wal', '-mark'];
  // What a process leaves that is killed between two writes: copied while the library is open and at rest.
  beforeAll(async () => {
    const store = await open(path);
    for (const version of given.slice(0, 6)) await store.add(version);
    for (const suffix of SUFFIXES) cpSync(path + suffix, `${join(folder, 'left.db')}${suffix}`);
    await store.close();
  });
  const restore = () => {
    for (const suffix of [...SUFFIXES, '-shm']) rmSync(copy + suffix, { force: true });
    for (const suffix of SUFFIXES) cpSync(`${join(folder, 'left.db')}${suffix}`, copy + suffix);
  };

  test('a library that was left with its log opens with every skill', async () => {
    restore();
    const store = await open(copy);
    for (const version of given.slice(0, 6)) expect((await store.load(version.name))?.version).toBe(1);
    await store.close();
  });

  test.each([
    ['cut', (wal: string) => truncateSync(wal, Math.floor(statSync(wal).size * 0.7))],
    ['zeroed', (wal: string) => writeFileSync(wal, Buffer.alloc(statSync(wal).size))],
    ['deleted', (wal: string) => rmSync(wal)],
    ['emptied', (wal: string) => truncateSync(wal, 0)],
  ])('a log that was %s is refused, with how many commits are lost', async (_how, damage) => {
    restore();
    damage(`${copy}-wal`);
    await expect(open(copy)).rejects.toMatchObject({
      code: 'DATABASE_CORRUPT',
      message: expect.stringMatching(/lacks the last \d of \d commits that were acknowledged/),
      details: { path: copy, lostCommits: expect.any(Number) },
    });
    // Nothing was changed by the refusal; whoever accepts the loss says so by deleting the mark.
    await expect(open(copy)).rejects.toMatchObject({ code: 'DATABASE_CORRUPT' });
    rmSync(`${copy}-mark`);
    const store = await open(copy);
    expect(await store.check({ deep: true })).toEqual({ ok: true, problems: [] });
    await store.close();
  });

  test('a mark that is damaged, of another library, or older than the database is no alarm', async () => {
    for (const text of ['', 'garbage', 'skillcache 1 5 99 0000000000000000\n']) {
      restore();
      writeFileSync(`${copy}-mark`, text);
      await (await open(copy)).close();
    }
    restore();
    rmSync(`${copy}-wal`);
    await expect(open(copy)).rejects.toMatchObject({ code: 'DATABASE_CORRUPT' });
    const other = join(folder, 'other.db');
    await fill(other);
    cpSync(other, copy);
    await (await open(copy)).close();
  });

  test('after a clean close no mark is left, and an older copy may take the place of the file', async () => {
    restore();
    const store = await open(copy);
    await store.add(given[10] as (typeof given)[number]);
    expect(existsSync(`${copy}-mark`)).toBe(true);
    await store.close();
    expect(existsSync(`${copy}-mark`)).toBe(false);
  });

  test('a log that is deleted while the library is open takes no more writes, and loses none', async () => {
    restore();
    const store = await open(copy);
    await store.add(given[11] as (typeof given)[number]);
    rmSync(`${copy}-wal`);
    await expect(store.add(given[12] as (typeof given)[number])).rejects.toMatchObject({
      code: 'DATABASE_CONNECTION',
      message: expect.stringContaining('-wal was deleted while it was open'),
    });
    expect((await store.load(name(11)))?.version).toBe(1);
    await store.close();
    const again = await open(copy);
    expect((await again.load(name(11)))?.version).toBe(1);
    await again.close();
  });
});
