/** A library in a folder of its own, closed and removed at the end of its scope. */
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { SkillLibrary, type SkillLibraryOptions } from '../../src/index.ts';

export interface TestLibrary extends AsyncDisposable {
  readonly library: SkillLibrary;
  readonly folder: string;
  readonly path: string;
}

export async function openTestLibrary(options: SkillLibraryOptions = {}): Promise<TestLibrary> {
  const folder = await mkdtemp(join(tmpdir(), 'skillcache-test-'));
  const path = join(folder, 'skills.db');
  const library = await SkillLibrary.open({ path, ...options });
  return {
    library,
    folder,
    path,
    async [Symbol.asyncDispose]() {
      await library.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** The real inputs beside the project; undefined (and a word about it) where they are absent. */
export function realData(...parts: string[]): string | undefined {
  const path = resolve(import.meta.dirname, '../../../shared/data', ...parts);
  if (existsSync(path)) return path;
  console.warn(`skipped: no real data at ../shared/data/${parts.join('/')}`);
  return undefined;
}

export const SHIPPED_SKILLS = resolve(import.meta.dirname, '../../skills');

export const movingAverage = {
  name: 'moving-average',
  description: 'Simple moving average of a series. Use when a noisy series should be smoothed.',
  code: `const prices = [];
const window = 3;
export const result = prices
  .map((_, index) => prices.slice(index - window + 1, index + 1))
  .filter((part) => part.length === window)
  .map((part) => part.reduce((sum, price) => sum + price, 0) / window);
`,
  inputSchema: {
    type: 'object',
    properties: {
      prices: { type: 'array', items: { type: 'number' } },
      window: { type: 'integer', minimum: 1 },
    },
  },
  examples: [{ inputs: { prices: [1, 2, 3, 4], window: 2 }, output: [1.5, 2.5, 3.5] }],
};
