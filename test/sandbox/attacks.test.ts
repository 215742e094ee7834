import { execFile } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, describe, expect, test } from 'vitest';
import { findWrapper, signalOf } from '../../src/workers/wrapper.ts';
import { dispatcher, failure, programOf, run } from '../workers/runs.ts';
import { ATTACKS_BY_OBJECT } from './attacks-by-object.ts';
import { ATTACKS as ATTACKS_BY_TRICK, PRELUDE } from './attacks.ts';

const ATTACKS = [...ATTACKS_BY_TRICK, ...ATTACKS_BY_OBJECT];

const workers = dispatcher();
afterAll(() => workers.close(0));

/** With what is put around workers, where there is such, and without. */
const WRAPPERS = findWrapper() === undefined ? (['never'] as const) : (['never', 'require'] as const);

const inputs = { list: [1], date: new Date(0) };

describe.each(WRAPPERS)('no attack on the realm succeeds (wrapper: %s)', (wrapper) => {
  const own = dispatcher({}, { wrapper });
  afterAll(() => own.close(0));
  // One program for all, so that a worker is bound once; each attack has a realm of its own.
  const bodies = ATTACKS.map(({ name, code }) => `${JSON.stringify(name)}(inputs, context) { ${code} }`);
  const program = programOf(
    `${PRELUDE}\nconst attacks = { ${bodies.join(',\n')} };\nexport default (inputs, context) => attacks[inputs.name](inputs, context);`,
  );

  test.each(ATTACKS)('$name', async ({ name }) => {
    const { output } = await run(own, program, { inputs: { ...inputs, name } });
    expect(output).toBe('no');
  });

  test('the confinement is the one that is meant', async () => {
    const { wrapper: name } = await own.confinement();
    expect(name === undefined).toBe(wrapper === 'never');
  });
});

describe('the attacks', () => {
  test('there are 120 of them at least, no two alike', () => {
    expect(new Set(ATTACKS.map(({ name }) => name)).size).toBe(ATTACKS.length);
    expect(new Set(ATTACKS.map(({ code }) => code)).size).toBe(ATTACKS.length);
    expect(ATTACKS.length).toBeGreaterThanOrEqual(120);
  });

  test('dynamic import is refused when a skill is compiled', () => {
    expect(() => programOf('export default () => import("node:fs");')).toThrow(/import/);
  });

  test('the attacks are real: against a plain node:vm context those marked so succeed', async () => {
    const here = dirname(fileURLToPath(import.meta.url));
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['--no-warnings', join(here, 'naive-realm.mjs')],
      {
        env: { ...process.env, ATTACKS: JSON.stringify(ATTACKS), PRELUDE },
      },
    );
    const results = JSON.parse(stdout) as Record<string, string>;
    const expected = ATTACKS.filter(({ worksNaively }) => worksNaively).map(({ name }) => name);
    expect(expected.filter((name) => results[name] !== 'ESCAPED')).toEqual([]);
  });
});

describe('what one run leaves, the next does not find', () => {
  test('polluted prototypes and replaced functions cannot change the answer of this run or the next', async () => {
    const hostile = programOf(`export default (inputs) => {
      if (({}).polluted !== undefined || Array.prototype.map.name !== 'map') return 'LEAKED';
      Object.prototype.polluted = 1;
      Object.prototype.toJSON = Array.prototype.toJSON = String.prototype.toJSON = () => 'FORGED';
      Object.prototype.then = undefined;
      JSON.stringify = JSON.parse = Reflect.apply = Object.keys = Array.isArray = Object.hasOwn = () => { throw 'FORGED' };
      Array.prototype.map = Array.prototype.push = Array.prototype[Symbol.iterator] = Map.prototype.get = Map.prototype.set = () => { throw 'FORGED' };
      Function.prototype.call = Function.prototype.apply = Function.prototype.bind = () => { throw 'FORGED' };
      Promise.prototype.then = Promise.resolve = () => { throw 'FORGED' };
      String.prototype.slice = String.prototype.charCodeAt = RegExp.prototype.exec = () => { throw 'FORGED' };
      return { n: inputs.n, list: [1, { two: -0 }] };
    };`);
    for (const n of [1, 2, 3]) {
      const { output } = await run(workers, hostile, { inputs: { n } });
      expect(output).toEqual({ n, list: [1, { two: -0 }] });
    }
  });

  test('a thrown error is still told when everything it could be told with was replaced', async () => {
    const { error } = await failure(
      workers,
      `
      JSON.stringify = String.prototype.slice = RegExp.prototype.exec = Object.getOwnPropertyDescriptor = () => { throw 'FORGED' };
      Object.prototype.kind = 'value'; Object.prototype.toJSON = () => 'FORGED';
      throw new Error('honest');`,
    );
    expect(error.code).toBe('SKILL_RUNTIME');
    expect(error.message).toBe('the skill threw Error: honest');
  });

  test('an answer cannot be changed once given, nor given twice', async () => {
    const code =
      'export default () => { const a = { n: 1 }; setTimeout(() => { a.n = 2 }, 0); Promise.resolve().then(() => { a.n = 3 }); return a };';
    expect((await run(workers, code)).output).toEqual({ n: 1 });
    const twice = 'export default () => ({ then(ok, bad) { ok(1); ok(2); bad(3); } });';
    expect((await run(workers, twice)).output).toBe(1);
  });
});

/** Namespaces of their own, with all files to be seen: what is left to refuse is the kernel lock's. */
const NAMESPACES = [
  '--unshare-all',
  '--die-with-parent',
  '--cap-drop',
  'ALL',
  '--ro-bind',
  '/',
  '/',
  '--proc',
  '/proc',
];

describe.runIf(process.platform === 'linux').each(WRAPPERS)(
  'the kernel refuses a locked process (wrapper: %s)',
  (wrapper) => {
    const around = wrapper === 'require' ? NAMESPACES : undefined;
    test('every class of system call that is not for computing', async () => {
      const { stdout } = await lockedProcess(around);
      const results = JSON.parse(stdout) as {
        lock: { isLocked: boolean };
        calls: Record<string, number>;
        node: Record<string, string>;
      };
      expect(results.lock).toEqual({ isLocked: true });
      const EPERM = 1;
      expect(Object.entries(results.calls).filter(([, errno]) => errno !== EPERM)).toEqual([]);
      expect(Object.keys(results.calls).length).toBeGreaterThan(40);
      expect(Object.entries(results.node).filter(([, outcome]) => outcome === 'succeeded')).toEqual([]);
    });

    test.each([
      'ptrace',
      'process_vm_readv',
      'bpf',
      'keyctl',
      'io_uring_setup',
      'mount',
      'unshare',
      'setns',
      'perf_event_open',
      'userfaultfd',
      'x32',
    ])('%s ends the process', async (call) => {
      expect((await lockedProcess(around, call)).signal).toBe('SIGSYS');
    });
  },
);

/** It ends by SIGKILL, as a worker does. */
function lockedProcess(
  around: readonly string[] | undefined,
  ...args: string[]
): Promise<{ stdout: string; signal: string | undefined }> {
  const program = join(dirname(fileURLToPath(import.meta.url)), 'locked-process.mjs');
  return new Promise((resolve) => {
    const words = [process.execPath, '--no-warnings', program, ...args];
    const [command = '', ...rest] = around ? [findWrapper()?.path ?? '', ...around, ...words] : words;
    execFile(command, rest, (error, stdout) => {
      const code = typeof error?.code === 'number' ? error.code : null;
      resolve({ stdout, signal: error?.signal ?? signalOf(code) ?? undefined });
    });
  });
}
