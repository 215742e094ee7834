/**
 * `fetch` and `files`, where they are granted, made inside a realm: requests go to the parent, which does
 * them. Refers to nothing outside itself.
 */
import type { RealmHost } from './realm-host.ts';

export interface RealmBroker {
  /** A `ReplyHeader` as JSON, and its bytes as characters. */
  reply(header: string, body: string): void;
}

export function makeBroker(host: RealmHost, hasFetch: boolean, hasFiles: boolean): RealmBroker {
  'use strict';
  type Settle = (value: never) => void;
  interface Waiting {
    readonly resolve: Settle;
    readonly reject: Settle;
    readonly take: (reply: Reply, body: string) => unknown;
  }
  interface Reply {
    readonly id: number;
    readonly kind: string;
    readonly message: string;
    readonly status: number;
    readonly statusText: string;
    readonly url: string;
    readonly isRedirected: boolean;
    readonly headers: readonly (readonly [string, string])[];
  }
  interface Init {
    readonly method?: unknown;
    readonly headers?: unknown;
    readonly secretHeaders?: unknown;
    readonly body?: unknown;
    readonly signal?: AbortSignal | null;
  }
  const { apply } = Reflect;
  const { defineProperty, entries, freeze } = Object;
  const { parse, stringify } = JSON;
  const { TypeError, Promise, Map, Uint8Array, ArrayBuffer, String, Array } = globalThis;
  const { isView } = ArrayBuffer;
  const { fromCharCode } = String;
  const {
    charCodeAt: codeMethod,
    toLowerCase,
    toUpperCase,
  } = String.prototype as unknown as Record<'charCodeAt' | 'toLowerCase' | 'toUpperCase', () => unknown>;
  const {
    get,
    set,
    delete: remove,
  } = Map.prototype as unknown as Record<'get' | 'set' | 'delete', () => unknown>;
  const { subarray } = Uint8Array.prototype;
  const on = (method: unknown, self: unknown, ...args: unknown[]) =>
    apply(method as () => unknown, self, args);
  const CHUNK = 8_192;
  const waiting = new Map<number, Waiting>();
  let lastId = 0;
  const provide = (name: string, value: unknown) =>
    defineProperty(globalThis, name, {
      __proto__: null,
      value,
      writable: true,
      enumerable: false,
      configurable: true,
    } as PropertyDescriptor);

  /** One character a byte. */
  function characters(bytes: Uint8Array): string {
    let text = '';
    for (let at = 0; at < bytes.length; at += CHUNK)
      text += apply(fromCharCode, undefined, on(subarray, bytes, at, at + CHUNK) as number[]) as string;
    return text;
  }
  function bytesOf(text: string): Uint8Array {
    const bytes = new Uint8Array(text.length);
    for (let i = 0; i < text.length; i += 1) bytes[i] = on(codeMethod, text, i) as number;
    return bytes;
  }
  function bodyOf(body: unknown): { text: string; isText: boolean } {
    if (body === undefined || body === null) return { text: '', isText: true };
    if (body instanceof ArrayBuffer) return { text: characters(new Uint8Array(body)), isText: false };
    if (!isView(body)) return { text: String(body), isText: true };
    const { buffer, byteOffset, byteLength } = body;
    return { text: characters(new Uint8Array(buffer, byteOffset, byteLength)), isText: false };
  }
  function ask(request: object, body: { text: string; isText: boolean }, take: Waiting['take']) {
    lastId += 1;
    const id = lastId;
    const header = stringify({ __proto__: null, id, ...request });
    const answer = new Promise((resolve, reject) => {
      on(set, waiting, id, { resolve, reject, take });
    });
    if (!host.ask(header, body.text, body.isText)) throw new TypeError('the request is too large');
    return { id, answer };
  }
  function reply(header: string, body: string): void {
    const told = parse(header) as Reply;
    const found = on(get, waiting, told.id) as Waiting | undefined;
    if (found === undefined) return;
    on(remove, waiting, told.id);
    if (told.kind === 'refused') found.reject(new TypeError(told.message) as never);
    else found.resolve(found.take(told, body) as never);
  }

  /** Pairs of a list, of an object, or of what can be iterated in pairs. */
  function pairsOf(headers: unknown): [string, string][] {
    if (headers === undefined || headers === null) return [];
    const isListed = typeof (headers as Iterable<unknown>)[Symbol.iterator] === 'function';
    const given = isListed ? Array.from(headers as Iterable<[unknown, unknown]>) : entries(headers as object);
    const pairs: [string, string][] = [];
    for (let i = 0; i < given.length; i += 1) {
      const [name, value] = given[i] as [unknown, unknown];
      pairs[i] = [String(name), String(value)];
    }
    return pairs;
  }
  class Headers {
    readonly #pairs: readonly (readonly [string, string])[];
    constructor(pairs: readonly (readonly [string, string])[]) {
      this.#pairs = pairs;
    }
    get(name: unknown): string | null {
      const wanted = on(toLowerCase, String(name));
      let value: string | null = null;
      for (let i = 0; i < this.#pairs.length; i += 1) {
        const [own, text] = this.#pairs[i] as readonly [string, string];
        if (own === wanted) value = value === null ? text : `${value}, ${text}`;
      }
      return value;
    }
    has(name: unknown): boolean {
      return this.get(name) !== null;
    }
    forEach(callback: (value: string, name: string, all: Headers) => void): void {
      for (const [name, value] of this) callback(value, name, this);
    }
    *entries(): Generator<[string, string]> {
      for (let i = 0; i < this.#pairs.length; i += 1) {
        const [name, value] = this.#pairs[i] as readonly [string, string];
        yield [name, value];
      }
    }
    [Symbol.iterator](): Generator<[string, string]> {
      return this.entries();
    }
  }
  class Response {
    readonly status: number;
    readonly statusText: string;
    readonly url: string;
    readonly redirected: boolean;
    readonly ok: boolean;
    readonly headers: Headers;
    readonly #body: string;
    #isUsed = false;
    constructor(told: Reply, body: string) {
      this.status = told.status;
      this.statusText = told.statusText;
      this.url = told.url;
      this.redirected = told.isRedirected;
      this.ok = told.status >= 200 && told.status < 300;
      this.headers = new Headers(told.headers);
      this.#body = body;
    }
    get bodyUsed(): boolean {
      return this.#isUsed;
    }
    #take(): string {
      if (this.#isUsed) throw new TypeError('the body was read already');
      this.#isUsed = true;
      return this.#body;
    }
    async text(): Promise<string> {
      return host.utf8(this.#take());
    }
    async json(): Promise<unknown> {
      return parse(host.utf8(this.#take()));
    }
    async bytes(): Promise<Uint8Array> {
      return bytesOf(this.#take());
    }
    async arrayBuffer(): Promise<ArrayBufferLike> {
      return bytesOf(this.#take()).buffer;
    }
  }

  async function fetch(input: unknown, init: Init = {}): Promise<unknown> {
    const { signal } = init;
    if (signal?.aborted) throw signal.reason;
    const request = {
      kind: 'fetch',
      url: String(input),
      method: on(toUpperCase, String(init.method ?? 'GET')),
      headers: pairsOf(init.headers),
      secretHeaders: pairsOf(init.secretHeaders),
    };
    const { id, answer } = ask(request, bodyOf(init.body), (told, body) => new Response(told, body));
    const leave = () => {
      const found = on(get, waiting, id) as Waiting | undefined;
      if (found === undefined) return;
      on(remove, waiting, id);
      void ask({ kind: 'cancel', of: id }, bodyOf(undefined), () => undefined);
      found.reject(signal?.reason as never);
    };
    signal?.addEventListener('abort', leave, { once: true });
    return answer;
  }
  const files = freeze({
    async read(name: unknown): Promise<unknown> {
      return ask({ kind: 'read', name: String(name) }, bodyOf(undefined), (_, body) => bytesOf(body)).answer;
    },
    async readText(name: unknown): Promise<unknown> {
      return ask({ kind: 'read', name: String(name) }, bodyOf(undefined), (_, body) => host.utf8(body))
        .answer;
    },
    async write(name: unknown, data: unknown): Promise<unknown> {
      return ask({ kind: 'write', name: String(name) }, bodyOf(data), () => undefined).answer;
    },
  });
  if (hasFetch) provide('fetch', fetch);
  if (hasFiles) provide('files', files);
  return { reply };
}
