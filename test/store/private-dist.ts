/** A copy of the compiled program for a test's children, which a rebuild of dist/ meanwhile does not change. */
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

export interface PrivateDist {
  /** The child program, beside its copy of `dist/`. */
  readonly program: string;
  /** Changes the copy; throws where there is nothing to change. */
  replace(file: string, text: string, by: string): void;
}

/** Puts `test/store/store-process.mjs` and what it needs into `folder`. */
export function privateDist(folder: string): PrivateDist {
  mkdirSync(join(folder, 'dist'), { recursive: true });
  for (const part of ['store', 'pool', 'errors.js', 'linked-list.js', 'package-root.js']) {
    cpSync(join(ROOT, 'dist', part), join(folder, 'dist', part), { recursive: true });
  }
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  writeFileSync(join(folder, 'package.json'), '{"name":"skillcache","type":"module"}');
  // The thread's program is built into one file; here it is the files that can be replaced.
  mkdirSync(join(folder, 'dist/chunks'));
  writeFileSync(
    join(folder, 'dist/chunks/connection-thread.js'),
    "import '../store/sqlite/connection-thread.js';",
  );
  const program = join(folder, 'store-process.mjs');
  cpSync(join(ROOT, 'test/store/store-process.mjs'), program);
  return {
    program,
    replace(file, text, by) {
      const path = join(folder, 'dist', file);
      const before = readFileSync(path, 'utf8');
      if (!before.includes(text)) throw new Error(`${file} does not contain ${text}`);
      writeFileSync(path, before.replaceAll(text, by));
    },
  };
}
