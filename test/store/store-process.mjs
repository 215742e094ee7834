// A process that writes to a store from several callers, and tells on stdout what it is about to do and what was
// acknowledged, one JSON line each, written before it goes on. Runs until it is killed or has written `rounds` times.
import { createHash } from 'node:crypto';
import { writeSync } from 'node:fs';
import { openSqliteStore } from '../../dist/store/sqlite/sqlite-store.js';

const { options, prefix, callers, rounds, isShared, template } = JSON.parse(process.argv[2]);
const tell = (line) => writeSync(1, `${JSON.stringify(line)}\n`);
const store = await openSqliteStore(options);

function version(name, code) {
  const text = JSON.stringify(template).replaceAll('NAME', name).replaceAll('CODE', code);
  return { ...JSON.parse(text), digest: createHash('sha256').update(text).digest('hex') };
}

async function write(caller) {
  const name = isShared ? `${prefix}${caller}` : `${prefix}-${caller}`;
  let known = new Map();
  for (let round = 0; round < rounds; round += 1) {
    const code = `${process.pid} ${caller} ${round}`;
    const step = isShared ? 0 : round % 5;
    if (step < 3) {
      tell({ name, intent: code });
      const added = await store.add(version(name, code));
      known.set(added.version, code);
      tell({ name, acknowledged: code, version: added.version });
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
