/**
 * Ways out of a realm that have worked somewhere: against vm2, `node:vm`, isolated-vm's wrappers, and
 * Node's permission model. Each is the body of a function; it returns 'ESCAPED' if it won: it holds a
 * function of the host that makes code, the host's `process`, a file, a descriptor, or another run's data.
 * `worksNaively`: it wins against a plain `node:vm` context with host functions in it.
 */
export interface Attack {
  readonly name: string;
  readonly code: string;
  readonly worksNaively?: boolean;
}

/** `won(f)`: whether `f` is a `Function` constructor that reaches the host's process. */
export const PRELUDE = `
const won = (F) => { try { const p = F('return process')(); return p && p.versions ? 'ESCAPED' : 'no'; } catch { return 'no'; } };
const viaCtor = (o) => { try { return won(o.constructor.constructor); } catch { return 'no'; } };
const isForeign = (o) => o !== null && (typeof o === 'object' || typeof o === 'function') && !(o instanceof Object) && Object.getPrototypeOf(o) !== null;
`;

const viaFunction = (name: string, expression: string, worksNaively = false): Attack => ({
  name: `the constructor of ${name}`,
  code: `return viaCtor(${expression});`,
  worksNaively,
});

const absent = (name: string): Attack => ({
  name: `the name ${name}`,
  code: `try { return typeof ${name} === 'undefined' ? 'no' : 'ESCAPED'; } catch { return 'no'; }`,
});

export const ATTACKS: readonly Attack[] = [
  // Everything that is provided, taken by its constructor.
  viaFunction('the global object', 'globalThis', true),
  viaFunction('console', 'console', true),
  viaFunction('console.log', 'console.log', true),
  viaFunction('setTimeout', 'setTimeout', true),
  viaFunction('a timer', 'setTimeout(() => {}, 0)', true),
  viaFunction('URL', 'URL', true),
  viaFunction('a URL', 'new URL("http://a/?b=1").searchParams'),
  viaFunction('TextEncoder', 'TextEncoder'),
  viaFunction('an encoded text', 'new TextEncoder().encode("x").buffer', true),
  viaFunction('structuredClone', 'structuredClone', true),
  viaFunction('a clone', 'structuredClone({ a: 1 })', true),
  viaFunction('crypto', 'crypto.randomUUID'),
  viaFunction('performance', 'performance.now'),
  viaFunction('AbortController', 'new AbortController().signal'),
  viaFunction('queueMicrotask', 'queueMicrotask', true),
  viaFunction('inputs', 'inputs', true),
  viaFunction('an input array', 'inputs.list', true),
  viaFunction('an input date', 'inputs.date', true),
  viaFunction('context', 'context', true),
  viaFunction('the arguments', 'arguments'),
  // Names that a realm must not have.
  ...[
    'process',
    'require',
    'module',
    'exports',
    '__dirname',
    'Buffer',
    'global',
    'fetch',
    'WebSocket',
    'Worker',
    'SharedArrayBuffer',
    'WebAssembly',
    'setImmediate',
    'setInterval',
    'navigator',
    'host',
    'harness',
    'codec',
    'internalBinding',
    'primordials',
  ].map(absent),
  // Errors that the host makes.
  {
    name: 'an error of a host function',
    code: 'try { new URL("::"); } catch (e) { return viaCtor(e); } return "no";',
    worksNaively: true,
  },
  {
    name: 'an error of atob',
    code: 'try { atob("%"); } catch (e) { return viaCtor(e); } return "no";',
    worksNaively: true,
  },
  {
    name: 'an error of structuredClone',
    code: 'try { structuredClone(() => 1); } catch (e) { return viaCtor(e); } return "no";',
    worksNaively: true,
  },
  {
    name: 'an error of getRandomValues',
    code: 'try { crypto.getRandomValues({}); } catch (e) { return viaCtor(e); } return "no";',
  },
  {
    name: 'a stack overflow inside a host function',
    code: `let found = 'no';
      const dig = (n) => { try { dig(n + 1); } catch { try { performance.now(); new URL('http://a'); console.log('x'); crypto.randomUUID(); } catch (e) { if (viaCtor(e) === 'ESCAPED' || isForeign(e)) found = 'ESCAPED'; } } };
      dig(0); return found;`,
  },
  {
    name: 'an error with a Symbol name',
    code: 'const e = new Error(); e.name = Symbol(); try { e.stack; } catch (f) { return viaCtor(f); } return "no";',
    worksNaively: true,
  },
  {
    name: 'an error with a Symbol name, thrown in a promise',
    code: 'const e = new Error(); e.name = Symbol(); const f = async () => e.stack; return f().then(() => "no", (g) => viaCtor(g));',
    worksNaively: true,
  },
  {
    name: 'a proxied error name',
    code: 'const e = new Error(); e.name = { toString: new Proxy(() => "", { apply(t, self, args) { throw args.constructor.constructor; } }) }; try { e.stack; } catch (F) { return won(F); } return "no";',
  },
  // Stack traces.
  {
    name: 'prepareStackTrace with call sites',
    code: `let found = 'no';
      Error.prepareStackTrace = (e, sites) => { for (const s of sites) { const f = s.getFunction?.(); const t = s.getThis?.(); if ((f && won(f.constructor) === 'ESCAPED') || (t && viaCtor(t) === 'ESCAPED')) found = 'ESCAPED'; } if (viaCtor(sites) === 'ESCAPED') found = 'ESCAPED'; return ''; };
      new Error().stack; try { null.x; } catch (e) { e.stack; } return found;`,
  },
  {
    name: 'prepareStackTrace on Object.prototype',
    code: 'let found = "no"; Object.prototype.prepareStackTrace = (e, s) => { found = viaCtor(s); return s; }; new Error().stack; return found;',
  },
  {
    name: 'captureStackTrace with a setter',
    code: 'let found = "no"; const o = {}; Error.captureStackTrace(o); found = viaCtor(o.stack); return found;',
  },
  {
    name: 'the path of the harness in a stack',
    code: 'return /node:|file:|\\/dist\\/|sandbox/.test(new Error().stack) ? "ESCAPED" : "no";',
    worksNaively: true,
  },
  {
    name: 'the callers of a function',
    code: 'function f() { try { return f.caller; } catch { return null; } } const c = f(); return c && viaCtor(c) === "ESCAPED" ? "ESCAPED" : "no";',
  },
  {
    name: 'arguments.callee.caller',
    code: 'try { return viaCtor(arguments.callee.caller); } catch { return "no"; }',
  },
  // Code from text.
  {
    name: 'eval',
    code: 'try { return eval("1") === 1 ? "ESCAPED" : "no"; } catch { return "no"; }',
    worksNaively: true,
  },
  {
    name: 'Function',
    code: 'try { return Function("return 1")() === 1 ? "ESCAPED" : "no"; } catch { return "no"; }',
    worksNaively: true,
  },
  {
    name: 'an async generator constructor',
    code: 'try { return (async function* () {}).constructor("yield 1") ? "ESCAPED" : "no"; } catch { return "no"; }',
    worksNaively: true,
  },
  {
    name: 'a timer of text',
    code: 'try { setTimeout("globalThis.x = 1", 0); } catch { return "no"; } return new Promise((r) => setTimeout(() => r(globalThis.x ? "ESCAPED" : "no"), 20));',
  },
  {
    name: 'Reflect.construct of Function',
    code: 'try { return Reflect.construct(Function, ["return 1"])() ? "ESCAPED" : "no"; } catch { return "no"; }',
    worksNaively: true,
  },
  {
    name: 'the realm of a bound function',
    code: 'try { return won(setTimeout.bind(null).constructor); } catch { return "no"; }',
    worksNaively: true,
  },
  // Promises, thenables, species.
  {
    name: 'Promise.prototype.then replaced',
    code: 'let found = "no"; const then = Promise.prototype.then; Promise.prototype.then = function (a, b) { if (viaCtor(this) === "ESCAPED" || (a && viaCtor(a) === "ESCAPED")) found = "ESCAPED"; return then.call(this, a, b); }; return (async () => { await null; await new Promise((r) => setTimeout(r, 1)); return found; })();',
  },
  {
    name: 'a thenable answer that keeps its callbacks',
    code: 'return { then(ok, bad) { ok(won(ok.constructor) === "ESCAPED" || won(bad.constructor) === "ESCAPED" ? "ESCAPED" : "no"); } };',
  },
  {
    name: 'a species constructor',
    code: 'let found = "no"; class P extends Promise { constructor(f) { super((a, b) => { if (won(a.constructor) === "ESCAPED") found = "ESCAPED"; f(a, b); }); } } return P.resolve(1).then(() => found);',
  },
  {
    name: 'a proxy trap called by the host',
    code: 'let found = "no"; const trap = (...a) => { for (const x of a) if (x && isForeign(x)) found = "ESCAPED"; }; const h = new Proxy({}, { get: (t, k) => (...a) => { trap(...a); return Reflect[k](...a); } }); const p = new Proxy({}, h); try { console.log(p); structuredClone(p); } catch {} return found;',
  },
  {
    name: 'toString called by the host',
    code: 'let found = "no"; const spy = { toString: new Proxy(() => "http://a", { apply(t, self, args) { if (viaCtor(args) === "ESCAPED") found = "ESCAPED"; return "http://a"; } }) }; new URL(spy); return found;',
  },
  {
    name: 'an inspect hook',
    code: 'let found = "no"; console.log({ [Symbol.for("nodejs.util.inspect.custom")]: (d, o, inspect) => { if (inspect && won(inspect.constructor) === "ESCAPED") found = "ESCAPED"; return ""; } }); return found;',
    worksNaively: true,
  },
  {
    name: 'a rejection handler hook',
    code: 'let found = "no"; Object.prototype.emit = function (...a) { if (viaCtor(a) === "ESCAPED") found = "ESCAPED"; }; Promise.reject(1).catch(() => {}); return found;',
  },
  {
    name: 'setters on Array.prototype',
    code: 'let found = "no"; for (const i of [0, 1, 2, 3]) Object.defineProperty(Array.prototype, i, { configurable: true, get() {}, set(v) { if (v && typeof v !== "string" && (viaCtor(v) === "ESCAPED" || isForeign(v))) found = "ESCAPED"; } }); try { new URL("http://a/?b=c"); console.log("x", 1); crypto.randomUUID(); structuredClone({ a: [1] }); } catch {} for (const i of [0, 1, 2, 3]) delete Array.prototype[i]; return found;',
  },
  {
    name: 'a finalizer after the run',
    code: 'globalThis.r = new FinalizationRegistry(() => { throw new Error("alive"); }); r.register({}, 1); return "no";',
  },
  {
    name: 'Symbol.hasInstance of the host',
    code: 'let found = "no"; Object.defineProperty(Object, Symbol.hasInstance, { value: (x) => { if (viaCtor(x) === "ESCAPED") found = "ESCAPED"; return true; } }); try { new URL("x:y"); structuredClone(new Date()); } catch {} return found;',
  },
  {
    name: 'valueOf of a timeout',
    code: 'let found = "no"; setTimeout(() => {}, { valueOf(...a) { if (viaCtor(a) === "ESCAPED") found = "ESCAPED"; return 1; } }); return found;',
  },
  {
    name: 'Intl across realms',
    code: 'return viaCtor(Intl.DateTimeFormat.prototype.resolvedOptions.call(new Intl.DateTimeFormat()));',
  },
  {
    name: 'shared memory by wasm',
    code: 'try { return new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true }).buffer ? "ESCAPED" : "no"; } catch { return "no"; }',
    worksNaively: true,
  },
  {
    name: 'shared memory by a clone',
    code: 'try { return structuredClone(new SharedArrayBuffer(1)) ? "ESCAPED" : "no"; } catch { return "no"; }',
    worksNaively: true,
  },
  {
    name: 'the harness by its own hidden names',
    code: 'for (const key of Reflect.ownKeys(globalThis)) { try { const v = globalThis[key]; if (typeof v === "function" && /proc|host|bridge|channel/i.test(String(key))) return "ESCAPED"; } catch {} } return "no";',
  },
  {
    name: 'a forged frame in a log',
    code: 'console.log("\\u0000\\u0000\\u0000\\u0000\\u0005\\u0001"); return "no";',
  },
  {
    name: 'a getter on the answer',
    code: 'const answer = { get x() { return 1 } }; try { return typeof structuredClone(answer).x === "number" && false ? "ESCAPED" : "no"; } catch { return "no"; }',
  },
];
