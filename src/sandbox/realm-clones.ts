/** `atob`, `btoa` and `structuredClone`, made inside a realm. Refers to nothing outside itself. */
import type { Codec } from './codec.ts';

export function makeClones(codec: Codec): void {
  'use strict';
  const { apply } = Reflect;
  const { defineProperty } = Object;
  const { Error, Uint8Array, String } = globalThis;
  const { fromCharCode } = String;
  const { charCodeAt: codeMethod, replace } = String.prototype as unknown as Record<
    'charCodeAt' | 'replace',
    () => unknown
  >;
  const charCodeAt = (text: string, at: number) => apply(codeMethod as () => number, text, [at] as never);
  const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
  const codes = new Uint8Array(128);
  for (let i = 0; i < 64; i += 1) codes[charCodeAt(DIGITS, i)] = i + 1;
  const provide = (name: string, value: unknown) =>
    defineProperty(globalThis, name, {
      __proto__: null,
      value,
      writable: true,
      enumerable: false,
      configurable: true,
    } as PropertyDescriptor);

  class DOMException extends Error {
    constructor(message: string, name: string) {
      super(message);
      defineProperty(this, 'name', {
        __proto__: null,
        value: name,
        configurable: true,
      } as PropertyDescriptor);
    }
  }

  function btoa(text: unknown): string {
    const source = String(text);
    let out = '';
    for (let i = 0; i < source.length; i += 3) {
      out += encodeThree(charCodeAt(source, i), charCodeAt(source, i + 1), charCodeAt(source, i + 2));
    }
    return out;
  }
  function encodeThree(a: number, b: number, c: number): string {
    if (a > 255 || b > 255 || c > 255)
      throw new DOMException('a character is above 255', 'InvalidCharacterError');
    const word = (a << 16) | ((b || 0) << 8) | (c || 0);
    const third = b !== b ? '=' : (DIGITS[(word >> 6) & 63] as string);
    return `${DIGITS[word >> 18]}${DIGITS[(word >> 12) & 63]}${third}${c !== c ? '=' : DIGITS[word & 63]}`;
  }
  function atob(text: unknown): string {
    let source = apply(replace, String(text), [/[\t\n\f\r ]+/g, ''] as never) as string;
    if (source.length % 4 === 0) source = apply(replace, source, [/={1,2}$/, ''] as never) as string;
    const invalid = () => new DOMException('the text is not base64', 'InvalidCharacterError');
    if (source.length % 4 === 1) throw invalid();
    let out = '';
    let word = 0;
    for (let i = 0; i < source.length; i += 1) {
      const code = charCodeAt(source, i);
      const digit = code < 128 ? (codes[code] as number) : 0;
      if (digit === 0) throw invalid();
      word = ((word << 6) | (digit - 1)) & 0xffffff;
      if (i % 4 !== 0) out += fromCharCode((word >> (6 - 2 * (i % 4))) & 255);
    }
    return out;
  }

  function structuredClone(value: unknown): unknown {
    try {
      return codec.decode(codec.encode(value, { depthMax: 1_000_000 }), { depthMax: 1_000_000 });
    } catch (error) {
      if (codec.isFailure(error)) throw new DOMException(error.message, 'DataCloneError');
      throw error;
    }
  }
  provide('atob', atob);
  provide('btoa', btoa);
  provide('structuredClone', structuredClone);
}
