import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { drawsRandom } from '../../src/sandbox/realm-parts.ts';
import { dispatcher, run } from '../workers/runs.ts';

const program = fileURLToPath(new URL('../../dist/sandbox/freeze.js', import.meta.url));
const OURS = `const { freezeIntrinsics } = await import(${JSON.stringify(program)}); freezeIntrinsics();`;

/** What a process of its own says, after it was frozen by Node's flag or by us. */
function inProcess(by: 'node' | 'us', code: string, ...flags: string[]): unknown {
  const all = [...flags, ...(by === 'node' ? ['--frozen-intrinsics', '--no-warnings'] : [])];
  const text = `${by === 'us' ? OURS : ''}\n${code}`;
  return JSON.parse(
    execFileSync(process.execPath, [...all, '--input-type=module', '-e', text], { encoding: 'utf8' }),
  );
}

/** The ways to all that is frozen, from the names of the language. */
const FROZEN = `
const { createContext, runInContext } = await import('node:vm');
const names = runInContext('Reflect.ownKeys(globalThis)', createContext()).filter((name) =>
  typeof name === 'string' && name !== 'globalThis' && name !== 'console');
const seen = new Set();
const frozen = [];
const waiting = names.map((name) => [name, globalThis[name]]);
for (const [name, kind] of [['generator', function* () {}], ['async', async () => {}], ['asyncGenerator', async function* () {}], ['values', [].values()]])
  waiting.push([name, Reflect.getPrototypeOf(kind)]);
while (waiting.length > 0) {
  const [way, value] = waiting.shift();
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null || seen.has(value)) continue;
  seen.add(value);
  if (Object.isFrozen(value)) frozen.push(way);
  waiting.push([way + '.[[Prototype]]', Reflect.getPrototypeOf(value)]);
  for (const key of Reflect.ownKeys(value)) {
    const { value: own, get, set } = Reflect.getOwnPropertyDescriptor(value, key);
    // Node makes accessors of methods; what they give is meant.
    let of = own;
    if (get !== undefined) { try { of = Reflect.get(value, key); } catch {} }
    waiting.push([way + '.' + String(key), of]);
  }
}
console.log(JSON.stringify(frozen));`;

test('all that Node freezes is frozen', () => {
  const byNode = inProcess('node', FROZEN) as string[];
  const byUs = new Set(inProcess('us', FROZEN) as string[]);
  expect(byNode.length).toBeGreaterThan(500);
  expect(byNode.filter((way) => !byUs.has(way))).toEqual([]);
});

test("what inherits from it can still be assigned, and it cannot, not even by another realm's hand", () => {
  const code = `
class Failure extends Error { constructor(message) { super(message); this.name = 'Failure'; this.message = message + '!'; } }
const own = {};
for (const name of ['constructor', 'hasOwnProperty', 'toLocaleString', 'toString', 'valueOf']) own[name] = name;
const failure = new Failure('no');
const refused = [];
for (const change of [
  () => { Object.prototype.toString = 1; },
  () => { Error.prototype.name = 1; },
  () => { Object.prototype.more = 1; },
  () => { Array.prototype.push = 1; },
  () => { delete Promise.prototype.then; },
  () => { Object.setPrototypeOf(Function.prototype, {}); },
  () => { Function.prototype.call.own = 1; },
  () => { Object.defineProperty(Object.prototype, 'constructor', { value: 1 }); },
]) try { change(); refused.push(false); } catch (error) { refused.push(error instanceof TypeError); }
const { createContext, runInContext } = await import('node:vm');
refused.push(runInContext('"use strict"; try { theirs.prototype.own = 1; false } catch { true }', createContext({ theirs: Array })));
console.log(JSON.stringify({ own, text: String(failure), keys: Object.keys(failure), refused, name: new TypeError('x').name }));`;
  expect(inProcess('us', code)).toEqual({
    own: {
      constructor: 'constructor',
      hasOwnProperty: 'hasOwnProperty',
      toLocaleString: 'toLocaleString',
      toString: 'toString',
      valueOf: 'valueOf',
    },
    text: 'Failure: no!',
    keys: ['name'],
    refused: Array(9).fill(true),
    name: 'TypeError',
  });
});

/** V8's own names of them; `%` is read only with the flag. */
test("the engine's short cuts for arrays, iterators and promises stay", () => {
  const code = `
const kept = ['ArraySpecies', 'ArrayIterator', 'MapIterator', 'SetIterator', 'StringIterator', 'PromiseSpecies']
  .filter((name) => { try { return (0, eval)('%' + name + 'Protector()'); } catch { return true; } });
console.log(JSON.stringify(kept.length));`;
  expect(inProcess('us', code, '--allow-natives-syntax')).toBe(6);
  expect(inProcess('node', code, '--allow-natives-syntax')).toBeLessThan(6);
});

test.each([
  ['Math.round(1) + Math.max(2, 3)', false],
  ['[1].map((x) => x + 1)', false],
  ['Math.random()', true],
  ['const { random } = Math;', true],
  ['Math["ran" + "dom"]()', true],
  ['Math /* */ .random()', true],
  ['Math\n.floor(1)', true],
  ['M\\u0061th.floor(1)', true],
  ['globalThis["Ma" + "th"]', true],
])('%s draws random numbers: %s', (source, draws) => {
  expect(drawsRandom(['1', source])).toBe(draws);
});

test('the first worker of a library, made in haste, knows every locale and zone', async () => {
  const body = `const date = new Date(1e12);
return [
  ...['UTC', 'Asia/Kathmandu', 'America/New_York', 'Pacific/Apia'].map((timeZone) => date.toLocaleString('de', { timeZone, timeZoneName: 'long' })),
  (1234.5).toLocaleString('ar-EG'), ['z', 'ä', 'a'].sort(new Intl.Collator('sv').compare), 'e\\u0301'.normalize('NFC'),
  new Intl.PluralRules('pl').select(5), new Intl.ListFormat('ja').format(['a', 'b', 'c']),
  new Intl.RelativeTimeFormat('fi').format(-1, 'day'), new Intl.DisplayNames('fr', { type: 'region' }).of('CH'),
  [...new Intl.Segmenter('th', { granularity: 'word' }).segment('สวัสดีครับ')].length, new URL('https://äö.example/').href,
  /\\p{Script=Greek}/u.test('α'), typeof crypto.randomUUID(), Intl.supportedValuesOf('timeZone').length,
]`;
  const workers = dispatcher({ min: 0, max: 1 });
  try {
    const { output, report } = await run(workers, `export default () => { ${body} };`);
    expect(report.start).toBe('cold');
    // oxlint-disable-next-line typescript/no-implied-eval, no-new-func
    expect(output).toEqual((new Function(body) as () => unknown)());
  } finally {
    await workers.close(0);
  }
});
