// Reads a file as fast as it can until its input ends, then tells how often it was whole, and what it said last.
import { readFileSync } from 'node:fs';

const path = process.argv[2];
let isOver = false;
process.stdin.once('end', () => (isOver = true)).resume();
const told = { reads: 0, missing: 0, torn: 0, last: undefined };
const read = () => {
  // Many at a time: the word that it is over comes in between.
  for (let n = 0; n < 100; n += 1) {
    let text;
    try {
      text = readFileSync(path, 'utf8');
    } catch {
      told.missing += 1;
      continue;
    }
    told.reads += 1;
    try {
      told.last = JSON.parse(text);
    } catch {
      told.torn += 1;
    }
  }
  if (isOver) process.stdout.write(`${JSON.stringify(told)}\n`);
  else setImmediate(read);
};
process.stdout.write('ready\n');
read();
