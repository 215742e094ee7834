/** `console`, made inside a realm: bounded text to the host. Refers to nothing outside itself. */
import type { RealmHost } from './realm-host.ts';

export function makeConsole(host: RealmHost): void {
  'use strict';
  type Bag = Record<PropertyKey, unknown>;
  const { apply } = Reflect;
  const { isArray } = Array;
  const { stringify } = JSON;
  const { keys, defineProperty, getPrototypeOf, getOwnPropertyDescriptor, hasOwn } = Object;
  const { String } = globalThis;
  const { replace, slice } = String.prototype as unknown as Record<'replace' | 'slice', () => unknown>;
  const { toString: tagOf } = Object.prototype;
  const { forEach: mapEach } = Map.prototype;
  const { forEach: setEach } = Set.prototype;
  const { toISOString } = Date.prototype;
  const { toString: patternText } = RegExp.prototype;
  const DEPTH_MAX = 4;
  const ITEMS_MAX = 100;
  const LINE_MAX = 65_536;

  /** A value as a person would want to read it; bounded in depth, items and length. */
  function show(value: unknown, depth: number): string {
    if (typeof value === 'string') return depth === 0 ? value : stringify(value);
    if (typeof value === 'bigint') return `${String(value)}n`;
    if (typeof value === 'function') return `[Function ${nameOf(value)}]`;
    if (typeof value !== 'object' || value === null)
      return value === 0 && 1 / value < 0 ? '-0' : String(value);
    if (host.isProxy(value)) return '[Proxy]';
    if (depth > DEPTH_MAX) return isArray(value) ? '[Array]' : '[Object]';
    if (isArray(value)) return showArray(value, depth);
    const tag = apply(tagOf, value, []) as string;
    if (tag === '[object Error]')
      return depth === 0 ? errorText(value as Error) : `[${errorText(value as Error)}]`;
    return builtIn(value, tag, depth) ?? showObject(value as Bag, depth);
  }
  function nameOf(value: object): string {
    const descriptor = getOwnPropertyDescriptor(value, 'name');
    return typeof descriptor?.value === 'string' && descriptor.value !== ''
      ? descriptor.value
      : '(anonymous)';
  }
  function errorText(error: Error): string {
    return `${String(error.name)}: ${String(error.message)}`;
  }
  function builtIn(value: object, tag: string, depth: number): string | undefined {
    try {
      if (tag === '[object Date]') return apply(toISOString, value, []) as string;
      if (tag === '[object RegExp]') return apply(patternText, value, []) as string;
      if (tag === '[object Map]') return showEach(value, mapEach, 'Map', true, depth);
      if (tag === '[object Set]') return showEach(value, setEach, 'Set', false, depth);
    } catch {
      // Something else that bears the same tag, or an invalid date.
    }
    return undefined;
  }
  function showEach(value: object, each: unknown, kind: string, isMap: boolean, depth: number): string {
    let out = '';
    let count = 0;
    apply(each as () => void, value, [
      (item: unknown, key: unknown) => {
        if (count < ITEMS_MAX && out.length < LINE_MAX)
          out += `${count === 0 ? ' ' : ', '}${isMap ? `${show(key, depth + 1)} => ` : ''}${show(item, depth + 1)}`;
        count += 1;
      },
    ]);
    const more = count > ITEMS_MAX ? `, … ${count - ITEMS_MAX} more` : '';
    return `${kind}(${count}) {${out}${more}${count === 0 ? '' : ' '}}`;
  }
  function showArray(value: readonly unknown[], depth: number): string {
    let out = '';
    for (let i = 0; i < value.length && i < ITEMS_MAX && out.length < LINE_MAX; i += 1)
      out += `${i === 0 ? ' ' : ', '}${show(value[i], depth + 1)}`;
    if (value.length > ITEMS_MAX) out += `, … ${value.length - ITEMS_MAX} more`;
    return out === '' ? '[]' : `[${out} ]`;
  }
  function showObject(value: Bag, depth: number): string {
    const names = keys(value);
    const prototype = getPrototypeOf(value) as object | null;
    const owner = prototype !== null && hasOwn(prototype, 'constructor') ? prototype : undefined;
    const maker: unknown = owner && getOwnPropertyDescriptor(owner, 'constructor')?.value;
    const kind = typeof maker === 'function' ? nameOf(maker) : '';
    let out = '';
    for (let i = 0; i < names.length && i < ITEMS_MAX && out.length < LINE_MAX; i += 1) {
      const name = names[i] as string;
      const descriptor = getOwnPropertyDescriptor(value, name);
      const item =
        descriptor !== undefined && hasOwn(descriptor, 'value')
          ? show(descriptor.value, depth + 1)
          : '[Getter]';
      out += `${i === 0 ? ' ' : ', '}${name}: ${item}`;
    }
    if (names.length > ITEMS_MAX) out += `, … ${names.length - ITEMS_MAX} more`;
    const prefix = kind === '' || kind === 'Object' ? '' : `${kind} `;
    return out === '' ? `${prefix}{}` : `${prefix}{${out} }`;
  }
  /** `%s %d %i %f %j %o %O %c %%` of a first text, then what is left, spaced. */
  function format(args: readonly unknown[]): string {
    let used = 0;
    let out = '';
    if (typeof args[0] === 'string' && args.length > 1) {
      used = 1;
      out = apply(replace, args[0], [
        /%[sdifjoOc%]/g,
        (directive: string) => {
          if (directive === '%%') return '%';
          if (used >= args.length) return directive;
          const value = args[used];
          used += 1;
          return directed(directive, value);
        },
      ]) as string;
    }
    for (; used < args.length; used += 1) out += `${used === 0 ? '' : ' '}${show(args[used], 0)}`;
    return out.length > LINE_MAX ? `${apply(slice, out, [0, LINE_MAX]) as string}…` : out;
  }
  function directed(directive: string, value: unknown): string {
    if (directive === '%c') return '';
    if (directive === '%s') return show(value, 0);
    if (directive === '%j') return stringify(value) ?? 'undefined';
    if (directive === '%o' || directive === '%O') return show(value, 1);
    const number = typeof value === 'object' || typeof value === 'symbol' ? NaN : Number(value);
    return String(directive === '%i' ? (number === number ? number - (number % 1) : NaN) : number);
  }

  const console = {} as Bag;
  const { Number } = globalThis;
  let indent = '';
  const write = (...args: unknown[]) => host.log(indent + format(args));
  const methods: Record<string, (...args: unknown[]) => void> = {
    log: write,
    info: write,
    debug: write,
    warn: write,
    error: write,
    dir: (value) => write(value),
    table: write,
    trace: (...args) => write('Trace:', ...args),
    assert: (isTrue, ...args) => {
      if (!isTrue) write('Assertion failed', ...args);
    },
    group: (...args) => {
      if (args.length > 0) write(...args);
      if (indent.length < 64) indent += '  ';
    },
    groupEnd: () => {
      indent = apply(slice, indent, [2]) as string;
    },
  };
  const names = keys(methods);
  for (let i = 0; i < names.length; i += 1) {
    const name = names[i] as string;
    const method = methods[name] as (...args: unknown[]) => void;
    const { [name]: named } = { [name]: (...args: unknown[]) => method(...args) };
    console[name] = named;
  }
  defineProperty(globalThis, 'console', {
    __proto__: null,
    value: console,
    writable: true,
    enumerable: false,
    configurable: true,
  } as PropertyDescriptor);
}
