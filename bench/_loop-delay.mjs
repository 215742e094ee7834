// How late the event loop is, asked every millisecond; and how late without the time in which the kernel had no core
// for the thread (/proc/self/schedstat), which is other programs' doing where the machine is shared.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

const EVERY_MS = 1;
const buffer = Buffer.alloc(128);

function schedstat() {
  try {
    return openSync(`/proc/self/task/${process.pid}/schedstat`, 'r');
  } catch {
    // Not Linux: both numbers are then the same.
    return undefined;
  }
}

function waitedMs(file) {
  if (file === undefined) return 0;
  const text = buffer.toString('latin1', 0, readSync(file, buffer, 0, buffer.length, 0));
  return Number(text.split(' ')[1]) / 1e6;
}

/** Begins to ask; what is returned ends it and tells `{ p50Ms, p99Ms, maxMs, ownP99Ms, ownMaxMs }`. */
export function watchLoop() {
  const file = schedstat();
  const late = [];
  const own = [];
  let timer;
  let startedMs;
  let startedWait;
  const ask = () => {
    startedMs = performance.now();
    startedWait = waitedMs(file);
    timer = setTimeout(() => {
      const lateMs = Math.max(0, performance.now() - startedMs - EVERY_MS);
      late.push(lateMs);
      own.push(Math.max(0, lateMs - (waitedMs(file) - startedWait)));
      ask();
    }, EVERY_MS);
  };
  ask();
  return () => {
    clearTimeout(timer);
    if (file !== undefined) closeSync(file);
    for (const list of [late, own]) list.sort((a, b) => a - b);
    const at = (list, q) => list[Math.min(list.length - 1, Math.floor(list.length * q))] ?? 0;
    return {
      p50Ms: at(late, 0.5),
      p99Ms: at(late, 0.99),
      maxMs: at(late, 1),
      ownP99Ms: at(own, 0.99),
      ownMaxMs: at(own, 1),
    };
  };
}

/** The same of a loop that does nothing, while another process only writes to `folder` and waits for the disk. */
export async function watchIdleLoopBesideSyncs(folder, forMs = 2_000) {
  const program = `
    const fs = require('node:fs');
    const file = fs.openSync(process.argv[1], 'w');
    const bytes = Buffer.alloc(200_000);
    for (;;) {
      fs.writeSync(file, bytes, 0, bytes.length, 0);
      fs.fsyncSync(file);
    }`;
  const syncs = spawn(process.execPath, ['-e', program, join(folder, 'syncs')], { stdio: 'ignore' });
  await once(syncs, 'spawn');
  await pause(200);
  const end = watchLoop();
  await pause(forMs);
  const delay = end();
  syncs.kill('SIGKILL');
  await once(syncs, 'exit');
  return delay;
}
