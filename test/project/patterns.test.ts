/** Regular expressions of ours read what strangers wrote: none may take more than linear time over it. */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parse } from '@babel/parser';
import { traverseFast, isRegExpLiteral } from '@babel/types';
import { analyse } from 'scslre';
import { expect, test } from 'vitest';

const SOURCE = fileURLToPath(new URL('../../src/', import.meta.url));
const files = readdirSync(SOURCE, { recursive: true, encoding: 'utf8' }).filter((name) =>
  name.endsWith('.ts'),
);

/** Each with its place, as `file:line`. */
function patternsOf(name: string): { place: string; source: string; flags: string }[] {
  const found: { place: string; source: string; flags: string }[] = [];
  const text = readFileSync(`${SOURCE}${name}`, 'utf8');
  const program = parse(text, { sourceType: 'module', plugins: ['typescript'] });
  traverseFast(program, (node) => {
    if (!isRegExpLiteral(node)) return;
    found.push({ place: `${name}:${node.loc?.start.line}`, source: node.pattern, flags: node.flags });
  });
  return found;
}

test('no pattern is tried again and again from places that it has looked at', () => {
  const patterns = files.flatMap(patternsOf);
  expect(patterns.length).toBeGreaterThan(200);
  const slow = patterns.flatMap(({ place, source, flags }) =>
    analyse({ source, flags }).reports.map(
      ({ type, exponential }) =>
        `${place} ${exponential ? 'exponential' : 'polynomial'} (${type}): /${source}/`,
    ),
  );
  expect(slow).toEqual([]);
});
