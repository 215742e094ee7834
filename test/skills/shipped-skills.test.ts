import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { analyseSkill } from '../../src/skills/analyse.ts';
import { readImport } from '../../src/skills/importers.ts';
import { parseSkillDefinition } from '../../src/skills/skill.ts';
import { compileValidator } from '../../src/skills/validate.ts';
import { verifyExamples } from '../../src/skills/verify.ts';
import { runLocally, type LocalSkill } from './run-locally.ts';

const ROOT = new URL('../../skills', import.meta.url).pathname;

async function loadAll(): Promise<Map<string, LocalSkill>> {
  const skills = new Map<string, LocalSkill>();
  for await (const candidate of readImport(ROOT)) {
    expect(candidate.refused, candidate.source).toBeUndefined();
    expect(candidate.warnings, candidate.source).toEqual([]);
    const definition = parseSkillDefinition(candidate.definition);
    const analysis = await analyseSkill(definition, {
      knownGlobals: [],
      resolve: async (names) => {
        const known = names.filter((name) => skills.has(name));
        return new Map(known.map((name) => [name, { name, version: 1, digest: `digest of ${name}` }]));
      },
    });
    skills.set(definition.name, { definition, analysis });
  }
  return skills;
}

const skills = await loadAll();
const find = (name: string): LocalSkill => skills.get(name) as LocalSkill;

test('at least 18 skills are shipped, in both languages and in every shape of an answer', () => {
  expect(skills.size).toBeGreaterThanOrEqual(18);
  const all = [...skills.values()];
  const languages = new Set(all.map(({ definition }) => definition.language));
  expect([...languages].toSorted()).toEqual(['javascript', 'typescript']);
  const shapes = new Set(
    all.map(({ analysis }) => {
      const [first] = analysis.plan.answers;
      if (first?.kind !== 'function') return first?.kind;
      return /^(?:run|main)$/.test(first.name) ? first.name : 'only function';
    }),
  );
  for (const shape of ['default', 'run', 'main', 'binding', 'only function', 'expression']) {
    expect(shapes, shape).toContain(shape);
  }
});

test('at least two shipped skills call another, one by import and one by its free name', () => {
  const callers = [...skills.values()].filter(({ analysis }) => analysis.requires.length > 0);
  expect(callers.some(({ analysis }) => analysis.plan.imports.length > 0)).toBe(true);
  expect(callers.some(({ analysis }) => analysis.plan.imports.length === 0)).toBe(true);
});

describe.each([...skills])('the shipped skill %s', (_name, skill) => {
  const { definition, analysis } = skill;

  test('has schemas, three examples or more, a use and no capability', () => {
    expect(definition.inputSchema).toBeDefined();
    expect(definition.outputSchema).toBeDefined();
    expect(definition.examples.length).toBeGreaterThanOrEqual(3);
    expect(definition.description).toMatch(/\. Use (?:when|for|to) /);
    expect(analysis.capabilities).toEqual({ flags: [], freeNames: [] });
    expect(analysis.pure.decided).toBe(true);
  });

  test('gives the outputs of its examples, and they fit its schemas', async () => {
    const validInput = compileValidator(definition.inputSchema ?? true);
    const validOutput = compileValidator(definition.outputSchema ?? true, { root: 'output' });
    for (const { inputs, output } of definition.examples) {
      expect(validInput(inputs)).toBeUndefined();
      expect(validOutput(output)).toBeUndefined();
    }
    const failures = await verifyExamples(definition, async (example) => ({
      output: await runLocally(skill, example, find),
    }));
    expect(failures).toEqual([]);
  });
});

test('the table of shipped skills in docs/skills.md names each of them and no other', async () => {
  const page = await readFile(new URL('../../docs/skills.md', import.meta.url), 'utf8');
  const table = page.slice(page.indexOf('## The shipped skills'));
  const named = [...table.matchAll(/^\| `([^`]+)` +\|/gm)].map((row) => row[1]);
  expect(named.toSorted()).toEqual([...skills.keys()].toSorted());
});
