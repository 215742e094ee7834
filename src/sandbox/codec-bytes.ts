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
  /** Two digits for each 12 bits, and back; made at first use. */
  const DIGITS = list<string>();
  const VALUES = list<number>();
  function makeTables(): void {
    if (DIGITS.length > 0) return;
    for (let i = 0; i < 4096; i += 1) DIGITS[i] = (BASE64[i >> 6] as string) + (BASE64[i & 63] as string);
    for (let i = 0; i < 64; i += 1) VALUES[charCodeAt(BASE64, i)] = i;
  }
  function base64(bytes: Uint8Array): string {
    makeTables();
    let out = '';
    let i = 0;
    for (; i + 2 < bytes.length; i += 3) {
      const word = ((bytes[i] as number) << 16) | ((bytes[i + 1] as number) << 8) | (bytes[i + 2] as number);
      out += DIGITS[word >> 12] as string;
      out += DIGITS[word & 4095] as string;
    }
    if (i < bytes.length) {
      const last = i + 1 < bytes.length ? (bytes[i + 1] as number) : 0;
      const word = ((bytes[i] as number) << 16) | (last << 8);
      out += DIGITS[word >> 12] as string;
      out += i + 1 < bytes.length ? `${BASE64[(word >> 6) & 63]}=` : '==';
    }
    return out;
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
