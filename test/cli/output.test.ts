import { describe, expect, test } from 'vitest';
import { changedLines, markChanges } from '../../src/cli/changed-lines.ts';
import { failureJson, failureOf, failureText } from '../../src/cli/failure.ts';
import { Output } from '../../src/cli/output.ts';
import { paintFor } from '../../src/cli/paint.ts';
import { cutTo, plainLine, plainText, widthOf } from '../../src/cli/plain-text.ts';
import { table } from '../../src/cli/table.ts';
import {
  ConfigurationError,
  InputValidationError,
  SkillRuntimeError,
  SkillVerificationError,
} from '../../src/errors.ts';

const unpainted = paintFor(false, {});

class Screen {
  text = '';
  readonly isTTY: boolean;
  readonly columns: number;

  constructor(isTTY: boolean, columns = 80) {
    this.isTTY = isTTY;
    this.columns = columns;
  }

  write(text: string): boolean {
    this.text += text;
    return true;
  }
}

function outputTo({
  isTTY = false,
  json = false,
  quiet = false,
  columns = 80,
  env = {},
  progressAfterMs = 0,
} = {}) {
  const stdout = new Screen(isTTY, columns);
  const stderr = new Screen(isTTY, columns);
  return { stdout, stderr, output: new Output({ stdout, stderr, env, json, quiet, progressAfterMs }) };
}

describe('colour', () => {
  test('is for terminals without NO_COLOR only', () => {
    expect(paintFor(true, {})('red', 'x')).toBe('\u001b[31mx\u001b[39m');
    expect(paintFor(false, {})('red', 'x')).toBe('x');
    expect(paintFor(true, { NO_COLOR: '1' })('red', 'x')).toBe('x');
    expect(paintFor(true, { TERM: 'dumb' })('red', 'x')).toBe('x');
    expect(paintFor(true, { NO_COLOR: '' })('red', 'x')).not.toBe('x');
  });
});

describe('text of others', () => {
  test('cannot move the cursor, colour, or reorder what is shown', () => {
    expect(plainText('a\u001b[2Jb\u202ec\u009b')).toBe('a\\u{1b}[2Jb\\u{202e}c\\u{9b}');
    expect(plainText('a\tb\r\nc\rd')).toBe('a\tb\nc\\u{d}d');
    expect(plainLine(' a\n  b\tc ')).toBe('a b c');
  });

  test('is measured and cut in columns of a terminal', () => {
    expect(widthOf('abc')).toBe(3);
    expect(widthOf('日本')).toBe(4);
    expect(widthOf('e\u0301')).toBe(1);
    expect(widthOf('👩‍👩‍👧')).toBe(2);
    expect(cutTo('abcdef', 4)).toBe('abc…');
    expect(cutTo('日本語', 4)).toBe('日…');
    expect(cutTo('abc', 3)).toBe('abc');
  });
});

describe('table', () => {
  const columns = [
    { title: 'NAME' },
    { title: 'N', align: 'right' as const },
    { title: 'TEXT', isFlexible: true },
  ];
  const rows = [
    ['a', '10', 'first\nrow'],
    ['long-name', '2', 'x'.repeat(60)],
  ];

  test('aligns its columns and keeps each row on one line', () => {
    const text = table(columns, rows, { width: undefined, paint: unpainted });
    expect(text.split('\n').slice(0, 2)).toEqual(['NAME        N  TEXT', 'a          10  first row']);
  });

  test('gives way in its flexible column on a narrow terminal', () => {
    const lines = table(columns, rows, { width: 40, paint: unpainted }).split('\n');
    expect(Math.max(...lines.map((line) => line.length))).toBe(40);
    expect(lines.at(-1)?.endsWith('…')).toBe(true);
    const least = table(columns, rows, { width: 10, paint: unpainted }).split('\n');
    expect(least.at(-1)).toBe(`long-name   2  ${'x'.repeat(11)}…`);
  });
});

describe('output', () => {
  test('data goes to stdout, notes to stderr', () => {
    const { stdout, stderr, output } = outputTo();
    output.answer({ a: 1 }, () => 'text');
    output.note('note');
    expect([stdout.text, stderr.text]).toEqual(['text\n', 'note\n']);
  });

  test('with --json stdout is one document, in one line where nobody looks', () => {
    const piped = outputTo({ json: true });
    piped.output.answer({ a: [1] }, () => 'text');
    expect(piped.stdout.text).toBe('{"a":[1]}\n');
    const shown = outputTo({ json: true, isTTY: true });
    shown.output.answer([{ a: { b: [1] } }], () => 'text');
    expect(shown.stdout.text).toBe('[\n  {\n    "a": {\n      "b": [1]\n    }\n  }\n]\n');
  });

  test('with --quiet nothing but answers and errors is said', () => {
    const { stderr, output } = outputTo({ quiet: true, isTTY: true });
    output.note('note');
    output.warn('warning');
    output.progress('progress');
    expect(stderr.text).toBe('');
    output.error('error');
    expect(stderr.text).toBe('error\n');
  });

  test('progress is for terminals, and gone when the next line is written', async () => {
    const piped = outputTo();
    piped.output.progress('1 of 2');
    expect(piped.stderr.text).toBe('');
    const shown = outputTo({ isTTY: true });
    shown.output.progress('1 of 2');
    shown.output.note('done');
    expect(shown.stderr.text).toBe('\r\u001b[2K1 of 2\r\u001b[2Kdone\n');
    expect(await shown.output.waitFor('working', Promise.resolve(5))).toBe(5);
  });

  test('what takes no longer than a second shows no progress', () => {
    const { stderr, output } = outputTo({ isTTY: true, progressAfterMs: 60_000 });
    output.progress('1 of 2');
    expect(stderr.text).toBe('');
  });

  test('source is byte for byte in a pipe and harmless on a terminal', () => {
    const code = 'a\r\nb\u001b[2J';
    const piped = outputTo();
    piped.output.source(code);
    expect(piped.stdout.text).toBe(code);
    const shown = outputTo({ isTTY: true });
    shown.output.source(code);
    expect(shown.stdout.text).toBe('a\nb\\u{1b}[2J\n');
  });
});

describe('failure', () => {
  test('is one JSON document with code, message, retryable and details', () => {
    const failure = failureOf(new ConfigurationError('wrong', { details: { issues: [] } }));
    expect(JSON.parse(failureJson(failure))).toEqual({
      error: { code: 'CONFIGURATION', message: 'wrong', retryable: false, details: { issues: [] } },
    });
  });

  test('of an unknown kind is INTERNAL, exits 1 and shows its stack', () => {
    const failure = failureOf(new RangeError('odd'));
    expect(failure).toMatchObject({ code: 'INTERNAL', exitCode: 1, retryable: false });
    expect(failureText(failure, unpainted)).toContain('    at ');
    expect(failureOf('text').message).toBe('text');
  });

  test('is the first of two where closing failed as well', () => {
    const both = Object.assign(new Error('two'), {
      name: 'SuppressedError',
      error: new Error('closing'),
      suppressed: new ConfigurationError('first'),
    });
    expect(failureOf(both)).toMatchObject({ code: 'CONFIGURATION', message: 'first' });
  });

  test('names each issue, place and example that its message does not', () => {
    const issues = new InputValidationError('2 issues', {
      details: { issues: [{ path: 'n', message: 'is odd' }] },
    });
    expect(failureText(failureOf(issues), unpainted)).toContain('  n: is odd');
    const failures = [{ index: 0, expected: { a: 1 }, actual: [Number.NaN] }];
    const example = failureText(
      failureOf(new SkillVerificationError('no', { details: { failures } })),
      unpainted,
    );
    expect(example).toContain('example 1');
    expect(example).toContain('expected {"a":1}');
    expect(example).toContain('actual   [{"$number":"NaN"}]');
    const stack = 'Error: no\n    at run (skill:x@1:2:3)\u001b[2J';
    const thrown = failureOf(
      new SkillRuntimeError('no', { details: { error: { name: 'Error', message: 'no', stack } } }),
    );
    expect(failureText(thrown, unpainted)).toContain('at run (skill:x@1:2:3)\\u{1b}[2J');
  });
});

describe('changed lines', () => {
  test('are numbered, with what was there and what is there now', () => {
    const before = 'const a = 1;\nconst b = 2;\n';
    const after = 'const a = 1;\nconst b = 3;\n';
    expect(changedLines(before, after)).toEqual([{ line: 2, before: 'const b = 2;', after: 'const b = 3;' }]);
    expect(markChanges(before, after, unpainted)).toBe(
      '  1  const a = 1;\n- 2  const b = 2;\n+ 2  const b = 3;',
    );
  });
});
