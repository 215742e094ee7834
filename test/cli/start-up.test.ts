import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

/** The built files that are loaded before any command is chosen, and the packages among their imports. */
function loadedFrom(file: string, found = { files: new Set<string>(), packages: new Set<string>() }) {
  if (found.files.has(file)) return found;
  found.files.add(file);
  for (const [, specifier = ''] of readFileSync(file, 'utf8').matchAll(
    /^(?:import|export)\b[^'"]*['"]([^'"]+)['"];/gm,
  )) {
    if (specifier.startsWith('.')) loadedFrom(fileURLToPath(new URL(specifier, `file://${file}`)), found);
    else if (!specifier.startsWith('node:')) found.packages.add(specifier);
  }
  return found;
}

test('help loads neither the library nor its options, and one package', () => {
  const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
  const { files, packages } = loadedFrom(main);
  expect(Array.from(packages)).toEqual(['commander']);
  const names = Array.from(files, (file) => file.slice(main.length - 'cli/main.js'.length)).toSorted();
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
    'value-items.js',
    'value-text.js',
  ]);
});
