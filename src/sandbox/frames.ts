/** Length-prefixed frames: `u32 length, u8 kind, u32 task`, then the payload. All numbers little-endian. */

export const FRAME_HEADER_BYTES = 9;

/** From the parent: `bind` (a `Program` as JSON) and `run`. From the child: the others. */
export const FRAME_KINDS = { bind: 1, run: 2, hello: 3, log: 4, outcome: 5, idle: 6 } as const;
export type FrameKind = keyof typeof FRAME_KINDS;

export interface Frame {
  readonly kind: FrameKind;
  /** The task it belongs to; 0 outside any. */
  readonly task: number;
  readonly payload: Buffer;
}

const NAMES = new Map<number, FrameKind>(
  Object.entries(FRAME_KINDS).map(([name, code]) => [code, name as FrameKind]),
);

export function frameBytes(kind: FrameKind, task: number, ...parts: readonly (string | Buffer)[]): Buffer {
  const sizes = parts.map((part) => Buffer.byteLength(part));
  const size = sizes.reduce((sum, bytes) => sum + bytes, 0);
  const bytes = Buffer.allocUnsafe(FRAME_HEADER_BYTES + size);
  bytes.writeUInt32LE(size, 0);
  bytes.writeUInt8(FRAME_KINDS[kind], 4);
  bytes.writeUInt32LE(task, 5);
  let at = FRAME_HEADER_BYTES;
  parts.forEach((part, index) => {
    if (typeof part === 'string') bytes.write(part, at, 'utf8');
    else part.copy(bytes, at);
    at += sizes[index] as number;
  });
  return bytes;
}

/** What the header announces; undefined for a kind that does not exist. */
export function readFrameHeader(header: Buffer): { size: number; kind: FrameKind; task: number } | undefined {
  const kind = NAMES.get(header.readUInt8(4));
  return kind && { size: header.readUInt32LE(0), kind, task: header.readUInt32LE(5) };
}
