import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { PoolExhaustedError, SkillRuntimeError, SkillVerificationError } from '../../src/errors.ts';
import { deepEqualWithTolerance, firstDifference } from '../../src/skills/equality.ts';
import { verificationError, verifyExamples } from '../../src/skills/verify.ts';

const cycle = (): unknown => {
  const list: unknown[] = [1];
  list.push(list);
  return list;
};

describe('two values are equal', () => {
  test.each<[string, unknown, unknown, number?]>([
    ['floats within 1e-9', 0.1 + 0.2, 0.3],
    ['a rounding rest and zero', 0, 0.1 + 0.2 - 0.3],
    ['integers within a stated tolerance', 100, 101, 0.01],
    ['zero and minus zero', 0, -0],
    ['NaN and NaN', Number.NaN, Number.NaN],
    ['infinities', Infinity, Infinity],
    ['objects in another order', { a: 1, b: 2 }, { b: 2, a: 1 }],
    ['a missing member and undefined', {}, { a: undefined }],
    ['a hole and undefined', [undefined], Array.from({ length: 1 })],
    ['dates', new Date(5), new Date(5)],
    [
      'maps',
      new Map<unknown, unknown>([
        ['a', [1]],
        [{ k: 1 }, 2],
      ]),
      new Map<unknown, unknown>([
        [{ k: 1 }, 2],
        ['a', [1]],
      ]),
    ],
    ['sets', new Set([1, 2, { a: 1 }]), new Set([2, 1, { a: 1 }])],
    ['regular expressions', /a/g, /a/g],
    ['typed arrays', new Float64Array([0.1 + 0.2]), new Float64Array([0.3])],
    ['buffers', new Uint8Array([1]).buffer, new Uint8Array([1]).buffer],
    ['views', new DataView(new ArrayBuffer(2)), new DataView(new ArrayBuffer(2))],
    ['errors', new TypeError('x'), new TypeError('x')],
    ['bigints', 1n, 1n],
    ['cycles', cycle(), cycle()],
    ['objects without a prototype', { a: 1 }, Object.assign(Object.create(null) as object, { a: 1 })],
  ])('%s', (_what, expected, actual, tolerance) => {
    expect(deepEqualWithTolerance(expected, actual, tolerance)).toBe(true);
  });
});

describe('two values differ', () => {
  test.each<[string, unknown, unknown, string]>([
    ['neighbouring large integers', 1_000_000_001, 1_000_000_002, 'output'],
    ['a number and its text', { n: 1 }, { n: '1' }, 'output.n'],
    ['NaN and null', null, Number.NaN, 'output'],
    ['opposite infinities', Infinity, -Infinity, 'output'],
    ['null and undefined', [null], [undefined], 'output[0]'],
    ['an object and an array', {}, [], 'output'],
    ['lists of other lengths', { a: [1] }, { a: [1, 2] }, 'output.a'],
    ['an extra member', {}, { 'odd key': 1 }, 'output["odd key"]'],
    ['dates', new Date(5), new Date(6), 'output'],
    ['maps by key', new Map([['a', 1]]), new Map([['b', 1]]), 'output'],
    ['maps by value', new Map([['a', 1]]), new Map([['a', 2]]), 'output.a'],
    ['maps by size', new Map(), new Map([['a', 2]]), 'output'],
    ['sets', new Set([1]), new Set([2]), 'output'],
    ['sets by size', new Set([1]), new Set(), 'output'],
    ['kinds of typed arrays', new Uint8Array(1), new Int8Array(1), 'output'],
    ['buffers', new ArrayBuffer(1), new ArrayBuffer(2), 'output'],
    ['errors', new TypeError('x'), new RangeError('x'), 'output'],
    ['an inherited member and an own one', { constructor: 1 }, {}, 'output.constructor'],
  ])('%s', (_what, expected, actual, path) => {
    expect(firstDifference(expected, actual)?.path).toBe(path);
  });
});

test('the first difference is the first in the order of the expected value', () => {
  const difference = firstDifference(
    { rows: [{ a: 1 }, { a: 2, b: 3 }] },
    { rows: [{ a: 1 }, { b: 4, a: 5 }] },
  );
  expect(difference).toEqual({ path: 'output.rows[1].a', expected: 2, actual: 5 });
});

test('values nested a hundred thousand deep are compared without overflowing the stack', () => {
  const deep = (): unknown => {
    let value: unknown = 1;
    for (let level = 0; level < 100_000; level += 1) value = [value];
    return value;
  };
  expect(deepEqualWithTolerance(deep(), deep())).toBe(true);
});

test('equality holds of copies, and is symmetric', () => {
  const value = fc.jsonValue({ maxDepth: 3 });
  fc.assert(
    fc.property(value, value, (left, right) => {
      expect(deepEqualWithTolerance(left, structuredClone(left))).toBe(true);
      expect(deepEqualWithTolerance(left, right)).toBe(deepEqualWithTolerance(right, left));
    }),
    { numRuns: Number(process.env['SKILLCACHE_PROPERTY_RUNS'] ?? 300) },
  );
});

const examples = [1, 2, 3].map((n) => ({ inputs: { n }, output: { double: n * 2 } }));

test('examples run in their order, and those that differ are told with the place', async () => {
  const seen: number[] = [];
  const failures = await verifyExamples({ examples }, async ({ inputs }, index) => {
    seen.push(index);
    const n = Number(inputs['n']);
    return { output: { double: n === 2 ? 5 : n * 2 } };
  });
  expect(seen).toEqual([0, 1, 2]);
  expect(failures).toEqual([
    {
      index: 1,
      path: 'output.double',
      expected: '4',
      actual: '5',
      message: 'example 2 at output.double: expected 4, got 5',
    },
  ]);
});

test('a run that the skill fails is a failed example', async () => {
  const [failure] = await verifyExamples({ examples: examples.slice(0, 1) }, async () => {
    throw new SkillRuntimeError('TypeError: n is odd');
  });
  expect(failure?.error).toEqual({ code: 'SKILL_RUNTIME', message: 'TypeError: n is odd' });
  expect(failure?.expected).toBe('{ double: 2 }');
});

test('a failure that is not the skill’s rejects', async () => {
  const exhausted = new PoolExhaustedError('no worker free');
  await expect(
    verifyExamples({ examples }, async () => {
      throw exhausted;
    }),
  ).rejects.toBe(exhausted);
});

test('verification stops after 10 failures, and its error is bounded', async () => {
  const many = Array.from({ length: 50 }, () => ({ inputs: {}, output: 'x'.repeat(100_000) }));
  const failures = await verifyExamples({ examples: many }, async () => ({ output: 'y'.repeat(1e6) }));
  expect(failures).toHaveLength(10);
  const error = verificationError({ name: 'long', examples: many }, failures);
  expect(error).toBeInstanceOf(SkillVerificationError);
  expect(error.message).toMatch(/^10 of 50 examples of long failed: example 1 at output: expected 'xxx/);
  expect(JSON.stringify(error).length).toBeLessThan(25_000);
});
