/** What a run is given beside computing: by a real server, in real files, and nothing above it. */
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SecurityValidationError, SkillCacheError, SkillRuntimeError } from '../../src/errors.ts';
import { SkillLibrary } from '../../src/library.ts';
import type { RunOptions } from '../../src/run-options.ts';
import type { GrantUse, RunReport } from '../../src/workers/dispatch-types.ts';

const SECRET = 'a-secret-that-nobody-reads';
const seen: string[] = [];
const server = createServer((request, response) => void serve(request, response));
const root = mkdtempSync(join(tmpdir(), 'skillcache-grants-'));
let port = 0;
let library: SkillLibrary;

async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = request.url ?? '';
  seen.push(`${request.method} ${url}`);
  const to = /^\/to\?(.*)$/.exec(url)?.[1];
  if (to !== undefined) return void response.writeHead(302, { location: decodeURIComponent(to) }).end();
  if (url === '/loop') return void response.writeHead(307, { location: '/loop' }).end();
  if (url === '/large') return void response.end(Buffer.alloc(3_000_000));
  if (url === '/never') return;
  if (url === '/cut') {
    response.writeHead(200, { 'content-length': 100 }).write('half');
    return void setImmediate(() => response.destroy());
  }
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  const body = Buffer.concat(chunks).toString('latin1');
  response.setHeader('x-echo', String(request.headers['x-own'] ?? request.headers.authorization ?? ''));
  response.end(JSON.stringify({ method: request.method, url, headers: request.headers, body }));
}

beforeAll(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  port = (server.address() as AddressInfo).port;
  process.env['GRANTS_TEST_SECRET'] = SECRET;
  library = await SkillLibrary.open({
    path: ':memory:',
    // Many programs: a process for each would take its time.
    workers: { isolation: 'library' },
    sandbox: {
      grants: {
        fetch: {
          hosts: ['localhost', '127.0.0.1'],
          ports: [port],
          methods: ['GET', 'POST'],
          bytesMax: 1_000_000,
          timeoutMs: 5_000,
          requestsMax: 10,
          privateAddresses: true,
        },
        files: { folders: [root], bytesMax: 10_000 },
        secrets: [{ name: 'TOKEN', env: 'GRANTS_TEST_SECRET', hosts: ['localhost'] }],
        wasm: true,
        eval: true,
        sharedMemory: true,
      },
    },
  });
});
afterAll(async () => {
  await library.close();
  server.closeAllConnections();
  server.close();
  delete process.env['GRANTS_TEST_SECRET'];
  rmSync(root, { recursive: true, force: true });
});

const FETCH: NonNullable<RunOptions['grants']> = { fetch: { hosts: ['localhost', '127.0.0.1'] } };

async function run(body: string, options: RunOptions = {}, inputs: object = {}): Promise<unknown> {
  const { output } = await library.runCode(codeOf(body), { port, ...inputs }, options);
  return output;
}
const codeOf = (body: string): string =>
  `let port = 0;\nexport default async (inputs) => { const at = (path) => \`http://localhost:\${port}\${path}\`; ${body} };`;

/** What the record of a run says of its grants. */
async function granted(body: string, options: RunOptions): Promise<{ output: unknown; use: GrantUse }> {
  const { id, output } = await library.runCode(codeOf(body), { port }, options);
  const record = await library.getRun(id);
  const report = record?.report as RunReport | undefined;
  return { output, use: report?.granted as GrantUse };
}

async function failure(body: string, options: RunOptions = {}): Promise<SkillCacheError> {
  try {
    await run(body, options);
  } catch (error) {
    if (error instanceof SkillCacheError) return error;
  }
  throw new Error('the run did not fail');
}
const told = (call: string): string =>
  `try { return await (${call}); } catch (error) { return error.message; }`;

describe('fetch', () => {
  test('is not there unless it is granted', async () => {
    expect(await run('return [typeof fetch, typeof files];')).toEqual(['undefined', 'undefined']);
    expect(await run('return [typeof fetch, typeof files];', { grants: FETCH })).toEqual([
      'function',
      'undefined',
    ]);
  });

  test('asks with method, headers and body, and reads the answer as text, JSON and bytes', async () => {
    const body = `
      const response = await fetch(at('/a?b=c'), { method: 'post', headers: { 'X-Own': 'mine' }, body: 'hé' });
      const { method, url, body, headers } = await response.json();
      const bytes = await (await fetch(at('/'), { method: 'POST', body: new Uint8Array([0, 255, 10]) })).bytes();
      let used; try { await response.text() } catch (error) { used = error.name }
      return [response.ok, response.status, response.headers.get('x-echo'), method, url, headers['x-own'], body, bytes instanceof Uint8Array, used];`;
    expect(await run(body, { grants: FETCH })).toEqual(
      [
        true,
        200,
        'mine',
        'mine',
        'POST',
        '/a?b=c',
        'mine',
        Buffer.from('hé').toString('latin1'),
        true,
        'TypeError',
      ].toSpliced(3, 1),
    );
  });

  test('several are under way at once, while timers go on', async () => {
    const body = `
      let ticks = 0, ticked;
      const third = new Promise((resolve) => { ticked = resolve; });
      const tick = () => { ticks += 1; if (ticks < 3) setTimeout(tick, 1); else ticked(); }; tick();
      const all = await Promise.all([1, 2, 3].map(async (n) => (await (await fetch(at('/' + n))).json()).url));
      await third;
      return [all, ticks];`;
    expect(await run(body, { grants: FETCH })).toEqual([['/1', '/2', '/3'], 3]);
  });

  test.each([
    ['another host', "'http://example.com/'", {}, 'the host example.com is not granted'],
    ['another port', "'http://localhost:1/'", {}, 'the port 1 is not granted'],
    ['another method', "at('/'), { method: 'DELETE' }", {}, 'the method DELETE is not granted'],
    [
      'a method that the call leaves out',
      "at('/'), { method: 'POST' }",
      { methods: ['GET'] },
      'the method POST is not granted',
    ],
    ['another scheme', "'file:///etc/passwd'", {}, 'the scheme file: is not granted'],
    ['data', "'data:,x'", {}, 'the scheme data: is not granted'],
    ['no URL', "'x'", {}, 'the URL is no URL'],
    ['credentials in the URL', "'http://a:b@localhost/'", {}, 'a URL with credentials'],
    ['a host header', "at('/'), { headers: { Host: 'x' } }", {}, 'the header host cannot be set'],
    [
      'a header that frames the message',
      "at('/'), { headers: [['Transfer-Encoding', 'chunked']] }",
      {},
      'the header transfer-encoding cannot be set',
    ],
    [
      'an unknown secret',
      "at('/'), { secretHeaders: { a: '$HOME' } }",
      {},
      'the secret HOME is not granted for localhost',
    ],
    [
      'a redirect to the metadata service',
      "at('/to?' + encodeURIComponent('http://169.254.169.254/latest/'))",
      {},
      'the host 169.254.169.254 is not granted',
    ],
    ['a redirect to a file', "at('/to?file:///etc/passwd')", {}, 'the scheme file: is not granted'],
    ['too large an answer', "at('/large')", {}, 'more than 1000000 bytes in one run'],
  ])('%s is refused: an error inside, an event in the record', async (_name, call, narrower, reason) => {
    const grants = { fetch: { hosts: ['localhost'], ...narrower } } as NonNullable<RunOptions['grants']>;
    const { output, use } = await granted(told(`fetch(${call}).then(() => 'ANSWERED')`), { grants });
    expect(output).toContain(`fetch failed: ${reason}`);
    expect(use.refusals).toBe(1);
    expect(use.refused[0]?.reason).toContain(reason);
  });

  test('what the network does is an error inside, and no event', async () => {
    for (const path of ['/cut']) {
      const { output, use } = await granted(told(`fetch(at('${path}')).then((r) => r.text())`), {
        grants: FETCH,
      });
      expect(output).toMatch(/^fetch failed: /);
      expect(use.refusals).toBe(0);
    }
  });

  test('a request has a deadline, and can be taken back', async () => {
    const grants = { fetch: { hosts: ['localhost'], timeoutMs: 100 } };
    expect(await run(told("fetch(at('/never'))"), { grants })).toBe('fetch failed: no answer within 100 ms');
    const abort = `const c = new AbortController(); setTimeout(() => c.abort(new Error('left')), 5); ${told("fetch(at('/never'), { signal: c.signal })")}`;
    expect(await run(abort, { grants: FETCH })).toBe('left');
  });

  test('the number of requests is bounded, redirects included', async () => {
    const grants = { fetch: { hosts: ['localhost'], requestsMax: 3 } };
    const loop = told("fetch(at('/to?' + encodeURIComponent(at('/to?/x'))))");
    expect(await run(`for (let i = 0; i < 2; i += 1) await fetch(at('/')); ${loop}`, { grants })).toContain(
      'more than 3 requests in one run',
    );
  });

  test('endless redirects end', async () => {
    const { output } = await granted(told("fetch(at('/loop'))"), { grants: FETCH });
    expect(output).toContain('more than 5 redirects');
  });

  test('a secret goes into a header by its name, to its hosts only, and is never read', async () => {
    const secret = `{ secretHeaders: { authorization: 'Bearer $TOKEN' } }`;
    const own = await run(
      `const r = await fetch(at('/s'), ${secret}); return [r.headers.get('x-echo'), await r.text()];`,
      { grants: FETCH },
    );
    expect(JSON.stringify(own)).toContain('Bearer ********');
    expect(JSON.stringify(own)).not.toContain(SECRET);
    const other = told(`fetch('http://127.0.0.1:' + port + '/', ${secret})`);
    expect(await run(other, { grants: FETCH })).toContain('the secret TOKEN is not granted for 127.0.0.1');
    const before = seen.length;
    const away = `const r = await fetch(at('/to?' + encodeURIComponent('http://127.0.0.1:' + port + '/away')), ${secret}); return (await r.json()).headers.authorization ?? 'none';`;
    expect(await run(away, { grants: FETCH })).toBe('none');
    expect(seen.slice(before)).toHaveLength(2);
  });

  test('requests that a run leaves behind end with it, and the next run works', async () => {
    const body = `if (inputs.leaves) { fetch(at('/never')); fetch(at('/never')); await fetch(at('/')); return 'left'; } return typeof fetch;`;
    expect(await run(body, { grants: FETCH }, { leaves: true })).toBe('left');
    expect(await run(body, { grants: FETCH })).toBe('function');
    expect(await run(body)).toBe('undefined');
  });

  test('private addresses are refused after the name was looked up, unless the operator allows them', async () => {
    await using strict = await SkillLibrary.open({
      path: ':memory:',
      sandbox: { grants: { fetch: { hosts: ['*'], ports: [port] } } },
    });
    for (const host of ['localhost', '127.0.0.1', '0x7f.1', '2130706433', '[::1]', '[::ffff:127.0.0.1]']) {
      const code = `let url = ''; export default async () => { ${told('fetch(url)')} };`;
      const { output } = await strict.runCode(
        code,
        { url: `http://${host}:${port}/private` },
        { grants: { fetch: { hosts: ['*'] } } },
      );
      expect(output, host).toMatch(/has the private address|ENOTFOUND|EAI_AGAIN/);
    }
    expect(seen.filter((one) => one.includes('/private'))).toEqual([]);
  });
});

describe('files', () => {
  test('named inputs are read and named outputs written, when the run succeeds', async () => {
    writeFileSync(join(root, 'in.txt'), 'hé');
    const grants = {
      files: { inputs: { data: join(root, 'in.txt') }, outputs: { report: join(root, 'out.txt') } },
    };
    const body = `
      await files.write('report', 'first');
      await files.write('report', new Uint8Array([111, 107]));
      return [await files.readText('data'), [...await files.read('data')]];`;
    expect(await run(body, { grants })).toEqual(['hé', [...Buffer.from('hé')]]);
    expect(readFileSync(join(root, 'out.txt'), 'utf8')).toBe('ok');
    rmSync(join(root, 'out.txt'));
    const error = await failure(`await files.write('report', 'half'); throw new Error('no');`, { grants });
    expect(error).toBeInstanceOf(SkillRuntimeError);
    expect(existsSync(join(root, 'out.txt'))).toBe(false);
    expect(readdirSync(root).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });

  test.each([
    ['a name that is not granted', "files.read('other')", 'the input file other is not granted'],
    ['an output as input', "files.read('report')", 'the input file report is not granted'],
    ['an input as output', "files.write('data', 'x')", 'the output file data is not granted'],
    ['a path', "files.read('/etc/passwd')", 'the input file /etc/passwd is not granted'],
    ['a name of the prototype', "files.read('constructor')", 'the input file constructor is not granted'],
    ['a link out of the folder', "files.read('link')", 'lies outside of what sandbox.grants.files allows'],
    [
      'a folder link for an output',
      "files.write('linked', 'x')",
      'lies outside of what sandbox.grants.files allows',
    ],
    ['a folder', "files.read('folder')", 'is no ordinary file'],
    ['more bytes than are left', "files.write('report', 'x'.repeat(20000))", 'too large'],
    [
      'more bytes in all',
      "(async () => { for (;;) await files.write('report', 'x'.repeat(4000)) })()",
      'more than 10000 bytes in one run',
    ],
    ['what does not exist', "files.read('missing')", 'ENOENT'],
  ])('%s is refused', async (_name, call, reason) => {
    rmSync(join(root, 'link'), { force: true });
    rmSync(join(root, 'away'), { force: true });
    mkdirSync(join(root, 'folder'), { recursive: true });
    symlinkSync('/etc/passwd', join(root, 'link'));
    symlinkSync(tmpdir(), join(root, 'away'));
    writeFileSync(join(root, 'in.txt'), 'in');
    const inputs = { data: 'in.txt', link: 'link', folder: 'folder', missing: 'missing' };
    const outputs = { report: 'out.txt', linked: 'away/skillcache-escaped.txt' };
    const placed = (names: Record<string, string>) =>
      Object.fromEntries(Object.entries(names).map(([name, path]) => [name, join(root, path)]));
    const grants = { files: { inputs: placed(inputs), outputs: placed(outputs) } };
    expect(await run(told(call), { grants })).toContain(reason);
    expect(existsSync(join(tmpdir(), 'skillcache-escaped.txt'))).toBe(false);
    expect(readdirSync(root).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });
});

describe('what the engine may', () => {
  test('code from strings, WebAssembly and shared memory are there where they are granted, and only there', async () => {
    const body =
      "const can = (f) => { try { return f() === true } catch { return false } }; return [can(() => eval('true')), can(() => typeof WebAssembly === 'object' && new WebAssembly.Module(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0])) instanceof WebAssembly.Module), can(() => typeof SharedArrayBuffer === 'function')];";
    for (const grants of [
      { eval: true },
      {},
      { wasm: true },
      { sharedMemory: true },
      undefined,
      { eval: true, wasm: true },
    ]) {
      const {
        eval: code = false,
        wasm = false,
        sharedMemory = false,
      } = (grants ?? {}) as Record<string, boolean>;
      // Shared memory comes with WebAssembly's memories too, but not by its name.
      expect(await run(body, grants ? { grants } : {})).toEqual([code, wasm, sharedMemory]);
    }
  });

  test('code made from strings reaches nothing of the host', async () => {
    const body = `
      const F = (async () => {}).constructor; const found = [];
      for (const make of [eval, (s) => new Function('return ' + s)(), (s) => F('return ' + s)()])
        found.push(await make('[typeof process, typeof require, this === globalThis || this === undefined]'));
      let host = 'closed';
      try { host = typeof console.log.constructor('return process')() } catch (error) { host = error.name }
      return [found, host];`;
    expect(await run(body, { grants: { eval: true } })).toEqual([
      Array.from({ length: 3 }, () => ['undefined', 'undefined', true]),
      'ReferenceError',
    ]);
  });

  test.each([
    ['with an end is waited for', 'Atomics.waitAsync(all, 0, 0, 50).value', 'timed-out'],
    ['that is woken ends at once', 'woken(Atomics.waitAsync(all, 0, 0, 1e9).value)', 'ok'],
    ['on another value does not begin', 'Atomics.waitAsync(all, 0, 1, 1e9).value', 'not-equal'],
    ['that nobody waits for does not keep the run', '(Atomics.waitAsync(all, 0, 0, 1e9), 1)', 1],
  ])('a wait on shared memory %s', async (_name, call, expected) => {
    const body = `
      const all = new Int32Array(new SharedArrayBuffer(4));
      const woken = (promise) => (Atomics.notify(all, 0), promise);
      return await ${call};`;
    expect(await run(body, { grants: { sharedMemory: true } })).toBe(expected);
  });

  test('a wait on shared memory that nobody can end is told at once', async () => {
    const body = 'return await Atomics.waitAsync(new Int32Array(new SharedArrayBuffer(4)), 0, 0).value;';
    const error = await failure(body, { grants: { sharedMemory: true } });
    expect(error.message).toContain('can never settle');
  });

  test('memory of WebAssembly and shared buffers is bounded as any', async () => {
    const limits = { memoryBytesMax: 64 * 1024 * 1024, timeoutMs: 10_000 };
    const fill = '.fill(1)';
    for (const [grant, take] of [
      ['wasm', `new Uint8Array(new WebAssembly.Memory({ initial: 256 }).buffer)${fill}`],
      ['sharedMemory', `new Uint8Array(new SharedArrayBuffer(16e6))${fill}`],
    ] as const) {
      const error = await failure(`const all = []; for (;;) all.push(${take});`, {
        ...limits,
        grants: { [grant]: true },
      });
      expect(['EXECUTION_MEMORY', 'SKILL_RUNTIME'], error.message).toContain(error.code);
      expect(await run('return 1;', { grants: { [grant]: true } })).toBe(1);
    }
  });
});

describe('randomness and the clock', () => {
  const uses = [
    ['random', 'Math.random()'],
    ['random', 'crypto.randomUUID()'],
    ['random', 'crypto.getRandomValues(new Uint8Array(1))'],
    ['clock', 'Date.now()'],
    ['clock', 'new Date()'],
    ['clock', 'Date()'],
    ['clock', 'performance.now()'],
    ['clock', "new Intl.DateTimeFormat('en').format()"],
    ['clock', "new Intl.DateTimeFormat('en').formatToParts()"],
  ] as const;
  test.each(uses)('without %s, %s is refused and noted', async (name, call) => {
    const { output, use } = await granted(told(call), { grants: { [name]: false } });
    expect(output).toBe(`the grant ${name} is withheld from this run`);
    expect(use).toMatchObject({ refusals: 1, refused: [{ request: name }] });
  });

  test('what was refused is told of a run that never answers too', async () => {
    const options = { grants: { random: false, clock: false }, timeoutMs: 500 };
    const body = `try { Math.random(); } catch {} try { Date.now(); } catch {} try { Date.now(); } catch {} for (;;);`;
    const error = (await run(body, options).catch((thrown: unknown) => thrown)) as SkillCacheError;
    expect(error.code).toBe('EXECUTION_TIMEOUT');
    const { granted: use } = error.details['report'] as { granted: GrantUse };
    expect(use.refused.map(({ request }) => request)).toEqual(['random', 'clock']);
  });

  test('with a seed and a time, all of them replay', async () => {
    const body = `return [${uses.map(([, call]) => call).join(', ')}, new Date(5).getTime()].map(String);`;
    const options = { seed: 7, now: '2026-01-01T00:00:00Z', grants: { random: false, clock: false } };
    const first = await run(body, options);
    expect(await run(body, options)).toEqual(first);
    expect(String(first)).toContain('1/1/2026');
  });
});

describe('who grants what', () => {
  test('a call cannot give more than sandbox.grants', async () => {
    await using bare = await SkillLibrary.open({ path: ':memory:' });
    for (const grants of [
      { fetch: { hosts: ['example.com'] } },
      { files: { inputs: { a: '/etc/passwd' } } },
      { wasm: true },
      { eval: true },
      { sharedMemory: true },
    ]) {
      await expect(bare.runCode('1', {}, { grants })).rejects.toThrow(SecurityValidationError);
    }
    await expect(library.runCode('1', {}, { grants: { fetch: { hosts: ['*'] } } })).rejects.toThrow(
      /fetch from \*/,
    );
    await expect(library.runCode('1', {}, { grants: { all: true } as never })).rejects.toThrow(/grants/);
  });

  test('a skill asks, the library decides, a call can take it back', async () => {
    const definition = {
      name: 'asks-the-web',
      description: 'Asks a server.',
      code: 'export default () => [typeof fetch, (() => { try { return eval("1") } catch { return 0 } })()];',
      capabilities: ['net', 'eval'],
      grants: { fetch: { hosts: ['localhost'] }, eval: true },
    };
    await library.add(definition);
    expect((await library.run('asks-the-web')).output).toEqual(['function', 1]);
    const { output } = await library.run('asks-the-web', {}, { grants: { fetch: false, eval: false } });
    expect(output).toEqual(['undefined', 0]);
    await using bare = await SkillLibrary.open({ path: ':memory:' });
    await bare.add(definition);
    expect((await bare.run('asks-the-web')).output).toEqual(['undefined', 0]);
  });

  test('what comes from outside is never answered from the cache', async () => {
    await library.add({
      name: 'claims-purity',
      description: 'Says that it is pure, and is not.',
      code: 'let n = 1; export default () => n;',
      pure: true,
    });
    const twice = async (options: RunOptions) => {
      await library.run('claims-purity', {}, options);
      return (await library.run('claims-purity', {}, options)).cached;
    };
    expect(await twice({})).toBe(true);
    expect(await twice({ grants: FETCH })).toBe(false);
    expect(await twice({ grants: { files: { inputs: {} } } })).toBe(false);
    expect(await twice({ grants: { wasm: true } })).toBe(true);
  });
});
