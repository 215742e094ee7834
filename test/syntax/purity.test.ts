import { describe, expect, test } from 'vitest';
import { reportCapabilities } from '../../src/syntax/capabilities.ts';
import { decidePurity, undeclaredCapabilities } from '../../src/syntax/purity.ts';

const purityOf = (code: string, ignoreNames: readonly string[] = []) =>
  decidePurity(reportCapabilities(code), { ignoreNames });

describe('purity', () => {
  test.each([
    ['arithmetic', 'export default (a, b) => a + b;'],
    ['dates of inputs', 'export default (t) => new Date(t).toISOString();'],
    ['inner state', 'export default () => { let n = 0; n++; return n; };'],
    [
      'a timer: it changes when, not what',
      'export default () => new Promise((done) => setTimeout(done, 5, 1));',
    ],
    ['a huge allocation: it fails the same way', 'export default () => new Array(1e9);'],
    ['a pattern of the input', 'export default (p, s) => new RegExp(p).test(s);'],
    ['a look at a prototype', 'export default (o) => Object.getPrototypeOf(o) === null;'],
  ])('%s is pure', (_name, code) => {
    expect(purityOf(code)).toEqual({ decided: true, because: [] });
  });

  test.each([
    ['a clock', 'nondeterminism', 'export default () => Date.now();'],
    ['randomness', 'nondeterminism', 'export default () => Math.random();'],
    ['the network', 'net', 'export default (u) => fetch(u);'],
    ['state', 'module-state', 'let n = 0; export default () => ++n;'],
    ['an unknown name', 'undeclared-global', 'export default () => bot.dig();'],
    ['files', 'fs', 'import fs from "fs"; export default () => fs.readFileSync("x");'],
    ['the environment', 'env', 'export default () => process.env.A;'],
    ['the locale', 'environment-dependent', 'export default (n) => n.toLocaleString();'],
    ['code from text', 'eval', 'export default (x) => eval(x);'],
    ['globals by unknown names', 'dynamic-global', 'export default (k) => globalThis[k]();'],
  ])('%s makes it impure, and the reason names %s', (_name, flag, code) => {
    const { decided, because } = purityOf(code);
    expect(decided).toBe(false);
    expect(because.join('\n')).toContain(`${flag}: `);
  });

  test('names of required skills are taken as pure', () => {
    const code = 'export default (xs) => average(xs) + spread(xs);';
    expect(purityOf(code, ['average', 'spread']).decided).toBe(true);
    expect(purityOf(code, ['average']).because).toEqual([
      'undeclared-global: uses spread, which nothing declares',
    ]);
  });

  test('each flag is a reason once, with its first place', () => {
    expect(purityOf('export default () =>\n  Math.random() + Date.now();').because).toEqual([
      'nondeterminism: reads a clock or randomness (line 2, column 3)',
    ]);
  });
});

describe('declared capabilities', () => {
  const report = reportCapabilities('export default (u) => { setTimeout(fetch, 1, u); };');

  test('what is declared is not reported as undeclared', () => {
    expect(undeclaredCapabilities(report, ['net', 'timers'])).toEqual([]);
  });

  test('what is not declared is reported with its place', () => {
    expect(undeclaredCapabilities(report, ['timers'])).toEqual([{ flag: 'net', line: 1, column: 36 }]);
  });
});
