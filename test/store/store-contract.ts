/** What every store promises; run against each implementation. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { PinnedRequirement } from '../../src/skills/analyse.ts';
import type { Store } from '../../src/store/store.ts';
import { runRecord, sha256, skillVersion, storedResult } from './records.ts';

export interface StoreBounds {
  runsMax?: number;
  resultBytesMax?: number;
  writesWaitingMax?: number;
}

export function testStoreContract(name: string, open: (bounds?: StoreBounds) => Promise<Store>): void {
  describe(`${name} keeps the contract of a store`, () => {
    let store: Store;
    beforeEach(async () => {
      store = await open();
    });
    afterEach(() => store.close());

    describe('versions', () => {
      test('an added version is loaded as it was given, by name, version and digest', async () => {
        const given = skillVersion({
          name: 'mean',
          code: 'const é = "\u2028😀";',
          tags: ['stats'],
          parameters: { a: [1.5] },
        });
        const added = await store.add(given);
        expect(added).toEqual({ name: 'mean', version: 1, digest: given.digest, status: 'added' });
        const loaded = await store.load('mean');
        expect(loaded).toMatchObject({ ...given, version: 1 });
        expect(loaded?.createdAtMs).toBeGreaterThan(1.7e12);
        expect(await store.load('mean', 1)).toEqual(loaded);
        expect(await store.loadDigest(given.digest)).toEqual(loaded);
      });

      test('what is not there is undefined, not an error', async () => {
        await store.add(skillVersion({ name: 'mean' }));
        expect(await store.load('median')).toBeUndefined();
        expect(await store.load('mean', 2)).toBeUndefined();
        expect(await store.loadDigest(sha256('nothing'))).toBeUndefined();
        expect(await store.versions('median')).toEqual([]);
        expect(await store.remove('median')).toBe(false);
      });

      test('the same content again is unchanged, new content is the next version, old content is restored', async () => {
        const [first, second] = [
          skillVersion({ name: 'mean', code: '1' }),
          skillVersion({ name: 'mean', code: '2' }),
        ];
        await store.add(first);
        expect(await store.add(first)).toMatchObject({ version: 1, status: 'unchanged' });
        expect(await store.add(second)).toMatchObject({ version: 2, status: 'added' });
        expect(await store.add(first)).toMatchObject({ version: 1, status: 'restored' });
        expect((await store.load('mean'))?.definition.code).toBe('1');
        expect((await store.load('mean', 2))?.definition.code).toBe('2');
      });

      test('the number of a version is never used again, a rollback or not', async () => {
        for (const code of ['1', '2']) await store.add(skillVersion({ name: 'mean', code }));
        expect(await store.movePointer('mean', 1)).toMatchObject({ version: 1, status: 'restored' });
        expect(await store.movePointer('mean', 1)).toMatchObject({ version: 1, status: 'unchanged' });
        expect(await store.add(skillVersion({ name: 'mean', code: '3' }))).toMatchObject({ version: 3 });
        const versions = await store.versions('mean');
        expect(versions.map(({ version, current }) => [version, current])).toEqual([
          [1, false],
          [2, false],
          [3, true],
        ]);
        expect(versions[0]).toEqual({
          version: 1,
          digest: skillVersion({ name: 'mean', code: '1' }).digest,
          createdAtMs: expect.any(Number),
          current: false,
        });
      });

      test('a pointer moves to an existing version only', async () => {
        await store.add(skillVersion({ name: 'mean' }));
        await expect(store.movePointer('mean', 7)).rejects.toMatchObject({ code: 'SKILL_NOT_FOUND' });
        await expect(store.movePointer('median', 1)).rejects.toMatchObject({ code: 'SKILL_NOT_FOUND' });
      });

      test('names are one without regard to case, in the spelling of the current version', async () => {
        await store.add(skillVersion({ name: 'csvStats', code: '1' }));
        expect(await store.add(skillVersion({ name: 'CSVStats', code: '2' }))).toMatchObject({ version: 2 });
        expect(await store.load('csvstats')).toMatchObject({ name: 'CSVStats', version: 2 });
        expect((await store.list()).map((skill) => skill.name)).toEqual(['CSVStats']);
        expect(await store.resolve(['CSVSTATS', 'none'])).toEqual(
          new Map([['CSVSTATS', expect.objectContaining({ name: 'CSVStats', version: 2 })]]),
        );
        expect(await store.remove('CSVstats')).toBe(true);
      });

      test('the epoch changes with every move of a pointer, and with nothing else', async () => {
        const epochs = [await store.epoch()];
        const mark = async () => epochs.push(await store.epoch());
        await store.add(skillVersion({ name: 'mean', code: '1' }));
        await mark();
        await store.add(skillVersion({ name: 'mean', code: '2' }));
        await mark();
        await store.movePointer('mean', 1);
        await mark();
        await store.remove('mean');
        await mark();
        expect(new Set(epochs).size).toBe(5);
        await store.recordRun(runRecord('r'));
        await store.putResult(storedResult('k'));
        await store.add(skillVersion({ name: 'median' }));
        await mark();
        await store.add(skillVersion({ name: 'median' }));
        await mark();
        expect(epochs[5]).not.toBe(epochs[4]);
        expect(epochs[6]).toBe(epochs[5]);
      });
    });

    describe('requirements', () => {
      const pin = (name: string, version: number, digest: string): PinnedRequirement => ({
        local: name,
        name,
        version,
        digest,
      });

      test('a skill is not removed while a current version pins any version of it', async () => {
        const base = await store.add(skillVersion({ name: 'base', code: '1' }));
        await store.add(skillVersion({ name: 'base', code: '2' }));
        await store.add(skillVersion({ name: 'user' }, [pin('base', 1, base.digest)]));
        await expect(store.remove('BASE')).rejects.toMatchObject({
          code: 'SKILL_IN_USE',
          details: { name: 'base', requiredBy: ['user'] },
        });
        await store.add(skillVersion({ name: 'user', code: 'alone' }));
        expect(await store.remove('base')).toBe(true);
        await expect(store.movePointer('user', 1)).rejects.toMatchObject({ code: 'REQUIREMENT' });
        expect(await store.load('user')).toMatchObject({ version: 2 });
      });

      test('a version that pins what is not there is refused, and nothing of it is kept', async () => {
        const user = skillVersion({ name: 'user' }, [pin('base', 1, sha256('gone'))]);
        await expect(store.add(user)).rejects.toMatchObject({
          code: 'REQUIREMENT',
          details: { requires: 'base' },
        });
        expect(await store.load('user')).toBeUndefined();
        expect(await store.list()).toEqual([]);
        expect(await store.stats()).toMatchObject({ skills: 0, versions: 0 });
      });
    });

    describe('search', () => {
      test('the words of a question find the skill that answers it, best first', async () => {
        await store.add(
          skillVersion({ name: 'movingAverage', description: 'Simple moving average of a price series' }),
        );
        await store.add(
          skillVersion({ name: 'parse-csv', description: 'Reads tables of comma separated values' }),
        );
        await store.add(
          skillVersion({ name: 'mine_diamond', description: 'Digs for gems', tags: ['minecraft'] }),
        );
        const find = async (query: string) => (await store.search(query)).map((hit) => hit.name);
        expect(await find('What is the average of these prices?')).toEqual(['movingAverage']);
        expect(await find('MINING diamonds')).toEqual(['mine_diamond']);
        expect(await find('mineDiamond')).toEqual(['mine_diamond']);
        expect(await find('minecraft')).toEqual(['mine_diamond']);
        expect(await find('csv')).toEqual(['parse-csv']);
        const [hit] = await store.search('csv table');
        expect(hit).toMatchObject({
          name: 'parse-csv',
          version: 1,
          language: 'javascript',
          pure: true,
          tags: [],
        });
        expect(hit?.score).toBeGreaterThan(0);
      });

      test('parameters, schemas and identifiers of the code are found too', async () => {
        await store.add(
          skillVersion({
            name: 'a',
            parameters: { windowSize: 3 },
            inputSchema: {
              type: 'object',
              properties: { velocity: { type: 'number', description: 'in furlongs' } },
            },
            code: 'function fibonacciNumber() {}',
          }),
        );
        for (const word of ['window', 'velocity', 'furlong', 'fibonacci']) {
          expect((await store.search(word)).map((hit) => hit.name)).toEqual(['a']);
        }
      });

      test('no query text is an error or has a special meaning', async () => {
        await store.add(skillVersion({ name: 'near', description: 'NOT OR AND NEAR' }));
        const hostile = [
          '"',
          '*',
          'a* OR',
          '(',
          'NOT',
          'near(a, b)',
          'name:near',
          '^near',
          '-',
          '\u0000',
          '\ud800',
          "';--",
          '{near}',
        ];
        for (const query of hostile) await store.search(query);
        expect(await store.search('')).toEqual([]);
        expect(await store.search(' \t. ')).toEqual([]);
        expect((await store.search(`near ${'x'.repeat(1_000_000)}`)).map((hit) => hit.name)).toEqual([
          'near',
        ]);
        expect((await store.search('not')).map((hit) => hit.name)).toEqual(['near']);
      });

      test('equal scores come by name, and the limit cuts the tail', async () => {
        for (const name of ['delta', 'alpha', 'charlie', 'bravo']) {
          await store.add(skillVersion({ name, description: 'the same words', code: '' }));
        }
        const names = async (limit: number) =>
          (await store.search('same words', { limit })).map((hit) => hit.name);
        expect(await names(10)).toEqual(['alpha', 'bravo', 'charlie', 'delta']);
        expect(await names(2)).toEqual(['alpha', 'bravo']);
        expect(await names(0)).toEqual([]);
      });

      test('the index follows the pointer', async () => {
        await store.add(skillVersion({ name: 'a', description: 'apples' }));
        await store.add(skillVersion({ name: 'a', description: 'oranges' }));
        expect(await store.search('apple')).toEqual([]);
        expect(await store.search('orange')).toHaveLength(1);
        await store.movePointer('a', 1);
        expect(await store.search('apple')).toHaveLength(1);
        await store.remove('a');
        expect(await store.search('apple orange')).toEqual([]);
        expect(await store.check({ deep: true })).toEqual({ ok: true, problems: [] });
      });

      test('tags narrow a search and a list to skills that carry all of them', async () => {
        await store.add(skillVersion({ name: 'a', tags: ['x', 'y'] }));
        await store.add(skillVersion({ name: 'b', tags: ['X'] }));
        const names = (skills: { name: string }[]) => skills.map((skill) => skill.name);
        expect(names(await store.search('does', { tags: ['x'] })).sort()).toEqual(['a', 'b']);
        expect(names(await store.search('does', { tags: ['x', 'y'] }))).toEqual(['a']);
        expect(names(await store.list({ tags: ['y'] }))).toEqual(['a']);
        expect(names(await store.list({ tags: ['z'] }))).toEqual([]);
      });

      test('an aborted search rejects as aborted', async () => {
        await expect(store.search('a', { signal: AbortSignal.abort() })).rejects.toMatchObject({
          code: 'ABORTED',
        });
        await expect(store.list({ signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'ABORTED' });
      });
    });

    test('a list goes by name and continues behind the last of the page before', async () => {
      for (const name of ['b', 'A', 'c']) await store.add(skillVersion({ name }));
      const first = await store.list({ limit: 2 });
      expect(first.map((skill) => skill.name)).toEqual(['A', 'b']);
      expect(first[0]).toMatchObject({
        description: 'What A does',
        version: 1,
        language: 'javascript',
        pure: true,
      });
      expect((await store.list({ after: 'B' })).map((skill) => skill.name)).toEqual(['c']);
    });

    test('definitions come whole, by name, a page at a time, and few of them where they are large', async () => {
      const code = `/* ${'x'.repeat(200_000)} */`;
      for (const name of ['b', 'A', 'c', 'd']) await store.add(skillVersion({ name, code }));
      await store.add(skillVersion({ name: 'd', code: 'export const result = 2;' }));
      const pages: string[][] = [];
      for (let after = ''; ; after = pages.at(-1)?.at(-1) ?? '') {
        const page = await store.definitions({ after, limit: 3 });
        if (page.length === 0) break;
        pages.push(page.map((definition) => definition.name));
      }
      expect(pages.flat()).toEqual(['A', 'b', 'c', 'd']);
      expect(pages.length).toBeGreaterThan(1);
      expect(await store.definitions({ after: 'c' })).toMatchObject([{ code: 'export const result = 2;' }]);
    });

    describe('results', () => {
      test('a result is answered until it expires, and may be replaced', async () => {
        const result = storedResult('k', '#["💥"]');
        await store.putResult(result);
        expect(await store.getResult(result.key)).toEqual(result);
        await store.putResult({ ...result, output: '2' });
        expect((await store.getResult(result.key))?.output).toBe('2');
        await store.putResult({ ...result, expiresAtMs: Date.now() });
        expect(await store.getResult(result.key)).toBeUndefined();
        expect(await store.getResult(sha256('never'))).toBeUndefined();
        expect((await store.stats()).results).toBe(1);
      });

      test('results are dropped by digest, all at once, and with their skill', async () => {
        const { digest } = await store.add(skillVersion({ name: 'a' }));
        await store.putResult(storedResult('1', '1', digest));
        await store.putResult(storedResult('2', '2', sha256('other')));
        await store.putResult(storedResult('3', '3', sha256('third')));
        expect(await store.dropResults(sha256('other'))).toBe(1);
        await store.remove('a');
        expect(await store.getResult(storedResult('1').key)).toBeUndefined();
        expect(await store.dropResults()).toBe(1);
        expect(await store.check({ deep: true })).toEqual({ ok: true, problems: [] });
      });

      test('expired results are dropped, however many, and no other; their bytes are counted', async () => {
        const expiresAtMs = Date.now();
        const many = Array.from({ length: 600 }, (_, id) => ({ ...storedResult(`old ${id}`), expiresAtMs }));
        await Promise.all([...many, storedResult('fresh')].map((result) => store.putResult(result)));
        // Some may have gone by themselves already.
        expect(await store.dropExpiredResults()).toBeLessThanOrEqual(600);
        expect(await store.dropExpiredResults()).toBe(0);
        const { results, resultBytes = 0 } = await store.stats();
        expect(results).toBe(1);
        expect(resultBytes).toBeGreaterThan(0);
        expect(resultBytes).toBeLessThan(1_000);
      });

      test('the oldest results go when there are too many bytes, and a too large one is refused', async () => {
        const small = await open({ resultBytesMax: 1_000 });
        try {
          for (const key of ['1', '2', '3']) await small.putResult(storedResult(key, 'x'.repeat(300)));
          const kept = await Promise.all(
            ['1', '2', '3'].map((key) => small.getResult(storedResult(key).key)),
          );
          expect(kept.map((result) => result !== undefined)).toEqual([false, true, true]);
          await expect(small.putResult(storedResult('4', 'x'.repeat(1_000)))).rejects.toMatchObject({
            code: 'CACHE_OVERFLOW',
          });
        } finally {
          await small.close();
        }
      });
    });

    test('skills and versions are counted as they come and go', async () => {
      const counts = async () => {
        const { skills, versions } = await store.stats();
        return { skills, versions };
      };
      for (const code of ['1', '2', '3']) await store.add(skillVersion({ name: 'mean', code }));
      await store.add(skillVersion({ name: 'other' }));
      expect(await counts()).toEqual({ skills: 2, versions: 4 });
      await store.add(skillVersion({ name: 'mean', code: '1' }));
      await store.movePointer('mean', 2);
      expect(await counts()).toEqual({ skills: 2, versions: 4 });
      await store.remove('mean');
      expect(await counts()).toEqual({ skills: 1, versions: 1 });
      // One that fails is not counted, whatever it had done before, nor are the others of its group twice.
      const damaged = skillVersion({ name: 'damaged', tags: [{} as unknown as string] });
      const outcomes = await Promise.allSettled(
        [skillVersion({ name: 'a' }), damaged, skillVersion({ name: 'b' })].map((one) => store.add(one)),
      );
      expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
      expect(await counts()).toEqual({ skills: 3, versions: 3 });
      expect(await store.check()).toEqual({ ok: true, problems: [] });
    });

    describe('runs', () => {
      test('a run is found at once, and listed newest first', async () => {
        const runs = ['1', '2', '3'].map((id) =>
          runRecord(id, { skill: id === '2' ? 'Other' : 'mean', report: { a: 1 } }),
        );
        const written = runs.map((run) => store.recordRun(run));
        expect(await store.getRun('2')).toEqual(runs[1]);
        await Promise.all(written);
        expect(await store.getRun('2')).toEqual(runs[1]);
        expect(await store.getRun('none')).toBeUndefined();
        expect((await store.listRuns()).map((run) => run.id)).toEqual(['3', '2', '1']);
        expect((await store.listRuns({ limit: 1 })).map((run) => run.id)).toEqual(['3']);
        expect((await store.listRuns({ skill: 'other' })).map((run) => run.id)).toEqual(['2']);
      });

      test('a record that cannot be written harms neither the others nor the writes beside it', async () => {
        const before = await store.stats();
        const recorded = ['1', '2', '3'].map((id) => runRecord(id));
        const refused = runRecord(null as unknown as string);
        const [added, ...outcomes] = await Promise.allSettled([
          store.add(skillVersion({ name: 'beside' })),
          ...recorded.toSpliced(1, 0, refused).map((run) => store.recordRun(run)),
        ]);
        expect(added.status).toBe('fulfilled');
        expect(outcomes.map(({ status }) => status)).toEqual([
          'fulfilled',
          'rejected',
          'fulfilled',
          'fulfilled',
        ]);
        expect((await store.listRuns()).map(({ id }) => id)).toEqual(['3', '2', '1']);
        expect((await store.stats()).writes - before.writes).toBe(4);
      });

      test('the oldest runs go when there are too many, and none is kept where none may be', async () => {
        const small = await open({ runsMax: 2 });
        const none = await open({ runsMax: 0 });
        try {
          for (const id of ['1', '2', '3']) void small.recordRun(runRecord(id));
          expect((await small.listRuns()).map((run) => run.id)).toEqual(['3', '2']);
          await none.recordRun(runRecord('1'));
          expect(await none.listRuns()).toEqual([]);
        } finally {
          await Promise.all([small.close(), none.close()]);
        }
      });
    });

    describe('writing', () => {
      test('writes that wait together share a commit, and one that fails fails alone', async () => {
        await store.add(skillVersion({ name: 'first' }));
        const before = await store.stats();
        const outcomes = await Promise.allSettled(
          Array.from({ length: 64 }, (_, index) =>
            index === 30 ? store.movePointer('none', 1) : store.add(skillVersion({ name: `skill${index}` })),
          ),
        );
        expect(outcomes.filter((outcome) => outcome.status === 'rejected')).toHaveLength(1);
        const after = await store.stats();
        expect(after.skills).toBe(64);
        expect(after.writes - before.writes).toBe(63);
        expect(after.commits - before.commits).toBeLessThanOrEqual(2);
      });

      test('one write beyond writesWaitingMax is refused as exhausted', async () => {
        const small = await open({ writesWaitingMax: 2 });
        try {
          const outcomes = await Promise.allSettled(
            ['a', 'b', 'c'].map((name) => small.add(skillVersion({ name }))),
          );
          expect(outcomes.map((outcome) => outcome.status)).toEqual(['fulfilled', 'fulfilled', 'rejected']);
          expect(outcomes[2]).toMatchObject({ reason: { code: 'POOL_EXHAUSTED' } });
        } finally {
          await small.close();
        }
      });
    });

    describe('closing', () => {
      test('close flushes what waits, may be called twice, and refuses everything after it', async () => {
        const added = store.add(skillVersion({ name: 'last' }));
        const recorded = store.recordRun(runRecord('last'));
        await Promise.all([store.close(), store.close()]);
        expect(await added).toMatchObject({ version: 1 });
        await recorded;
        await store.close();
        const calls = [
          () => store.load('last'),
          () => store.add(skillVersion({ name: 'late' })),
          () => store.search('last'),
          () => store.list(),
          () => store.definitions(),
          () => store.getResult('k'),
          () => store.recordRun(runRecord('r')),
          () => store.stats(),
          async () => store.epoch(),
        ];
        for (const call of calls) await expect(call()).rejects.toMatchObject({ code: 'CLOSED' });
      });

      test('close during a search waits for nothing but the end of it', async () => {
        await store.add(skillVersion({ name: 'a' }));
        const search = store.search('a').then(
          () => 'answered',
          (error: unknown) => (error as { code: string }).code,
        );
        await store.close();
        expect(['answered', 'CLOSED', 'DATABASE_CONNECTION']).toContain(await search);
      });
    });
  });
}
