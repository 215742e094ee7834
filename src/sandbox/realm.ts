/**
 * A fresh `node:vm` realm for each run. It is tidiness: the kernel is what holds. All that skill code
 * can name is made inside the realm; the host's functions are reached by the harness alone, take and
 * give primitives, and are dead once the run is over.
 */
import { types } from 'node:util';
import { constants, createContext, Script, type Context } from 'node:vm';
import { isJsonPure } from './codec-pure.ts';
import { CODEC_SOURCE } from './codec.ts';
import type { CompiledProgram } from './compiled-program.ts';
import { NO_ENGINE_GRANTS, type EngineGrants, type TaskGrants, type TaskHeader } from './protocol.ts';
import { makeBroker } from './realm-broker.ts';
import { makeClock } from './realm-clock.ts';
import { makeClones } from './realm-clones.ts';
import { makeConsole } from './realm-console.ts';
import { makeEvents } from './realm-events.ts';
import { guardHost, hideFrames } from './realm-guard.ts';
import { makeHarness } from './realm-harness.ts';
import type { RealmHarness, RealmHost } from './realm-host.ts';
import type { RealmPart } from './realm-parts.ts';
import { makeText } from './realm-text.ts';
import { makeTimers } from './realm-timers.ts';
import { makeUrl } from './realm-url.ts';
import { makeWaits } from './realm-waits.ts';

export interface RealmEnd {
  succeed(output: string): void;
  /** JSON of an outcome without its figures. */
  fail(outcome: string): void;
  log(text: string): void;
  ask(header: string, body: string, isText: boolean): boolean;
  withhold(name: string): void;
  /** A timer of the skill's fired. */
  turned(): void;
}

interface Booted {
  readonly harness: RealmHarness;
  /** Fires a timer. */
  fire(id: number): void;
  /** Makes a part of the globals. */
  provide(part: RealmPart): void;
  /** Sets what the run is given to be repeatable: NaN for none. */
  seed(random: number, nowMs: number): void;
  /** Takes randomness, or the clock, away. */
  withhold(random: boolean, clock: boolean): void;
  /** Makes `fetch`, `files`. */
  grant(fetch: boolean, files: boolean): void;
  /** The parent's answer to a request: a `ReplyHeader` as JSON, and its bytes as characters. */
  reply(header: string, body: string): void;
}

/**
 * The realm's own names come and go here; everything else is the JavaScript standard library. A
 * finalizer would be called after its realm is over, so none ever is, which the language allows.
 */
const BOOT = new Script(
  `(function (bare, hasWasm, hasShared, hasStackGetter) {
    'use strict';
    const host = (${guardHost})(bare);
    const codec = ${CODEC_SOURCE}(host);
    const harness = (${makeHarness})(host, codec, hasStackGetter);
    (${hideFrames})(harness.isOwn);
    let timers;
    let clock;
    let broker;
    const parts = {
      __proto__: null,
      console: () => (${makeConsole})(host),
      text: () => (${makeText})(),
      clones: () => (${makeClones})(codec),
      url: () => (${makeUrl})(host),
      timers: () => { timers ??= (${makeTimers})(host, harness); },
      events: () => { parts.timers(); (${makeEvents})(timers, harness.reject); },
      clock: () => { clock ??= (${makeClock})(host); },
    };
    globalThis.FinalizationRegistry = class FinalizationRegistry { register() {} unregister() { return false; } };
    if (!hasWasm) delete globalThis.WebAssembly;
    if (!hasShared) delete globalThis.SharedArrayBuffer;
    // WebAssembly's memories can be shared too.
    if (hasShared || hasWasm) { parts.timers(); (${makeWaits})(timers); }
    return {
      __proto__: null,
      harness,
      fire: (id) => timers.fire(id),
      provide: (part) => parts[part](),
      seed: (random, nowMs) => { parts.clock(); clock.seed(random, nowMs); },
      withhold: (random, time) => { parts.clock(); clock.withhold(random, time); },
      grant: (fetch, files) => { broker = (${makeBroker})(host, fetch, files); },
      reply: (header, body) => broker.reply(header, body),
    };
  })`,
  { filename: 'realm' },
);

/** Whether the engine gives stacks by a getter: asked here once, where each realm would format a stack to know. */
const HAS_STACK_GETTER = Object.getOwnPropertyDescriptor(new Error(), 'stack')?.get !== undefined;

export class Realm {
  readonly #timers = new Map<number, NodeJS.Timeout>();
  readonly #booted: Booted;
  #end: RealmEnd | undefined;
  #startedAt = 0;

  constructor(engine: EngineGrants = NO_ENGINE_GRANTS) {
    // An ordinary global object: with interceptors on it, each use of a global's name costs 100 times as much.
    const context: Context = createContext(constants.DONT_CONTEXTIFY, {
      codeGeneration: { strings: engine.eval, wasm: engine.wasm },
    });
    const boot = BOOT.runInContext(context) as (
      host: RealmHost,
      hasWasm: boolean,
      hasShared: boolean,
      hasStackGetter: boolean,
    ) => Booted;
    this.#context = context;
    this.#booted = boot(this.#host(), engine.wasm, engine.sharedMemory, HAS_STACK_GETTER);
  }
  readonly #context: Context;

  /** Comes once, before the run. */
  load({ units, parts }: CompiledProgram): void {
    for (const part of parts) this.#booted.provide(part);
    for (const { script, text } of units) {
      this.#booted.harness.addUnit(script.runInContext(this.#context), text);
    }
  }

  /** Starts the run; `end` hears of its end once, at once or later. */
  run(task: TaskHeader, data: string, end: RealmEnd): void {
    this.#end = end;
    this.#startedAt = performance.now();
    if (task.seed !== undefined || task.nowMs !== undefined)
      this.#booted.seed(task.seed ?? NaN, task.nowMs ?? NaN);
    if (task.grants !== undefined) this.#grant(task.grants, task);
    this.#booted.harness.run(data, task.outputBytesMax);
  }

  /** The parent's answer to a request of this realm's; after the run nobody hears it. */
  reply(header: string, body: string): void {
    if (this.#end !== undefined) this.#booted.reply(header, body);
  }

  #grant({ fetch, files, random, clock }: TaskGrants, { seed, nowMs }: TaskHeader): void {
    // What is repeatable need not be withheld.
    const withheld = [!random && seed === undefined, !clock && nowMs === undefined] as const;
    if (withheld.includes(true)) this.#booted.withhold(...withheld);
    if (fetch || files) this.#booted.grant(fetch, files);
  }

  /** A rejection that nobody handles. */
  reject(thrown: unknown): void {
    this.#booted.harness.reject(thrown);
  }

  /** Whether a timer of the skill's is still to come. */
  get hasTimers(): boolean {
    return this.#timers.size > 0;
  }

  /** Nothing is left that could run. */
  starve(): void {
    this.#booted.harness.starve();
  }

  /** Nothing of the realm runs again but what is already queued, and nobody listens to that. */
  #close(): RealmEnd | undefined {
    const end = this.#end;
    this.#end = undefined;
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
    return end;
  }

  #host(): RealmHost {
    const timers = this.#timers;
    const host: RealmHost & { __proto__: null } = {
      __proto__: null,
      isProxy: types.isProxy,
      isJsonPure,
      log: (text) => this.#end?.log(text),
      startTimer: (id, ms) => {
        if (this.#end === undefined) return;
        const fire = () => {
          timers.delete(id);
          if (this.#end === undefined) return;
          this.#booted.fire(id);
          this.#end?.turned();
        };
        timers.set(id, setTimeout(fire, ms));
      },
      stopTimer: (id) => {
        clearTimeout(timers.get(id));
        timers.delete(id);
      },
      elapsedMs: () => performance.now() - this.#startedAt,
      randomBytes: (count) => crypto.getRandomValues(Buffer.alloc(count)).toString('latin1'),
      url: (part, value, base) => urlParts(part, value, base),
      ask: (header, body, isText) => this.#end?.ask(header, body, isText) ?? true,
      utf8: (bytes) => Buffer.from(bytes, 'latin1').toString('utf8'),
      withhold: (name) => this.#end?.withhold(name),
      succeed: (output) => this.#close()?.succeed(output),
      fail: (outcome) => this.#close()?.fail(outcome),
    };
    return host;
  }
}

const SETTABLE = new Set([
  'href',
  'protocol',
  'username',
  'password',
  'host',
  'hostname',
  'port',
  'pathname',
  'search',
  'hash',
]);

function urlParts(part: string, value: string, base: string): string {
  let url: URL;
  try {
    if (part === '') url = base === '' ? new URL(value) : new URL(value, base);
    else url = new URL(base);
    if (SETTABLE.has(part)) (url as unknown as Record<string, string>)[part] = value;
  } catch {
    return '';
  }
  const { href, origin, protocol, username, password, host, hostname, port, pathname, search, hash } = url;
  return JSON.stringify({
    href,
    origin,
    protocol,
    username,
    password,
    host,
    hostname,
    port,
    pathname,
    search,
    hash,
  });
}
