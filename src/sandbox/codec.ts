/**
 * Values as text. JSON-pure values become plain JSON; everything else becomes `#` and a flat JSON
 * table `[root, entry, entry, …]` in which containers are named by their index, so that cycles,
 * shared references and any depth cost nothing special.
 *
 * Its parts refer to nothing outside themselves: their source text is compiled inside every realm,
 * where they capture that realm's intrinsics before any skill code runs.
 */
import { makeByteText } from './codec-bytes.ts';
import { makeDecoder } from './codec-decode.ts';
import { makeEncoder } from './codec-encode.ts';
import { captureIntrinsics } from './codec-intrinsics.ts';
import { isJsonPure } from './codec-pure.ts';

export interface EncodeOptions {
  /** Deepest nesting of containers; the outermost one counts as 1. Default 1000. */
  readonly depthMax?: number;
  /** Largest text, in UTF-8 bytes. Default unbounded. */
  readonly bytesMax?: number;
  /** What paths start with, for example `inputs`. Default nothing: paths start with the first key. */
  readonly root?: string;
}

export interface Codec {
  /** @throws {CodecFailure} with reason UNSERIALIZABLE_VALUE or LIMIT_EXCEEDED. */
  encode(value: unknown, options?: EncodeOptions): string;
  /** Takes hostile text. @throws {CodecFailure} with reason MALFORMED_TEXT or LIMIT_EXCEEDED. */
  decode(text: string, options?: { readonly depthMax?: number }): unknown;
  /** Whether `error` was thrown by this codec. */
  isFailure(error: unknown): error is CodecFailure;
}

export interface CodecFailure {
  readonly reason: 'UNSERIALIZABLE_VALUE' | 'LIMIT_EXCEEDED' | 'MALFORMED_TEXT';
  /** Where in the value, for example `inputs.rows[3].callback`; empty for the value itself. */
  readonly path: string;
  readonly message: string;
}

/** What a realm cannot tell by itself. */
export interface CodecHost {
  readonly isProxy: (value: object) => boolean;
  readonly isJsonPure: typeof isJsonPure;
  /** Instances are taken as `Uint8Array`s of their own bytes only (they share pooled memory). */
  readonly bufferPrototype?: object;
}

/** The source text of a function that makes a codec from a `CodecHost`, to be compiled in a realm. */
export const CODEC_SOURCE = `(function (host) {
  'use strict';
  const captured = (${captureIntrinsics})(host);
  const byteText = (${makeByteText})(captured);
  return {
    encode: (${makeEncoder})(captured, byteText.base64),
    decode: (${makeDecoder})(captured, byteText.bytesOf),
    isFailure: captured.isFailure,
  };
})`;

function makeCodec(host: CodecHost): Codec {
  const captured = captureIntrinsics(host);
  const { base64, bytesOf } = makeByteText(captured);
  return {
    encode: makeEncoder(captured, base64),
    decode: makeDecoder(captured, bytesOf),
    isFailure: captured.isFailure,
  };
}

const hostTypes = process.getBuiltinModule('node:util').types;

/** The parent's own codec: its results have this realm's prototypes. */
export const hostCodec: Codec = makeCodec({
  isProxy: hostTypes.isProxy,
  isJsonPure,
  bufferPrototype: Buffer.prototype,
});

/** @throws {CodecFailure} with reason UNSERIALIZABLE_VALUE or LIMIT_EXCEEDED. */
export function encodeValue(value: unknown, options: EncodeOptions = {}): string {
  return hostCodec.encode(value, options);
}

/** Takes hostile text. @throws {CodecFailure} with reason MALFORMED_TEXT or LIMIT_EXCEEDED. */
export function decodeValue(text: string, options: { readonly depthMax?: number } = {}): unknown {
  return hostCodec.decode(text, options);
}
