/**
 * `TextEncoder` and `TextDecoder`, made inside a realm. Refers to nothing outside itself.
 */

export function makeText(): void {
  'use strict';
  const { apply } = Reflect;
  const { defineProperty, getPrototypeOf, getOwnPropertyDescriptor } = Object;
  const { TypeError, RangeError, Uint8Array, Uint16Array, ArrayBuffer, DataView, String } = globalThis;
  const { fromCharCode } = String;
  const proto = String.prototype;
  const { charCodeAt: codeMethod } = proto;
  const charCodeAt = (text: string, at: number) => apply(codeMethod, text, [at]) as number;
  const { toLowerCase, trim, replace } = proto as unknown as Record<
    'toLowerCase' | 'trim' | 'replace',
    () => string
  >;
  const { set, slice } = Uint8Array.prototype;
  const TypedArray = getPrototypeOf(Uint8Array).prototype as object;
  const getter = (owner: object, key: PropertyKey) =>
    getOwnPropertyDescriptor(owner, key)?.get as () => unknown;
  const typed = {
    kind: getter(TypedArray, Symbol.toStringTag),
    buffer: getter(TypedArray, 'buffer'),
    offset: getter(TypedArray, 'byteOffset'),
    size: getter(TypedArray, 'byteLength'),
  };
  const view = {
    buffer: getter(DataView.prototype, 'buffer'),
    offset: getter(DataView.prototype, 'byteOffset'),
    size: getter(DataView.prototype, 'byteLength'),
  };
  const bufferSize = getter(ArrayBuffer.prototype, 'byteLength');
  const CHUNK = 8_192;
  const provide = (name: string, value: unknown) =>
    defineProperty(globalThis, name, {
      __proto__: null,
      value,
      writable: true,
      enumerable: false,
      configurable: true,
    } as PropertyDescriptor);

  /** The bytes of a buffer or a view, in place. */
  function bytesOf(source: unknown): Uint8Array {
    if (source === undefined) return new Uint8Array(0);
    try {
      const isTyped = apply(typed.kind, source, []) !== undefined;
      if (!isTyped && hasBuffer(source)) return new Uint8Array(source as ArrayBuffer);
      const from = isTyped ? typed : view;
      const buffer = apply(from.buffer, source, []) as ArrayBuffer;
      return new Uint8Array(
        buffer,
        apply(from.offset, source, []) as number,
        apply(from.size, source, []) as number,
      );
    } catch {
      throw new TypeError('not a buffer and not a view of one');
    }
  }
  function hasBuffer(source: unknown): boolean {
    try {
      apply(bufferSize, source, []);
      return true;
    } catch {
      return false;
    }
  }

  /** Writes UTF-8 until the text or the room ends; gives units read and bytes written. */
  function write(text: string, target: Uint8Array, room: number): { read: number; written: number } {
    let at = 0;
    let i = 0;
    for (; i < text.length; i += 1) {
      let point = charCodeAt(text, i);
      let units = 1;
      if (point >= 0xd800 && point <= 0xdfff) {
        const low = point < 0xdc00 && i + 1 < text.length ? charCodeAt(text, i + 1) : 0;
        if (low >= 0xdc00 && low <= 0xdfff) {
          point = 0x10000 + ((point - 0xd800) << 10) + (low - 0xdc00);
          units = 2;
        } else point = 0xfffd;
      }
      const size = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
      if (at + size > room) break;
      if (size === 1) target[at] = point;
      else {
        target[at] =
          size === 2 ? 0xc0 | (point >> 6) : size === 3 ? 0xe0 | (point >> 12) : 0xf0 | (point >> 18);
        for (let k = 1; k < size; k += 1) target[at + k] = 0x80 | ((point >> (6 * (size - 1 - k))) & 0x3f);
      }
      at += size;
      i += units - 1;
    }
    return { read: i, written: at };
  }
  function utf8Length(text: string): number {
    let size = 0;
    for (let i = 0; i < text.length; i += 1) {
      const code = charCodeAt(text, i);
      size += code < 0x80 ? 1 : code < 0x800 ? 2 : 3;
      const isPair =
        code >= 0xd800 &&
        code < 0xdc00 &&
        i + 1 < text.length &&
        (charCodeAt(text, i + 1) & 0xfc00) === 0xdc00;
      if (isPair) {
        size += 1;
        i += 1;
      }
    }
    return size;
  }
  class TextEncoder {
    get encoding(): string {
      return 'utf-8';
    }
    encode(text: unknown = ''): Uint8Array {
      const source = String(text);
      const bytes = new Uint8Array(utf8Length(source));
      write(source, bytes, bytes.length);
      return bytes;
    }
    encodeInto(text: unknown, target: Uint8Array): { read: number; written: number } {
      return write(String(text), target, target.length);
    }
  }

  const LABELS = {
    __proto__: null,
    'utf-8': 'utf-8',
    utf8: 'utf-8',
    'unicode-1-1-utf-8': 'utf-8',
    'utf-16le': 'utf-16le',
    'utf-16': 'utf-16le',
    'ucs-2': 'utf-16le',
    latin1: 'windows-1252',
    'iso-8859-1': 'windows-1252',
    ascii: 'windows-1252',
    'us-ascii': 'windows-1252',
    'windows-1252': 'windows-1252',
  } as unknown as Record<string, string>;
  const WINDOWS_1252 =
    '\u20ac\u0081\u201a\u0192\u201e\u2026\u2020\u2021\u02c6\u2030\u0160\u2039\u0152\u008d\u017d\u008f\u0090\u2018\u2019\u201c\u201d\u2022\u2013\u2014\u02dc\u2122\u0161\u203a\u0153\u009d\u017e\u0178';
  /** How many bytes follow a lead byte, and the least and most that the first of them may be. */
  function tailOf(lead: number): { readonly size: number; readonly low: number; readonly high: number } {
    if (lead >= 0xc2 && lead <= 0xdf) return { size: 1, low: 0x80, high: 0xbf };
    if (lead >= 0xe0 && lead <= 0xef)
      return { size: 2, low: lead === 0xe0 ? 0xa0 : 0x80, high: lead === 0xed ? 0x9f : 0xbf };
    if (lead >= 0xf0 && lead <= 0xf4)
      return { size: 3, low: lead === 0xf0 ? 0x90 : 0x80, high: lead === 0xf4 ? 0x8f : 0xbf };
    return { size: 0, low: 0, high: 0 };
  }
  class TextDecoder {
    readonly #encoding: string;
    readonly #isFatal: boolean;
    readonly #keepsMark: boolean;
    #rest = new Uint8Array(0);
    #isStarted = false;
    constructor(label: unknown = 'utf-8', options: { fatal?: unknown; ignoreBOM?: unknown } = {}) {
      const name = apply(toLowerCase, apply(trim, String(label), []), []);
      const encoding = LABELS[name];
      if (encoding === undefined) throw new RangeError(`the encoding ${name} is not supported`);
      this.#encoding = encoding;
      this.#isFatal = !!options.fatal;
      this.#keepsMark = !!options.ignoreBOM;
    }
    get encoding(): string {
      return this.#encoding;
    }
    get fatal(): boolean {
      return this.#isFatal;
    }
    get ignoreBOM(): boolean {
      return this.#keepsMark;
    }
    decode(source?: unknown, options: { stream?: unknown } = {}): string {
      const given = bytesOf(source);
      const bytes = new Uint8Array(this.#rest.length + given.length);
      apply(set, bytes, [this.#rest]);
      apply(set, bytes, [given, this.#rest.length]);
      const isLast = !options.stream;
      this.#rest = new Uint8Array(0);
      const text = this.#text(bytes, isLast);
      const isMarked =
        !this.#isStarted &&
        !this.#keepsMark &&
        this.#encoding !== 'windows-1252' &&
        charCodeAt(text, 0) === 0xfeff;
      this.#isStarted = !isLast && (this.#isStarted || text !== '');
      return isMarked ? (apply(replace, text, ['\ufeff', ''] as never) as string) : text;
    }
    #text(bytes: Uint8Array, isLast: boolean): string {
      let out = '';
      const units = new Uint16Array(CHUNK);
      let used = 0;
      const put = (unit: number) => {
        units[used] = unit;
        used += 1;
        if (used < CHUNK) return;
        out += apply(fromCharCode, undefined, units as unknown as number[]) as string;
        used = 0;
      };
      const rest =
        this.#encoding === 'utf-8' ? this.#utf8(bytes, isLast, put) : this.#other(bytes, isLast, put);
      if (rest < bytes.length) this.#rest = apply(slice, bytes, [rest]) as Uint8Array<ArrayBuffer>;
      for (let i = 0; i < used; i += 1) out += fromCharCode(units[i] as number);
      return out;
    }
    #bad(put: (unit: number) => void): void {
      if (this.#isFatal) throw new TypeError(`the bytes are not valid ${this.#encoding}`);
      put(0xfffd);
    }
    /** Gives where the bytes that wait for more begin. */
    #utf8(bytes: Uint8Array, isLast: boolean, put: (unit: number) => void): number {
      for (let i = 0; i < bytes.length; i += 1) {
        const lead = bytes[i] as number;
        if (lead < 0x80) {
          put(lead);
          continue;
        }
        const tail = tailOf(lead);
        let point = lead & (0x3f >> tail.size);
        let taken = 0;
        for (let { low, high } = tail; taken < tail.size; taken += 1, low = 0x80, high = 0xbf) {
          const next = bytes[i + taken + 1];
          if (next === undefined && !isLast) return i;
          if (next === undefined || next < low || next > high) break;
          point = (point << 6) | (next & 0x3f);
        }
        i += taken;
        if (tail.size === 0 || taken < tail.size) this.#bad(put);
        else if (point < 0x10000) put(point);
        else {
          put(0xd800 + ((point - 0x10000) >> 10));
          put(0xdc00 + ((point - 0x10000) & 0x3ff));
        }
      }
      return bytes.length;
    }
    #other(bytes: Uint8Array, isLast: boolean, put: (unit: number) => void): number {
      if (this.#encoding === 'windows-1252') {
        for (let i = 0; i < bytes.length; i += 1) {
          const byte = bytes[i] as number;
          put(byte >= 0x80 && byte < 0xa0 ? charCodeAt(WINDOWS_1252, byte - 0x80) : byte);
        }
        return bytes.length;
      }
      let i = 0;
      for (; i + 1 < bytes.length; i += 2) put((bytes[i] as number) | ((bytes[i + 1] as number) << 8));
      if (i < bytes.length && isLast) this.#bad(put);
      return isLast ? bytes.length : i;
    }
  }
  provide('TextEncoder', TextEncoder);
  provide('TextDecoder', TextDecoder);
}
