/** Parsing, and reading a source between the nodes of its tree. */
import { expect, test } from 'vitest';
import { SkillSyntaxError } from '../../src/errors.ts';
import { operatorPlaces, parseModule } from '../../src/syntax/parse.ts';
import { blank, continuesExpression, endOfName, lineEnds, skipTrivia } from '../../src/syntax/source-text.ts';

test('a syntax error has line and column, from 1', () => {
  expect(() => parseModule('let a;\n  let a;', 'javascript')).toThrow(SkillSyntaxError);
  expect(() => parseModule('let a;\n  let a;', 'javascript')).toThrow('at line 2, column 7');
  expect(() => parseModule('['.repeat(50_000), 'javascript')).toThrow('nested too deeply');
});

test('what is no text is refused as such', () => {
  expect(() => parseModule(5 as unknown as string, 'javascript')).toThrow('code is a number, not a text');
});

test('operators are found, and nothing like them in strings, comments and patterns', () => {
  const source = 'a <!--b; "<!--"; /<!--/; `<!--`; /* <!-- */ // <!--';
  expect(operatorPlaces(source, '<!--')).toEqual([{ line: 1, column: 3 }]);
});

test('blanks, comments, names and line ends are told apart', () => {
  expect(skipTrivia('\ufeff \t/* a\n*/ // b\r\n\u2028 x', 0)).toBe(19);
  expect(skipTrivia('/a/', 0)).toBe(0);
  expect(endOfName('\\u0061\\u{62}c$é𝒳 d', 0)).toBe(17);
  expect(lineEnds('a\r\nb\n\rc\u2028')).toEqual(['\r\n', '\n', '\r', '\u2028']);
  expect(lineEnds('a')).toEqual([]);
  expect(blank('a𝒳\r\nb')).toBe('   \r\n ');
});

test.each(['(', '[', '`', '/', '*', '.x', '+1', '-1', '+'])('%s continues an expression', (text) => {
  expect(continuesExpression(text, 0)).toBe(true);
});

test.each(['', '++a', '--a', '.5', 'a', '{', ';', '"x"', '1'])('%j does not', (text) => {
  expect(continuesExpression(text, 0)).toBe(false);
});
