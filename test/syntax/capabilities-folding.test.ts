import { describe, expect, test } from 'vitest';
import { foldBinary, foldJoin, foldStringMethod, foldUnary } from '../../src/syntax/constant-folding.ts';

describe('constant folding', () => {
  test.each([
    [1, '+', 2, 3],
    ['a', '+', 1, 'a1'],
    [5, '-', 2, 3],
    [5, '*', 2, 10],
    [5, '/', 2, 2.5],
    [5, '%', 2, 1],
    [2, '**', 3, 8],
    [1, '<<', 4, 16],
    [-8, '>>', 1, -4],
    [-1, '>>>', 28, 15],
    [1, '|', 2, 3],
    [3, '&', 2, 2],
    [3, '^', 1, 2],
    [1, '===', 1, true],
    [1, '!==', 1, false],
    [1, '==', '1', true],
    [1, '!=', '1', false],
    [1, '<', 2, true],
    [1, '<=', 1, true],
    [1, '>', 2, false],
    [1, '>=', 2, false],
  ] as const)('%j %s %j is %j', (left, operator, right, value) => {
    expect(foldBinary(operator, left, right)).toEqual({ value });
  });

  test.each([
    [1, '+', 1n],
    [2n, '**', 1_000_000_000n],
    [1n, '<<', 1_000_000_000n],
    [2, '**', 2n],
    [2, '<<', 2n],
    ['a', 'in', 'b'],
    ['x'.repeat(9_000), '+', 'x'.repeat(9_000)],
  ] as const)('%s %s %s is not followed', (left, operator, right) => {
    expect(foldBinary(operator, left, right)).toBeUndefined();
  });

  test.each([
    ['!', 0, true],
    ['void', 1, undefined],
    ['-', 1, -1],
    ['-', 1n, -1n],
    ['+', '2', 2],
    ['~', 1, -2],
    ['~', 1n, -2n],
    ['typeof', 'a', 'string'],
  ] as const)('%s %s is %s', (operator, operand, value) => {
    expect(foldUnary(operator, operand)).toEqual({ value });
  });

  test.each([
    ['+', 1n],
    ['delete', 1],
  ] as const)('%s %s is not followed', (operator, operand) => {
    expect(foldUnary(operator, operand)).toBeUndefined();
  });

  test('text methods are those of the language, bounded', () => {
    expect(foldStringMethod('evil', 'replace', ['i', 'a'])).toEqual({ value: 'eval' });
    expect(foldStringMethod('ab', 'repeat', [2])).toEqual({ value: 'abab' });
    expect(foldStringMethod('ab', 'padEnd', [4, 'x'])).toEqual({ value: 'abxx' });
    for (const count of [1e9, -1, '2', Number.NaN])
      expect(foldStringMethod('ab', 'repeat', [count])).toBeUndefined();
    expect(foldStringMethod('', 'padEnd', [1e9])).toBeUndefined();
    expect(foldStringMethod('ab', 'split', [''])).toBeUndefined();
    expect(foldStringMethod('ab', 'at', [1n])).toBeUndefined();
  });

  test('lists join as the language joins them', () => {
    expect(foldJoin(['a', null, undefined, 1], '-')).toEqual({ value: 'a---1' });
  });
});
