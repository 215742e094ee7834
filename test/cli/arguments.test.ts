import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import {
  mergeData,
  parseCount,
  parseSize,
  parseTime,
  readAssignments,
  readData,
  stdinReader,
} from '../../src/cli/arguments.ts';
import { isCodePath, languageOf, readProgram } from '../../src/cli/program-source.ts';
import { readText } from '../../src/cli/read-file.ts';
import { jsonErrorPlace } from '../../src/json-place.ts';
import { AbortedError, FileNotFoundError, InjectionError, UsageError } from '../../src/errors.ts';

const folder = mkdtempSync(join(tmpdir(), 'skillcache-arguments-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    // Not JSON: that is the answer.
    return false;
  }
}

const stdinOf = (text: string) =>
  stdinReader(
    (async function* () {
      yield Buffer.from(text);
    })(),
    new AbortController().signal,
  );

describe('--inputs', () => {
  test('is JSON, a file or stdin', async () => {
    const path = file('inputs.json', '\uFEFF{"n":2}');
    expect(await readData('{"n":1}', '--inputs', stdinOf(''))).toEqual({ n: 1 });
    expect(await readData(`@${path}`, '--inputs', stdinOf(''))).toEqual({ n: 2 });
    expect(await readData('-', '--inputs', stdinOf('{"n":3}'))).toEqual({ n: 3 });
  });

  test.each([
    ['{"a":1,\n"b":}', 2, 5, 'what is wrong begins with }'],
    ['{"a":', 1, 6, 'it ends too early'],
    ['', 1, 1, 'it ends too early'],
    ['{a:1}', 1, 2, 'what is wrong begins with a:1}'],
    ['[1,]', 1, 4, 'what is wrong begins with ]'],
    ['{"a":[1 2]}', 1, 9, 'what is wrong begins with 2]}'],
    ['{"a" 1}', 1, 6, 'what is wrong begins with 1}'],
    ['{}{}', 1, 3, 'what is wrong begins with {}'],
    ['{"a":01}', 1, 7, 'what is wrong begins with 1}'],
    [`{"a":'b'}`, 1, 6, `what is wrong begins with 'b'}`],
    ['{"a":"b\tc"}', 1, 6, 'what is wrong begins with "b c"}'],
    ['[}', 1, 2, 'what is wrong begins with }'],
  ])('that is no JSON, %j, is refused with its place', async (text, line, column, why) => {
    const refused = readData(text, '--inputs', stdinOf(''));
    await expect(refused).rejects.toThrow(InjectionError);
    await expect(refused).rejects.toMatchObject({
      code: 'INVALID_INPUTS',
      message: `--inputs is not JSON: line ${line}, column ${column}: ${why}`,
      details: { line, column },
    });
  });

  test('whatever JSON.parse refuses has a place inside the text', () => {
    const nearlyJson = fc.tuple(fc.json(), fc.nat(), fc.string({ maxLength: 2 })).map(([text, at, noise]) => {
      const offset = at % (text.length + 1);
      return text.slice(0, offset) + noise + text.slice(offset + 1);
    });
    fc.assert(
      fc.property(nearlyJson, (text) => {
        const { line, column } = jsonErrorPlace(text);
        const lines = text.split('\n');
        expect(line).toBeLessThanOrEqual(lines.length);
        const isAtEnd = line === lines.length && column === (lines.at(-1)?.length ?? 0) + 1;
        expect(isAtEnd || !isJson(text)).toBe(true);
      }),
    );
  });

  test.each(['', '[', '{"a":1,', '{"a":['])(
    'a string of a megabyte that does not end is found behind %j',
    (before) => {
      const text = `${before}"${'ab\\n'.repeat(2 ** 18)}`;
      expect(jsonErrorPlace(text)).toEqual({ line: 1, column: before.length + 1 });
      expect(jsonErrorPlace(`${text}" x`)).toEqual({ line: 1, column: text.length + 3 });
    },
  );

  test.each([
    ['[1]', 'a list'],
    ['null', 'null'],
    ['5', 'a number'],
  ])('that is %s is refused as %s', async (word, found) => {
    await expect(readData(word, '--inputs', stdinOf(''))).rejects.toThrow(
      `--inputs is ${found}; expected a JSON object`,
    );
  });

  test('from a missing file is FILE_NOT_FOUND, from a folder USAGE', async () => {
    await expect(readData(`@${folder}/none`, '--inputs', stdinOf(''))).rejects.toThrow(FileNotFoundError);
    await expect(readText(folder)).rejects.toThrow(UsageError);
  });

  test('stdin is read once', async () => {
    const stdin = stdinOf('{}');
    await stdin();
    await expect(stdin()).rejects.toThrow(UsageError);
  });

  test('stdin that never ends is given up when the signal fires', async () => {
    const controller = new AbortController();
    const never = { [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => undefined) }) };
    const waiting = stdinReader(never, controller.signal)();
    controller.abort();
    await expect(waiting).rejects.toThrow(AbortedError);
    await expect(stdinReader(never, controller.signal)()).rejects.toThrow(AbortedError);
  });
});

describe('--input', () => {
  test('is JSON where it parses, else text, or the content of a file', async () => {
    const json = file('rows.json', '[1,2]');
    const csv = file('rows.csv', 'a,b\n1,2\n');
    expect(
      await readAssignments([
        'n=5',
        'name=Bob',
        'text="5"',
        'sum=a=b',
        `rows=@${json}`,
        `csv=@${csv}`,
        'n=6',
      ]),
    ).toEqual({ n: 6, name: 'Bob', text: '5', sum: 'a=b', rows: [1, 2], csv: 'a,b\n1,2\n' });
  });

  test('without a key is refused', async () => {
    await expect(readAssignments(['=5'])).rejects.toThrow(UsageError);
    await expect(readAssignments(['n'])).rejects.toThrow('--input n: expected key=value');
    await expect(readAssignments([`n=@${file('bad.json', '{')}`])).rejects.toThrow('--input n (');
  });

  test('takes __proto__ for a key like any other', async () => {
    const data = mergeData(await readAssignments(['__proto__={"a":1}']), { b: 2 });
    expect(Object.keys(data)).toEqual(['__proto__', 'b']);
    expect(Object.getPrototypeOf(data)).toBe(Object.prototype);
  });
});

describe('words', () => {
  test('sizes are bytes or powers of 1024', () => {
    expect(['0', '512', '256k', '64MiB', '1GB', '1.5K'].map(parseSize)).toEqual([
      0, 512, 262_144, 67_108_864, 1_073_741_824, 1_536,
    ]);
    for (const wrong of ['', 'x', '-1', '5T', '1e3']) expect(() => parseSize(wrong)).toThrow(UsageError);
  });

  test('counts are whole numbers', () => {
    expect(parseCount('12')).toBe(12);
    for (const wrong of ['', '-1', '1.5', '1e3', '99999999999999999']) {
      expect(() => parseCount(wrong)).toThrow(UsageError);
    }
  });

  test('times are ISO 8601 with a zone, or ms since 1970', () => {
    expect(parseTime('2026-01-01T00:00:00Z')).toBe('2026-01-01T00:00:00Z');
    expect(parseTime('-5')).toBe(-5);
    for (const wrong of ['yesterday', '2026-01-01', '2026-13-01T00:00:00Z']) {
      expect(() => parseTime(wrong)).toThrow(UsageError);
    }
  });

  test('a program is a file where its name says so, else a stored skill', async () => {
    expect(['a.js', './a', 'x/y', 'a.TS', '-'].map(isCodePath)).toEqual([true, true, true, true, true]);
    expect(['a', 'a@2', 'moving-average'].map(isCodePath)).toEqual([false, false, false]);
    expect([languageOf('a.mjs'), languageOf('a.mts'), languageOf('a.txt')]).toEqual([
      { language: 'javascript' },
      { language: 'typescript' },
      {},
    ]);
    const path = file('x.ts', 'const n: number = 1;');
    expect(await readProgram(path, stdinOf(''))).toEqual({
      kind: 'code',
      code: 'const n: number = 1;',
      language: 'typescript',
    });
    expect(await readProgram('-', stdinOf('1'))).toEqual({ kind: 'code', code: '1' });
    expect(await readProgram('a@1', stdinOf(''))).toEqual({ kind: 'stored', reference: 'a@1' });
  });
});
