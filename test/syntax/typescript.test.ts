/** Types erased in place: what runs is what TypeScript would run, every offset is kept. */
import vm from 'node:vm';
import { describe, expect, test } from 'vitest';
import { InjectionError } from '../../src/errors.ts';
import { parseModule } from '../../src/syntax/parse.ts';
import { eraseTypes } from '../../src/syntax/typescript.ts';

const erase = (code: string): string => eraseTypes(code, parseModule(code, 'typescript'));

/** The value of `r` after the erased code ran. */
function run(code: string): unknown {
  return vm.runInThisContext(
    `(() => { 'use strict'; ${erase(code)}\n; return typeof r === 'undefined' ? undefined : r; })()`,
  );
}

/** Code → the value of its variable `r`. */
const runs: [name: string, code: string, value: unknown][] = [
  ['annotations', 'let x: number = 1, y: string; const r: [number] = [x];', [1]],
  ['an `as` before a line that begins with (', 'let a = 1\nconst r = a as number\n(0, a)', 1],
  ['an `as` before a line that begins with [', 'const r = "x" as string\n[1].length', 'x'],
  ['an `as` before a line that begins with `', 'const r = 2 as number\n`t`', 2],
  ['an `as` before a line that begins with /', 'const r = 8 as number\n/2', 4],
  ['an `as` before a line that begins with -', 'const r = 8 as number\n-1', 7],
  ['an `as` before a line that begins with ++', 'let a = 1\nconst r = a as number\n++a', 1],
  ['a `satisfies` before a line that begins with (', 'const r = 1 satisfies number\n(0)', 1],
  ['`as const` in a loop head', 'let r = 0; for (let i = 0 as number; i < 3; i++) r += i', 3],
  ['`as` in the head of a for-of', 'let r = 0; for (const x of [1, 2] as number[]) r += x', 3],
  ['chains of `as`', 'const r = (1 as unknown as string) as any', 1],
  ['a comment between value and `as`', 'const r = 1 /* as string */ as number', 1],
  ['a statement of types between two lines', 'const a = { v: 7 }\ntype T = {}\n;const r = a.v', 7],
  [
    'a statement of types before a line that begins with (',
    'let r = 0\nconst f = () => 1\ninterface I { a: 1 }\n(r = 5)',
    5,
  ],
  ['angle assertions', 'const r = <number>(<any>3) + 1;', 4],
  ['non-null marks', 'const o: { a?: { b: number } } = { a: { b: 1 } }; const r = o.a!.b! + o!.a!["b"]!', 2],
  ['a definite assignment', 'let x!: number; x = 4; const r = x', 4],
  ['generic calls', 'function f<T>(x: T): T { return x } const r = f<string>("s")', 's'],
  ['generic arrows', 'const f = <T,>(x: T): T => x; const r = f(1)', 1],
  ['generic arrows over lines', 'const f = <\n  T extends {},\n  U\n>(x: T): T => x; const r = f(1)', 1],
  [
    'a returned generic arrow over lines',
    'function g() { return <\n  T\n>(x: T) => x }\nconst r = g()(6)',
    6,
  ],
  ['an async generic arrow over lines', 'const f = async <\n T\n>(x: T) => x; const r = f.name', 'f'],
  [
    'an arrow whose return type spans lines',
    'const f = (x: number): {\n  a: number\n} => ({ a: x }); const r = f(2).a',
    2,
  ],
  [
    'an arrow without parameters whose return type spans lines',
    'const f = (): Array<\n  number\n> => [1]; const r = f().length',
    1,
  ],
  [
    'an arrow with a trailing comma whose return type spans lines',
    'const f = (x: number, ): Array<\n number\n> => [x]; const r = f(3)[0]',
    3,
  ],
  [
    'an async arrow without parameters over lines',
    'const f = async (): Promise<\nvoid\n> => {}; const r = f.length',
    0,
  ],
  [
    'this parameters',
    'function f(this: any, a: number) { return a } function g(this: void,) { return 1 } const r = f(2) + g()',
    3,
  ],
  [
    'optional parameters',
    'function f(a: number, b?: number, c ?) { return b === undefined && c === undefined } const r = f(1)',
    true,
  ],
  [
    'overloads',
    'function f(a: string): string;\nfunction f(a: number): number;\nfunction f(a: any) { return a }\nconst r = f(3)',
    3,
  ],
  ['type predicates', 'const f = (x: unknown): x is string => typeof x === "string"; const r = f("")', true],
  ['assertion functions', 'function f(x: unknown): asserts x is string {} const r = typeof f', 'function'],
  [
    'class members',
    'class A<T> extends Object implements I, J<T> { private readonly a: number = 1; protected static b?: string; declare c: number; public d!: number; override toString(): string { return "x" } }\nconst r = [new A().a, Object.keys(new A()), String(new A())]',
    [1, ['a', 'd'], 'x'],
  ],
  [
    'abstract classes',
    'abstract class A { abstract f(): number; abstract x: string; g(): number { return 1 } }\nclass B extends A { f() { return this.g() } x = "" }\nconst r = new (B as any)().f()',
    1,
  ],
  [
    'index signatures',
    'class A { x = 1;\n [k: string]: any\n ["y"] = 2 }\nconst r = { ...new A() }',
    { x: 1, y: 2 },
  ],
  [
    'a field with `as` before a computed one',
    'class A { x = 1 as number\n ["y"] = 2 }\nconst r = { ...new A() }',
    { x: 1, y: 2 },
  ],
  [
    'a modifier before a computed field',
    'class A { x = 1\n public ["y"] = 2 }\nconst r = { ...new A() }',
    { x: 1, y: 2 },
  ],
  [
    'a modifier before a field called in',
    'class A { x = 1\n public in = 2 }\nconst r = { ...new A() }',
    { x: 1, in: 2 },
  ],
  ['a field called get', 'class A { get: any\n foo() { return 1 } }\nconst r = new A().foo()', 1],
  [
    'a field called static with a type',
    'class A { static: any\n foo() { return 1 } }\nconst r = new A().foo()',
    1,
  ],
  [
    'modifiers as names',
    'class A { readonly readonly = 1; private declare = 2; public = 3 }\nconst r = { ...new A() }',
    { readonly: 1, declare: 2, public: 3 },
  ],
  [
    'optional methods and fields',
    'class A { f?(): void { } ["x"]?: number = 1; #p?: number = 2; q() { return this.#p } }\nconst r = new A().q()',
    2,
  ],
  [
    'constructor overloads',
    'class A { v; constructor(a: string); constructor(a: any) { this.v = a } }\nconst r = new (A as any)(9).v',
    9,
  ],
  [
    'accessors',
    'class A { private static get x(): number { return 5 } static y() { return A.x } }\nconst r = A.y()',
    5,
  ],
  ['catch variables', 'let r: unknown; try { throw 1 } catch (e: unknown) { r = e }', 1],
  [
    'patterns',
    'const { a, b = 2 }: { a: number; b?: number } = { a: 1 }; const [c]: number[] = [3]; const r = [a, b, c]',
    [1, 2, 3],
  ],
  ['rest parameters', 'const f = (...xs: number[]): number => xs.length; const r = f(1, 2)', 2],
  [
    'object methods',
    'const o = { f<T>(this: any, x: T): T { return x }, get y(): number { return 1 } }; const r = o.f(o.y)',
    1,
  ],
  [
    'tagged templates',
    'const t = <T>(s: TemplateStringsArray) => s.raw[0]; const r = t<string>`a\\n`',
    'a\\n',
  ],
  ['instantiation expressions', 'const f = <T,>(x: T) => x; const g = f<number>; const r = g(1)', 1],
  ['new with type arguments', 'const r = new Map<string, number>([["a", 1]]).size', 1],
  [
    'super classes with type arguments',
    'class A<T> {} class B extends A<{ a: 1 }> {} const r = new B() instanceof A',
    true,
  ],
  ['optional calls with type arguments', 'const f = undefined as any; const r = f?.<string>(1)', undefined],
  [
    'ambient declarations',
    'declare const x: number; declare function g(): void; declare module "m" { } declare global { } declare enum E { A } const r = 1',
    1,
  ],
  [
    'namespaces of types',
    'namespace N { export type T = 1; interface I {} } namespace M.O { type X = 2 } const r = 1',
    1,
  ],
  [
    'words that are types elsewhere',
    'const type = 1, as = 2, declare = 3, satisfies = 4; const r = type + as + declare + satisfies',
    10,
  ],
  ['assignment through a cast', 'let r: any; (r as number) = 3', 3],
  ['wide characters inside types', 'type T = "𝒳é"; const r: "𝒳" = "𝒳" as "𝒳"', '𝒳'],
  [
    'throw with `as` before a line that begins with (',
    'let r; try { if (true) throw 1 as any\n(0) } catch (e) { r = e }',
    1,
  ],
  ['an arrow returned by `as`', 'const f = () => ({ a: 1 }) as any\n;const r = f().a', 1],
  [
    'yield with and without a cast',
    'function* g(): any { yield; yield <number>1; yield 2 as number }\nconst r = [...g()]',
    [undefined, 1, 2],
  ],
  [
    'a private definite field',
    'class A { #p!: number; protected readonly static = 1; q() { return this.#p } }\nconst r = new A().q()',
    undefined,
  ],
  [
    'an arrow with a destructured parameter over lines',
    'const f = ({ a }: { a: number }): Array<\n number\n> => [a]; const r = f({ a: 1 })',
    [1],
  ],
  [
    'a class of types without a name',
    'interface I {} const A = class implements I { x = 1 }; const r = new A().x',
    1,
  ],
  ['return with `as` before [', 'const f = () => { return 1 as number\n[0] }\nconst r = f()', 1],
];

describe('erased code runs as TypeScript would', () => {
  test.each(runs)('%s', (_, code, value) => {
    expect(run(code)).toStrictEqual(value);
    const erased = erase(code);
    expect(erased).toHaveLength(code.length);
    expect(erased.replaceAll(/[^\n\r]/g, '')).toBe(code.replaceAll(/[^\n\r]/g, ''));
  });
});

const texts: [name: string, code: string, erased: string][] = [
  [
    'type imports go',
    "import type { A } from 'a';\nimport { type B, c } from 'b'",
    "                           \nimport {         c } from 'b'",
  ],
  [
    'type exports go',
    'type C = 1; export type { C };\nconst b = 1;\nexport { b, type C }',
    '                              \nconst b = 1;\nexport { b,        }',
  ],
  [
    'types exported by name go',
    'interface A {}\nconst b = 1;\nexport { A, b };',
    '              \nconst b = 1;\nexport {    b };',
  ],
  ['a default interface goes', 'export default interface A { a: 1 }', '                                   '],
  [
    'type re-exports go',
    "export type * from 'a'\nexport as namespace X",
    '                      \n                     ',
  ],
  [
    'a type import by require goes',
    "import type a = require('a')\n [1]",
    ';                           \n [1]',
  ],
  ['a carriage return stays', 'type A = {\r\n}\r\nlet a', '          \r\n \r\nlet a'],
  ['a semicolon stands where lines would join', 'let a = b as T\n(c)', 'let a = b ;   \n(c)'],
  ['a semicolon stands for a statement of types', 'f\ninterface I {\n}\n[1]', 'f\n;            \n \n[1]'],
];

test.each(texts)('%s', (_, code, erased) => {
  expect(erase(code)).toBe(erased);
});

const refusals: [name: string, code: string, line: number, column: number][] = [
  ['enums', 'let a\n  enum E { A }', 2, 3],
  ['constant enums', 'const enum E { A }', 1, 1],
  ['namespaces with values', 'namespace N { export const a = 1 }', 1, 1],
  ['parameter properties', 'class A { constructor(private a: number) {} }', 1, 23],
  ['decorators', '@dec\nclass A {}', 1, 1],
  ['import =', "import a = require('a')", 1, 1],
  ['export =', 'export = 1', 1, 1],
  ['an angle assertion before an object that would be a block', 'const f = () => <T>{ a: 1 }', 1, 17],
  ['an angle assertion before a function that would be a statement', '<any>function () {}', 1, 1],
  ['an angle assertion over lines behind return', 'function f() {\n  return <\nany\n>1 }', 2, 10],
];

test.each(refusals)('%s are refused with their place', (_, code, line, column) => {
  let thrown: unknown;
  try {
    erase(code);
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toBeInstanceOf(InjectionError);
  expect(thrown).toMatchObject({ code: 'UNSUPPORTED_SYNTAX', details: { line, column } });
});

test('types nested as deep as they parse are erased', () => {
  const code = `let a: ${'['.repeat(200)}number${']'.repeat(200)} = 1`;
  expect(erase(code)).toBe(`let a${' '.repeat(code.length - 9)} = 1`);
});
