/** Labelled snippets, continued: what a second reader of the report found missing, and the benign twins. */
import type { Labelled } from './capability-table-reach.ts';

/** Names, modules, dates, patterns. */
export const REVIEWED: readonly Labelled[] = [
  // dates and the machine
  ['spread may be empty', 'nondeterminism', 'export default (...a) => new Date(...a);'],
  ['spread behind an argument', '', 'export default (y, ...a) => new Date(y, ...a);'],
  ['parsed in local time', 'environment-dependent', 'export default () => Date.parse("Jan 1 2020");'],
  ['date in local time', 'environment-dependent', 'export default () => new Date("2020-01-01T00:00:00");'],
  [
    'local time to an instant',
    'environment-dependent',
    'const d = new Date("2020-01-01 10:00"); export default () => d.getTime();',
  ],
  ['local time by fields', '', 'export default () => new Date("2020-01-01T00:00:00").getHours();'],
  ['parsed in UTC', '', 'export default () => Date.parse("2020-01-01T00:00:00Z");'],
  ['bare ISO date', '', 'export default () => new Date("2020-01-01").toISOString();'],
  ['offset', '', 'export default () => Date.parse("2020-01-01T00:00:00+02:00");'],
  ['American order', 'environment-dependent', 'export default () => Date.parse("01-02-2020");'],
  ['GMT', '', 'export default () => Date.parse("Thu, 01 Jan 1970 00:00:00 GMT");'],
  ['no date', '', 'export default () => Date.parse("soon");'],
  ['memory usage', 'nondeterminism process', 'export default () => process.memoryUsage();'],
  ['user agent', 'environment-dependent', 'export default () => navigator.userAgent;'],
  ['beacon alone', 'net', 'const { sendBeacon } = navigator; export default (u) => sendBeacon(u);'],
  ['service worker', 'worker', 'export default () => navigator.serviceWorker.register("x.js");'],
  ['Deno', 'env undeclared-global', 'export default () => Deno.env.get("A");'],
  ['Bun', 'env undeclared-global', 'export default () => Bun.env.A;'],
  ['Deno provided', 'env', 'export default () => Deno.env.get("A");', ['Deno']],
  ['Deno of the global', 'fs undeclared-global', 'export default () => globalThis.Deno.readTextFile("x");'],
  ['type of Deno', '', 'export default () => typeof Deno === "undefined";'],
  // prototypes
  ['old getter', 'proto-access', 'export default (o) => o.__lookupGetter__("a");'],
  ['old setter', 'proto-access', 'export default (o) => o.__lookupSetter__("a");'],
  ['by __proto__', 'proto-access proto-write', '({}).__proto__.x = 1; export default () => 1;'],
  ['by constructor', 'proto-access proto-write', '({}).constructor.prototype.x = 1; export default () => 1;'],
  ['array by constructor', 'proto-access', 'export default () => [].constructor.prototype;'],
  ['by name', 'proto-write', 'Array.prototype.x = 1; export default () => 1;'],
  ['looped over', 'proto-write', 'for (const C of [Array, Map]) C.prototype.x = 1; export default () => 1;'],
  ['looped over own', '', 'class A {} for (const C of [A]) C.prototype.x = 1; export default () => new A();'],
  ['global looped over', 'eval', 'export default (x) => { for (const g of [1, globalThis]) g.eval?.(x); };'],
  // patterns given as text
  ['text to match', 'regex-dos', 'export default (s) => s.match("(a+)+$");'],
  ['text to matchAll', 'regex-dos', 'export default (s) => [...s.matchAll("^(\\\\w+\\\\s?)*$")];'],
  ['text to search', 'regex-dos', 'const p = "(x+x+)+y"; export default (s) => s.search(p);'],
  ['harmless text to match', '', 'export default (s) => s.match("a+$");'],
  ['text to split', '', 'export default (s) => s.split("(a+)+$");'],
  ['text to replace', '', 'export default (s) => s.replace("(a+)+$", "");'],
  // memory, eval
  [
    'shared memory of WebAssembly',
    'shared-memory wasm',
    'export default () => new WebAssembly.Memory({ initial: 1, maximum: 2, shared: true });',
  ],
  [
    'own memory of WebAssembly',
    'wasm',
    'export default () => new WebAssembly.Memory({ initial: 1, shared: false });',
  ],
  ['global by eval', 'eval net', 'const g = (0, eval)("this"); export default (u) => g.fetch(u);'],
  // loops
  ['array as condition', 'infinite-loop', 'export default () => { while ([]) ; };'],
  ['object as condition', 'infinite-loop', 'export default () => { while ({}) ; };'],
  [
    'known object as condition',
    'infinite-loop',
    'const o = { a: 1 }; export default () => { do {} while (o); };',
  ],
  ['node as condition', '', 'export default (n) => { while (n) n = n.next; };'],
  ['array with an exit', '', 'export default () => { while ([]) { return 1; } };'],
  ['each other', 'infinite-loop', 'const f = () => g(); const g = () => f(); export default f;'],
  [
    'three in a circle',
    'infinite-loop',
    'function a() { return b(); } function b() { c(); } function c() { a(); } export default a;',
  ],
  [
    'each other with an end',
    '',
    'const even = (n) => n === 0 || odd(n - 1); const odd = (n) => n !== 0 && even(n - 1); export default even;',
  ],
  ['helper', '', 'const f = (x) => g(x) + 1; const g = (x) => x; export default f;'],
  [
    'continue in finally',
    'infinite-loop',
    'export default () => { while (true) { try { break; } finally { continue; } } };',
  ],
  [
    'helper that throws',
    '',
    'function stop(n) { if (n > 9) throw new Error("done"); } export default () => { let n = 0; while (true) stop(n++); };',
  ],
  [
    'helper that throws into a catch',
    'infinite-loop',
    'const stop = () => { throw 1; }; export default () => { for (;;) { try { stop(); } catch { /* again */ } } };',
  ],
];

/** In TypeScript. */
export const REVIEWED_TYPED: readonly Labelled[] = [
  ['only type specifiers', '', 'import { type Stats } from "node:fs"; export default (s: Stats) => s;'],
  [
    'type and value specifiers',
    'fs',
    'import { type Stats, statSync } from "node:fs"; export default (p: string): Stats => statSync(p);',
  ],
  ['exported type', '', 'export type { Stats } from "node:fs"; export default () => 1;'],
];
