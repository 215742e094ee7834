// A process that writes to a store from several callers, and tells what it is about to do and what was acknowledged,
// one JSON line each, written before it goes on: to stdout, or to the file `tellTo`. Runs until it is killed, has
// written `rounds` times each, or for `forMs`. Started from beside a copy of dist/ (see private-dist.ts).
import { createHash } from 'node:crypto';
import { openSync, writeSync } from 'node:fs';
import { openSqliteStore } from './dist/store/sqlite/sqlite-store.js';

const {
  options,
  prefix,
  callers,
  rounds,
  forMs = Infinity,
  isShared,
  template,
  tellTo,
} = JSON.parse(process.argv[2]);
const out = tellTo === undefined ? 1 : openSync(tellTo, 'a');

function tell(line) {
  let bytes = Buffer.from(`${JSON.stringify(line)}\n`);
  while (bytes.length > 0) {
    try {
      bytes = bytes.subarray(writeSync(out, bytes));
    } catch (error) {
      // The reader is behind: wait for it.
      if (error.code !== 'EAGAIN') throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
    }
  }
}

const store = await openSqliteStore(options);
const endMs = Date.now() + forMs;
let errors = 0;

function version(name, code) {
  const text = JSON.stringify(template).replaceAll('NAME', name).replaceAll('CODE', code);
  return { ...JSON.parse(text), digest: createHash('sha256').update(text).digest('hex') };
}

async function write(caller) {
  const name = isShared ? `${prefix}${caller}` : `${prefix}-${caller}`;
  let known = new Map();
  for (let round = 0; round < rounds && Date.now() < endMs; round += 1) {
    const code = `${process.pid} ${caller} ${round}`;
    // Its callers start at different steps, so that a kill finds each kind of write on its way.
    const step = isShared ? 0 : (round === 0 ? 0 : round + caller) % 5;
    if (step < 3 || known.size === 0) {
      tell({ name, intent: code });
      const added = await store.add(version(name, code));
      known.set(added.version, code);
      tell({ name, acknowledged: code, version: added.version });
      // What was acknowledged here or anywhere is what this process loads next.
      if (isShared && (await store.load(name)).version < added.version) errors += 1;
    } else if (step === 3) {
      const [oldest] = known.keys();
      tell({ name, intent: known.get(oldest) });
      await store.movePointer(name, oldest);
      tell({ name, acknowledged: known.get(oldest) });
    } else {
      tell({ name, intent: null });
      await store.remove(name);
      known = new Map();
      tell({ name, acknowledged: null });
    }
  }
}

await Promise.all(Array.from({ length: callers }, (_, caller) => write(caller)));
await store.close();
process.exitCode = errors === 0 ? 0 : 3;
