import { expect, test } from 'vitest';
import { framesOf } from '../../src/batch/frames.ts';
import type { BatchFormat } from '../../src/index.ts';

interface Read {
  readonly text: string | undefined;
  readonly end: number;
  readonly line: number;
  readonly lines: number;
  readonly problem?: string;
}

function readAll(
  format: BatchFormat,
  bytes: Buffer,
  blockBytes: number,
  { bytesMax = 1_000, start = { position: 0, lines: 0 } } = {},
): Read[] {
  const frames = framesOf(format, start, bytesMax);
  const found: Read[] = [];
  const drain = (): void => {
    for (let frame = frames.next(); frame; frame = frames.next()) {
      const { bytes: held, ...rest } = frame;
      found.push({ text: held?.toString(), ...rest });
    }
  };
  for (let at = start.position; at < bytes.length; at += blockBytes) {
    frames.push(bytes.subarray(at, at + blockBytes));
    drain();
  }
  frames.end();
  drain();
  return found;
}

const TEXTS: Record<BatchFormat, string> = {
  ndjson: '\uFEFF{"a":1}\r\n\n  \n{"a":"zwei ü"}\n{"a":3}',
  csv: 'a,b\n1,"x\ny"\r\n\n2,"q""z"\n',
  json: '\n[ {"a":[1,{"b":"]"}]},\n "x,\\"]" , 3, [ ] ,{}\n]\n',
};
const EXPECTED: Record<BatchFormat, string[]> = {
  ndjson: ['{"a":1}', '{"a":"zwei ü"}', '{"a":3}'],
  csv: ['a,b', '1,"x\ny"', '2,"q""z"'],
  json: ['{"a":[1,{"b":"]"}]}', '"x,\\"]"', '3', '[ ]', '{}'],
};

test.each(['ndjson', 'csv', 'json'] as const)(
  '%s is cut the same whatever the blocks, and from every end it can go on',
  (format) => {
    const bytes = Buffer.from(TEXTS[format]);
    const whole = readAll(format, bytes, bytes.length);
    expect(whole.map(({ text }) => text?.trim())).toEqual(EXPECTED[format]);
    for (const size of [1, 2, 3, 7]) expect(readAll(format, bytes, size)).toEqual(whole);
    for (const [at, { end, lines }] of whole.entries()) {
      const rest = readAll(format, bytes, 5, { start: { position: end, lines } });
      expect(rest).toEqual(whole.slice(at + 1));
    }
  },
);

test('a frame that is too large is named and passed over, whatever the blocks', () => {
  const bytes = Buffer.from(`{"a":1}\n${'x'.repeat(200)}\n{"a":2}\n`);
  for (const size of [1, 16, 1_000]) {
    const found = readAll('ndjson', bytes, size, { bytesMax: 50 });
    expect(found.map(({ text, line }) => [text, line])).toEqual([
      ['{"a":1}', 1],
      [undefined, 2],
      ['{"a":2}', 3],
    ]);
    expect(found.at(-1)?.end).toBe(bytes.length);
  }
});

test.each([
  ['{"a":1}', 'it is no JSON array'],
  ['[1,2', 'the array does not end'],
  ['[1] 2', 'more follows where the array should end'],
])('of %s it is said what is wrong', (text, problem) => {
  for (const size of [1, 100]) expect(readAll('json', Buffer.from(text), size).at(-1)?.problem).toBe(problem);
});

test('each is told with the line it begins in, whatever comes before it', () => {
  const texts: Record<BatchFormat, string> = {
    ndjson: '\n1\n\n\n2\r\n3',
    csv: '\n"a\nb",c\n1,2\n\n"x\n\ny",3\n4,5\n',
    json: '\n[\n\n1,\n\n {"a":\n2},3,\n4\n]',
  };
  const lines: Record<BatchFormat, number[]> = {
    ndjson: [2, 5, 6],
    csv: [2, 4, 6, 9],
    json: [4, 6, 7, 8],
  };
  for (const format of ['ndjson', 'csv', 'json'] as const)
    for (const size of [1, 3, 100])
      expect(readAll(format, Buffer.from(texts[format]), size).map(({ line }) => line)).toEqual(
        lines[format],
      );
});

test('a quote within a field of a CSV holds no record back', () => {
  const records = ['"a",b', '5" pipe,1', '6" pipe,"2\n,""3"""', '7,8', '"",""', '"9",'];
  const bytes = Buffer.from(`\uFEFF${records.join('\n')}\n`);
  for (const size of [1, 2, 100])
    expect(readAll('csv', bytes, size).map(({ text }) => text)).toEqual(records);
  const large = Buffer.from(`a,b\n${'x'.repeat(20)}"y\n7,8\n`);
  for (const size of [1, 5, 100])
    expect(readAll('csv', large, size, { bytesMax: 10 }).map(({ text }) => text)).toEqual([
      'a,b',
      undefined,
      '7,8',
    ]);
});

test('an array without elements, and no text at all, have no inputs', () => {
  expect(readAll('json', Buffer.from(' [ ] '), 1)).toEqual([]);
  expect(readAll('ndjson', Buffer.from('\n\n'), 1)).toEqual([]);
});
