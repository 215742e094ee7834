/** What our runs are compared with: plain children over the same kind of channel, and other people's ways. */
import { fork, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const folder = mkdtempSync(join(tmpdir(), 'skillcache-bench-'));
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));

function script(name, text) {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

const READ = `import { readSync, writeSync } from 'node:fs';
const bytes = Buffer.alloc(1 << 22);
const send = (out) => { for (let at = 0; at < out.length;) at += writeSync(3, out, at); };
writeSync(3, 'r');
for (;;) { const n = readSync(3, bytes, 0, bytes.length, null); if (n === 0) break; `;
const ECHO = script('echo.mjs', `${READ} send(bytes.subarray(0, n)); }`);
const JSON_ECHO = script(
  'json.mjs',
  `${READ.replace('for (;;)', 'let have = ""; for (;;)')} have += bytes.toString('latin1', 0, n);
  if (!have.endsWith('\\n')) continue; send(Buffer.from(JSON.stringify(JSON.parse(have)), 'latin1')); send(Buffer.from('\\n')); have = ''; }`,
);
const FORK = script(
  'fork.mjs',
  `import vm from 'node:vm';
process.once('message', ({ code, inputs }) => { process.send(vm.runInNewContext(code)(inputs)); process.disconnect(); });`,
);
const PISCINA = script(
  'piscina.mjs',
  `import vm from 'node:vm';
export default ({ code, inputs }) => JSON.stringify(vm.runInNewContext(code)(inputs));`,
);

/** A child that gives back what it is sent, as it is or once parsed; `bounce` waits for all of it. */
export async function echoChild(kind) {
  const path = kind === 'json' ? JSON_ECHO : ECHO;
  const child = spawn(process.execPath, [path], { stdio: ['ignore', 'ignore', 'inherit', 'pipe'] });
  const channel = child.stdio[3];
  await once(channel, 'data');
  const bounce = (data) =>
    new Promise((resolve) => {
      let have = 0;
      const take = (chunk) => {
        have += chunk.length;
        if (have < data.length) return;
        channel.off('data', take);
        resolve();
      };
      channel.on('data', take);
      channel.write(data);
    });
  return { bounce, close: () => channel.destroy() };
}

/** Of the environment nothing that Node reads at its start: NODE_EXTRA_CA_CERTS alone makes that four times as long. */
const ENV = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('NODE_')));

export function bareNode() {
  spawnSync(process.execPath, ['-e', '0'], { env: ENV });
}

export const SHARED_CODE = '({ text, n }) => ({ text, n: n + 1 })';

export async function forkedRun(inputs) {
  const one = fork(FORK, { stdio: 'ignore', env: ENV });
  one.send({ code: SHARED_CODE, inputs });
  await once(one, 'message');
  await once(one, 'exit');
}

/** Peers that give each run a fresh realm; those that are not installed are named, and left out. */
export async function peers(inputs) {
  const found = [];
  // It is compiled when it is installed, so it is no dependency of ours: `npm install --no-save isolated-vm`.
  const isolated = 'isolated-vm';
  const all = {
    piscina: [() => import('piscina'), makePiscina],
    'quickjs-emscripten': [() => import('quickjs-emscripten'), makeQuickJs],
    [isolated]: [() => import(isolated), makeIsolated],
  };
  for (const [name, [load, make]] of Object.entries(all)) {
    try {
      found.push({ name, ...(await make(await load(), inputs)) });
    } catch (error) {
      if (error.code !== 'ERR_MODULE_NOT_FOUND') throw error;
      console.log(`${name} is not installed, and left out`);
    }
  }
  return found;
}

function makePiscina({ Piscina }, inputs) {
  const pool = new Piscina({ filename: PISCINA, minThreads: 1, maxThreads: 1 });
  const run = () => pool.run({ code: SHARED_CODE, inputs });
  return { what: 'a fresh vm context, in the host process', run, close: () => pool.destroy() };
}

async function makeQuickJs({ getQuickJS }, inputs) {
  const quick = await getQuickJS();
  const run = () => {
    const runtime = quick.newRuntime();
    const context = runtime.newContext();
    const code = `JSON.stringify((${SHARED_CODE})(JSON.parse(${JSON.stringify(JSON.stringify(inputs))})))`;
    const result = context.unwrapResult(context.evalCode(code));
    JSON.parse(context.getString(result));
    result.dispose();
    context.dispose();
    runtime.dispose();
  };
  return { what: 'a fresh runtime, in the host process', run, close: () => {} };
}

function makeIsolated({ default: ivm }, inputs) {
  const run = async () => {
    const isolate = new ivm.Isolate({ memoryLimit: 128 });
    const context = await isolate.createContext();
    const code = `JSON.stringify((${SHARED_CODE})(JSON.parse(${JSON.stringify(JSON.stringify(inputs))})))`;
    JSON.parse(await context.eval(code));
    isolate.dispose();
  };
  return { what: 'a fresh isolate, in the host process', run, close: () => {} };
}
