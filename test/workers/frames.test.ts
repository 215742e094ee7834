import fc from 'fast-check';
import { Writable } from 'node:stream';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { FRAME_KINDS, frameBytes, type FrameKind } from '../../src/sandbox/protocol.ts';
import { FrameReader, ProtocolError } from '../../src/workers/frame-reader.ts';
import { sendFrame } from '../../src/workers/frame-writer.ts';
import { dispatcher, programOf, run } from './runs.ts';

const KINDS = Object.keys(FRAME_KINDS) as FrameKind[];
const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 300 }),
  fc
    .tuple(fc.constantFrom('a', 'é', '漢', '😀'), fc.nat(120_000))
    .map(([unit, length]) => unit.repeat(length / unit.length)),
);
const frame = fc.record({ kind: fc.constantFrom(...KINDS), task: fc.nat(2 ** 32 - 1), text });
const told = ({ kind, task, text: all }: { kind: FrameKind; task: number; text: string }) => ({
  kind,
  task,
  // A half of a pair is no character: it leaves as the one that stands for such.
  text: Buffer.from(all).toString(),
});

/** The bytes in pieces: of lengths that are given, in turn. */
function* pieces(bytes: Buffer, lengths: readonly number[]): Generator<Buffer> {
  for (let at = 0, i = 0; at < bytes.length; i += 1) {
    const end = at + Math.max(1, lengths[i % lengths.length] ?? 1);
    yield bytes.subarray(at, end);
    at = end;
  }
}

test('however frames are cut on their way, they are read as they were sent; two readers do not meet', () => {
  const lengths = fc.array(fc.oneof(fc.nat(20), fc.nat(70_000)), { minLength: 1, maxLength: 20 });
  const lane = fc.record({ frames: fc.array(frame, { maxLength: 12 }), lengths });
  fc.assert(
    fc.property(lane, lane, (one, other) => {
      const lanes = [one, other].map(({ frames, lengths: cuts }) => ({
        reader: new FrameReader(1_000_000),
        bytes: pieces(
          Buffer.concat(frames.map(({ kind, task, text: all }) => frameBytes(kind, task, all))),
          cuts.map((length) => length + 8),
        ),
        read: [] as unknown[],
      }));
      for (let isMore = true; isMore;) {
        isMore = false;
        for (const { reader, bytes, read } of lanes) {
          const { value, done } = bytes.next();
          if (done === true) continue;
          isMore = true;
          for (const { kind, task, payload } of reader.push(value))
            read.push({ kind, task, text: payload.toString('utf8') });
        }
      }
      expect(lanes.map(({ read }) => read)).toEqual([one.frames.map(told), other.frames.map(told)]);
    }),
    { numRuns: 60 },
  );
});

test('a reader whose frame was refused by whoever took it reads on', () => {
  const reader = new FrameReader(1_000_000);
  const large = frameBytes('outcome', 1, 'x'.repeat(200_000));
  const parts = [large.subarray(0, 100_000), Buffer.concat([large.subarray(100_000), large])];
  for (const _ of reader.push(parts[0] as Buffer)) throw new Error('nothing is whole yet');
  expect(() => {
    for (const { payload } of reader.push(parts[1] as Buffer)) throw new Error(`${payload.length} bytes`);
  }).toThrow('200000 bytes');
  const left = [...reader.push(Buffer.alloc(0))].map(({ kind, payload }) => [kind, payload.length]);
  expect(left).toEqual([['outcome', 200_000]]);
  expect(() => [...reader.push(Buffer.alloc(9, 0xff))]).toThrow(ProtocolError);
});

test('a frame that comes byte by byte costs little more than its bytes', () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const bytes = frameBytes('outcome', 1, 'x'.repeat(300_000));
  const reader = new FrameReader(1_000_000);
  const held = () => {
    collect();
    return process.memoryUsage().heapUsed;
  };
  const before = held();
  for (let at = 0; at < bytes.length - 1; at += 1) {
    const piece = Buffer.allocUnsafeSlow(1);
    piece.writeUInt8(bytes.readUInt8(at));
    for (const _ of reader.push(piece)) throw new Error('nothing is whole yet');
  }
  // 80 bytes a piece and more, where each is kept.
  expect(held() - before).toBeLessThan(5_000_000);
  const read = [...reader.push(bytes.subarray(-1))].map(({ payload }) => payload.toString());
  expect(read.map((text) => text === 'x'.repeat(300_000))).toEqual([true]);
});

test('what is written while an earlier frame is still on its way changes nothing of that', async () => {
  const waiting: (() => void)[] = [];
  const seen: Buffer[] = [];
  const slow = new Writable({
    highWaterMark: 1,
    write: (chunk: Buffer, _encoding, done) => {
      waiting.push(() => {
        seen.push(Buffer.from(chunk));
        done();
      });
    },
  });
  const texts = ['a', 'b', 'c'].map((unit) => unit.repeat(150_000));
  texts.forEach((each, task) => sendFrame(slow, 'run', task, each));
  for (let i = 0; i < texts.length; i += 1) {
    waiting[i]?.();
    await new Promise((resolve) => setImmediate(resolve));
    // One that is sent once the memory is free again.
    sendFrame(slow, 'run', 9, 'd'.repeat(150_000));
  }
  expect(seen).toEqual(texts.map((each, task) => frameBytes('run', task, each)));
});

test('large values in and out of several workers at once come back as they went in', async () => {
  await using own = dispatcher({ min: 0, max: 3, concurrency: 3 });
  const program = programOf(
    'export default ({ unit, length }) => ({ out: unit.repeat(length), back: unit });',
  );
  const lengths = [0, 10, 70_000, 600_000, 1_300_000, 2_000_000];
  const cases = lengths.flatMap((length) => ['x', 'é', '😀'].map((unit) => ({ unit, length })));
  await Promise.all(
    cases.map(async ({ unit, length }) => {
      const { output } = await run(own, program, { inputs: { unit, length, filler: unit.repeat(length) } });
      const { out, back } = output as { out: string; back: string };
      expect(back).toBe(unit);
      expect(out === unit.repeat(length)).toBe(true);
    }),
  );
});
