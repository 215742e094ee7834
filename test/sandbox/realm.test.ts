import { afterAll, describe, expect, test } from 'vitest';
import { dispatcher, programOf, run } from '../workers/runs.ts';

const workers = dispatcher();
afterAll(() => workers.close(0));

/** The body of a function, evaluated in a realm and here. */
async function both(body: string): Promise<{ inRealm: unknown; here: unknown }> {
  const { output } = await run(workers, `export default async () => { ${body} };`);
  // oxlint-disable-next-line typescript/no-implied-eval, no-new-func
  const here: unknown = await (new Function(`return (async () => { ${body} })()`) as () => unknown)();
  return { inRealm: output, here };
}

describe("a realm's web globals do what Node's do", () => {
  test.each([
    [
      'URL: parts',
      `const u = new URL('../b?x=1&y=%20z#h', 'https://user:pw@exämple.com:8080/a/c');
      return [u.href, u.origin, u.protocol, u.host, u.hostname, u.port, u.pathname, u.search, u.hash, u.username, u.password, String(u), JSON.stringify(u)]`,
    ],
    [
      'URL: setters',
      `const u = new URL('http://a/b'); u.protocol = 'https'; u.host = 'c:99'; u.pathname = '/ü'; u.search = 'q=1'; u.hash = 'z'; u.searchParams.set('q', '2 3'); u.searchParams.append('r', '&'); u.port = '1'; return u.href`,
    ],
    [
      'URL: failures',
      `const out = []; for (const t of ['', 'x', '//a', 'http://', 'http://a b']) { try { out.push(new URL(t).href) } catch (e) { out.push(e instanceof TypeError) } } return [out, URL.canParse('a:b'), URL.canParse('b')]`,
    ],
    [
      'URLSearchParams',
      `const p = new URLSearchParams('?b=2&a=1&b=%20+%zz&c'); p.append('é', "~!*()'&=+"); p.delete('a'); p.sort(); p.set('b', 'x'); return [String(p), [...p], p.getAll('b'), p.has('c'), p.get('no'), p.size, String(new URLSearchParams({ x: 1, y: 'ü' })), String(new URLSearchParams([['k', 'v']]))]`,
    ],
    [
      'TextEncoder',
      `const e = new TextEncoder(); const target = new Uint8Array(5); return [e.encode('aé€😀\\ud800x'), e.encode(), e.encodeInto('a😀é', target), target, e.encoding]`,
    ],
    [
      'TextDecoder',
      `const d = (bytes, ...given) => { try { return new TextDecoder(...given).decode(new Uint8Array(bytes)) } catch (e) { return e.name } };
      return [d([0xef, 0xbb, 0xbf, 97]), d([0xef, 0xbb, 0xbf, 97], 'utf-8', { ignoreBOM: true }), d([0xff, 97, 0xe2, 0x82, 98, 0xf0, 0x9f, 0x98, 0x80, 0xed, 0xa0, 0x80]), d([0xff], 'utf8', { fatal: true }), d([97, 0, 0x3d, 0xd8, 0, 0xde], 'utf-16le'), d([0xe9, 97], 'latin1'), d([1], 'nonsense')]`,
    ],
    [
      'TextDecoder in pieces',
      `const d = new TextDecoder(); return [0xe2, 0x82, 0xac, 0xf0, 0x9f, 0x98, 0x80, 0xe2].map((b) => d.decode(new Uint8Array([b]), { stream: true })).join('') + d.decode()`,
    ],
    [
      'atob and btoa',
      `const t = (f) => { try { return f() } catch (e) { return e.name } }; return [btoa('hello'), btoa(''), btoa('\\xff\\x00a'), t(() => btoa('€')), atob(' aGVs\\nbG8= '), atob('YQ'), t(() => atob('a')), t(() => atob('?'))]`,
    ],
    [
      'structuredClone',
      `const a = { d: new Date(1), m: new Map([[1, { x: -0 }]]), r: /x/gi, u: undefined }; a.self = a; const c = structuredClone(a); const t = (f) => { try { return f() } catch (e) { return e.name } }; return [c !== a, c.self === c, c.d, [...c.m], t(() => structuredClone(() => 1))]`,
    ],
    [
      'AbortController',
      `const c = new AbortController(); const seen = []; c.signal.addEventListener('abort', (e) => seen.push(e.type), { once: true }); c.signal.onabort = () => seen.push('on'); c.abort('why'); c.abort(); let thrown; try { c.signal.throwIfAborted() } catch (e) { thrown = e } return [seen, c.signal.aborted, c.signal.reason, thrown, AbortSignal.abort().reason.name, AbortSignal.any([c.signal]).aborted]`,
    ],
    [
      'AbortSignal.timeout',
      `const s = AbortSignal.timeout(5); await new Promise((r) => s.addEventListener('abort', r)); return [s.aborted, s.reason.name]`,
    ],
    [
      'timers and microtasks',
      `const out = []; queueMicrotask(() => out.push('m')); clearTimeout(setTimeout(() => out.push('never'), 1)); await new Promise((r) => setTimeout((x) => { out.push(x); setTimeout((y) => { out.push(y); r(); }, 5, 'b'); }, 1, 'a')); return out`,
    ],
    [
      'crypto',
      `return [/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(crypto.randomUUID()), crypto.getRandomValues(new Uint16Array(3)).length, new Set([1, 2, 3].map(() => crypto.randomUUID())).size]`,
    ],
    ['performance', `const t = performance.now(); return [typeof t, performance.now() >= t]`],
    [
      'Intl and dates in any zone',
      `const d = new Date(Date.UTC(2026, 0, 31, 12)); return [d.toLocaleString('ja', { timeZone: 'Pacific/Chatham', dateStyle: 'full', timeStyle: 'long' }), (1234567.891).toLocaleString('hi'), ['ä', 'z', 'a'].sort(new Intl.Collator('sv').compare), new Intl.ListFormat('ar').format(['a', 'b']), new Intl.NumberFormat('de', { style: 'currency', currency: 'CHF' }).format(1.5)]`,
    ],
  ])('%s', async (_name, body) => {
    const { inRealm, here } = await both(body);
    expect(inRealm).toEqual(here);
  });

  test('console writes lines a person can read', async () => {
    const program = programOf(`
      console.log('a %s of %d and %j%%', 'word', 4.5, { x: 1 }, [1, 'two', null]);
      console.error(new Map([['k', new Set([1n])]]), { d: new Date(0), f() {}, get g() { return 1 }, n: -0 });
      console.group('group'); console.info(undefined); console.groupEnd(); console.warn(new TypeError('bad'), Symbol('s'));
      class Point { x = 1 } const loop = {}; loop.loop = loop; console.debug(new Point(), loop);
      export const result = 1;`);
    const { logs } = await run(workers, program);
    expect(logs.split('\n')).toEqual([
      'a word of 4.5 and {"x":1}% [ 1, "two", null ]',
      'Map(1) { "k" => Set(1) { 1n } } { d: 1970-01-01T00:00:00.000Z, f: [Function f], g: [Getter], n: -0 }',
      'group',
      '  undefined',
      'TypeError: bad Symbol(s)',
      'Point { x: 1 } { loop: { loop: { loop: { loop: { loop: [Object] } } } } }',
      '',
    ]);
  });
});

test('code that the engine cannot compile fails when it is run, and says why', async () => {
  const code = 'export default () => /(?<a>x)(?<a>y)(?<a>z)/.test("a");';
  const failed = run(workers, code);
  await expect(failed).rejects.toMatchObject({
    code: 'SKILL_RUNTIME',
    message: expect.stringContaining('SyntaxError: Invalid regular expression') as string,
  });
  expect((await run(workers, 'export default () => 1;')).output).toBe(1);
});
