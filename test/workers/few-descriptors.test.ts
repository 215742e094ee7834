/** A host that may open few more files: its runs fail in time or find another way, and it lives. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const INDEX = new URL('../../dist/index.js', import.meta.url).href;
const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** Prints what `body` returns, in a process that may have `files` open. */
async function within(files: number, forkServer: 'auto' | 'never', body: string): Promise<unknown> {
  const script = `
    import { openSync, closeSync } from 'node:fs';
    import { SkillLibrary } from '${INDEX}';
    const library = await SkillLibrary.open({
      path: ':memory:',
      workers: { min: 0, max: 3, concurrency: 3, acquireTimeoutMs: 4_000, forkServer: '${forkServer}' },
    });
    const run = (n) => library.runCode('const n = 0; n * ' + n, { n: 2 }).then(
      ({ output }) => output, ({ code, message }) => [code, message]);
    const told = await (async () => { ${body} })();
    await library.close();
    console.log(JSON.stringify(told));
  `;
  const words = [
    '-c',
    `ulimit -n ${files} && exec "$0" --input-type=module -e "$1"`,
    process.execPath,
    script,
  ];
  const { stdout } = await promisify(execFile)('sh', words, { cwd: ROOT, timeout: 50_000 });
  return JSON.parse(stdout);
}

test.runIf(process.platform === 'linux')(
  'too few for a fork server are enough for single processes',
  async () => {
    const told = await within(
      170,
      'auto',
      'const outputs = await Promise.all([run(1), run(2), run(3)]); return outputs;',
    );
    expect(told).toEqual([2, 4, 6]);
  },
);

test.runIf(process.platform === 'linux')(
  'where there are none a run says so, and works when there are again',
  async () => {
    const told = await within(
      260,
      'never',
      // The first loads what is needed: a module that cannot be opened is never looked for again.
      `await run(0);
     const held = [];
     try { for (;;) held.push(openSync('/dev/null')); } catch {}
     const refused = await run(1);
     for (const each of held) closeSync(each);
     return { refused, later: await run(1) };`,
    );
    expect(told).toEqual({
      refused: ['POOL_EXHAUSTED', expect.stringContaining('this one may open no more files (EMFILE)')],
      later: 2,
    });
  },
);
