import { describe, expect, test } from 'vitest';
import { ConfigurationError, type InjectionError } from '../../src/errors.ts';
import { injectData } from '../../src/inject/inject.ts';

const CODE = 'const a = 0;\nexport default () => a;\n';

describe('what may hold data', () => {
  test('inherited keys are no data: the default stays, own keys are taken', () => {
    expect(injectData(CODE, { inputs: Object.create({ a: 5 }) as object }).code).toBe(CODE);
    const own = Object.assign(Object.create({ a: 5 }) as object, { a: 6 });
    expect(injectData(CODE, { inputs: own }).code).toContain('const a = 6;');
    const whole = injectData('const inputs = null;', { inputs: own }).code;
    expect(whole).toMatch(/^const inputs = \{.*6\};$/);
  });

  test('an instance, an array, a proxy and what inherits from an instance are refused', () => {
    class Box {
      a = 1;
    }
    for (const inputs of [new Box(), [], new Proxy({}, {}), new Map(), Object.create(new Box())]) {
      expect(() => injectData(CODE, { inputs: inputs as object })).toThrow(
        expect.objectContaining({ code: 'INVALID_INPUTS' }) as Error,
      );
    }
  });

  test('an error carries the place or the path as properties of its own', () => {
    const caught = (run: () => unknown): InjectionError => {
      try {
        run();
      } catch (error) {
        return error as InjectionError;
      }
      throw new Error('nothing was thrown');
    };
    const value = caught(() => injectData(CODE, { inputs: { a: [{ f: () => 1 }] } }));
    expect([value.path, value.line]).toEqual(['inputs.a[0].f', undefined]);
    const target = caught(() => injectData('const b = 1;\nfunction a() {}', { inputs: { a: 1 } }));
    expect([target.line, target.column]).toEqual([2, 10]);
  });

  test('a wrong option is refused by name', () => {
    const wrong = [
      { foo: 2 },
      { language: 'python' },
      { limits: { depthMax: -1 } },
      { limits: { depth: 5 } },
    ];
    for (const options of wrong) {
      expect(() => injectData(CODE, options as never)).toThrow(ConfigurationError);
    }
    expect(() => injectData(CODE, { foo: 2 } as never)).toThrow(/foo/);
  });
});
