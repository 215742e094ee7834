import { describe, expect, test } from 'vitest';
import {
  ClosedError,
  ConfigurationError,
  ExecutionTimeoutError,
  InjectionError,
  InputValidationError,
  OutputValidationError,
  RequirementError,
  SecurityValidationError,
  SkillInUseError,
  SkillInvalidError,
  SkillLibrary,
  SkillNotFoundError,
  SkillRuntimeError,
  SkillSyntaxError,
  SkillVerificationError,
} from '../../src/index.ts';
import { movingAverage, openTestLibrary } from './fixtures.ts';

describe('the main job', () => {
  test('a skill is added, found in plain words, run with fresh data, and its second run is remembered', async () => {
    await using test = await openTestLibrary();
    const { library } = test;
    const added = await library.add(movingAverage);
    expect(added).toMatchObject({ name: 'moving-average', version: 1, status: 'added', verified: 1 });
    const [hit] = await library.search('average of a price series', { limit: 5 });
    expect(hit?.name).toBe('moving-average');
    const inputs = { prices: [2, 4, 6, 8], window: 2 };
    const first = await library.run('moving-average', inputs);
    expect(first).toMatchObject({ skill: 'moving-average', version: 1, output: [3, 5, 7], cached: false });
    const second = await library.run('moving-average', inputs);
    expect(second).toMatchObject({ output: [3, 5, 7], cached: true });
    expect(second.id).not.toBe(first.id);
    const other = await library.run('moving-average', { ...inputs, window: 4 });
    expect(other).toMatchObject({ output: [5], cached: false });
  });

  test("a caller that changes an answer changes nobody else's", async () => {
    await using test = await openTestLibrary();
    await test.library.add(movingAverage);
    const first = await test.library.run('moving-average', { prices: [1, 1, 1] });
    (first.output as number[]).push(99);
    const second = await test.library.run('moving-average', { prices: [1, 1, 1] });
    expect(second).toMatchObject({ output: [1], cached: true });
  });

  test('results survive a restart', async () => {
    await using test = await openTestLibrary();
    await test.library.add(movingAverage);
    await test.library.run('moving-average', { prices: [1, 2, 3] });
    await test.library.close();
    await using again = await SkillLibrary.open({ path: test.path });
    expect(await again.run('moving-average', { prices: [1, 2, 3] })).toMatchObject({
      output: [2],
      cached: true,
    });
  });

  test('cache: bypass and refresh run the skill again, explain says why', async () => {
    await using test = await openTestLibrary();
    await test.library.add(movingAverage);
    const run = (options: object) => test.library.run('moving-average', { prices: [1, 2, 3] }, options);
    expect((await run({ explain: true })).explain).toBe('never-seen');
    expect(await run({ explain: true })).toMatchObject({ cached: true, explain: 'hit' });
    expect(await run({ explain: true, cache: 'bypass' })).toMatchObject({
      cached: false,
      explain: 'bypassed',
    });
    expect(await run({ explain: true, cache: 'refresh' })).toMatchObject({
      cached: false,
      explain: 'refreshed',
    });
  });

  test('a skill that reads the clock is not remembered, and says so', async () => {
    await using test = await openTestLibrary();
    await test.library.add({
      name: 'now',
      description: 'The time.',
      code: 'export default () => Date.now()',
    });
    await test.library.run('now');
    const again = await test.library.run('now', {}, { explain: true });
    expect(again.cached).toBe(false);
    expect(again.explain).toMatch(/^not-pure: .*nondeterminism/);
  });

  test('seed and now make a run replay exactly', async () => {
    await using test = await openTestLibrary();
    const code = 'export default () => [Math.random(), Date.now(), new Date().toISOString()]';
    const options = { seed: 7, now: '2026-01-01T00:00:00Z' };
    const first = await test.library.runCode(code, {}, options);
    const second = await test.library.runCode(code, {}, options);
    expect(second.output).toEqual(first.output);
    expect((first.output as unknown[])[2]).toBe('2026-01-01T00:00:00.000Z');
  });

  test('context and parameters fill what inputs do not; inputs win', async () => {
    await using test = await openTestLibrary();
    await test.library.add({
      name: 'sum',
      description: 'Adds.',
      code: 'const a = 1, b = 1, c = 1, d = 1;\nexport const result = [a, b, c, d];',
      parameters: { a: 10, b: 10, c: 10 },
    });
    const run = await test.library.run('sum', { c: 30 }, { context: { b: 20, c: 20 } });
    expect(run.output).toEqual([10, 20, 30, 1]);
    const over = await test.library.run('sum', {}, { parameters: { a: 11 } });
    expect(over.output).toEqual([11, 10, 10, 1]);
  });

  test('runCode takes the same path and stores no skill', async () => {
    await using test = await openTestLibrary();
    const run = await test.library.runCode('const n: number = 1;\nexport const result = n * 2;', { n: 21 });
    expect(run).toMatchObject({ output: 42, cached: false });
    expect(run.skill).toBeUndefined();
    expect(await test.library.list()).toEqual([]);
    expect(await test.library.getRun(run.id)).toMatchObject({ id: run.id, outcome: 'ok', tier: 'kernel' });
  });

  test('inject gives the source text with the data in it', async () => {
    await using test = await openTestLibrary();
    const injected = test.library.inject('const n = 1; // one\nexport default n;\n', {
      inputs: { n: 'two', m: 3 },
    });
    expect(injected).toEqual({
      code: 'const n = "two"; // one\nexport default n;\n',
      injected: ['n'],
      unused: ['m'],
    });
  });

  test('values that JSON cannot say go in and come out whole', async () => {
    await using test = await openTestLibrary();
    const value = {
      date: new Date(5),
      map: new Map<unknown, unknown>([[{ a: 1 }, new Set([1n])]]),
      bytes: new Uint8Array([1, 2]),
      odd: [undefined, NaN, -0, Infinity],
    };
    const run = await test.library.runCode('const value = null;\nexport default () => value;', { value });
    expect(run.output).toEqual(value);
  });

  test('a record says which confinement was in force', async () => {
    await using test = await openTestLibrary();
    await test.library.add(movingAverage);
    const run = await test.library.run('moving-average', {});
    const record = await test.library.getRun(run.id);
    const { tier } = await test.library.confinement();
    expect(record).toMatchObject({ skill: 'moving-average', version: 1, tier, outcome: 'ok', cached: false });
  });
});

describe('versions', () => {
  test('the same content is a no-op, new content is the next version, name@n runs an old one, rollback moves back', async () => {
    await using test = await openTestLibrary();
    const { library } = test;
    const skill = (n: number) => ({
      name: 'Answer',
      description: 'Gives.',
      code: `export default () => ${n};`,
    });
    expect(await library.add(skill(1))).toMatchObject({ version: 1, status: 'added' });
    expect(await library.add(skill(1))).toMatchObject({ version: 1, status: 'unchanged' });
    expect(await library.add(skill(2))).toMatchObject({ version: 2, status: 'added' });
    expect((await library.run('answer')).output).toBe(2);
    expect((await library.run('Answer@1')).output).toBe(1);
    expect(await library.rollback('answer')).toMatchObject({ version: 1 });
    expect((await library.run('answer')).output).toBe(1);
    expect(await library.add(skill(2))).toMatchObject({ version: 2, status: 'restored' });
    expect((await library.versions('answer')).map(({ version, current }) => [version, current])).toEqual([
      [2, true],
      [1, false],
    ]);
    expect(await library.rollback('answer', 1)).toMatchObject({ version: 1 });
    await expect(library.rollback('answer', 7)).rejects.toThrow(SkillNotFoundError);
    await expect(library.rollback('answer')).rejects.toThrow(SkillNotFoundError);
  });

  test('a failing example keeps the old version serving and tells expected and actual', async () => {
    await using test = await openTestLibrary();
    const { library } = test;
    await library.add(movingAverage);
    const broken = { ...movingAverage, code: movingAverage.code.replace('/ window', '/ 2 + 1') };
    const failure = await library.add(broken).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(SkillVerificationError);
    expect((failure as SkillVerificationError).details['failures']).toMatchObject([
      { index: 0, path: 'output[0]', expected: '1.5', actual: '2.5' },
    ]);
    expect((await library.run('moving-average', { prices: [1, 2, 3] })).output).toEqual([2]);
    expect((await library.versions('moving-average')).length).toBe(1);
  });

  test('a version that was seen by another process is what the next run runs', async () => {
    await using test = await openTestLibrary();
    await using second = await SkillLibrary.open({ path: test.path });
    const skill = (n: number) => ({
      name: 'answer',
      description: 'Gives.',
      code: `export default () => ${n};`,
    });
    for (let n = 1; n <= 5; n += 1) {
      await test.library.add(skill(n));
      expect((await second.run('answer')).output).toBe(n);
    }
  });
});

describe('skills that call skills', () => {
  const average = {
    name: 'average',
    description: 'Mean.',
    code: 'export default (values) => values.reduce((sum, value) => sum + value, 0) / values.length;',
  };

  test('a required skill is pinned, and callable by import or by its bare name', async () => {
    await using test = await openTestLibrary();
    const { library } = test;
    await library.add(average);
    const byImport =
      "import average from 'skill:average';\nconst xs = [];\nexport default () => average(xs);";
    await library.add({ name: 'by-import', description: 'x', code: byImport });
    await library.add({
      name: 'by-name',
      description: 'x',
      code: 'const xs = [];\nexport const result = average(xs);',
    });
    expect((await library.run('by-import', { xs: [1, 2, 3] })).output).toBe(2);
    expect((await library.run('by-name', { xs: [3, 5] })).output).toBe(4);
    await library.add({ ...average, code: 'export default () => "changed";' });
    expect((await library.run('by-name', { xs: [3, 5, 10] })).output).toBe(6);
    expect((await library.get('by-name')).analysis.requires).toMatchObject([{ name: 'average', version: 1 }]);
  });

  test('a required skill with holes is filled from its first argument', async () => {
    await using test = await openTestLibrary();
    await test.library.add(movingAverage);
    const code =
      "import smooth from 'skill:moving-average';\nexport default ({ xs }) => smooth({ prices: xs, window: 2 });";
    await test.library.add({ name: 'smoothed', description: 'x', code });
    expect((await test.library.run('smoothed', { xs: [1, 3, 5] })).output).toEqual([2, 4]);
  });

  test('what is required must exist, may not be a cycle, and cannot be removed', async () => {
    await using test = await openTestLibrary();
    const { library } = test;
    const missing = {
      name: 'x',
      description: 'x',
      code: "import y from 'skill:y';\nexport default () => y();",
    };
    await expect(library.add(missing)).rejects.toThrow(RequirementError);
    await library.add({ name: 'y', description: 'y', code: 'export default () => 1;' });
    await library.add(missing);
    const cyclic = {
      name: 'y',
      description: 'y',
      code: "import x from 'skill:x';\nexport default () => x();",
    };
    await expect(library.add(cyclic)).rejects.toThrow(/cycle|cyclic/i);
    await expect(library.remove('y')).rejects.toThrow(SkillInUseError);
    await library.remove('x');
    await library.remove('y');
    await expect(library.remove('y')).rejects.toThrow(SkillNotFoundError);
  });
});

describe('bad input', () => {
  test('every wrong thing ends in its typed error, and nothing is stored', async () => {
    await using test = await openTestLibrary({ security: { capabilities: 'enforce' } });
    const { library } = test;
    const base = { name: 'x', description: 'x', code: 'export default () => 1;' };
    await expect(library.add({ ...base, name: '9x' })).rejects.toThrow(SkillInvalidError);
    await expect(library.add({ ...base, colour: 'red' })).rejects.toThrow(/colour/);
    await expect(library.add({ ...base, inputSchema: { type: 'strnig' } })).rejects.toThrow(
      SkillInvalidError,
    );
    await expect(library.add({ ...base, code: 'export default (' })).rejects.toThrow(SkillSyntaxError);
    await expect(
      library.add({ ...base, code: "import fs from 'node:fs';\nexport default fs;" }),
    ).rejects.toMatchObject({
      code: expect.stringMatching(/UNSUPPORTED_SYNTAX|SECURITY_VALIDATION/),
    });
    await expect(library.add({ ...base, code: 'export default () => fetch("http://x")' })).rejects.toThrow(
      SecurityValidationError,
    );
    await expect(library.get('nobody')).rejects.toThrow(SkillNotFoundError);
    await expect(library.run('nobody')).rejects.toThrow(SkillNotFoundError);
    await expect(library.run('no body')).rejects.toThrow(SkillNotFoundError);
    expect(await library.list()).toEqual([]);
  });

  test('inputs and outputs are held against their schemas, with the place', async () => {
    await using test = await openTestLibrary();
    const { library } = test;
    await library.add(movingAverage);
    const refused = await library
      .run('moving-average', { prices: [1, 'two'] })
      .catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(InputValidationError);
    expect((refused as InputValidationError).message).toContain('prices');
    await library.add({
      name: 'text',
      description: 'x',
      code: 'export default (inputs) => inputs.v;',
      outputSchema: { type: 'string' },
    });
    await expect(library.run('text', { v: 5 })).rejects.toThrow(OutputValidationError);
    expect((await library.run('text', { v: 'five' })).output).toBe('five');
  });

  test('a skill that throws, never ends, or cannot take the data', async () => {
    await using test = await openTestLibrary();
    const { library } = test;
    const thrown = await library
      .runCode(
        'const a = 1;\nfunction boom() {\n  throw new TypeError("no");\n}\nexport default () => boom();',
      )
      .catch((error: unknown) => error);
    expect(thrown).toBeInstanceOf(SkillRuntimeError);
    expect((thrown as SkillRuntimeError).details['error']).toMatchObject({
      name: 'TypeError',
      message: 'no',
    });
    expect(JSON.stringify((thrown as SkillRuntimeError).details)).toMatch(/:3:9/);
    await expect(library.runCode('while (true);', {}, { timeoutMs: 200 })).rejects.toThrow(
      ExecutionTimeoutError,
    );
    await expect(library.runCode('function f() {}', { f: 1 })).rejects.toMatchObject({
      code: 'UNSUPPORTED_TARGET',
    });
    const unserialisable = library.runCode('const rows = [];', { rows: [{ callback: () => 1 }] });
    await expect(unserialisable).rejects.toThrow(InjectionError);
    await expect(unserialisable).rejects.toThrow(/inputs\.rows\[0\]\.callback/);
    await expect(library.runCode('const a = 1;', [] as never)).rejects.toMatchObject({
      code: 'INVALID_INPUTS',
    });
    await expect(library.runCode('1', {}, { timeout: 5 } as never)).rejects.toThrow(ConfigurationError);
    expect((await library.runCode('1 + 1')).output).toBe(2);
  });

  test('a skill cannot raise its own limits, only lower them', async () => {
    await using test = await openTestLibrary({ run: { timeoutMs: 300 } });
    const loop = { description: 'x', code: 'export default () => { while (true); };' };
    await test.library.add({ ...loop, name: 'greedy', limits: { timeoutMs: 60_000 } });
    await expect(test.library.run('greedy')).rejects.toMatchObject({ details: { timeoutMs: 300 } });
    await test.library.add({ ...loop, name: 'modest', limits: { timeoutMs: 100 } });
    await expect(test.library.run('modest')).rejects.toMatchObject({ details: { timeoutMs: 100 } });
  });

  test('an unknown option is named, wherever it stands', async () => {
    const wrong = { pth: 'x', run: { timeout: 1 } } as never;
    await expect(SkillLibrary.open(wrong)).rejects.toThrow(
      'wrong options: run.timeout: unknown option; pth: unknown option',
    );
  });

  test('unknown options and a closed library are refused by name', async () => {
    await expect(SkillLibrary.open({ colour: 'red' } as never)).rejects.toThrow(/colour/);
    const test = await openTestLibrary();
    await test.library.close();
    await test.library.close();
    await expect(test.library.run('x')).rejects.toThrow(ClosedError);
    await test[Symbol.asyncDispose]();
  });

  test('an aborted signal stops a run at any moment', async () => {
    await using test = await openTestLibrary();
    const controller = new AbortController();
    const run = test.library.runCode('while (true);', {}, { signal: controller.signal });
    setTimeout(() => controller.abort(), 150);
    await expect(run).rejects.toMatchObject({ code: 'ABORTED' });
    await expect(test.library.runCode('1', {}, { signal: controller.signal })).rejects.toMatchObject({
      code: 'ABORTED',
    });
  });
});

describe('wrong calls', () => {
  test('an argument of another kind is refused by name, before anything is done with it', async () => {
    await using test = await openTestLibrary();
    const { library } = test;
    const wrong = (call: () => unknown): Promise<unknown> =>
      Promise.resolve()
        .then(call)
        .then(
          () => 'nothing was thrown',
          (error: { code?: string }) => error.code ?? String(error),
        );
    expect(await wrong(() => library.search(null as never))).toBe('USAGE');
    expect(await wrong(() => library.versions({} as never))).toBe('USAGE');
    expect(await wrong(() => library.getRun({} as never))).toBe('USAGE');
    expect(await wrong(() => library.run(Symbol('x') as never))).toBe('USAGE');
    expect(await wrong(() => library.get(undefined as never))).toBe('USAGE');
    expect(await wrong(() => library.runCode(null as never))).toBe('SKILL_INVALID');
    expect(await wrong(() => library.runCode('1;'.repeat(600_000)))).toBe('SKILL_INVALID');
    expect(await wrong(() => library.import('x\0y').next())).toBe('USAGE');
    for (const limit of [-1, 0, 1.5, NaN, 'x']) {
      expect(await wrong(() => library.search('x', { limit: limit as number }))).toBe('CONFIGURATION');
      expect(await wrong(() => library.list({ limit: limit as number }))).toBe('CONFIGURATION');
    }
  });

  test('no accessor and no trap of the data runs, whatever schema it is held against', async () => {
    await using test = await openTestLibrary();
    const { library } = test;
    for (const pure of [true, false]) {
      const name = pure ? 'pure' : 'impure';
      const inputSchema = { type: 'object', properties: { a: { type: 'number' } }, required: ['a'] };
      await library.add({ name, description: 'x', code: 'export default () => 1;', pure, inputSchema });
      let reads = 0;
      const boom = (): never => {
        reads += 1;
        throw new Error('boom');
      };
      const getter = Object.defineProperty({}, 'a', { get: boom, enumerable: true });
      await expect(library.run(name, getter)).rejects.toMatchObject({ code: 'UNSERIALIZABLE_VALUE' });
      const rows = { a: new Proxy({}, { ownKeys: boom, get: boom, getPrototypeOf: boom }) };
      await expect(library.run(name, rows)).rejects.toMatchObject({ code: 'UNSERIALIZABLE_VALUE' });
      expect(reads).toBe(0);
    }
  });
});
