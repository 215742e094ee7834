import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { analyseSkill } from '../../src/skills/analyse.ts';
import { readImport } from '../../src/skills/importers.ts';
import { parseSkillDefinition } from '../../src/skills/skill.ts';
import { verifyExamples } from '../../src/skills/verify.ts';
import { runLocally, type LocalSkill } from './run-locally.ts';

const DATA = new URL('../../../shared/data/', import.meta.url).pathname;
const known = existsSync(DATA);
if (!known) console.log(`skipped: no data sets in ${DATA}`);

describe.skipIf(!known)('the real libraries', () => {
  async function analysed(path: string): Promise<Map<string, LocalSkill>> {
    const skills = new Map<string, LocalSkill>();
    for await (const candidate of readImport(join(DATA, path))) {
      expect(candidate.refused).toBeUndefined();
      const definition = parseSkillDefinition(candidate.definition);
      const analysis = await analyseSkill(definition, {
        knownGlobals: [],
        resolve: async (names) =>
          new Map(
            names
              .filter((name) => skills.has(name))
              .map((name) => [name, { name, version: 1, digest: name }]),
          ),
      });
      skills.set(definition.name, { definition, analysis });
    }
    return skills;
  }

  test('all 51 Voyager and 183 Odyssey skills can be stored, with what they call before them', async () => {
    const voyager = await analysed('voyager/skills.json');
    const odyssey = await analysed('odyssey/skills.json');
    expect([voyager.size, odyssey.size]).toEqual([51, 183]);
    for (const skills of [voyager, odyssey]) {
      for (const { definition, analysis } of skills.values()) {
        expect(definition.description).not.toMatch(/^async function|^Name:|\n/);
        // A free name that is a skill was there when its caller was added.
        expect(analysis.capabilities.freeNames.filter((name) => skills.has(name))).toEqual([]);
      }
    }
  });

  test('all 268 snippets can be stored; most examples read off their expectations hold', async () => {
    const skills = await analysed('snippets/snippets.json');
    expect(skills.size).toBe(268);
    const counts = { withExamples: 0, examples: 0, pass: 0, fail: [] as string[] };
    for (const [name, skill] of skills) {
      const { examples } = skill.definition;
      if (examples.length === 0) continue;
      counts.withExamples += 1;
      counts.examples += examples.length;
      const failures = await verifyExamples(skill.definition, async (example) => ({
        output: await runLocally(skill, example, (other) => skills.get(other) as LocalSkill).catch(
          (error: unknown) => `threw ${String(error)}`,
        ),
      }));
      if (failures.length === 0) counts.pass += 1;
      else counts.fail.push(`${name}: ${failures[0]?.message}`);
    }
    if (process.env['SKILLCACHE_REPORT']) console.log(counts);
    expect(counts.withExamples).toBeGreaterThanOrEqual(144);
    expect(counts.pass).toBeGreaterThanOrEqual(130);
  });
});
