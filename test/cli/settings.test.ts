import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { readSettings, type SettingsInput } from '../../src/cli/settings.ts';
import { ConfigurationError, FileNotFoundError } from '../../src/errors.ts';
import { programSchema } from '../../src/http-options.ts';

const folder = mkdtempSync(join(tmpdir(), 'skillcache-settings-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

async function setting(key: string, input: Partial<SettingsInput>) {
  const { list } = await readSettings({ env: {}, ...input });
  return list.find((each) => each.key === key);
}

describe('an option', () => {
  const configFile = file('all.json', '{"$schema":"x","path":"file.db","run":{"timeoutMs":5}}');

  test('has its default where nobody sets it', async () => {
    expect(await setting('path', {})).toEqual({
      key: 'path',
      value: 'skills.db',
      source: 'default',
      variable: 'SKILLCACHE_DB',
    });
  });

  test('comes from the flag, else the environment, else the file', async () => {
    const env = { SKILLCACHE_DB: 'env.db', SKILLCACHE_RUN_TIMEOUT_MS: '7' };
    expect(await setting('path', { configFile, env, db: 'flag.db' })).toMatchObject({
      value: 'flag.db',
      source: 'flag',
      origin: '--db',
    });
    expect(await setting('path', { configFile, env })).toMatchObject({ value: 'env.db', source: 'env' });
    expect(await setting('run.timeoutMs', { configFile, env })).toMatchObject({
      value: 7,
      origin: 'SKILLCACHE_RUN_TIMEOUT_MS',
    });
    expect(await setting('path', { configFile })).toMatchObject({ value: 'file.db', origin: configFile });
    expect(await setting('path', { env: { SKILLCACHE_CONFIG: configFile } })).toMatchObject({
      value: 'file.db',
    });
  });

  test('is what the library is opened with', async () => {
    const env = { SKILLCACHE_SECURITY_KNOWN_GLOBALS: 'bot, mcData', SKILLCACHE_READONLY: 'true' };
    const { options } = await readSettings({ env, configFile, db: ':memory:' });
    expect(options).toEqual({
      path: ':memory:',
      readonly: true,
      run: { timeoutMs: 5 },
      security: { knownGlobals: ['bot', 'mcData'] },
    });
  });

  test('a variable of our kind that sets nothing is named', async () => {
    const env = {
      SKILLCACHE_RUN_TIMEOUT: '5',
      SKILLCACHE_DB: 'a.db',
      SKILLCACHE_CONFIG: '',
      SKILLCACHE_WEBHOOK_SECRET: 'secret',
      SKILLCACHE_READONLY: 'true',
    };
    expect((await readSettings({ env })).unknownVariables).toEqual(['SKILLCACHE_RUN_TIMEOUT']);
  });

  test('an empty variable is none', async () => {
    expect(await setting('path', { env: { SKILLCACHE_DB: '' } })).toMatchObject({ source: 'default' });
  });
});

describe('what is refused', () => {
  const refusal = async (input: Partial<SettingsInput>) => readSettings({ env: {}, ...input });

  test('an unknown key, with the file, the key and what was expected', async () => {
    const path = file('unknown.json', '{"run":{"timeout":5},"colour":1}');
    const refused = refusal({ configFile: path });
    await expect(refused).rejects.toThrow(ConfigurationError);
    await expect(refused).rejects.toThrow(`${path}: `);
    await expect(refused).rejects.toThrow(
      /run\.timeout: unknown option; expected one of timeoutMs, memoryBytesMax/,
    );
    await expect(refused).rejects.toThrow(/colour: unknown option; expected one of path, readonly, store/);
  });

  test('a key that every object has by birth', async () => {
    const path = file('proto.json', '{"constructor":{"name":1}}');
    await expect(refusal({ configFile: path })).rejects.toThrow('constructor: unknown option');
  });

  test('a value out of its bounds, with the file or variable', async () => {
    const path = file('bounds.json', '{"run":{"timeoutMs":0}}');
    await expect(refusal({ configFile: path })).rejects.toThrow(/bounds\.json: run\.timeoutMs: .*>=1/);
    for (const value of ['soon', '1.5', ' ', '-1']) {
      await expect(refusal({ env: { SKILLCACHE_RUN_TIMEOUT_MS: value } })).rejects.toThrow(
        /^SKILLCACHE_RUN_TIMEOUT_MS: run\.timeoutMs: /,
      );
    }
    await expect(refusal({ env: { SKILLCACHE_READONLY: 'yes' } })).rejects.toThrow(/^SKILLCACHE_READONLY: /);
    await expect(refusal({ db: '' })).rejects.toThrow('path');
  });

  test('a file that is no JSON, no object, a folder, or missing', async () => {
    await expect(refusal({ configFile: file('broken.json', '{\n  "a"\n}') })).rejects.toThrow(
      /broken\.json is not JSON: line 3, column 1: /,
    );
    await expect(refusal({ configFile: file('list.json', '[]') })).rejects.toThrow('expected a JSON object');
    await expect(refusal({ configFile: folder })).rejects.toThrow('cannot be read: it is a folder');
    await expect(refusal({ configFile: join(folder, 'none.json') })).rejects.toThrow(FileNotFoundError);
  });
});

describe('config/default.json', () => {
  const path = new URL('../../config/default.json', import.meta.url);
  const text = readFileSync(path, 'utf8');

  test('states every default that does not follow the number of cores', () => {
    const { $schema, ...stated } = JSON.parse(text) as Record<string, unknown>;
    const { store, workers, ...rest } = programSchema.parse({});
    const { max: _readers, ...readers } = store.readers;
    const { max: _workers, concurrency: _concurrency, ...otherWorkers } = workers;
    expect($schema).toBe('./schema.json');
    expect(stated).toEqual({ ...rest, store: { ...store, readers }, workers: otherWorkers });
  });

  test('can be given as a configuration file', async () => {
    const { list } = await readSettings({ env: {}, configFile: path.pathname });
    expect(list.filter(({ source }) => source !== 'default').length).toBeGreaterThan(30);
  });
});
