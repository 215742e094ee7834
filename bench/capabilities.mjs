/** Time of a capability report: `node bench/capabilities.mjs` after a build. Prints medians. */
import { readFileSync } from 'node:fs';
import { parseModule } from '../dist/syntax/parse.js';
import { reportCapabilities, reportCapabilitiesOf } from '../dist/syntax/capabilities.js';

const RUNS = 600;
const UNIT = `
const weights = { open: 0.2, close: 0.5, high: 0.2, low: 0.1 };
export function score(rows, options = {}) {
  const { limit = 10, offset = 0 } = options;
  const totals = new Map();
  for (const row of rows.slice(offset)) {
    const parts = Object.entries(weights).map(([key, weight]) => Number(row[key] ?? 0) * weight);
    const sum = parts.reduce((a, b) => a + b, 0);
    if (!/^[a-z]+(?:-[a-z]+)*$/.test(row.name)) continue;
    totals.set(row.name, (totals.get(row.name) ?? 0) + sum);
  }
  return [...totals].sort((a, b) => b[1] - a[1]).slice(0, limit).map(([name, value]) => ({ name, value }));
}
`;

/** Code of about `bytes` bytes, names made different so that it parses. */
function codeOf(bytes) {
  let code = '';
  for (let part = 0; code.length < bytes; part++) {
    code += UNIT.replaceAll('weights', `weights${part}`).replaceAll('score', `score${part}`);
  }
  return code.slice(0, code.lastIndexOf('\n}\n') + 3);
}

function median(task) {
  const times = [];
  for (let run = 0; run < RUNS; run++) {
    const from = performance.now();
    task();
    times.push(performance.now() - from);
  }
  return times.sort((a, b) => a - b)[RUNS >> 1];
}

const self = readFileSync(new URL(import.meta.url), 'utf8');
for (const [name, code] of [
  ['1.9 KB', codeOf(1_400)],
  ['16 KB', codeOf(16_000)],
  ['this file', self],
]) {
  const file = parseModule(code, 'javascript');
  median(() => reportCapabilities(code));
  const parse = median(() => parseModule(code, 'javascript'));
  const read = median(() => reportCapabilitiesOf(file));
  const whole = median(() => reportCapabilities(code));
  const ms = (value) => `${value.toFixed(3)} ms`;
  process.stdout.write(
    `${name.padEnd(10)} ${String(code.length).padStart(6)} bytes   parse ${ms(parse)}   report ${ms(read)}   both ${ms(whole)}\n`,
  );
}
