/**
 * What stands between a realm and the host's functions. Refers to nothing outside itself.
 */
import type { RealmHost } from './realm-host.ts';

/**
 * The host's functions behind functions of the realm: an error that the host's realm makes, which
 * happens when the stack ends inside a host function, never surfaces.
 */
export function guardHost(host: RealmHost): RealmHost {
  'use strict';
  const { apply } = Reflect;
  const { RangeError } = globalThis;
  const guarded = { __proto__: null } as unknown as Record<string, unknown>;
  for (const name in host) {
    const method = (host as unknown as Record<string, () => unknown>)[name] as () => unknown;
    guarded[name] = (...args: unknown[]) => {
      try {
        return apply(method, undefined, args);
      } catch {
        throw new RangeError('Maximum call stack size exceeded');
      }
    };
  }
  return guarded as unknown as RealmHost;
}

/**
 * Stacks show the skill's own frames only. The engine asks `Error.prepareStackTrace`; what a skill puts
 * there is asked in turn, with its own frames.
 */
export function hideFrames(isOwn: (fileName: string) => boolean): void {
  'use strict';
  interface Site {
    getFileName(): unknown;
  }
  const { apply } = Reflect;
  const { defineProperty } = Object;
  const { Error, String } = globalThis;
  const { toString: heading } = Error.prototype;
  let custom: unknown;

  function prepare(error: unknown, sites: readonly Site[]): unknown {
    const own: Site[] = [];
    for (let i = 0; i < sites.length; i += 1) {
      const site = sites[i] as Site;
      const file = site.getFileName();
      if (typeof file === 'string' && isOwn(file))
        defineProperty(own, own.length, {
          __proto__: null,
          value: site,
          writable: true,
          enumerable: true,
          configurable: true,
        } as PropertyDescriptor);
    }
    if (typeof custom === 'function') return apply(custom, Error, [error, own]);
    let text: string;
    try {
      text = apply(heading, error as Error, []);
    } catch {
      text = 'Error';
    }
    for (let i = 0; i < own.length; i += 1) text += `\n    at ${String(own[i])}`;
    return text;
  }
  defineProperty(Error, 'prepareStackTrace', {
    __proto__: null,
    get: () => prepare,
    set: (value: unknown) => {
      custom = value;
    },
    enumerable: false,
    configurable: false,
  } as PropertyDescriptor);
}
