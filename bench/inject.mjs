/**
 * Putting data into code: text from a stored plan, and by value, against the naive way (Babel
 * parse, traverse, valueToNode and generate on every call). Medians of rounds that alternate, in
 * one process; 20 numbers of data.
 *   npm run build && node bench/inject.mjs [--json]
 */
import generatorModule from '@babel/generator';
import { parse } from '@babel/parser';
import traverseModule from '@babel/traverse';
import { valueToNode } from '@babel/types';
import { injectWithPlan } from '../dist/inject/inject.js';
import { planInjection } from '../dist/inject/planner.js';
import { encodeValue } from '../dist/sandbox/codec.js';

const generate = generatorModule.default ?? generatorModule;
const traverse = traverseModule.default ?? traverseModule;
const ROUNDS = 15;
const asJson = process.argv.includes('--json');

const data = { inputs: { prices: Array.from({ length: 20 }, (_, n) => 100 + n * 1.25) } };
const helper = (n) => `
/** Keeps the values of a window whose distance from their mean is small. */
function keep${n}(values, window) {
  const out = [];
  for (let i = 0; i + window <= values.length; i++) {
    const part = values.slice(i, i + window);
    const mean = part.reduce((sum, x) => sum + x, 0) / window;
    if (part.every((x) => Math.abs(x - mean) < ${n}.5)) out.push(mean);
  }
  return out;
}
`;

function codeOf(bytes) {
  let code = 'const prices = [1, 2, 3];\nconst window = 3;\n';
  for (let n = 0; code.length < bytes - 60; n++) code += helper(n);
  return `${code}export const result = keep0(prices, window);\n`;
}

/** What a program does that keeps no plan. */
function naive(code) {
  const tree = parse(code, { sourceType: 'module' });
  traverse(tree, {
    VariableDeclarator(path) {
      const { id } = path.node;
      if (id.type !== 'Identifier' || path.scope.parent || !Object.hasOwn(data.inputs, id.name)) return;
      path.node.init = valueToNode(data.inputs[id.name]);
    },
  });
  return generate(tree).code;
}

/** Milliseconds of one call, the mean of as many as take about 10 ms. */
function timed(run) {
  let calls = 1;
  for (;;) {
    const start = performance.now();
    for (let n = 0; n < calls; n++) run();
    const took = performance.now() - start;
    if (took > 10 || calls > 1e6) return took / calls;
    calls = Math.ceil(calls * Math.min(10, 12 / Math.max(took, 0.01)));
  }
}

function medians(ways) {
  const times = Object.fromEntries(Object.keys(ways).map((name) => [name, []]));
  for (const run of Object.values(ways)) timed(run);
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, run] of Object.entries(ways)) times[name].push(timed(run));
  }
  const middle = (list) => list.toSorted((a, b) => a - b)[list.length >> 1];
  return Object.fromEntries(Object.entries(times).map(([name, list]) => [name, middle(list)]));
}

const rows = [];
function row(name, ms, baseMs, base, factor, isReached) {
  rows.push({ name, microseconds: ms * 1_000, baseMicroseconds: baseMs * 1_000, base, ...factor, isReached });
}

for (const [label, bytes, target] of [
  ['1 KB', 1_024, 60],
  ['16 KB', 16_384, 600],
]) {
  const code = codeOf(bytes);
  const { plan, source } = planInjection(code);
  const ways = {
    naive: () => naive(code),
    text: () => injectWithPlan(source, plan, data).code,
    ...(bytes === 1_024 && { value: () => encodeValue(data) }),
  };
  const took = medians(ways);
  const ratio = took.naive / took.text;
  row(
    `text from a plan, ${label}`,
    took.text,
    took.naive,
    'naive',
    { ratio, target: `≥ ${target}` },
    ratio >= target,
  );
  if (took.value === undefined) continue;
  const byValue = took.naive / took.value;
  row(
    `by value, ${label}`,
    took.value,
    took.naive,
    'naive',
    { ratio: byValue, target: '≥ 150' },
    byValue >= 150,
  );
}

const records = [];
for (let n = 0; records.length === 0 || n * 100 < 10 * 1024 * 1024; n++) {
  records.push({
    id: `r${n}`,
    price: n * 1.5,
    qty: n % 7,
    tags: ['a', 'b'],
    note: `record number ${n} of the table`,
  });
}
const large = { inputs: { records } };
const took = medians({ clone: () => structuredClone(large), value: () => encodeValue(large) });
const share = took.value / took.clone;
row(
  '10 MB of records by value',
  took.value,
  took.clone,
  'structuredClone',
  { ratio: share, target: '≤ 1.3' },
  share <= 1.3,
);

if (asJson) {
  console.log(JSON.stringify({ node: process.version, rows }, null, 2));
} else {
  const cells = rows.map(({ name, microseconds, base, baseMicroseconds, ratio, target, isReached }) => [
    name,
    `${microseconds.toFixed(1)} µs`,
    `${baseMicroseconds.toFixed(1)} µs`,
    base,
    `${ratio.toFixed(ratio < 10 ? 2 : 0)}×`,
    target,
    isReached ? 'reached' : 'missed',
  ]);
  const head = ['', 'median', 'against', '', 'ratio', 'target', ''];
  const widths = head.map((_, at) => Math.max(...[head, ...cells].map((line) => line[at].length)));
  for (const line of [head, ...cells]) {
    console.log(
      line
        .map((cell, at) => (at === 0 || at === 3 ? cell.padEnd(widths[at]) : cell.padStart(widths[at])))
        .join('  '),
    );
  }
}
