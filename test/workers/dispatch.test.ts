import { performance } from 'node:perf_hooks';
import { afterAll, describe, expect, test, vi } from 'vitest';
import {
  AbortedError,
  ClosedError,
  ExecutionMemoryError,
  ExecutionTimeoutError,
  InjectionError,
  OutputLimitError,
  PoolExhaustedError,
  SandboxUnavailableError,
  SkillRuntimeError,
  WorkerCrashedError,
} from '../../src/errors.ts';
import type { RunReport } from '../../src/workers/dispatch-types.ts';
import { dispatcher, failure, MIB, programOf, run } from './runs.ts';

const workers = dispatcher();

afterAll(() => workers.close(0));

/** A busy machine may take seconds to start a worker. */
const PATIENT = { timeout: 20_000 };

describe('what a skill is given and gives', () => {
  test('holes are filled by value from inputs, else context, else parameters', async () => {
    const code =
      'const a = 1;\nconst b = 2;\nlet c = 3;\nconst d = 4;\nexport const result = [a, b, c, d, inputs, context, parameters].slice(0, 4);\nconst inputs = 0, context = 0, parameters = 0;';
    const reordered = `const inputs = 0, context = 0, parameters = 0;\n${code.split('\n').slice(0, 4).join('\n')}\nexport const result = [a, b, c, d, inputs, context, parameters];`;
    const given = { inputs: { a: 10 }, context: { a: 0, b: 20 }, parameters: { b: 0, c: 30 } };
    const { output } = await run(workers, reordered, given);
    expect(output).toEqual([10, 20, 30, 4, given.inputs, given.context, given.parameters]);
  });

  test.each([
    [
      'a default export that is a function',
      'export default (inputs, context) => [inputs.a, context.b];',
      [1, 2],
    ],
    ['a default export that is a value', 'export default { x: 1 };', { x: 1 }],
    ['run', 'function helper() { return 0 }\nasync function run(inputs) { return inputs.a }', 1],
    ['main', 'export const main = (inputs, context) => context.b;', 2],
    ['the binding result', 'const result = Promise.resolve(5);', 5],
    ['the only function', 'function only(inputs) { return inputs.a + 1 }', 2],
    ['the last expression', '1; 2 + 3;', 5],
    ['nothing', 'const x = 1;', undefined],
    ['top-level await', 'const x = await Promise.resolve(7); export const result = x;', 7],
  ])('the answer is %s', async (_name, code, answer) => {
    const { output } = await run(workers, code, { inputs: { a: 1 }, context: { b: 2 } });
    expect(output).toEqual(answer);
  });

  test('every kind of plain data comes through unchanged', async () => {
    const value = {
      z: -0,
      n: NaN,
      u: undefined,
      b: 2n ** 70n,
      d: new Date(5),
      r: /x/g,
      m: new Map([[1, new Set([2])]]),
      t: new Uint8Array([1, 2]),
      e: new RangeError('e'),
    };
    const { output } = await run(workers, 'function run(inputs) { return inputs.value }', {
      inputs: { value },
    });
    expect(output).toEqual(value);
    expect(Object.is((output as typeof value).z, -0)).toBe(true);
  });

  test('a required skill is evaluated afresh at each call, filled from its first argument', async () => {
    const program = programOf(
      'let n = 0;\nexport const result = [count({ step: 2 }), count({ step: 3 }), twice(4), shout("hi")];',
      {
        count: 'let step = 1;\nlet total = 10;\ntotal += step;\nexport const result = total;',
        twice: 'export default (x) => x * 2;',
        shout: 'function shout(text) { return text.toUpperCase() }',
      },
    );
    expect((await run(workers, program)).output).toEqual([12, 13, 8, 'HI']);
  });

  test('a seed and a time make a run repeatable', async () => {
    const program = programOf(
      'export default () => [Math.random(), crypto.randomUUID(), Date.now(), new Date().toISOString(), performance.now()];',
    );
    const [one, two, three] = [
      await run(workers, program, { seed: 7, now: 1e12 }),
      await run(workers, program, { seed: 7, now: 1e12 }),
      await run(workers, program, { seed: 8, now: 1e12 }),
    ];
    expect(one.output).toEqual(two.output);
    expect(one.output).not.toEqual(three.output);
    expect((one.output as unknown[])[3]).toBe('2001-09-09T01:46:40.000Z');
  });

  test('a loop that uses global names runs at the speed of plain Node', async () => {
    const body =
      'let s = 0; for (let i = 0; i < 3e6; i += 1) s += Math.sqrt(i) + (i === Infinity ? 1 : 0); return s;';
    const program = programOf(`export default () => { ${body} };`);
    // oxlint-disable-next-line typescript/no-implied-eval, no-new-func
    const plain = new Function(body) as () => number;
    const here: number[] = [];
    const there: number[] = [];
    for (let i = 0; i < 4; i += 1) {
      const before = process.cpuUsage();
      plain();
      here.push(process.cpuUsage(before).user / 1_000);
      there.push((await run(workers, program)).report.cpuMs);
    }
    // Interceptors on the global object, which `node:vm` has by default, would make it a hundred times as much.
    expect(Math.min(...there)).toBeLessThan(5 * Math.min(...here) + 20);
  });

  test('a program has the globals that it names, and all of them if it names the global object', async () => {
    const all =
      'const names = Object.getOwnPropertyNames(globalThis); export const result = ["URL", "TextDecoder", "structuredClone", "setTimeout", "AbortController", "crypto", "console"].filter((n) => !names.includes(n));';
    expect((await run(workers, all)).output).toEqual([]);
    const escaped = 'export const result = typeof \\u0055RL;';
    expect((await run(workers, escaped)).output).toBe('function');
    const seeded = 'export const result = Math.random();';
    const [one, two] = [await run(workers, seeded, { seed: 1 }), await run(workers, seeded, { seed: 1 })];
    expect(one.output).toBe(two.output);
  });

  test('the report tells how the run went', async () => {
    const program = programOf('console.log("one"); export const result = "x".repeat(10);');
    const first = await run(workers, program);
    const second = await run(workers, program);
    expect(second.report).toMatchObject({
      start: 'bound',
      startMs: 0,
      bytesOut: 12,
      logBytes: 4,
      logsCut: false,
    });
    expect(['warm', 'cold']).toContain(first.report.start);
    expect(second.report.memoryPeakBytes).toBeGreaterThan(10 * MIB);
    expect(second.report.wallMs).toBeGreaterThan(0);
  });
});

describe('a skill that fails', () => {
  test("a throw is a SkillRuntimeError with the skill's own lines and columns, also behind a hole", async () => {
    const code =
      'const n = 1; function bad() { throw new TypeError(`no ${n}`); }\n\nexport default () => {\n  bad();\n};';
    for (const inputs of [{}, { n: 'a long value that moves nothing' }]) {
      const { error, details } = await failure(workers, code, { inputs });
      expect(error).toBeInstanceOf(SkillRuntimeError);
      const { name, message, stack } = details['error'] as unknown as {
        name: string;
        message: string;
        stack: string;
      };
      expect(name).toBe('TypeError');
      expect(message).toContain('no ');
      expect(stack.split('\n')[1]).toBe(`    at bad (skill:main@1:1:${code.indexOf('new TypeError') + 1})`);
      expect(stack.split('\n')[2]).toMatch(/skill:main@1:4:3\)?$/);
      expect(stack).not.toMatch(/node:|realm|\/work|file:/);
    }
  });

  test.each([
    ['a string', 'throw "text"', 'text was thrown'],
    ['undefined', 'throw undefined', 'Error: undefined was thrown'],
    ['null', 'throw null', 'Error: null was thrown'],
    ['a symbol', 'throw Symbol("s")', 'symbol Symbol(s) was thrown'],
    ['an object', 'throw { a: [1] }', 'Error: {"a":[1]} was thrown'],
    ['a cycle', 'const a = {}; a.a = a; throw a', 'an object that is no error was thrown'],
    ['a huge object', 'throw ["x".repeat(1e6)]', 'x was thrown'],
    ['a proxy', 'throw new Proxy({}, { get() { throw 1 } })', 'a proxy was thrown'],
    [
      'a getter that throws',
      'throw { get name() { throw 1 } }',
      'a value that cannot be described was thrown',
    ],
    ['a huge message', 'throw new Error("x".repeat(1e7))', 'the skill threw Error: xxx'],
  ])('a throw of %s is described, in bounds', async (_name, code, message) => {
    const { error } = await failure(workers, `export default () => { ${code} };`);
    expect(error).toBeInstanceOf(SkillRuntimeError);
    expect(error.message).toContain(message);
    expect(JSON.stringify(error.details).length).toBeLessThan(100_000);
  });

  test.each([
    [
      'a throw in a timer',
      'export default () => new Promise(() => setTimeout(() => { throw new Error("late") }, 1));',
      'late',
    ],
    [
      'a throw in a microtask',
      'export default () => new Promise(() => queueMicrotask(() => { throw new Error("soon") }));',
      'soon',
    ],
    [
      'an unhandled rejection',
      'export default () => { Promise.reject(new Error("lost")); return new Promise((r) => setTimeout(r, 50)); };',
      'lost',
    ],
    ['a rejected answer', 'export default async () => { throw new Error("async") };', 'async'],
    ['deep recursion', 'function f() { return f() + 1 }\nexport default f;', 'Maximum call stack'],
  ])('%s before the answer is a SkillRuntimeError', async (_name, code, message) => {
    const { error } = await failure(workers, code);
    expect(error).toBeInstanceOf(SkillRuntimeError);
    expect(error.message).toContain(message);
  });

  test('a promise that can never settle is told at once, not at the deadline', async () => {
    const { error, tookMs } = await failure(workers, 'export default () => new Promise(() => {});', {
      limits: { timeoutMs: 30_000 },
    });
    expect(error).toBeInstanceOf(SkillRuntimeError);
    expect(error.message).toContain('can never settle');
    expect(tookMs).toBeLessThan(10_000);
  });

  test('a worker whose run could never settle serves the next one', async () => {
    const program = programOf(
      'export default ({ hangs }) => (hangs ? new Promise(() => {}) : new Promise((r) => setTimeout(r, 5, "ok")));',
    );
    for (let i = 0; i < 3; i += 1) {
      const { error } = await failure(workers, program, { inputs: { hangs: true } });
      expect(error.message).toContain('can never settle');
      expect((await run(workers, program)).output).toBe('ok');
    }
  });

  test('what is thrown after the answer changes nothing', async () => {
    const code =
      'export default () => { setTimeout(() => { throw 1 }, 0); Promise.reject(2); queueMicrotask(() => { throw 3 }); return "fine" };';
    const program = programOf(code);
    for (let i = 0; i < 3; i += 1) expect((await run(workers, program)).output).toBe('fine');
  });

  test.each([
    ['a function', '({ a: [() => 1] })', 'UNSERIALIZABLE_VALUE', 'output.a[0]'],
    ['a getter', '({ get g() { return 1 } })', 'UNSERIALIZABLE_VALUE', 'output.g'],
    ['a proxy', 'new Proxy({}, {})', 'UNSERIALIZABLE_VALUE', 'output'],
    ['a class instance', 'new (class Point {})()', 'UNSERIALIZABLE_VALUE', 'output'],
    [
      'an answer nested too deep',
      'JSON.parse("[".repeat(5000) + "]".repeat(5000))',
      'LIMIT_EXCEEDED',
      'output',
    ],
  ])('%s as the answer is an InjectionError with its path', async (_name, code, reason, path) => {
    const { error, details } = await failure(workers, `export const result = ${code};`);
    expect(error).toBeInstanceOf(InjectionError);
    expect(error.code).toBe(reason);
    expect(String(details['path']).startsWith(path)).toBe(true);
  });

  test('an answer above its bound is an OutputLimitError', async () => {
    const { error } = await failure(workers, 'export const result = "x".repeat(3000);', {
      limits: { outputBytesMax: 2_000 },
    });
    expect(error).toBeInstanceOf(OutputLimitError);
  });

  test('an answer of a gigabyte is refused while it is made', async () => {
    const { error } = await failure(
      workers,
      'const part = "x".repeat(1e6); export const result = Array.from({ length: 1000 }, (_, i) => part + i);',
    );
    expect(['OUTPUT_LIMIT', 'EXECUTION_MEMORY']).toContain(error.code);
  });

  test('logs above their bound are cut, with a mark', async () => {
    const { output, logs, report } = await run(
      workers,
      'for (let i = 0; i < 200000; i++) console.log("line", i); export const result = 1;',
      { limits: { logBytesMax: 1_000 } },
    );
    expect(output).toBe(1);
    expect(logs).toContain('line 0\nline 1\n');
    expect(logs).toMatch(/… cut at 1000 bytes\n$/);
    expect(report.logsCut).toBe(true);
  });

  test('logs written before a kill are kept', async () => {
    const { details } = await failure(workers, 'console.log("before"); for (;;);', {
      limits: { timeoutMs: 300 },
    });
    expect(details['logs']).toBe('before\n');
    if (process.platform !== 'linux') return;
    const { cpuMs, memoryPeakBytes } = details['report'] as unknown as RunReport;
    expect(cpuMs).toBeGreaterThan(0);
    expect(memoryPeakBytes).toBeGreaterThan(10 * MIB);
  });
});

describe('a skill that does not end', () => {
  test.each([
    ['a loop', 'export default () => { for (;;); };'],
    ['a loop at module level', 'for (;;);'],
    ['a microtask loop', 'export default async () => { for (;;) await null; };'],
    [
      'a timer loop',
      'export default () => new Promise(() => { const again = () => setTimeout(again, 0); again(); });',
    ],
    ['a regular expression', 'export default () => /^(a+)+$/.test("a".repeat(60) + "b");'],
    ['a getter of a thrown value', 'export default () => { throw { get name() { for (;;); } }; };'],
    [
      'a toString of a logged value',
      'export default () => { const e = new Error(); e.name = { toString() { for (;;); } }; console.log(e); };',
    ],
    ['a thenable answer', 'export default () => ({ then() { for (;;); } });'],
    ['an endless generator', 'export default () => [...(function* () { for (;;) yield; })()];'],
    ['a wait', 'export default () => Atomics.wait(new Int32Array(new ArrayBuffer(4)), 0, 0);'],
  ])('%s ends at its deadline, and the next run works', async (_name, code) => {
    const timeoutMs = 250;
    const { error, details } = await failure(workers, code, { limits: { timeoutMs } });
    if (error.code === 'EXECUTION_MEMORY' || error.code === 'SKILL_RUNTIME') {
      expect(_name).toMatch(/generator|wait/);
    } else {
      expect(error).toBeInstanceOf(ExecutionTimeoutError);
      expect((details['report'] as unknown as { wallMs: number }).wallMs).toBeLessThan(timeoutMs + 2_000);
    }
    expect((await run(workers, 'export const result = 1;')).output).toBe(1);
  });

  test('a microtask loop that goes on after the answer is over at its own deadline', async () => {
    const program = programOf(
      'export default ({ loops }) => { if (loops) (async () => { for (;;) await null; })(); return "done" };',
    );
    for (let i = 0; i < 2; i += 1) {
      const limits = { timeoutMs: 300 };
      const { error } = await failure(workers, program, { inputs: { loops: true }, limits });
      expect(error).toBeInstanceOf(ExecutionTimeoutError);
      expect((await run(workers, program)).output).toBe('done');
    }
  });

  test('what is left in the microtask queue runs before the answer, and in no later run', async () => {
    const program = programOf(
      `export default async () => {
        (async () => { for (let i = 0; i < 50; i += 1) await null; console.log('late'); })();
        return 'done';
      };`,
    );
    for (let i = 0; i < 3; i += 1) {
      const { output, logs } = await run(workers, program);
      expect(output).toBe('done');
      expect(logs).toBe('');
    }
  });

  test("an abort kills the worker and gives the caller's reason", async () => {
    const controller = new AbortController();
    const pending = failure(workers, 'console.log("x"); for (;;);', { signal: controller.signal });
    setTimeout(() => controller.abort(), 100);
    const { error, tookMs } = await pending;
    expect(error).toBeInstanceOf(AbortedError);
    expect(tookMs).toBeLessThan(5_000);
    const late = await failure(workers, 'export const result = 1;', { signal: controller.signal });
    expect(late.error).toBeInstanceOf(AbortedError);
  });
});

describe('a skill that takes too much memory', () => {
  test.each([
    ['objects', 'const all = []; for (;;) all.push({ a: [1, 2, 3] });'],
    ['strings', 'const all = []; for (let i = 0; ; i++) all.push(("x".repeat(1e6) + i).slice(1) + "y");'],
    ['typed arrays', 'const all = []; for (;;) all.push(new Uint8Array(1e7).fill(1));'],
    ['one buffer', 'new ArrayBuffer(2 ** 31);'],
    ['a map', 'const all = new Map(); for (let i = 0; ; i++) all.set(i, i);'],
    ['an array', 'const all = new Array(3e7).fill(0).map((_, i) => [i]);'],
  ])('%s: ExecutionMemoryError, and the next run works', async (_name, code) => {
    const { error, details } = await failure(workers, `export default () => { ${code} return 1; };`);
    expect(error).toBeInstanceOf(ExecutionMemoryError);
    expect(details['memoryBytesMax']).toBe(128 * MIB);
    expect((await run(workers, 'export const result = 1;')).output).toBe(1);
  });

  test('memory stays within 64 MiB of its bound, also when the skill catches the error and goes on', async () => {
    const code = `export default () => {
      const all = [];
      let failures = 0;
      while (failures < 3) { try { all.push(new Uint8Array(1e6).fill(1)); } catch { failures += 1; } }
      const count = all.length;
      all.length = 0;
      return count;
    };`;
    const idle = (await run(workers, 'export const result = 1;', { limits: { memoryBytesMax: 64 * MIB } }))
      .report;
    let peakBytes = 0;
    try {
      const { report } = await run(workers, code, { limits: { memoryBytesMax: 64 * MIB } });
      peakBytes = report.memoryPeakBytes as number;
    } catch (error) {
      // With nothing left for the engine itself, the process may end instead.
      expect(error).toBeInstanceOf(ExecutionMemoryError);
    }
    expect(peakBytes - (idle.memoryPeakBytes as number)).toBeLessThan((64 + 64) * MIB);
  });
});

describe('state never passes from one run to the next', () => {
  test.each([
    ['a global', 'globalThis.seen = (globalThis.seen ?? 0) + 1; export const result = globalThis.seen;', 1],
    ['a prototype', 'Object.prototype.n = (Object.prototype.n ?? 0) + 1; export const result = ({}).n;', 1],
    [
      'a replaced built-in',
      'const was = String(JSON.stringify).includes("native"); JSON.stringify = () => "x"; export const result = was;',
      true,
    ],
    [
      'a symbol registry',
      'const s = Symbol.for("k"); s.constructor.prototype.seen = (s.constructor.prototype.seen ?? 0) + 1; export const result = s.constructor.prototype.seen;',
      1,
    ],
    ['module state', 'let n = 0; n += 1; export const result = n;', 1],
    [
      'a timer',
      'globalThis.t ??= 0; setTimeout(() => { globalThis.t += 1 }, 0); export const result = globalThis.t;',
      0,
    ],
    ['a regular expression', 'const r = /a/g; r.test("aa"); export const result = r.lastIndex;', 1],
    [
      'RegExp statics',
      'const before = RegExp.$1; /(secret)/.exec("secret"); export const result = before;',
      '',
    ],
    [
      'a template object',
      'function tag(s) { return s } const t = tag`x`; export const result = Object.isFrozen(t) && !globalThis.t ? ((globalThis.t = t), 1) : 0;',
      1,
    ],
  ])('not through %s', async (_name, code, answer) => {
    const program = programOf(code);
    for (let i = 0; i < 3; i += 1) {
      const { output } = await run(workers, program);
      expect(output).toBe(answer);
    }
  });
});

describe('the pool of workers', () => {
  test('runs go in parallel up to `concurrency`, then wait in line, then are refused with a reason', async () => {
    await using small = dispatcher({ max: 2, concurrency: 2, waitingMax: 1, acquireTimeoutMs: 300 });
    await small.warmUp(2);
    const busy = [1, 2].map(() => failure(small, 'for (;;);', { limits: { timeoutMs: 2_000 } }));
    const waiting = failure(small, '1;');
    const { error: full } = await failure(small, '1;');
    expect(full).toBeInstanceOf(PoolExhaustedError);
    const { error: late } = await waiting;
    expect(late).toBeInstanceOf(PoolExhaustedError);
    expect(late.message).toMatch(/2\/2|2 of 2/);
    expect((await Promise.all(busy)).map(({ error }) => error.code)).toEqual([
      'EXECUTION_TIMEOUT',
      'EXECUTION_TIMEOUT',
    ]);
  });

  test('a version keeps its worker, and a fresh one stands by', async () => {
    await using own = dispatcher({ min: 1, max: 3 });
    await own.warmUp();
    const program = programOf('export const result = 1;');
    const starts: string[] = [];
    for (let i = 0; i < 5; i += 1) starts.push((await run(own, program)).report.start);
    expect(starts).toEqual(['warm', 'bound', 'bound', 'bound', 'bound']);
    expect(own.stats()).toMatchObject({ boundHits: 4, warmHits: 1, coldStarts: 0 });
  });

  test('with more versions than workers, the one used longest ago makes room', async () => {
    await using own = dispatcher({ min: 1, max: 3 });
    const programs = [1, 2, 3, 4, 5].map((n) => programOf(`export const result = ${n};`));
    for (const round of [0, 1]) {
      for (const [index, program] of programs.entries())
        expect((await run(own, program)).output, `${round}`).toBe(index + 1);
    }
    expect(own.stats().pool.inUse + own.stats().pool.idle).toBeLessThanOrEqual(3);
  });

  test('runs of different memory bounds each get a worker of theirs', async () => {
    await using own = dispatcher({ min: 1, max: 2, concurrency: 2 });
    const code =
      'const all = []; export default ({ count }) => { for (let i = 0; i < count; i++) all.push(new Uint8Array(1e6).fill(1)); return all.length };';
    const small = () => failure(own, code, { inputs: { count: 200 }, limits: { memoryBytesMax: 32 * MIB } });
    const large = () => run(own, code, { inputs: { count: 200 }, limits: { memoryBytesMax: 256 * MIB } });
    const [one, two, three, four] = await Promise.all([small(), large(), small(), large()]);
    expect([one.error.code, three.error.code]).toEqual(['EXECUTION_MEMORY', 'EXECUTION_MEMORY']);
    expect([two.output, four.output]).toEqual([200, 200]);
  });

  test('a worker is replaced after `usesMax` runs', async () => {
    await using own = dispatcher({ min: 0, usesMax: 2, max: 2 });
    const program = programOf('export const result = 1;');
    const starts: string[] = [];
    for (let i = 0; i < 5; i += 1) starts.push((await run(own, program)).report.start);
    expect(starts.filter((start) => start === 'bound')).toHaveLength(2);
  });

  test.runIf(process.platform === 'linux')('an idle worker that does not answer is replaced', async () => {
    await using own = dispatcher({ min: 0, max: 1 });
    const program = programOf('export const result = 1;');
    await run(own, program);
    const [pid] = own.pids();
    process.kill(pid as number, 'SIGSTOP');
    // Trusted for a second after its last run.
    const now = performance.now.bind(performance);
    using _later = vi.spyOn(performance, 'now').mockImplementation(() => now() + 1_100);
    expect((await run(own, program, { limits: { timeoutMs: 20_000 } })).output).toBe(1);
    expect(own.pids()).not.toContain(pid);
  });

  test.runIf(process.platform === 'linux')(
    'a worker killed from outside is a WorkerCrashedError with its signal',
    async () => {
      await using own = dispatcher({ min: 0, max: 1 });
      const pending = failure(own, 'for (;;);');
      await expect.poll(() => own.stats().running + own.pids().length, PATIENT).toBe(2);
      await expect.poll(() => own.stats().pool.inUse, PATIENT).toBe(1);
      process.kill(own.pids()[0] as number, 'SIGKILL');
      const { error, details } = await pending;
      expect(error).toBeInstanceOf(WorkerCrashedError);
      expect(details['signal']).toBe('SIGKILL');
      expect((await run(own, 'export const result = 2;')).output).toBe(2);
    },
  );

  test('an idle worker that is killed is replaced', async () => {
    await using own = dispatcher({ min: 1, max: 2 });
    await own.warmUp();
    const [pid] = own.pids();
    process.kill(pid as number, 'SIGKILL');
    await expect.poll(() => own.pids().length > 0 && !own.pids().includes(pid as number), PATIENT).toBe(true);
    expect((await run(own, 'export const result = 2;')).output).toBe(2);
  });

  test('a stopped worker ends at the deadline', async () => {
    await using own = dispatcher({ min: 0, max: 1 });
    const sleeps = 'export default ({ ms }) => new Promise((resolve) => setTimeout(resolve, ms));';
    const program = programOf(sleeps);
    await run(own, program);
    const pending = failure(own, program, { inputs: { ms: 60_000 }, limits: { timeoutMs: 1_000 } });
    await expect.poll(() => own.stats().pool.inUse, PATIENT).toBe(1);
    process.kill(own.pids()[0] as number, 'SIGSTOP');
    const { error } = await pending;
    expect(error).toBeInstanceOf(ExecutionTimeoutError);
    expect((await run(own, program)).output).toBeUndefined();
  });

  test('close() refuses new runs, lets those under way finish, and leaves no process', async () => {
    const own = dispatcher({ min: 1 });
    const pending = run(own, 'export default () => new Promise((r) => setTimeout(r, 200, "finished"));');
    await expect.poll(() => own.stats().pool.inUse, PATIENT).toBe(1);
    const closed = own.close(10_000);
    expect((await failure(own, '1;')).error).toBeInstanceOf(ClosedError);
    expect((await pending).output).toBe('finished');
    await closed;
    expect(own.pids()).toEqual([]);
    await own.close(0);
  });

  test('close() without grace ends what runs', async () => {
    const own = dispatcher({ min: 0 });
    const pending = failure(own, 'for (;;);');
    await expect.poll(() => own.stats().pool.inUse, PATIENT).toBe(1);
    await own.close(0);
    expect((await pending).error).toBeInstanceOf(ClosedError);
    expect(own.pids()).toEqual([]);
  });

  test('a parent that is killed leaves no child', async () => {
    const startedMs = performance.now();
    const { orphanOf } = await import('./orphan.ts');
    const pid = await orphanOf();
    await expect.poll(() => exists(pid), { timeout: 5_000 }).toBe(false);
    expect(performance.now() - startedMs).toBeLessThan(30_000);
  });
});

describe('confinement', () => {
  test('says what holds the workers', async () => {
    const { tier, seccomp, platform } = await workers.confinement();
    expect(platform).toBe(`${process.platform}-${process.arch}`);
    if (process.platform === 'linux') expect({ tier, seccomp }).toEqual({ tier: 'kernel', seccomp: true });
  });

  test("falls back to Node's permission flags, and says why", async () => {
    await using own = dispatcher({ min: 0 }, { confinement: 'permission' });
    const { report } = await run(own, 'export const result = new Date(0).toLocaleString("ja");');
    expect(report.tier).toBe('permission');
    expect(await own.confinement()).toMatchObject({
      tier: 'permission',
      seccomp: false,
      why: expect.any(String),
    });
  });

  test('less than what is required is a SandboxUnavailableError', async () => {
    await using own = dispatcher({ min: 0 }, { confinement: 'permission', require: 'kernel' });
    const { error } = await failure(own, '1;');
    expect(error).toBeInstanceOf(SandboxUnavailableError);
  });
});

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
