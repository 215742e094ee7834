import { readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const DIST = fileURLToPath(new URL('../../dist/', import.meta.url));

/** The built files that are loaded at once, the modules that are built into them, and the packages they import. */
function loadedFrom(
  file: string,
  found = { files: new Set<string>(), modules: new Set<string>(), packages: new Set<string>() },
) {
  if (found.files.has(file)) return found;
  found.files.add(file);
  const { sources } = JSON.parse(readFileSync(`${file}.map`, 'utf8')) as { sources: string[] };
  for (const source of sources) found.modules.add(relative(DIST, resolve(dirname(file), source)));
  for (const [, specifier = ''] of readFileSync(file, 'utf8').matchAll(
    /^(?:import|export)\b[^'"]*['"]([^'"]+)['"];/gm,
  )) {
    if (specifier.startsWith('.')) loadedFrom(resolve(dirname(file), specifier), found);
    else if (!specifier.startsWith('node:')) found.packages.add(specifier);
  }
  return found;
}

test('help loads neither the library nor its options, and one package', () => {
  const { modules, packages } = loadedFrom(join(DIST, 'cli/main.js'));
  expect(Array.from(packages)).toEqual(['commander']);
  const names = Array.from(modules).toSorted();
  expect(names).toEqual([
    'cli/alert-log.js',
    'cli/arguments.js',
    'cli/batch.js',
    'cli/cache.js',
    'cli/commands.js',
    'cli/failure.js',
    'cli/main.js',
    'cli/output.js',
    'cli/paint.js',
    'cli/plain-text.js',
    'cli/program.js',
    'cli/read-file.js',
    'cli/service-commands.js',
    'cli/session.js',
    'cli/table.js',
    'errors.js',
    'json-place.js',
    'package-root.js',
    'value-items.js',
    'value-text.js',
  ]);
});

test('the library is a handful of files, and says whose code is built in', () => {
  const { files, modules } = loadedFrom(join(DIST, 'index.js'));
  expect(modules.size).toBeGreaterThan(150);
  expect(files.size).toBeLessThan(20);
  expect(Array.from(modules).filter((name) => /zod.*locales\/(?!en|index)/.test(name))).toEqual([]);
  const withZod = Array.from(files, (file) => readFileSync(file, 'utf8')).filter(
    (text) => text.includes('class ZodRealError') || text.includes('ZodObject'),
  );
  expect(withZod.length).toBeGreaterThan(0);
  for (const text of withZod) expect(text).toContain('Permission is hereby granted');
});
