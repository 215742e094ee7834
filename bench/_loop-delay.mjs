// How late the event loop is, asked every millisecond; and how late without the time in which the kernel had no core
// for the thread (/proc/self/schedstat), which is other programs' doing where the machine is shared.
import { closeSync, openSync, readSync } from 'node:fs';

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
