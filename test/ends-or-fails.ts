/**
 * A test file whose process hangs, or that never ends, fails with what it was doing. Vitest sees neither: its own
 * deadlines are timers in the process that hangs.
 */
import { expect } from 'vitest';
import { Worker } from 'node:worker_threads';

/** Without a turn of the loop for so long it hangs. Laws that are tried for hours take as long as they take. */
const SILENT_MS = process.env['SKILLCACHE_PROPERTY_RUNS'] === undefined ? 120_000 : 4 * 3_600_000;
/** The longest tests are told how long to take. */
const FILE_MS = SILENT_MS + 1_800_000 + Number(process.env['SKILLCACHE_SOAK_MS'] ?? 0);

/** In a thread, since it watches one: asks the debugger where that stands, says so, and ends the process. */
const WATCH = `
const { Session } = require('node:inspector');
const { readFileSync, writeSync } = require('node:fs');
const { workerData: { turns, file, silentMs, fileMs } } = require('node:worker_threads');
const startedMs = performance.now();
let seen = -1;
let seenMs = startedMs;
setInterval(() => {
  const nowMs = performance.now();
  const now = Atomics.load(turns, 0);
  if (now !== seen) [seen, seenMs] = [now, nowMs];
  if (nowMs - seenMs > silentMs) end('gave no turn to its event loop for ' + silentMs + ' ms');
  else if (nowMs - startedMs > fileMs) end('did not end within ' + fileMs + ' ms');
}, Math.min(5_000, silentMs / 4));
function end(why) {
  const say = (where) => {
    writeSync(2, file + ' ' + why + '; it stands at\\n' + where + '\\n');
    process.kill(process.pid, 'SIGKILL');
  };
  setTimeout(() => say('no JavaScript: in the kernel at ' + place()), 5_000);
  const session = new Session();
  session.connectToMainThread();
  const urls = new Map();
  session.on('Debugger.scriptParsed', ({ params: { scriptId, url } }) => urls.set(scriptId, url));
  session.on('Debugger.paused', ({ params: { callFrames } }) =>
    say(callFrames.map(({ functionName, location: { scriptId, lineNumber } }) =>
      '    ' + functionName + ' ' + urls.get(scriptId) + ':' + (lineNumber + 1)).join('\\n')));
  session.post('Debugger.enable');
  session.post('Debugger.pause');
}
function place() {
  try {
    return readFileSync('/proc/self/wchan', 'utf8') + ', call ' + readFileSync('/proc/self/syscall', 'utf8');
  } catch (error) {
    return String(error);
  }
}`;

const turns = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
setInterval(() => Atomics.add(turns, 0, 1), Math.min(1_000, SILENT_MS / 8)).unref();
const { testPath: file } = expect.getState();
const workerData = { turns, file, silentMs: SILENT_MS, fileMs: FILE_MS };
new Worker(WATCH, { eval: true, workerData, name: 'watch of the test', execArgv: [] }).unref();
