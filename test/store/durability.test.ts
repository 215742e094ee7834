/** Several real processes on one file. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import { privateDist } from './private-dist.ts';
import { type Line, TEMPLATE } from './promises.ts';
import { SQLITE_OPTIONS } from './records.ts';

const PROCESSES = 4;
const CALLERS = 8;
/** The law is stated for 20 s: `npm run test:crash`. */
const SHARED_MS = Number(process.env['SKILLCACHE_SHARED_MS'] ?? 3_000);
/** A fast disk takes more versions of a skill in that time than are kept by default, and every one is looked for. */
const OPTIONS = { ...SQLITE_OPTIONS, versionsMax: 1_000_000 };

const folder = mkdtempSync(join(tmpdir(), 'skillcache-durability-'));
afterAll(() => rmSync(folder, { recursive: true }));
const { program: PROGRAM } = privateDist(join(folder, 'program'));

interface Writers {
  path: string;
  prefix: string;
  callers: number;
  rounds?: number;
  forMs?: number;
  isShared: boolean;
}

function start({ path, rounds = 1_000_000, ...more }: Writers) {
  const argument = { options: { ...OPTIONS, path }, rounds, template: TEMPLATE, ...more };
  const child = spawn(process.execPath, [PROGRAM, JSON.stringify(argument)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return { child, lines: createInterface({ input: child.stdout }), ended: once(child, 'close') };
}

const ended = (child: ChildProcess) => [child.exitCode, child.signalCode];

test(
  `${PROCESSES} processes with ${CALLERS} writers each lose no update, see no lock and read nothing stale`,
  { timeout: SHARED_MS + 60_000 },
  async () => {
    const path = join(folder, 'shared.db');
    const store = await openSqliteStore({ ...OPTIONS, path });
    try {
      const stale: string[] = [];
      const acknowledged = new Map<string, number[]>();
      const loads: Promise<void>[] = [];
      let epoch = Number(store.epoch());
      const processes = Array.from({ length: PROCESSES }, () =>
        start({ path, prefix: 'shared', callers: CALLERS, forMs: SHARED_MS, isShared: true }),
      );
      for (const { lines } of processes) {
        lines.on('line', (text) => {
          const { name, version } = JSON.parse(text) as Line;
          if (version === undefined) return;
          acknowledged.set(name, [...(acknowledged.get(name) ?? []), version]);
          loads.push(
            (async () => {
              const found = await store.load(name);
              if ((found?.version ?? 0) < version) stale.push(`${name}: ${found?.version} after ${version}`);
            })(),
          );
          const next = Number(store.epoch());
          if (next < epoch) stale.push(`epoch ${next} after ${epoch}`);
          epoch = next;
        });
      }
      await Promise.all(processes.map(({ ended: end }) => end));
      await Promise.all(loads);
      // 3 says that a process loaded something older than it had just been told; 1, that a write was refused.
      expect(processes.map(({ child }) => ended(child))).toEqual(processes.map(() => [0, null]));
      expect(stale).toEqual([]);
      expect(acknowledged.size).toBe(CALLERS);
      for (const [name, versions] of acknowledged) {
        const counted = Array.from({ length: versions.length }, (_, index) => index + 1);
        expect(versions.toSorted((left, right) => left - right)).toEqual(counted);
        expect((await store.versions(name)).map(({ version }) => version)).toEqual(counted);
      }
      expect(await store.check({ deep: true })).toEqual({ ok: true, problems: [] });
    } finally {
      await store.close();
    }
  },
);

test('processes that create one file at the same moment all get it', async () => {
  const path = join(folder, 'created.db');
  const processes = Array.from({ length: 4 }, (_, index) =>
    start({ path, prefix: `created${index}-`, callers: 2, rounds: 1, isShared: false }),
  );
  await Promise.all(processes.map(({ ended: end }) => end));
  expect(processes.map(({ child }) => child.exitCode)).toEqual([0, 0, 0, 0]);
  const store = await openSqliteStore({ ...OPTIONS, path });
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
  const dist = pathToFileURL(join(folder, 'program/dist/store/sqlite/sqlite-store.js')).href;
  for (const [name, mode] of [
    ['closed.db', 'close'],
    ['left.db', 'leave'],
  ] as const) {
    const options = JSON.stringify({ ...OPTIONS, path: join(folder, name) });
    const child = spawn(process.execPath, ['--input-type=module', '-e', program, dist, options, mode]);
    await once(child, 'close');
    expect([mode, ...ended(child)]).toEqual([mode, 0, null]);
  }
});
