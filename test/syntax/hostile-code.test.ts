import { describe, expect, it } from 'vitest';
import { InjectionError, SkillSyntaxError } from '../../src/errors.ts';
import { injectData } from '../../src/inject/inject.ts';
import { reportCapabilities } from '../../src/syntax/capabilities.ts';

const numbered = (count: number, text: (index: number) => string): string =>
  Array.from({ length: count }, (_, index) => text(index)).join('');

function thrownBy(task: () => unknown): unknown {
  try {
    task();
  } catch (error) {
    return error;
  }
  return undefined;
}

describe('code that would take long to read', () => {
  it('is refused for many comments on one line, in numbers', () => {
    const code = '/**/'.repeat(250_000);
    const report = thrownBy(() => reportCapabilities(code));
    expect(report).toBeInstanceOf(SkillSyntaxError);
    expect((report as SkillSyntaxError).details).toMatchObject({ comments: 538, limit: 2 ** 29 });
    expect(thrownBy(() => injectData(code))).toMatchObject({ code: 'LIMIT_EXCEEDED' });
  });

  it('may have as many comments on lines of their own', () => {
    expect(reportCapabilities('/**/\n'.repeat(20_000)).flags).toEqual([]);
  });

  it('is erased in one walk over the blanks that its types leave', () => {
    const code = `let zz = 1;${numbered(12_000, (index) => `type A${index}<T>=T extends 1?2:3;`)}`;
    expect(injectData(code, { inputs: { zz: 2 } }).code.trim()).toBe('let zz = 2;');
  });

  it('is refused when its regular expressions would take too long', () => {
    const code = `/(${'[ab]*'.repeat(200)})*/;`.repeat(200);
    expect(() => reportCapabilities(code)).toThrow('50000000 steps');
  });

  it.each([
    ['a name of a module', `import('a${'?'.repeat(400_000)}\\n')`],
    ['code from a string', `eval('this${' '.repeat(400_000)}x')`],
    ['a date', `new Date('Jan 1 2020${' '.repeat(400_000)}1:00')`],
  ])('is read where %s goes on and on', (_what, code) => {
    expect(reportCapabilities(code).flags.length).toBeGreaterThan(0);
  });

  it('is refused for defaults within defaults', () => {
    const code = `let ${'['.repeat(40)}a${'=1]'.repeat(40)} = x;`;
    expect(() => reportCapabilities(code)).toThrow('50000000 steps');
  });

  it('is refused for walks that look for each other', () => {
    const walk = '(a, b) => a[b]';
    const code = `${numbered(1_500, () => `p.reduce(${walk}, o)[k] = 1;`)}${'x;'.repeat(40_000)}`;
    expect(() => reportCapabilities(code)).toThrow('50000000 steps');
  });

  it('has no BigInt squared until it fills the memory', () => {
    const code = `const a0 = 9n;${numbered(40, (index) => `const a${index + 1} = a${index} * a${index};`)}`;
    expect(reportCapabilities(`${code}; a40; 1n >> -1000000000n; 1n == 1`).freeNames).toEqual([]);
  });

  it('is read where one pattern has many places', () => {
    expect(reportCapabilities(`/${'a*'.repeat(50_000)}/`).flags).toEqual([]);
  });

  it('is planned with blanks in an initialiser', () => {
    expect(injectData(`let a = [${' '.repeat(100_000)}1];`, { inputs: { a: 2 } }).code).toBe('let a = 2;');
  });

  it('is planned where it takes the names that a template would', () => {
    const code = numbered(60_000, (index) => `$s${index};$d${index};`);
    expect(injectData(`${code}let a = 1;`, { inputs: { a: 2 } }).injected).toEqual(['a']);
  });
});

describe('code with very many names', () => {
  const names = numbered(125_000, (index) => `a${index},`);

  it.each([
    ['an object pattern', `const {${names}}={};`],
    ['an array pattern', `const [${names}]=[];`],
  ])('is refused by name in %s', (_, code) => {
    expect(() => injectData(code, { inputs: { a1: 1 } })).toThrow('`a1` at line 1');
  });

  it('is read in nested statements, classes of characters and functions', () => {
    expect(injectData(`{${'x;'.repeat(150_000)}} let a = 1;`, { inputs: { a: 2 } }).injected).toEqual(['a']);
    expect(reportCapabilities(`function f() { [${'1,'.repeat(150_000)}]; }`).flags).toEqual([]);
    expect(reportCapabilities(`String.fromCharCode(${'1,'.repeat(150_000)})`).flags).toEqual([]);
  });
});

describe('code that is no text, or too long a one', () => {
  it.each([[5], [null], [undefined], [{}]])('is refused with a typed error: %s', (given) => {
    const code = given as unknown as string;
    expect(thrownBy(() => injectData(code))).toBeInstanceOf(InjectionError);
    expect(thrownBy(() => injectData(code))).toMatchObject({ code: 'PARSE_ERROR' });
    expect(() => reportCapabilities(code)).toThrow(SkillSyntaxError);
  });

  it('is refused with its length', () => {
    const code = ' '.repeat(16 * 1024 * 1024 + 1);
    expect(thrownBy(() => injectData(code))).toMatchObject({
      code: 'LIMIT_EXCEEDED',
      details: { length: 16_777_217, limit: 16_777_216 },
    });
    expect(() => reportCapabilities(code)).toThrow(SkillSyntaxError);
  });
});
