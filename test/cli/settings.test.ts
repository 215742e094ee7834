import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
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

  test('a variable of our kind that sets nothing and is like no option is named', async () => {
    const env = {
      SKILLCACHE_SERVICE_HOST: '10.0.0.1',
      SKILLCACHE_PORT_7433_TCP: 'tcp://10.0.0.1:7433',
      SKILLCACHE_LOG: '/var/log/client.log',
      SKILLCACHE_KEY: 'sk_',
      SKILLCACHE_RUN_TIMEOUT: '',
      SKILLCACHE_DB: 'a.db',
      SKILLCACHE_CONFIG: '',
      SKILLCACHE_WEBHOOK_SECRET: 'secret',
      SKILLCACHE_READONLY: 'true',
    };
    expect((await readSettings({ env })).unknownVariables).toEqual([
      'SKILLCACHE_SERVICE_HOST',
      'SKILLCACHE_PORT_7433_TCP',
      'SKILLCACHE_LOG',
    ]);
  });

  test('a variable that is a misspelt option is refused, with what was meant', async () => {
    for (const [name, said] of [
      ['SKILLCACHE_RUN_TIMEOUT', 'did you mean SKILLCACHE_RUN_TIMEOUT_MS?'],
      ['SKILLCACHE_SANDBX_REQUIRE', 'did you mean SKILLCACHE_SANDBOX_REQUIRE?'],
      ['SKILLCACHE_READ_ONLY', 'did you mean SKILLCACHE_READONLY?'],
      ['SKILLCACHE_HTTP_HOSST_FILE', 'did you mean SKILLCACHE_HTTP_HOST'],
      ['SKILLCACHE_LOG_VERBOSITY', 'expected one of SKILLCACHE_LOG_LEVEL, SKILLCACHE_LOG_REDACT'],
    ] as const) {
      const refused = readSettings({ env: { [name]: '5' } });
      await expect(refused).rejects.toThrow(ConfigurationError);
      await expect(refused).rejects.toThrow(`${name}: unknown option; ${said}`);
    }
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

  test('a file that is no JSON, no object, an empty folder, or missing', async () => {
    await expect(refusal({ configFile: file('broken.json', '{\n  "a"\n}') })).rejects.toThrow(
      /broken\.json is not JSON: line 3, column 1: /,
    );
    await expect(refusal({ configFile: file('list.json', '[]') })).rejects.toThrow('expected a JSON object');
    await expect(refusal({ configFile: folder })).rejects.toThrow(
      'has no default.json, development.json or local.json',
    );
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

describe('a folder', () => {
  const fill = (name: string, files: Record<string, string>): string => {
    const path = join(folder, name);
    mkdirSync(path);
    for (const [file, text] of Object.entries(files)) writeFileSync(join(path, file), text);
    return path;
  };

  test('is read in the order of node-config, and each value names its file', async () => {
    const path = fill('conf', {
      'default.json':
        '{"run":{"timeoutMs":1,"logBytesMax":1,"outputBytesMax":1,"memoryBytesMax":20000000},"http":{"port":1}}',
      'production.json': '{"run":{"logBytesMax":2,"outputBytesMax":2}}',
      'local.json': '{"run":{"outputBytesMax":3}}',
      'custom-environment-variables.json':
        '{"http":{"port":"HTTP_TEST_PORT","host":"SKILLCACHE_HTTP_ADDRESS"}}',
      'default.js': 'process.exit(9)',
    });
    process.env['HTTP_TEST_PORT'] = '4';
    try {
      const env = {
        NODE_ENV: 'production',
        SKILLCACHE_RUN_MEMORY_BYTES_MAX: '30000000',
        SKILLCACHE_HTTP_ADDRESS: '127.0.0.1',
      };
      const { list } = await readSettings({ env, configFile: path });
      const of = (key: string): unknown[] => {
        const { value, source, origin } = list.find((setting) => setting.key === key) ?? {};
        return [value, source, origin];
      };
      expect(of('run.timeoutMs')).toEqual([1, 'file', join(path, 'default.json')]);
      expect(of('run.logBytesMax')).toEqual([2, 'file', join(path, 'production.json')]);
      expect(of('run.outputBytesMax')).toEqual([3, 'file', join(path, 'local.json')]);
      expect(of('http.port')).toEqual([4, 'env', join(path, 'custom-environment-variables.json')]);
      expect(of('run.memoryBytesMax')).toEqual([30_000_000, 'env', 'SKILLCACHE_RUN_MEMORY_BYTES_MAX']);
      process.env['HTTP_TEST_PORT'] = 'none';
      await expect(readSettings({ env, configFile: path })).rejects.toThrow(
        /^HTTP_TEST_PORT \(.*http\.port: /,
      );
    } finally {
      delete process.env['HTTP_TEST_PORT'];
    }
  });

  test('with a wrong file names the file, the key and what was expected', async () => {
    const wrong = fill('wrong', { 'default.json': '{}', 'local.json': '{"http":{"prot":1}}' });
    await expect(readSettings({ env: {}, configFile: wrong })).rejects.toThrow(
      /local\.json: http\.prot: unknown option; expected one of host, port/,
    );
    const broken = fill('broken', { 'default.json': '{' });
    await expect(readSettings({ env: {}, configFile: broken })).rejects.toThrow(/default\.json is not JSON/);
  });

  test('of ours names every option’s variable', async () => {
    const { list } = await readSettings({ env: {} });
    const text = readFileSync(
      new URL('../../config/custom-environment-variables.json', import.meta.url),
      'utf8',
    );
    const named: unknown[] = [];
    JSON.parse(text, (_key, value: unknown) => (typeof value === 'string' ? named.push(value) : value));
    expect(named.toSorted()).toEqual(list.map(({ variable }) => variable).toSorted());
    const ours = fileURLToPath(new URL('../../config', import.meta.url));
    const { program } = await readSettings({ env: { NODE_ENV: 'production' }, configFile: ours });
    expect(program.sandbox.require).toBe('kernel');
  });
});

test('a variable may be in a file of its own', async () => {
  const secret = file('secret', '77\n');
  const { program, list, unknownVariables } = await readSettings({
    env: { SKILLCACHE_HTTP_PORT_FILE: secret },
  });
  expect(program.http.port).toBe(77);
  expect(list.find(({ key }) => key === 'http.port')?.origin).toBe('SKILLCACHE_HTTP_PORT_FILE');
  expect(unknownVariables).toEqual([]);
  await expect(readSettings({ env: { SKILLCACHE_HTTP_PORT_FILE: `${secret}-none` } })).rejects.toThrow(
    'no such',
  );
});
