/**
 * More ways out: through each object that a realm makes or is given, each name that other hosts provide,
 * and the graph of everything that can be reached. Success is what `attacks.ts` says it is.
 */
import type { Attack } from './attacks.ts';

const OBJECTS: Readonly<Record<string, string>> = {
  'an iterator of a map': 'new Map([[1, 2]]).entries()',
  'an iterator of a string': "'x'[Symbol.iterator]()",
  'a generator': '(function* () {})()',
  'an async generator': '(async function* () {})()',
  'a promise': 'Promise.resolve()',
  'a revoked proxy':
    '(() => { const { proxy, revoke } = Proxy.revocable(() => {}, {}); revoke(); return proxy })()',
  'a proxy of globalThis': 'new Proxy(globalThis, {})',
  'the prototype of globalThis': 'Object.getPrototypeOf(globalThis)',
  'a registered symbol': "Object(Symbol.for('nodejs.util.inspect.custom'))",
  'what a weak reference holds': 'new WeakRef(inputs).deref()',
  'the cause of an error':
    "(() => { try { null.x } catch (cause) { return new Error('', { cause }).cause } })()",
  'an aggregate error': 'new AggregateError([new Error()]).errors[0]',
  'a match of a regular expression': "/a(?<g>.)/d.exec('ab').groups",
  'the indices of a match': "/a/d.exec('a').indices",
  'a view of a buffer': 'new DataView(new ArrayBuffer(8))',
  'a resizable buffer': 'new ArrayBuffer(8, { maxByteLength: 16 })',
  Atomics: 'Atomics.load',
  'the texts of a template': '((s) => s)`x`.raw',
  'the iterator of the arguments': '(function () { return arguments[Symbol.iterator]() })()',
  'a private class': '(class { static #x = 1; static has(o) { return #x in o } }).has',
  'a decoded text': 'Object(new TextDecoder().decode(new Uint8Array(1)))',
  'a decoder': 'new TextDecoder()',
  'an iterator of URLSearchParams': "new URLSearchParams('a=b').entries()",
  'a signal with a deadline': 'AbortSignal.timeout(1000)',
  'a joined signal': 'AbortSignal.any([AbortSignal.abort()])',
  'the reason of a signal': 'AbortSignal.abort().reason',
  'an event': "new Event('x')",
  'an event target': 'new EventTarget()',
  'filled bytes': 'crypto.getRandomValues(new Uint8Array(4))',
  'decoded base64': "Object(atob('eA=='))",
  'a cloned error': 'structuredClone(new TypeError())',
  'a cloned map': 'structuredClone(new Map([[{}, {}]]))',
  'a cloned pattern': 'structuredClone(/x/g)',
  'a number format': 'new Intl.NumberFormat()',
  'the parts of a date': 'new Intl.DateTimeFormat().formatToParts()',
  'a segment of a text': "new Intl.Segmenter().segment('a')[Symbol.iterator]()",
  'a bound console method': 'console.log.bind(console)',
  'a console group': 'console.group',
  'the caller of a getter': '({ get x() { return new Error() } }).x',
};

const NAMES = [
  'Deno',
  'Bun',
  'XMLHttpRequest',
  'EventSource',
  'BroadcastChannel',
  'MessageChannel',
  'MessagePort',
  'importScripts',
  'localStorage',
  'sessionStorage',
  'ShadowRealm',
  'gc',
  'd8',
  'print',
  'load',
  'read',
  'clearImmediate',
  'root',
  'DiagnosticChannel',
  'CompressionStream',
  'Response',
  'Headers',
  'CryptoKey',
  'PerformanceObserver',
];

/** Everything that properties, prototypes and accessors lead to: `check` sees each value once. */
const walk = (check: string): string => `
  const seen = new Set(); const queue = [globalThis, inputs, context, (function () { return arguments })()];
  try { null.x } catch (error) { queue.push(error) }
  try { new URL('::') } catch (error) { queue.push(error) }
  while (queue.length > 0) {
    const o = queue.pop();
    if (o === null || (typeof o !== 'object' && typeof o !== 'function') || seen.has(o)) continue;
    seen.add(o);
    ${check}
    try { queue.push(Object.getPrototypeOf(o)) } catch {}
    for (const key of Reflect.ownKeys(o)) {
      try { const d = Object.getOwnPropertyDescriptor(o, key); queue.push(d.value, d.get, d.set) } catch {}
    }
  }
  return 'no';`;

const GRAPH: readonly Attack[] = [
  {
    name: 'a constructor that makes code, anywhere in the graph',
    code: walk(`if (typeof o === 'function' && won(o) === 'ESCAPED') return 'ESCAPED';`),
    worksNaively: true,
  },
  {
    name: 'an object of another realm, anywhere in the graph',
    code: walk(
      `if (typeof o === 'function' && !(o instanceof Function) && o !== Function.prototype) return 'ESCAPED';`,
    ),
    worksNaively: true,
  },
  {
    name: 'an object with a process or a require, anywhere in the graph',
    code: walk(
      `if (Object.hasOwn(o, 'process') || Object.hasOwn(o, 'mainModule') || Object.hasOwn(o, 'binding')) return 'ESCAPED';`,
    ),
  },
  {
    name: 'the global object through sloppy this',
    code: 'const f = Array.prototype.map.call([0], function () { return this })[0]; return f === undefined ? "no" : "ESCAPED";',
  },
  {
    name: 'code from the constructor of an async function',
    code: 'try { return (async () => {}).constructor("return 1") ? "ESCAPED" : "no" } catch { return "no" }',
    worksNaively: true,
  },
  {
    name: 'code from the constructor of a generator',
    code: 'try { return (function* () {}).constructor("yield 1") ? "ESCAPED" : "no" } catch { return "no" }',
    worksNaively: true,
  },
  {
    name: 'indirect eval',
    code: 'try { return (0, eval)("1") === 1 ? "ESCAPED" : "no" } catch { return "no" }',
    worksNaively: true,
  },
  {
    name: 'a class that extends Function',
    code: 'try { return new (class extends Function {})("return 1")() ? "ESCAPED" : "no" } catch { return "no" }',
    worksNaively: true,
  },
  {
    name: 'Reflect.construct with another target',
    code: 'try { return Reflect.construct(Function, ["return 1"], Object)() ? "ESCAPED" : "no" } catch { return "no" }',
    worksNaively: true,
  },
  {
    name: 'WebAssembly from bytes',
    code: 'try { return new WebAssembly.Module(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0])) ? "ESCAPED" : "no" } catch { return "no" }',
    worksNaively: true,
  },
];

export const ATTACKS_BY_OBJECT: readonly Attack[] = [
  ...Object.entries(OBJECTS).map(([name, expression]) => ({
    name: `the constructor of ${name}`,
    code: `let o; try { o = ${expression} } catch { return 'no' } return viaCtor(o);`,
  })),
  ...NAMES.map((name) => ({
    name: `the name ${name} of another host`,
    code: `return typeof ${name} === 'undefined' ? 'no' : 'ESCAPED';`,
  })),
  ...GRAPH,
];
