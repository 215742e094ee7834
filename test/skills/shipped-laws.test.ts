import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import { analyseSkill } from '../../src/skills/analyse.ts';
import { readSkillFolder } from '../../src/skills/skill-folder.ts';
import { parseSkillDefinition } from '../../src/skills/skill.ts';
import { runLocally, type LocalSkill } from './run-locally.ts';

const numRuns = Number(process.env['SKILLCACHE_PROPERTY_RUNS'] ?? 100);
const skills = new Map<string, LocalSkill>();
const NAMES = ['line-diff', 'flatten-json', 'parse-csv', 'shortest-path', 'business-days', 'loan-schedule'];

beforeAll(async () => {
  for (const name of NAMES) {
    const folder = new URL(`../../skills/${name}`, import.meta.url).pathname;
    const definition = parseSkillDefinition((await readSkillFolder(folder)).definition);
    const analysis = await analyseSkill(definition, { knownGlobals: [], resolve: async () => new Map() });
    skills.set(name, { definition, analysis });
  }
});

const find = (name: string): LocalSkill => skills.get(name) as LocalSkill;

/** The output as JSON of our own realm. */
async function run(name: string, inputs: Record<string, unknown>): Promise<unknown> {
  return JSON.parse(JSON.stringify(await runLocally(find(name), { inputs }, find))) as unknown;
}

test('line-diff: what it keeps and removes is the old text, what it keeps and adds the new one', async () => {
  const line = fc.constantFrom('a', 'b', 'c', 'd');
  const text = fc.array(line, { maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(text, text, async (before, after) => {
      const diff = (await run('line-diff', { before: before.join('\n'), after: after.join('\n') })) as {
        lines: { kind: string; text: string }[];
      };
      const side = (other: string): string[] =>
        diff.lines.filter((one) => one.kind !== other).map((one) => one.text);
      expect(side('added')).toEqual(before);
      expect(side('removed')).toEqual(after);
      const same = diff.lines.filter((one) => one.kind === 'same').length;
      expect(same).toBe(longestCommon(before, after));
    }),
    { numRuns },
  );
});

function longestCommon(left: readonly string[], right: readonly string[]): number {
  let last = right.map(() => 0).concat(0);
  for (const one of left) {
    const row = [0];
    for (const [index, other] of right.entries()) {
      row.push(one === other ? (last[index] ?? 0) + 1 : Math.max(last[index + 1] ?? 0, row[index] ?? 0));
    }
    last = row;
  }
  return last.at(-1) ?? 0;
}

test('flatten-json: unflattening what was flattened gives it back', async () => {
  const json = fc.jsonValue({ maxDepth: 4 });
  await fc.assert(
    fc.asyncProperty(json, async (value) => {
      fc.pre(JSON.stringify(value).includes('__proto__') === false);
      const flat = await run('flatten-json', { json: value });
      const back = await run('flatten-json', { json: flat, unflatten: true });
      expect(back).toEqual(JSON.parse(JSON.stringify(value)));
    }),
    { numRuns },
  );
});

test('parse-csv: reads back what was quoted', async () => {
  const field = fc.string({ unit: fc.constantFrom('a', '"', ',', '\n', '\r', ' ', 'é') });
  const rows = fc.array(fc.array(field, { minLength: 2, maxLength: 4 }), { maxLength: 5 });
  await fc.assert(
    fc.asyncProperty(rows, async (table) => {
      const quoted = table.map((row) => row.map((one) => `"${one.replaceAll('"', '""')}"`).join(','));
      expect(await run('parse-csv', { text: quoted.join('\r\n'), header: false })).toEqual(table);
    }),
    { numRuns },
  );
});

test('shortest-path: costs what the cheapest of all routes costs', async () => {
  const node = fc.constantFrom('a', 'b', 'c', 'd', 'e');
  const edge = fc.record({ from: node, to: node, cost: fc.nat(9) });
  await fc.assert(
    fc.asyncProperty(fc.array(edge, { maxLength: 14 }), node, node, async (edges, from, to) => {
      const { cost } = (await run('shortest-path', { edges, from, to })) as { cost: number | null };
      const costs = new Map([[from, 0]]);
      for (let round = 0; round < 5; round += 1) {
        for (const one of edges) {
          const next = (costs.get(one.from) ?? Infinity) + one.cost;
          if (next < (costs.get(one.to) ?? Infinity)) costs.set(one.to, next);
        }
      }
      expect(cost).toBe(costs.get(to) ?? null);
    }),
    { numRuns },
  );
});

test('business-days: going forth and counting back agree', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: -400, max: 400 }), fc.nat(20_000), async (days, offset) => {
      const from = new Date(offset * 86_400_000).toISOString().slice(0, 10);
      const { date } = (await run('business-days', { from, days })) as { date: string };
      expect(await run('business-days', { from, to: date })).toEqual({ days });
    }),
    { numRuns },
  );
});

test('loan-schedule: the principal parts add up to the loan, to the cent', async () => {
  const loan = fc.record({
    principalCents: fc.integer({ min: 1, max: 1e10 }),
    ratePercent: fc.constantFrom(0, 0.1, 3.75, 12, 60),
    months: fc.integer({ min: 1, max: 480 }),
  });
  await fc.assert(
    fc.asyncProperty(loan, async (inputs) => {
      const { rows } = (await run('loan-schedule', inputs)) as {
        rows: { principal: number; balance: number }[];
      };
      expect(rows.reduce((sum, row) => sum + row.principal, 0)).toBe(inputs.principalCents);
      expect(rows.at(-1)?.balance).toBe(0);
      expect(rows.every((row) => row.balance >= 0 && Number.isSafeInteger(row.principal))).toBe(true);
    }),
    { numRuns },
  );
});
