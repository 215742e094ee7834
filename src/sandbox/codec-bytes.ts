/** Bytes as base64 and back, in any realm. Refers to nothing outside itself. */
import type { Captured } from './codec-intrinsics.ts';

export interface ByteText {
  base64(bytes: Uint8Array): string;
  /** @throws a failure for anything that is not base64. */
  bytesOf(slot: unknown): ArrayBuffer;
}

export function makeByteText(captured: Captured): ByteText {
  'use strict';
  const { list, viewBuffer, charCodeAt, Intrinsics, malformed } = captured;
  const BASE64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
  const { fromCharCode } = String;
  const { apply } = Reflect;
  const CHUNK = 8_192;
  /** Character codes by value, and values by character code; made at first use. */
  const CODES = list<number>();
  const VALUES = list<number>();
  function makeTables(): void {
    for (let i = CODES.length; i < 64; i += 1) {
      CODES[i] = charCodeAt(BASE64, i);
      VALUES[CODES[i] as number] = i;
    }
  }
  function base64(bytes: Uint8Array): string {
    makeTables();
    const size = bytes.length;
    const chunk = new Intrinsics.Uint8Array(CHUNK);
    let out = '';
    let used = 0;
    let i = 0;
    for (; i + 2 < size; i += 3) {
      const word = ((bytes[i] as number) << 16) | ((bytes[i + 1] as number) << 8) | (bytes[i + 2] as number);
      chunk[used] = CODES[word >> 18] as number;
      chunk[used + 1] = CODES[(word >> 12) & 63] as number;
      chunk[used + 2] = CODES[(word >> 6) & 63] as number;
      chunk[used + 3] = CODES[word & 63] as number;
      used += 4;
      if (used < CHUNK) continue;
      out += apply(fromCharCode, undefined, chunk as unknown as number[]);
      used = 0;
    }
    for (let k = 0; k < used; k += 1) out += fromCharCode(chunk[k] as number);
    return i < size ? out + lastDigits(bytes, i) : out;
  }
  function lastDigits(bytes: Uint8Array, at: number): string {
    const isPair = at + 1 < bytes.length;
    const word = ((bytes[at] as number) << 16) | (isPair ? (bytes[at + 1] as number) << 8 : 0);
    const third = isPair ? (BASE64[(word >> 6) & 63] as string) : '=';
    return `${BASE64[word >> 18]}${BASE64[(word >> 12) & 63]}${third}=`;
  }
  function bytesOf(slot: unknown): ArrayBuffer {
    makeTables();
    const text = slot;
    if (typeof text !== 'string' || text.length % 4 !== 0) throw malformed('wrong bytes');
    const size = text.length;
    const padding = size === 0 || text[size - 1] !== '=' ? 0 : text[size - 2] === '=' ? 2 : 1;
    const bytes = new Intrinsics.Uint8Array((size / 4) * 3 - padding);
    let word = 0;
    for (let i = 0, to = 0; i < size - padding; i += 1) {
      const digit = VALUES[charCodeAt(text, i)];
      if (digit === undefined) throw malformed('wrong bytes');
      word = ((word << 6) | digit) & 0xffffff;
      if (i % 4 === 0) continue;
      bytes[to] = word >> (6 - 2 * (i % 4));
      to += 1;
    }
    return viewBuffer(bytes);
  }
  return { base64, bytesOf };
}
