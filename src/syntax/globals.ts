/** What names and modules stand for: the lists that the capability report goes by. */
import type { CapabilityFlag } from './capability-flags.ts';

const words = (text: string): string[] => text.trim().split(/\s+/);

/** Names by which the global object goes. */
export const GLOBAL_OBJECTS: ReadonlySet<string> = new Set(words('globalThis global window self'));

/** ECMAScript's own globals. */
const LANGUAGE = words(`
  AggregateError Array ArrayBuffer AsyncDisposableStack Atomics BigInt BigInt64Array BigUint64Array Boolean
  DataView Date DisposableStack Error EvalError FinalizationRegistry Float16Array Float32Array Float64Array
  Function Infinity Int8Array Int16Array Int32Array Intl Iterator JSON Map Math NaN Number Object Promise Proxy
  RangeError ReferenceError Reflect RegExp Set SharedArrayBuffer String SuppressedError Symbol SyntaxError
  Temporal TypeError URIError Uint8Array Uint8ClampedArray Uint16Array Uint32Array WeakMap WeakRef WeakSet
  decodeURI decodeURIComponent encodeURI encodeURIComponent escape eval globalThis isFinite isNaN parseFloat
  parseInt undefined unescape arguments`);

/** Globals that web-interoperable runtimes share (WinterTC), and Node's two of long standing. */
const WEB = words(`
  AbortController AbortSignal Blob BroadcastChannel Buffer ByteLengthQueuingStrategy CompressionStream
  CountQueuingStrategy Crypto CryptoKey CustomEvent DOMException DecompressionStream Event EventSource
  EventTarget File FormData Headers MessageChannel MessageEvent MessagePort Navigator Performance
  ReadableByteStreamController ReadableStream ReadableStreamBYOBReader ReadableStreamBYOBRequest
  ReadableStreamDefaultController ReadableStreamDefaultReader Request Response SubtleCrypto TextDecoder
  TextDecoderStream TextEncoder TextEncoderStream TransformStream TransformStreamDefaultController URL
  URLPattern URLSearchParams WebAssembly WebSocket WritableStream WritableStreamDefaultController
  WritableStreamDefaultWriter atob btoa clearImmediate clearInterval clearTimeout console crypto fetch
  navigator performance queueMicrotask reportError setImmediate setInterval setTimeout structuredClone`);

/** What a CommonJS module is given, and the names that raise a flag of their own. */
const PROVIDED = words(`
  __dirname __filename exports global module process require self window
  RTCPeerConnection ShadowRealm SharedWorker WebTransport Worker XMLHttpRequest importScripts
  scheduler cancelAnimationFrame requestAnimationFrame requestIdleCallback`);

/** Other runtimes' own globals: known for what they reach, and not there. */
export const FOREIGN_NAMES: ReadonlySet<string> = new Set(['Bun', 'Deno']);

/** Free names that are not undeclared. */
export const STANDARD_NAMES: ReadonlySet<string> = new Set([...LANGUAGE, ...WEB, ...PROVIDED]);

/** Globals that may be written without being the runtime's: CommonJS hands them out to be set. */
export const MODULE_NAMES: ReadonlySet<string> = new Set(
  words('module exports require __dirname __filename'),
);

/** Globals that are namespaces, not functions. */
export const NAMESPACES: ReadonlySet<string> = new Set(
  words('Atomics Intl JSON Math Reflect Temporal WebAssembly console crypto navigator performance process'),
);

type FlagTable = ReadonlyMap<string, readonly CapabilityFlag[]>;

function table(lines: Readonly<Record<string, string>>): FlagTable {
  const map = new Map<string, CapabilityFlag[]>();
  for (const [flag, names] of Object.entries(lines)) {
    for (const name of words(names)) {
      const flags = map.get(name) ?? [];
      flags.push(flag as CapabilityFlag);
      map.set(name, flags);
    }
  }
  return map;
}

/** What naming a global, or a member of one, amounts to. */
export const PATH_FLAGS: FlagTable = table({
  'child-process': 'Deno.Command Deno.run Bun.spawn Bun.spawnSync',
  env: 'process.env process.loadEnvFile import.meta.env Deno.env Bun.env module:process.env',
  'environment-dependent': `navigator.appVersion navigator.connection navigator.deviceMemory
    navigator.geolocation navigator.hardwareConcurrency navigator.language navigator.languages
    navigator.maxTouchPoints navigator.onLine navigator.platform navigator.userAgent navigator.userAgentData`,
  eval: 'eval',
  fs: `Deno.readFile Deno.readTextFile Deno.writeFile Deno.writeTextFile Deno.open Deno.remove Bun.file Bun.write
    process.chdir`,
  native: `process.binding process._linkedBinding process.dlopen module:process.binding module:process.dlopen
    Deno.dlopen`,
  net: `fetch EventSource RTCPeerConnection WebSocket WebTransport XMLHttpRequest navigator.sendBeacon
    Deno.connect Deno.listen Deno.serve Bun.serve Bun.connect importScripts`,
  nondeterminism: `Math.random Date.now performance crypto.getRandomValues crypto.randomUUID
    crypto.subtle.generateKey Temporal.Now WeakRef FinalizationRegistry process.cpuUsage process.hrtime
    process.memoryUsage process.resourceUsage process.uptime
    module:crypto.randomBytes module:crypto.randomFill module:crypto.randomFillSync module:crypto.randomInt
    module:crypto.randomUUID module:crypto.getRandomValues module:crypto.pseudoRandomBytes
    module:crypto.generateKey module:crypto.generateKeySync module:crypto.generateKeyPair
    module:crypto.generateKeyPairSync module:crypto.generatePrime module:crypto.generatePrimeSync
    module:crypto.createDiffieHellman module:perf_hooks.monitorEventLoopDelay`,
  process: 'process Deno.exit Deno.pid Deno.kill',
  'proto-access': 'Object.getPrototypeOf Reflect.getPrototypeOf',
  'proto-write': 'Object.setPrototypeOf Reflect.setPrototypeOf',
  'shared-memory': 'Atomics SharedArrayBuffer',
  timers: `setTimeout setInterval setImmediate requestAnimationFrame requestIdleCallback scheduler
    AbortSignal.timeout`,
  vm: 'ShadowRealm',
  wasm: 'WebAssembly',
  worker: 'Worker SharedWorker navigator.serviceWorker',
});

/** What loading a module amounts to; Node's own, and packages that exist for one such thing. */
const MODULE_FLAGS: FlagTable = table({
  'child-process': 'child_process cluster execa cross-spawn shelljs zx node-pty',
  env: 'dotenv dotenv/config',
  'environment-dependent': 'os',
  fs: 'fs fs/promises sqlite fs-extra graceful-fs glob rimraf mkdirp fast-glob globby chokidar',
  native: 'bindings node-gyp-build ffi ffi-napi ref-napi koffi ffi-rs node-ffi ffi-rs node-addon-api',
  net: `net http https http2 dgram tls dns dns/promises _http_agent _http_client _http_server _tls_wrap
    axios node-fetch cross-fetch isomorphic-fetch got ws request superagent undici ky needle express fastify
    koa socket.io socket.io-client node:quic ssh2 nodemailer`,
  nondeterminism: 'uuid nanoid',
  process: 'process repl inspector inspector/promises',
  timers: 'timers timers/promises',
  vm: 'vm repl vm2 isolated-vm',
  wasm: 'wasi',
  worker: 'worker_threads piscina tinypool workerpool threads',
});

const NO_FLAGS: readonly CapabilityFlag[] = [];

/** A specifier without what does not change its meaning: `node:fs` → `fs`, `undici/x` → `undici`. */
export function moduleName(specifier: string): string {
  const name = specifier.startsWith('node:') ? specifier.slice(5) : specifier;
  if (MODULE_FLAGS.has(name) || name.startsWith('.') || name.startsWith('@')) return name;
  return name.split('/', 1)[0] ?? name;
}

export function flagsOfModule(specifier: string): readonly CapabilityFlag[] {
  const path = specifier.split(/[?#]/, 1)[0] ?? '';
  if (path.endsWith('.node')) return ['native'];
  if (path.endsWith('.wasm')) return ['wasm'];
  if (/^https?:/.test(specifier)) return ['net'];
  return MODULE_FLAGS.get(moduleName(specifier)) ?? NO_FLAGS;
}

export function flagsOfPath(path: string): readonly CapabilityFlag[] {
  return PATH_FLAGS.get(path) ?? NO_FLAGS;
}

/** Paths that are the same thing under another name. */
export const SAME_PATH: ReadonlyMap<string, string> = new Map([
  ['process.default', 'process'],
  ['process.mainModule', 'module'],
  ['require.main', 'module'],
  ['module.parent', 'module'],
  ['module.require', 'require'],
  ['module.constructor', 'module:module'],
  ['module.children', 'module'],
  ['module:module.Module', 'module:module'],
  ['module:module.prototype.require', 'require'],
  ['module:module._load', 'require'],
  ['module:buffer.Buffer', 'Buffer'],
  ['module:crypto.webcrypto', 'crypto'],
  ['module:crypto.subtle', 'crypto.subtle'],
  ['module:perf_hooks.performance', 'performance'],
  ['module:process.mainModule', 'module'],
  ['module:process.getBuiltinModule', 'process.getBuiltinModule'],
  ['module:url.URL', 'URL'],
  ['module:util.TextEncoder', 'TextEncoder'],
]);
