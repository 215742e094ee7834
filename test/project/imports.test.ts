/** Who may import whom: the table of docs/architecture.md, held against every source file. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix, relative, resolve } from 'node:path';
import { parse } from '@babel/parser';
import { expect, test } from 'vitest';

const ROOT = resolve(import.meta.dirname, '../..');
const SRC = join(ROOT, 'src');

interface Rule {
  /** Rooms (or files without `.ts`) that may be imported. */
  may: readonly string[];
  /** Rooms of which only types may be imported. */
  types?: readonly string[];
  /** Third-party packages. */
  packages?: readonly string[];
}

/** Read from the table in docs/architecture.md, so that the page and the test cannot disagree. */
function readRules(): Map<string, Rule> {
  const page = readFileSync(join(ROOT, 'docs/architecture.md'), 'utf8');
  const rows = page.split('\n').filter((line) => /^\| `[^|]+` +\|[^|]*\|[^|]*\|[^|]*\|$/.test(line));
  const names = (cell: string): string[] => [...cell.matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? '');
  const rules = new Map<string, Rule>();
  for (const row of rows) {
    const [rooms = '', may = '', types = '', packages = ''] = row.split('|').slice(1);
    for (const room of names(rooms)) {
      rules.set(room, { may: names(may), types: names(types), packages: names(packages) });
    }
  }
  return rules;
}

interface Import {
  file: string;
  specifier: string;
  typeOnly: boolean;
}

function importsOf(file: string): Import[] {
  const tree = parse(readFileSync(file, 'utf8'), {
    sourceType: 'module',
    plugins: ['typescript'],
    createImportExpressions: true,
  });
  const found: Import[] = [];
  for (const statement of tree.program.body) {
    if (statement.type === 'ImportDeclaration') {
      const named = statement.specifiers;
      const allTypes =
        named.length > 0 && named.every((one) => one.type === 'ImportSpecifier' && one.importKind === 'type');
      found.push({
        file,
        specifier: statement.source.value,
        typeOnly: statement.importKind === 'type' || allTypes,
      });
    } else if (statement.type === 'ExportNamedDeclaration' && statement.source) {
      found.push({ file, specifier: statement.source.value, typeOnly: statement.exportKind === 'type' });
    } else if (statement.type === 'ExportAllDeclaration') {
      found.push({ file, specifier: statement.source.value, typeOnly: statement.exportKind === 'type' });
    }
  }
  const text = readFileSync(file, 'utf8');
  // Packages that are loaded when they are first needed.
  for (const [, specifier = ''] of text.matchAll(
    /(?:\brequire|createRequire\(import\.meta\.url\))\('([^']+)'\)/g,
  )) {
    found.push({ file, specifier, typeOnly: false });
  }
  for (const match of text.matchAll(/\bimport\(\s*'([^']+)'\s*\)/g)) {
    const isType = /(?:^|[\s<(|&:,])(?:typeof )?import\('[^']+'\)\./.test(
      text.slice(match.index - 1, match.index + match[0].length + 1),
    );
    found.push({ file, specifier: match[1] ?? '', typeOnly: isType });
  }
  return found;
}

/** `src/store/sqlite/search.ts` → `store`; `src/errors.ts` → `errors`. */
function roomOf(path: string): string {
  const [first = '', ...rest] = relative(SRC, path).split(/[\\/]/);
  return rest.length > 0 ? first : first.replace(/\.ts$/, '');
}

function packageOf(specifier: string): string {
  const [scope = '', name = ''] = specifier.split('/');
  return scope.startsWith('@') ? `${scope}/${name}` : scope;
}

function complaint(one: Import, rules: Map<string, Rule>): string | undefined {
  const room = roomOf(one.file);
  const rule = rules.get(room);
  const where = posix.join('src', relative(SRC, one.file));
  if (!rule) return `${where}: the room "${room}" is not in the table`;
  if (one.specifier.startsWith('node:')) return undefined;
  if (!one.specifier.startsWith('.')) {
    const name = packageOf(one.specifier);
    const isAllowed = (rule.packages ?? []).some(
      (allowed) => allowed === name || (allowed.endsWith('/*') && name.startsWith(allowed.slice(0, -1))),
    );
    return isAllowed ? undefined : `${where} imports the package ${name}`;
  }
  const target = resolve(dirname(one.file), one.specifier);
  const targetRoom = roomOf(target);
  const exact = relative(SRC, target).replace(/\.ts$/, '');
  if (targetRoom === room || rule.may.includes('*')) return undefined;
  const isNamed = (list: readonly string[] | undefined): boolean =>
    (list ?? []).some((name) => name === targetRoom || name === exact);
  if (isNamed(rule.may) || (one.typeOnly && isNamed(rule.types))) return undefined;
  return `${where} imports ${exact}${one.typeOnly ? ' (types)' : ''}`;
}

const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => join(SRC, name));

test('no source file imports what the table in docs/architecture.md forbids', () => {
  const rules = readRules();
  expect(rules.size).toBeGreaterThan(10);
  const complaints = files.flatMap((file) =>
    importsOf(file)
      .map((one) => complaint(one, rules))
      .filter(Boolean),
  );
  expect(complaints).toEqual([]);
});

test('a third-party package is imported by one room only', () => {
  const rooms = new Map<string, Set<string>>();
  for (const one of files.flatMap(importsOf)) {
    if (one.specifier.startsWith('.') || one.specifier.startsWith('node:')) continue;
    const name = packageOf(one.specifier);
    rooms.set(name, (rooms.get(name) ?? new Set()).add(roomOf(one.file)));
  }
  // zod checks what enters, and things enter at several places: options, run options, definitions and requests.
  const shared = [...rooms].filter(([name, users]) => users.size > 1 && name !== 'zod');
  expect(shared.map(([name, users]) => `${name}: ${[...users].join(', ')}`)).toEqual([]);
});

test('only src/index.ts re-exports', () => {
  const reexporting = files.filter(
    (file) =>
      relative(SRC, file) !== 'index.ts' &&
      /^export (?:type )?(?:\*|\{[^}]*\}) from /m.test(readFileSync(file, 'utf8')),
  );
  expect(reexporting.map((file) => relative(SRC, file))).toEqual([]);
});
