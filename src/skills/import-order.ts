/** The order in which an import adds its skills: what a skill calls comes before it. */
import { SkillCacheError } from '../errors.ts';
import { reportCapabilities } from '../syntax/capabilities.ts';
import type { ImportCandidate } from './importers.ts';
import { detectLanguage } from './language.ts';
import { CODE_BYTES_MAX, type SkillDefinitionInput } from './skill.ts';

/**
 * Candidates in their own order, but for those that others require (in `requires`, by import, or by a
 * free name), which come first. In a cycle the first met comes last; adding it tells.
 */
export function requiredFirst(candidates: readonly ImportCandidate[]): ImportCandidate[] {
  if (candidates.length < 2) return [...candidates];
  const byName = new Map<string, number[]>();
  for (const [index, { name }] of candidates.entries()) {
    if (name !== undefined) byName.set(name, [...(byName.get(name) ?? []), index]);
  }
  const ordered: ImportCandidate[] = [];
  const state: ('open' | 'done' | undefined)[] = [];
  const visit = (start: number): void => {
    const open = [start];
    for (let index = open.at(-1); index !== undefined; index = open.at(-1)) {
      const candidate = candidates[index] as ImportCandidate;
      if (state[index] === undefined) {
        state[index] = 'open';
        const below = neededNames(candidate, byName).flatMap((name) => byName.get(name) ?? []);
        for (const next of below.toReversed()) if (state[next] === undefined) open.push(next);
        continue;
      }
      open.pop();
      if (state[index] === 'open') ordered.push(candidate);
      state[index] = 'done';
    }
  };
  for (const index of candidates.keys()) visit(index);
  return ordered;
}

function neededNames(candidate: ImportCandidate, among: ReadonlyMap<string, unknown>): string[] {
  const { definition } = candidate;
  if (definition === undefined) return [];
  const declared = Array.isArray(definition.requires) ? definition.requires : [];
  const names = new Set<string>([...declared, ...calledNames(definition)]);
  return [...names].filter((name) => name !== candidate.name && among.has(name));
}

function calledNames({ code, language }: SkillDefinitionInput): string[] {
  if (typeof code !== 'string' || code.length > CODE_BYTES_MAX) return [];
  try {
    const known = language === 'javascript' || language === 'typescript' ? language : detectLanguage(code);
    const { freeNames } = reportCapabilities(code, { language: known });
    // A comment may say this too; then the order is another one, and as good.
    const imports = [...code.matchAll(/\bfrom\s*['"]skill:([\w-]{1,64})['"]/g)];
    return [...freeNames, ...imports.map((found) => found[1] ?? '')];
  } catch (error) {
    // Code that does not parse calls nothing; adding it tells why.
    if (error instanceof SkillCacheError) return [];
    throw error;
  }
}
