/** Runs injected text as the ES module that it is, and templates as a realm would. */
import vm from 'node:vm';
import type { InjectionData } from '../../src/inject/data.ts';
import type { InjectionPlan } from '../../src/inject/injection-plan.ts';
import { decodeValue, encodeValue } from '../../src/sandbox/codec.ts';
import type { Template } from '../../src/inject/template.ts';

/** What ended a program: its value, or the name of what it threw. */
export type Outcome = { value: unknown } | { thrown: string };

let serial = 0;

/** The module's default export, called if it is a function. */
export async function evaluateModule(code: string): Promise<unknown> {
  // A fresh URL each time: modules are cached by it.
  const url = `data:text/javascript;charset=utf-8,${encodeURIComponent(code)}#${serial++}`;
  const module = (await import(/* @vite-ignore */ url)) as { default?: unknown };
  return typeof module.default === 'function' ? module.default() : module.default;
}

export async function outcomeOf(run: () => unknown): Promise<Outcome> {
  try {
    return { value: await run() };
  } catch (error) {
    return { thrown: error instanceof Error ? error.name : String(error) };
  }
}

type Candidate = { kind: string; value: unknown };

/** The answer of a template by the contract's order; links are functions by local name. */
export async function runTemplate(
  template: Template,
  plan: InjectionPlan,
  data: InjectionData,
  links: Record<string, unknown> = {},
): Promise<unknown> {
  const inputs = (data.inputs ?? {}) as Record<string, unknown>;
  const context = (data.context ?? {}) as Record<string, unknown>;
  const parameters = (data.parameters ?? {}) as Record<string, unknown>;
  const whole: Record<string, unknown> = { ...data };
  const merged: Record<string, unknown> = Object.assign(
    Object.create(null),
    parameters,
    context,
    inputs,
    whole,
  );
  const has = template.holes.map((name) => Object.hasOwn(merged, name));
  const values = template.holes.map((name, index) =>
    has[index] ? decodeValue(encodeValue(merged[name], { depthMax: 2_000 }), { depthMax: 2_000 }) : undefined,
  );
  const factory = vm.runInThisContext(template.source, {
    filename: template.fileName,
    lineOffset: -1,
  }) as (scope: object) => () => Candidate[] | Promise<Candidate[]>;
  const body = factory({ has, values, links, inputs, context });
  const candidates = await Reflect.apply(body, undefined, []);
  for (const { kind, value } of candidates) {
    if (kind === 'function' && typeof value !== 'function') continue;
    if (typeof value === 'function' && kind !== 'binding' && kind !== 'expression')
      return value(inputs, context);
    return value;
  }
  return plan.answers.length === 0 ? undefined : candidates.at(-1)?.value;
}
