/** The shared injection cases, and our own of the same form. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import vm from 'node:vm';
import { describe, expect, test } from 'vitest';
import { InjectionError } from '../../src/errors.ts';
import { injectData } from '../../src/inject/inject.ts';
import { planInjection } from '../../src/inject/planner.ts';
import { buildTemplate } from '../../src/inject/template.ts';
import { evaluateModule, runTemplate } from './evaluate.ts';
import type { InjectionCase } from './injection-case.ts';
import { ownCases } from './own-cases.ts';

const folder = path.resolve(import.meta.dirname, '../../../shared/injection-cases');

function sharedCases(): InjectionCase[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .map((name) => JSON.parse(readFileSync(path.join(folder, name), 'utf8')) as InjectionCase);
}

describe.skipIf(!existsSync(folder))('shared case', () => {
  test.each(sharedCases().map((given) => [given.name, given] as const))('%s', (_, given) => check(given));
});

describe('own case', () => {
  test.each(ownCases.map((given) => [given.name, given] as const))('%s', (_, given) => check(given));
});

async function check(given: InjectionCase): Promise<void> {
  const language = given.lang === 'ts' ? 'typescript' : 'javascript';
  const inputs: unknown = given.inputsJs ? vm.runInThisContext(`(${given.inputsJs})`) : (given.inputs ?? {});
  const data = { inputs, ...(given.context && { context: given.context }) };
  const accepted = [given.expect.error, given.expect.orError, given.orError, ...(given.altErrors ?? [])];
  let injected;
  try {
    injected = injectData(given.code, { ...data, language });
  } catch (error) {
    if (!(error instanceof InjectionError)) throw error;
    expect(accepted, error.message).toContain(error.code);
    return;
  }
  expect(given.expect.error, 'an error was expected').toBeUndefined();
  if (given.identical) expect(injected.code).toBe(given.code);
  expectPieces(injected.code, given.keeps ?? []);
  expect(injected.code.split(/\r\n|[\n\r\u2028\u2029]/)).toHaveLength(
    given.code.split(/\r\n|[\n\r\u2028\u2029]/).length,
  );
  expect(injectData(injected.code, { ...data, language: 'javascript' }).code).toBe(injected.code);
  const expected: unknown = given.expect.resultJs
    ? vm.runInThisContext(`(${given.expect.resultJs})`)
    : given.expect.result;
  for (let n = 0; n < (given.repeat ?? 1); n++) {
    expect(await evaluateModule(injected.code)).toStrictEqual(expected);
  }
  if (given.textOnly) return;
  const { plan, source } = planInjection(given.code, { language });
  const template = buildTemplate(source, plan, 'case');
  expect(await runTemplate(template, plan, data)).toStrictEqual(expected);
}

function expectPieces(code: string, pieces: readonly string[]): void {
  let from = 0;
  for (const piece of pieces) {
    const at = code.indexOf(piece, from);
    expect(at, `${JSON.stringify(piece)} is kept`).toBeGreaterThanOrEqual(0);
    from = at + piece.length;
  }
}
