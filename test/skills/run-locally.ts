/** Runs a definition's template in a plain `node:vm` context: enough to try a skill without a worker. */
import vm from 'node:vm';
import { buildTemplate } from '../../src/inject/template.ts';
import type { SkillAnalysis } from '../../src/skills/analyse.ts';
import type { SkillDefinition, SkillExample } from '../../src/skills/skill.ts';

export interface LocalSkill {
  readonly definition: SkillDefinition;
  readonly analysis: SkillAnalysis;
}

type Data = Readonly<Record<string, unknown>>;
interface Answer {
  readonly kind: string;
  readonly value: unknown;
}

export async function runLocally(
  skill: LocalSkill,
  { inputs, context = {} }: Pick<SkillExample, 'inputs' | 'context'>,
  find: (name: string) => LocalSkill,
): Promise<unknown> {
  const realm = vm.createContext({});
  const make = vm.runInContext('JSON.parse', realm) as (text: string) => Data;
  const own = make(JSON.stringify(inputs));
  return answerOf(
    skill,
    make(JSON.stringify({ ...context, ...inputs })),
    [own, make(JSON.stringify(context))],
    realm,
    find,
  );
}

function answerOf(
  { definition, analysis }: LocalSkill,
  given: Data,
  args: readonly unknown[],
  realm: vm.Context,
  find: (name: string) => LocalSkill,
): unknown {
  const source = analysis.erasedCode ?? definition.code;
  const locals = analysis.requires.map((requirement) => requirement.local);
  const template = buildTemplate(source, analysis.plan, definition.name, locals);
  const data: Data = { ...definition.parameters, ...given };
  const links = Object.fromEntries(
    analysis.requires.map(({ local, name }) => [
      local,
      (...callArgs: unknown[]) => answerOf(find(name), (callArgs[0] ?? {}) as Data, callArgs, realm, find),
    ]),
  );
  const factory = vm.runInContext(template.source, realm) as (scope: unknown) => () => Answer[];
  const body = factory({
    has: template.holes.map((name) => Object.hasOwn(data, name)),
    values: template.holes.map((name) => data[name]),
    links,
    inputs: args[0],
    context: args[1],
  });
  for (const { kind, value } of body()) {
    const isFunction = typeof value === 'function';
    if (kind === 'function' && !isFunction) continue;
    return isFunction ? (value as (...all: readonly unknown[]) => unknown)(...args) : value;
  }
  return undefined;
}
