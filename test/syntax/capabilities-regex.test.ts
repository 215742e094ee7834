import { describe, expect, test } from 'vitest';
import { isCatastrophic } from '../../src/syntax/regex-safety.ts';

const EXPONENTIAL: readonly RegExp[] = [
  /(a+)+/,
  /^(a|a)*$/,
  /(a|aa)+$/,
  /(.*)*/,
  /(\w+\s?)*$/,
  /([a-z]+)*/,
  /^(\d|\w)+$/,
  /(a*)*b/,
  /(a|a?)+$/,
  /(x+x+)+y/,
  /^([a-zA-Z0-9]+([._-]?[a-zA-Z0-9]+)*)@x$/,
  /^(([a-z])+.)+[A-Z]([a-z])+$/,
  /(?:.*)+x/,
  /^(https?:\/\/)?([\da-z.-]+)\.([a-z.]{2,6})([/\w .-]*)*\/?$/,
  /"(\\.|[^"])*"x/,
  /(\s*,\s*)*x/,
  /(?:a|b|ab)*c/,
  /([^,]*,?)*$/,
  /(a{1,100}){1,100}$/,
  /(A|a)+$/i,
  /^(a+){20}$/,
  /(?:\d+\.?)+$/,
  /(?<x>\w+)+$/,
  /([\x41-\x5a]|[A-Z])+$/,
  /(\u0061|a)*$/,
  /(\u{61}|a)*$/u,
  /(\p{L}|[a-z])*$/u,
  /(?:[\n\r\t\v\f\0]|\s)*$/,
  /([\b-]|-)*$/,
  /(\D|[a-z])+$/,
  /(\S|\W)+$/,
  /([^\d]|a)+$/,
  /([a\-z]|-)+$/,
  /([\w-]|-)+$/,
  /(.|\n|a)+$/,
  /(.|\n)+$/s,
  /(a(?=b)|ab?)+c|(x+)+/,
];

const LINEAR: readonly RegExp[] = [
  /^(ab)+$/,
  /^[a-z]+$/,
  /\d+(\.\d+)?/,
  /^\s+|\s+$/g,
  /^[^\s@]+@[^\s@]+\.[^\s@]+$/,
  /^(\d{1,3}\.){3}\d{1,3}$/,
  /"(?:[^"\\]|\\.)*"/,
  /(?:(?!-->)[\s\S])*/,
  /\B(?=(\d{3})+(?!\d))/g,
  /^-?\d+(?:,\d{3})*(?:\.\d+)?$/,
  /(,|\r?\n|\r|^)(?:"([^"]*(?:""[^"]*)*)"|([^,\r\n]*))/gi,
  /(["'])(?:(?=(\\?))\2.)*?\1/,
  /[\w-]+(\.[\w-]+)*/,
  /^#?([a-f\d]{2})([a-f\d]{2})([a-f\d]{2})$/i,
  /([a-z]|[0-9])+/,
  /^\/(?:[^/]+\/)*[^/]*$/,
  /(\r\n|\n)+/,
  /^(?:\w+\s)*\w+$/,
  /^\w+([.-]\w+)*@\w+([.-]\w+)*\.\w{2,}$/,
  /^(?=.*[a-z])(?=.*\d).{8,}$/,
  /\$\{(\w+)\}/g,
  /(a{0})*b/,
  /(?:a|b){3}/,
  /(?<year>\d{4})-\k<year>+/,
  /x{2,}/,
  /(?:ab?){2,4}/,
  /(\P{L}|\w)+/u,
  /(?:)*/,
  /a{,3}b*/,
];

describe('regular expressions', () => {
  test.each(EXPONENTIAL.map((each) => [each]))('%s can take exponential time', (pattern) => {
    expect(isCatastrophic(pattern.source, pattern.flags)).toBe(true);
  });

  test.each(LINEAR.map((each) => [each]))('%s cannot', (pattern) => {
    expect(isCatastrophic(pattern.source, pattern.flags)).toBe(false);
  });

  test.each([['('], [')*'], ['a**'], ['[a'], ['\\'], ['(?<'], ['a{2,1}+']])(
    'what is no regular expression (%s) is read without harm',
    (pattern) => {
      expect(isCatastrophic(`${pattern}x*`, '')).toBeTypeOf('boolean');
    },
  );

  test('a pattern of many thousand places is not judged, quickly', () => {
    expect(isCatastrophic(`${'[a-z]?'.repeat(5_000)}(a+)`, '')).toBe(false);
    expect(isCatastrophic('((a{1,9}){1,9}){1,9}b*', '')).toBe(false);
  });
});
