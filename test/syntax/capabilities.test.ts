import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { reportCapabilities } from '../../src/syntax/capabilities.ts';
import { BEHAVIOUR } from './capability-table-behaviour.ts';
import { CORNERS, MORE_CORNERS, MORE_TYPED, TYPED } from './capability-table-corners.ts';
import { HARDER, MIXED } from './capability-table-mixed.ts';
import { OUTSIDER, OUTSIDER_TYPED } from './capability-table-outsider.ts';
import { POLLUTION } from './capability-table-pollution.ts';
import { REACH, type Labelled } from './capability-table-reach.ts';
import { REVIEWED, REVIEWED_TYPED } from './capability-table-review.ts';
import { STATE } from './capability-table-state.ts';

function flagsOf(code: string, options: Parameters<typeof reportCapabilities>[1]): string {
  return [...new Set(reportCapabilities(code, options).flags.map((each) => each.flag))].join(' ');
}

function outcomeOf(code: string): string {
  try {
    reportCapabilities(code);
    return 'read';
  } catch (error) {
    return (error as Error).name;
  }
}

function checkTable(table: readonly Labelled[], language: 'javascript' | 'typescript'): void {
  for (const [name, flags, code, knownGlobals = []] of table) {
    test(`${name}: ${flags === '' ? 'nothing' : flags}`, () => {
      const spoken = code.includes(': number') ? 'typescript' : language;
      expect(flagsOf(code, { language: spoken, knownGlobals })).toBe(flags);
    });
  }
}

describe('what names and modules reach', () => {
  checkTable(REACH, 'javascript');
});
describe('what code does', () => {
  checkTable(BEHAVIOUR, 'javascript');
});
describe('odd corners', () => {
  checkTable(CORNERS, 'javascript');
  checkTable(MORE_CORNERS, 'javascript');
});
describe('what a second reader found', () => {
  checkTable(REVIEWED, 'javascript');
});
describe('what an outsider expects', () => {
  checkTable(OUTSIDER, 'javascript');
  checkTable(OUTSIDER_TYPED, 'typescript');
});
describe('all sorts', () => {
  checkTable(MIXED, 'javascript');
  checkTable(HARDER, 'javascript');
});
describe('writes along keys', () => {
  checkTable(POLLUTION, 'javascript');
});
describe('what outlives a call', () => {
  checkTable(STATE, 'javascript');
});
describe('TypeScript', () => {
  checkTable(REVIEWED_TYPED, 'typescript');
  checkTable(TYPED, 'typescript');
  checkTable(MORE_TYPED, 'typescript');
});

const SHARED = new URL('../../../shared/capability-cases/', import.meta.url);

describe.skipIf(!existsSync(SHARED))('the shared cases (skipped where ../shared is absent)', () => {
  const names = existsSync(SHARED) ? readdirSync(SHARED).filter((name) => name.endsWith('.json')) : [];
  test.each(names)('%s', (name) => {
    const found = JSON.parse(readFileSync(new URL(name, SHARED), 'utf8')) as {
      code: string;
      expect_flags: string[];
      undecidable?: boolean;
      options?: { knownGlobals?: string[] };
    };
    if (found.undecidable === true) return;
    expect(flagsOf(found.code, found.options)).toBe(found.expect_flags.join(' '));
  });
});

describe('the report', () => {
  test('places are lines and columns from 1, sorted by flag, then place, each once', () => {
    const { flags } = reportCapabilities('const a = process.env;\n  fetch(a); fetch(process);\n');
    expect(flags).toEqual([
      { flag: 'env', line: 1, column: 11 },
      { flag: 'net', line: 2, column: 3 },
      { flag: 'net', line: 2, column: 13 },
      { flag: 'process', line: 1, column: 11 },
      { flag: 'process', line: 2, column: 19 },
    ]);
  });

  test('freeNames are sorted, each once, without what is standard or provided', () => {
    const code =
      'async function go(bot) { await mineBlock(bot, Vec3); await craft(bot); await craft(mcData); }';
    expect(reportCapabilities(code, { knownGlobals: ['mcData'] }).freeNames).toEqual([
      'Vec3',
      'craft',
      'mineBlock',
    ]);
  });

  test('code that does not parse is a SkillSyntaxError with its place', () => {
    expect(() => reportCapabilities('const a = 1;\nconst = 2;')).toThrow(
      expect.objectContaining({ code: 'SKILL_SYNTAX', details: { line: 2, column: 7 } }),
    );
  });

  test('code that names no language is JavaScript if it parses as that, else TypeScript', () => {
    expect(flagsOf('let x: string = "1"; export default () => eval(x);', {})).toBe('eval');
    expect(outcomeOf('let x: = 1;')).toBe('SkillSyntaxError');
    expect(() => reportCapabilities('let x: string = "1";', { language: 'javascript' })).toThrow(
      expect.objectContaining({ code: 'SKILL_SYNTAX' }),
    );
  });

  test.each([
    ['language', { language: 'python' }, "'javascript' or 'typescript'"],
    ['knownglobals', { knownglobals: ['a'] }, 'unknown option'],
    ['knownGlobals', { knownGlobals: 'bot' }, 'an array of strings'],
    ['knownGlobals', { knownGlobals: [1] }, 'an array of strings'],
    ['toString', { toString: 1 }, 'unknown option'],
    ['', null, 'an object'],
    ['', ['a'], 'an object'],
  ])('the wrong option %s of %j is a ConfigurationError that names it', (path, options, expected) => {
    const message = expect.stringContaining(expected) as unknown;
    expect(() => reportCapabilities('1', options as never)).toThrow(
      expect.objectContaining({ code: 'CONFIGURATION', details: { issues: [{ path, message }] } }),
    );
  });

  test('code that is no string is a SkillSyntaxError', () => {
    for (const code of [5, null, undefined, {}]) {
      expect(() => reportCapabilities(code as never)).toThrow(
        expect.objectContaining({ code: 'SKILL_SYNTAX' }),
      );
    }
  });

  test.each([
    ['members', `export default (a) => a${'.b'.repeat(50_000)};`],
    ['calls', `export default (a) => a${'()'.repeat(20_000)};`],
    ['blocks', '{'.repeat(200_000) + '}'.repeat(200_000)],
    ['sums', `export default () => ${'1+'.repeat(100_000)}1;`],
    ['arrays', `export default ${'['.repeat(100_000)}${']'.repeat(100_000)};`],
  ])('%s nested without end are read or refused, and never overflow the stack', (_name, code) => {
    expect(outcomeOf(code)).toMatch(/^(?:read|SkillSyntaxError)$/);
  });

  test('a long chain of aliases is followed', () => {
    const chain = Array.from({ length: 40 }, (_, index) => `const a${index + 1} = a${index};`).join('\n');
    expect(flagsOf(`const a0 = globalThis;\n${chain}\nexport default (x) => a40.eval(x);`, {})).toBe('eval');
  });

  test('names that lead in a circle have no value', () => {
    expect(flagsOf('var a = b; var b = a; export default () => globalThis[a];', {})).toBe('dynamic-global');
  });
});
