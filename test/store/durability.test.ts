/** Real processes, really killed: what was acknowledged is there. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import { skillVersion, SQLITE_OPTIONS } from './records.ts';

const KILLS = Number(process.env['SKILLCACHE_KILLS'] ?? 10);
const PROGRAM = fileURLToPath(new URL('./store-process.mjs', import.meta.url));

const folder = mkdtempSync(join(tmpdir(), 'skillcache-durability-'));
afterAll(() => rmSync(folder, { recursive: true }));

interface Line {
  readonly name: string;
  /** The code that is current when the step is done; null where the skill is removed. */
  readonly intent?: string | null;
  readonly acknowledged?: string | null;
  readonly version?: number;
}

function start(path: string, prefix: string, callers: number, rounds: number, isShared: boolean) {
  const template = { ...skillVersion({ name: 'NAME', code: 'CODE', description: 'about NAME' }), digest: '' };
  const argument = { options: { ...SQLITE_OPTIONS, path }, prefix, callers, rounds, isShared, template };
  const child = spawn(process.execPath, [PROGRAM, JSON.stringify(argument)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return { child, lines: createInterface({ input: child.stdout }), ended: once(child, 'close') };
}

const ended = (child: ChildProcess) => [child.exitCode, child.signalCode];

test(`after each of ${KILLS} kills every acknowledged write is there and whole, and no other by half`, async () => {
  const path = join(folder, 'killed.db');
  for (let kill = 0; kill < KILLS; kill += 1) {
    const { child, lines, ended: end } = start(path, `k${kill}`, 8, 1_000_000, false);
    const acknowledged = new Map<string, string | null>();
    const intended = new Map<string, string | null>();
    // The kill falls somewhere between one acknowledgement and another, a different one each time.
    let left = 5 + ((kill * 37) % 120);
    lines.on('line', (text) => {
      const line = JSON.parse(text) as Line;
      if (line.intent !== undefined) intended.set(line.name, line.intent);
      if (line.acknowledged !== undefined) {
        acknowledged.set(line.name, line.acknowledged);
        left -= 1;
        if (left === 0) child.kill('SIGKILL');
      }
    });
    await end;
    expect(ended(child)).toEqual([null, 'SIGKILL']);

    const store = await openSqliteStore({ ...SQLITE_OPTIONS, path });
    try {
      for (const [name, wanted] of intended) {
        const found = (await store.load(name))?.definition.code ?? null;
        const possible = [wanted, acknowledged.has(name) ? acknowledged.get(name) : null];
        expect(possible, `${name} after kill ${kill}`).toContain(found);
        const hits = await store.search(name, { limit: 1_000 });
        expect(hits.some((hit) => hit.name === name)).toBe(found !== null);
      }
      expect(await store.check({ deep: true })).toEqual({ ok: true, problems: [] });
    } finally {
      await store.close();
    }
  }
});

test('two processes write to one file, nothing is lost, and a third sees each change at once', async () => {
  const path = join(folder, 'shared.db');
  const store = await openSqliteStore({ ...SQLITE_OPTIONS, path });
  try {
    const [callers, rounds] = [4, 25];
    const stale: string[] = [];
    const loads: Promise<void>[] = [];
    let epoch = store.epoch();
    const processes = [0, 1].map(() => start(path, 'shared', callers, rounds, true));
    for (const { lines } of processes) {
      lines.on('line', (text) => {
        const line = JSON.parse(text) as Line;
        if (line.version === undefined) return;
        const { name, version } = line;
        loads.push(
          (async () => {
            const found = await store.load(name);
            if ((found?.version ?? 0) < version) stale.push(`${name}: ${found?.version} after ${version}`);
          })(),
        );
        const next = Number(store.epoch());
        if (next < Number(epoch)) stale.push(`epoch ${next} after ${Number(epoch)}`);
        epoch = next;
      });
    }
    await Promise.all(processes.map(({ ended: end }) => end));
    await Promise.all(loads);
    expect(processes.map(({ child }) => ended(child))).toEqual([
      [0, null],
      [0, null],
    ]);
    expect(stale).toEqual([]);
    expect(loads).toHaveLength(2 * callers * rounds);
    for (let caller = 0; caller < callers; caller += 1) {
      const versions = await store.versions(`shared${caller}`);
      expect(versions.map(({ version }) => version)).toEqual(
        Array.from({ length: 2 * rounds }, (_, i) => i + 1),
      );
    }
    expect(await store.check({ deep: true })).toEqual({ ok: true, problems: [] });
  } finally {
    await store.close();
  }
});

test('processes that create one file at the same moment all get it', async () => {
  const path = join(folder, 'created.db');
  const processes = Array.from({ length: 4 }, (_, index) => start(path, `created${index}-`, 2, 1, false));
  await Promise.all(processes.map(({ ended: end }) => end));
  expect(processes.map(({ child }) => child.exitCode)).toEqual([0, 0, 0, 0]);
  const store = await openSqliteStore({ ...SQLITE_OPTIONS, path });
  expect(await store.list()).toHaveLength(8);
  await store.close();
});

test('a store that was closed leaves nothing that holds its process open', async () => {
  const program = `
    const { openSqliteStore } = await import(process.argv[1]);
    const store = await openSqliteStore(JSON.parse(process.argv[2]));
    await Promise.all([store.search('a'), store.list(), store.recordRun({ id: '1', digest: 'd' })]);
    if (process.argv[3] === 'close') await store.close();
  `;
  const dist = new URL('../../dist/store/sqlite/sqlite-store.js', import.meta.url).href;
  for (const [name, mode] of [
    ['closed.db', 'close'],
    ['left.db', 'leave'],
  ] as const) {
    const options = JSON.stringify({ ...SQLITE_OPTIONS, path: join(folder, name) });
    const child = spawn(process.execPath, ['--input-type=module', '-e', program, dist, options, mode]);
    await once(child, 'close');
    expect([mode, ...ended(child)]).toEqual([mode, 0, null]);
  }
});
