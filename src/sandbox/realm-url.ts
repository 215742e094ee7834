/** `URL` and `URLSearchParams`, made inside a realm; the host parses, text in, text out. Refers to nothing outside itself. */
import type { RealmHost } from './realm-host.ts';

export function makeUrl(host: RealmHost): void {
  'use strict';
  type Pair = [name: string, value: string];
  const { defineProperty } = Object;
  const { parse } = JSON;
  const { TypeError, String, Symbol, Array } = globalThis;
  const { apply } = Reflect;
  const { isArray } = Array;
  const encode = globalThis.encodeURIComponent;
  const { replace, split, indexOf, slice } = String.prototype as unknown as Record<string, () => unknown>;
  const { decodeURIComponent } = globalThis;
  const { push, filter, sort, some, find, map, join } = Array.prototype as unknown as Record<
    string,
    () => never
  >;
  const use = (method: unknown, self: unknown, ...args: unknown[]) =>
    apply(method as () => never, self, args);
  const provide = (name: string, value: unknown) =>
    defineProperty(globalThis, name, {
      __proto__: null,
      value,
      writable: true,
      enumerable: false,
      configurable: true,
    } as PropertyDescriptor);

  /** application/x-www-form-urlencoded. */
  function encodeForm(text: string): string {
    const safe = use(
      replace,
      text,
      /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g,
      '\ufffd',
    ) as string;
    const escaped = use(replace, encode(safe), /[!'()~]/g, (c: string) =>
      c === '!' ? '%21' : c === "'" ? '%27' : c === '(' ? '%28' : c === ')' ? '%29' : '%7E',
    ) as string;
    return use(replace, escaped, /%20/g, '+') as string;
  }
  function decodeForm(text: string): string {
    const spaced = use(replace, text, /\+/g, ' ') as string;
    return use(replace, spaced, /(?:%[0-9a-f]{2})+/gi, (run: string) => {
      try {
        return decodeURIComponent(run);
      } catch {
        return use(replace, run, /%[89a-f][0-9a-f]/gi, '\ufffd');
      }
    }) as string;
  }
  function pairsOf(query: string): Pair[] {
    const text = query[0] === '?' ? (use(slice, query, 1) as string) : query;
    const parts = use(filter, use(split, text, '&'), (part: string) => part !== '') as string[];
    return use(map, parts, (part: string) => {
      const at = use(indexOf, part, '=') as number;
      if (at < 0) return [decodeForm(part), ''];
      return [decodeForm(use(slice, part, 0, at) as string), decodeForm(use(slice, part, at + 1) as string)];
    }) as Pair[];
  }

  class URLSearchParams {
    #pairs: Pair[] = [];
    #changed: ((query: string) => void) | undefined;
    constructor(init: unknown = '') {
      if (typeof init !== 'object' || init === null) this.#pairs = pairsOf(String(init));
      else if (typeof (init as Iterable<unknown>)[Symbol.iterator] === 'function') {
        for (const pair of init as Iterable<Iterable<unknown>>) {
          const both = isArray(pair) ? pair : [...pair];
          if (both.length !== 2) throw new TypeError('each entry must be a name and a value');
          use(push, this.#pairs, [String(both[0]), String(both[1])]);
        }
      } else
        for (const name of Object.keys(init))
          use(push, this.#pairs, [name, String((init as Record<string, unknown>)[name])]);
    }
    static bind(params: URLSearchParams, changed: (query: string) => void): void {
      params.#changed = changed;
    }
    static reset(params: URLSearchParams, query: string): void {
      params.#pairs = pairsOf(query);
    }
    #update(): void {
      this.#changed?.(this.toString());
    }
    get size(): number {
      return this.#pairs.length;
    }
    append(name: unknown, value: unknown): void {
      use(push, this.#pairs, [String(name), String(value)]);
      this.#update();
    }
    delete(name: unknown, value?: unknown): void {
      const key = String(name);
      this.#pairs = use(
        filter,
        this.#pairs,
        (pair: Pair) => pair[0] !== key || (value !== undefined && pair[1] !== String(value)),
      ) as Pair[];
      this.#update();
    }
    get(name: unknown): string | null {
      const key = String(name);
      const pair = use(find, this.#pairs, (each: Pair) => each[0] === key) as Pair | undefined;
      return pair === undefined ? null : pair[1];
    }
    getAll(name: unknown): string[] {
      const key = String(name);
      return use(
        map,
        use(filter, this.#pairs, (pair: Pair) => pair[0] === key),
        (pair: Pair) => pair[1],
      ) as string[];
    }
    has(name: unknown, value?: unknown): boolean {
      const key = String(name);
      return use(
        some,
        this.#pairs,
        (pair: Pair) => pair[0] === key && (value === undefined || pair[1] === String(value)),
      );
    }
    set(name: unknown, value: unknown): void {
      const key = String(name);
      let isPlaced = false;
      this.#pairs = use(filter, this.#pairs, (pair: Pair) => {
        if (pair[0] !== key) return true;
        if (isPlaced) return false;
        isPlaced = true;
        pair[1] = String(value);
        return true;
      }) as Pair[];
      if (!isPlaced) use(push, this.#pairs, [key, String(value)]);
      this.#update();
    }
    sort(): void {
      use(sort, this.#pairs, (a: Pair, b: Pair) => (a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0));
      this.#update();
    }
    forEach(callback: (value: string, name: string, params: URLSearchParams) => void, self?: unknown): void {
      for (const pair of this.#pairs) apply(callback, self, [pair[1], pair[0], this]);
    }
    *entries(): Generator<Pair> {
      for (const pair of this.#pairs) yield [pair[0], pair[1]];
    }
    *keys(): Generator<string> {
      for (const pair of this.#pairs) yield pair[0];
    }
    *values(): Generator<string> {
      for (const pair of this.#pairs) yield pair[1];
    }
    [Symbol.iterator](): Generator<Pair> {
      return this.entries();
    }
    toString(): string {
      return use(
        join,
        use(map, this.#pairs, (pair: Pair) => `${encodeForm(pair[0])}=${encodeForm(pair[1])}`),
        '&',
      ) as string;
    }
    get [Symbol.toStringTag](): string {
      return 'URLSearchParams';
    }
  }
  const { bind, reset } = URLSearchParams;
  delete (URLSearchParams as Partial<typeof URLSearchParams>).bind;
  delete (URLSearchParams as Partial<typeof URLSearchParams>).reset;

  const PARTS = [
    'protocol',
    'username',
    'password',
    'host',
    'hostname',
    'port',
    'pathname',
    'search',
    'hash',
  ] as const;
  class URL {
    #parts: Record<string, string>;
    #params: URLSearchParams | undefined;
    constructor(url: unknown, base?: unknown) {
      const text = host.url('', String(url), base === undefined ? '' : String(base));
      if (text === '') throw new TypeError('Invalid URL');
      this.#parts = parse(text) as Record<string, string>;
    }
    static canParse(url: unknown, base?: unknown): boolean {
      return host.url('', String(url), base === undefined ? '' : String(base)) !== '';
    }
    static parse(url: unknown, base?: unknown): URL | null {
      return URL.canParse(url, base) ? new URL(url, base) : null;
    }
    static part(url: URL, name: string): string {
      return url.#parts[name] as string;
    }
    static change(url: URL, name: string, value: unknown): void {
      const text = host.url(name, String(value), url.#parts['href'] as string);
      if (text !== '') url.#parts = parse(text) as Record<string, string>;
      if (url.#params !== undefined && name !== 'params') reset(url.#params, url.#parts['search'] as string);
    }
    get href(): string {
      return this.#parts['href'] as string;
    }
    set href(value: unknown) {
      if (!URL.canParse(value)) throw new TypeError('Invalid URL');
      change(this, 'href', value);
    }
    get origin(): string {
      return this.#parts['origin'] as string;
    }
    get searchParams(): URLSearchParams {
      if (this.#params === undefined) {
        this.#params = new URLSearchParams(this.#parts['search']);
        bind(this.#params, (query) => {
          const text = host.url('search', query, this.#parts['href'] as string);
          this.#parts = parse(text) as Record<string, string>;
        });
      }
      return this.#params;
    }
    toString(): string {
      return this.href;
    }
    toJSON(): string {
      return this.href;
    }
    get [Symbol.toStringTag](): string {
      return 'URL';
    }
  }
  const { part, change } = URL;
  delete (URL as Partial<typeof URL>).part;
  delete (URL as Partial<typeof URL>).change;
  for (const name of PARTS) {
    const { get, set } = Object.getOwnPropertyDescriptor(
      {
        get [name]() {
          return part(this as never, name);
        },
        set [name](value: string) {
          change(this as never, name, value);
        },
      },
      name,
    ) as { get: () => unknown; set: (value: unknown) => void };
    defineProperty(URL.prototype, name, {
      __proto__: null,
      get,
      set,
      enumerable: true,
      configurable: true,
    } as PropertyDescriptor);
  }
  provide('URL', URL);
  provide('URLSearchParams', URLSearchParams);
}
