/** Starts a parent with a busy worker, kills the parent, and gives the worker's process id. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const dist = join(dirname(dirname(dirname(fileURLToPath(import.meta.url)))), 'dist');
const module = (path: string) => JSON.stringify(pathToFileURL(join(dist, path)).href);

const PARENT = `
  import { Dispatcher } from ${module('workers/dispatch.js')};
  import { resolveOptions } from ${module('options.js')};
  const workers = new Dispatcher({ workers: { ...resolveOptions({}).workers, min: 0, max: 1 }, require: 'permission' });
  const source = '(function () { return function () { console.log(1); for (;;); } })';
  const unit = { fileName: 'skill:x@1', source, holes: [], links: [], shifts: [], parameters: '{}', requires: {} };
  const limits = { timeoutMs: 60000, memoryBytesMax: 2 ** 27, outputBytesMax: 1000, logBytesMax: 1000 };
  workers.run({ program: { digest: 'd', units: [unit] }, data: '{"inputs":{},"context":{},"parameters":{}}', limits });
  const timer = setInterval(() => {
    if (workers.stats().pool.inUse === 0) return;
    clearInterval(timer);
    console.log(workers.pids()[0]);
  }, 10);
`;

export async function orphanOf(): Promise<number> {
  const parent = spawn(process.execPath, ['--input-type=module', '-e', PARENT], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(parent.stdout, 'data')) as [Buffer];
  const gone = once(parent, 'exit');
  parent.kill('SIGKILL');
  await gone;
  return Number(line.toString());
}
