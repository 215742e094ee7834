/** Libraries, inputs and skills that the tests of batches share. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Batches, type SkillLibrary, type SkillLibraryOptions, type StartOptions } from '../../src/index.ts';
import { openTestLibrary } from '../library/fixtures.ts';

/** Doubles `n`; throws for what can be divided by 7. */
export const DOUBLE = {
  name: 'double',
  description: 'Doubles a number. Use when a number is to be doubled.',
  code: `const n = 0;
export default () => {
  if (n > 0 && n % 7 === 0) throw new Error('seven');
  return { n, double: n * 2 };
};`,
  inputSchema: { type: 'object', properties: { n: { type: 'integer' } }, required: ['n'] },
};

/** Answers after as many steps as it is told; `spin` never does. */
export const SLOW = {
  name: 'slow',
  description: 'Answers its number, unless it is told to spin. Use when waiting is tested.',
  code: `const n = 0;
const spin = false;
export default () => { while (spin); return n; };`,
};

export interface BatchBench extends AsyncDisposable {
  readonly library: SkillLibrary;
  readonly batches: Batches;
  readonly folder: string;
  /** Writes a file of inputs; its path. */
  write(name: string, text: string): string;
  read(name: string): string;
  path(name: string): string;
  start(skill: string, options: StartOptions): ReturnType<Batches['start']>;
}

export async function openBench(options: SkillLibraryOptions = {}): Promise<BatchBench> {
  const opened = await openTestLibrary(options);
  const { library, folder } = opened;
  await library.add(DOUBLE);
  await library.add(SLOW);
  const path = (name: string): string => join(folder, name);
  const batches = new Batches(library);
  return {
    library,
    batches,
    folder,
    path,
    write(name, text) {
      writeFileSync(path(name), text);
      return path(name);
    },
    read: (name) => readFileSync(path(name), 'utf8'),
    start: (skill, given) => batches.start(skill, given),
    [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose](),
  };
}

export const numbers = (count: number): string =>
  Array.from({ length: count }, (_, n) => `${JSON.stringify({ n })}\n`).join('');

export const linesOf = (text: string): Record<string, unknown>[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
