import { describe, expect, it } from 'vitest';
import { SkillInvalidError, SkillSyntaxError } from '../../src/errors.ts';
import { firstDifference } from '../../src/skills/equality.ts';
import { detectLanguage } from '../../src/skills/language.ts';
import { parseSkillDefinition } from '../../src/skills/skill.ts';
import { hasRepeats } from '../../src/skills/unique-items.ts';
import { compileValidator } from '../../src/skills/validate.ts';
import { verifyExamples } from '../../src/skills/verify.ts';

/** 2 ** `depth` leaves for whoever walks it as a tree. */
function shared(depth: number, leaf: unknown = 1): unknown {
  let value = leaf;
  for (let level = 0; level < depth; level += 1) value = [value, value];
  return value;
}

const sparse = (length: number): unknown[] => {
  const list: unknown[] = [];
  list.length = length;
  return list;
};

describe('uniqueItems', () => {
  it('ends at the second hole of a long sparse array', () => {
    expect(hasRepeats(sparse(300_000_000))).toBe(true);
  });

  it('looks at a shared reference once', () => {
    expect(hasRepeats([shared(100), shared(100)])).toBe(true);
    expect(hasRepeats([shared(100), shared(101)])).toBe(false);
  });

  it('walks a long sparse item by its own keys', () => {
    expect(hasRepeats([sparse(300_000_000), sparse(300_000_001), [1]])).toBe(false);
    expect(hasRepeats([sparse(300_000_000), sparse(300_000_000)])).toBe(true);
  });

  it('compares large BigInts by value', () => {
    const large = 1n << 2_000_000n;
    expect(hasRepeats([large, large + 1n])).toBe(false);
    expect(hasRepeats([large, large + 0n])).toBe(true);
  });

  it('tells values of different kinds apart', () => {
    expect(hasRepeats([1, '1', true, null, undefined, [1], { a: 1 }, 1n, {}, []])).toBe(false);
    expect(
      hasRepeats([
        { a: 1, b: 2 },
        { b: 2, a: 1 },
      ]),
    ).toBe(true);
    expect(hasRepeats([0, -0])).toBe(true);
  });

  it('spends the time of the whole check', () => {
    const validate = compileValidator({ uniqueItems: true }, { timeoutMs: 0 });
    const issues = validate(Array.from({ length: 200_000 }, (_, index) => index));
    expect(issues?.[0]?.message).toContain('within 0 ms');
  });
});

describe('a definition with shared references', () => {
  const definition = { name: 'a', description: 'a', code: 'export default 1' };

  it('is refused where its copy would be too large', () => {
    const input = { ...definition, parameters: { deep: shared(60) } };
    expect(() => parseSkillDefinition(input)).toThrow(/parameters\.deep.*2500000 values/);
  });

  it('is refused where its texts are too long together', () => {
    const input = { ...definition, parameters: { deep: shared(12, 'x'.repeat(10_000)) } };
    expect(() => parseSkillDefinition(input)).toThrow(/parameters\.deep.*16777216 characters/);
  });

  it('is refused for a proxy, whatever its traps do', () => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    expect(() => parseSkillDefinition(proxy)).toThrow(SkillInvalidError);
    expect(() => parseSkillDefinition({ ...definition, parameters: proxy })).toThrow('a proxy is not JSON');
    const heir: unknown = Object.create(new Proxy({}, {}));
    expect(() => parseSkillDefinition({ ...definition, parameters: heir })).toThrow('a proxy is not JSON');
  });

  it('is refused for an object whose name throws', () => {
    class Hostile {
      get [Symbol.toStringTag](): string {
        throw new Error('hostile');
      }
    }
    expect(() => parseSkillDefinition({ ...definition, parameters: new Hostile() })).toThrow(
      SkillInvalidError,
    );
  });
});

describe('comparing and showing outputs', () => {
  it('asks sparse arrays where they have items', () => {
    const [expected, actual] = [sparse(300_000_000), sparse(300_000_000)];
    expect(firstDifference(expected, actual)).toBeUndefined();
    actual[299_999_999] = 1;
    expect(firstDifference(expected, actual)?.path).toBe('output[299999999]');
    expect(firstDifference([1], actual)?.path).toBe('output');
  });

  it('finds the first difference of long typed arrays', () => {
    const [expected, actual] = [new Float64Array(500_000), new Float64Array(500_000)];
    actual[400_000] = 1;
    expect(firstDifference(expected, actual)?.path).toBe('output[400000]');
  });

  it.each([
    ['many keys', Object.fromEntries(Array.from({ length: 300_000 }, (_, index) => [`key${index}`, index]))],
    ['a large BigInt', 1n << 100_000_000n],
    ['a sparse array', sparse(300_000_000)],
    ['many in a Map', new Map(Array.from({ length: 300_000 }, (_, index) => [index, { index }]))],
    ['many in a Set', new Set(Array.from({ length: 300_000 }, (_, index) => index))],
    ['shared references', shared(100)],
  ])('shows an answer of %s in short', async (_, output) => {
    const [failure] = await verifyExamples({ examples: [{ inputs: {}, output: 'a' }] }, async () => ({
      output,
    }));
    expect(failure?.actual.length).toBeLessThanOrEqual(500);
  });

  it('shows a cycle as one', async () => {
    const output: Record<string, unknown> = { a: 1 };
    output['self'] = output;
    const [failure] = await verifyExamples({ examples: [{ inputs: {}, output: 'a' }] }, async () => ({
      output,
    }));
    expect(failure?.actual).toBe('<ref *1> { a: 1, self: [Circular *1] }');
  });
});

describe('detectLanguage', () => {
  it.each([[5], [null], [undefined], [{}]])('refuses %s with a typed error', (code) => {
    expect(() => detectLanguage(code as unknown as string)).toThrow(SkillSyntaxError);
  });

  it('refuses too long a text before it is parsed', () => {
    expect(() => detectLanguage(' '.repeat(16 * 1024 * 1024 + 1))).toThrow('at most 16777216');
  });
});
