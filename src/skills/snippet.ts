/** A library snippet (a function, and expectations of its calls) as a skill with inputs and examples. */
import { SkillSyntaxError } from '../errors.ts';
import { readCall, readLiteral, readUsage, type ReadCall, type Usage } from '../syntax/literals.ts';
import { moduleSignature, type ModuleSignature, type Parameter } from '../syntax/signature.ts';
import { detectLanguage } from './language.ts';
import { isPlainObject, setOwn } from './plain-json.ts';
import { fitDescription } from './prose.ts';
import type { SkillDefinitionInput, SkillExample } from './skill.ts';

export interface SnippetSkill {
  readonly definition: SkillDefinitionInput;
  readonly warnings: readonly string[];
}

const EXAMPLES_MAX = 100;
const TEXT_LENGTH_MAX = 64 * 1024;

/**
 * The function becomes the skill's default export. Each parameter is an input of its name; a function
 * with a destructured parameter takes its arguments as the list `args`. Expectations that are one call
 * of the function with literal arguments, and expect a literal, become examples; the others are counted.
 */
export function snippetSkill(snippet: Readonly<Record<string, unknown>>, name: string): SnippetSkill {
  const warnings: string[] = [];
  const code = typeof snippet['code'] === 'string' ? snippet['code'] : '';
  const given = typeof snippet['description'] === 'string' ? snippet['description'] : '';
  const description = fitDescription(given, name, warnings);
  const base = { name, description, tags: tagsOf(snippet['tags']) };
  const signature = signatureOf(code, name);
  if (signature?.parameters === undefined || signature.hasDefaultExport) {
    const expected = expectationsOf(snippet).length;
    warnings.push(
      expected > 0
        ? `${expected} expectations were not read: there is no function ${name}`
        : 'it comes with no expectations',
    );
    return { definition: { ...base, code }, warnings };
  }
  const adapter = new Adapter(name, signature.parameters, signature.names);
  const { examples, skipped } = examplesOf(snippet, name, adapter);
  for (const [reason, times] of skipped) warnings.push(`${times} of the expectations: ${reason}`);
  if (examples.length === 0 && skipped.size === 0) warnings.push('it comes with no expectations');
  const adapted = `${code}${code.endsWith('\n') ? '' : '\n'}\n${adapter.code}\n`;
  return { definition: { ...base, code: adapted, inputSchema: adapter.inputSchema, examples }, warnings };
}

function signatureOf(code: string, name: string): ModuleSignature | undefined {
  try {
    return moduleSignature(code, name, detectLanguage(code));
  } catch (error) {
    // Told with its place when the skill is added.
    if (error instanceof SkillSyntaxError) return undefined;
    throw error;
  }
}

function tagsOf(tags: unknown): string[] {
  const list: unknown[] = typeof tags === 'string' ? tags.split(',') : Array.isArray(tags) ? tags : [];
  const texts = list.filter((tag) => typeof tag === 'string').map((tag) => tag.trim());
  return [...new Set(texts.filter((tag) => tag !== '' && tag.length <= 64))].slice(0, 32);
}

/** How the inputs of a run become the arguments of a call, and back. */
class Adapter {
  readonly #name: string;
  readonly #parameters: readonly Parameter[];
  /** A parameter that has no name, or one that data may not take, makes all of them a list. */
  readonly #isList: boolean;

  constructor(name: string, parameters: readonly Parameter[], moduleNames: ReadonlySet<string>) {
    this.#name = name;
    this.#parameters = parameters;
    this.#isList = parameters.some(
      (parameter) =>
        parameter.kind === 'pattern' || moduleNames.has(parameter.name) || parameter.name === 'args',
    );
  }

  get code(): string {
    const name = this.#name;
    if (this.#isList) return `export default (inputs) => ${name}(...(inputs.args ?? []));`;
    if (this.#parameters.length === 0) return `export default () => ${name}();`;
    const args = this.#parameters.map((parameter) => {
      if (parameter.kind === 'rest') return `...(inputs.${parameter.name} ?? [])`;
      return parameter.kind === 'name' ? `inputs.${parameter.name}` : '';
    });
    return `export default (inputs) => ${name}(${args.join(', ')});`;
  }

  get inputSchema(): { type: 'object'; properties: Record<string, unknown> } {
    const properties = {};
    if (this.#isList) setOwn(properties, 'args', { type: 'array' });
    else for (const parameter of this.#parameters) addProperty(properties, parameter);
    return { type: 'object', properties };
  }

  /** The inputs that make the call `name(...args)`; nothing where inputs cannot say it. */
  inputs(args: readonly unknown[]): Record<string, unknown> | undefined {
    if (this.#isList) return { args };
    const inputs = {};
    for (const [index, parameter] of this.#parameters.entries()) {
      if (parameter.kind === 'rest') setOwn(inputs, parameter.name, args.slice(index));
      else if (parameter.kind === 'name' && index < args.length) setOwn(inputs, parameter.name, args[index]);
    }
    const takesAll = args.length <= this.#parameters.length || this.#parameters.at(-1)?.kind === 'rest';
    return takesAll ? inputs : undefined;
  }
}

function addProperty(properties: object, parameter: Parameter): void {
  if (parameter.kind === 'rest') setOwn(properties, parameter.name, { type: 'array' });
  if (parameter.kind !== 'name') return;
  setOwn(properties, parameter.name, parameter.default ? { default: parameter.default.value } : {});
}

interface Expectation {
  readonly expr: string;
  readonly expected: string;
}

function expectationsOf(snippet: Readonly<Record<string, unknown>>): Expectation[] {
  const list: unknown = snippet['expectations'];
  if (!Array.isArray(list)) return [];
  return list.filter(
    (item): item is Expectation =>
      isPlainObject(item) && typeof item['expr'] === 'string' && typeof item['expected'] === 'string',
  );
}

function examplesOf(
  snippet: Readonly<Record<string, unknown>>,
  name: string,
  adapter: Adapter,
): { examples: SkillExample[]; skipped: Map<string, number> } {
  const text = typeof snippet['example'] === 'string' ? snippet['example'].slice(0, TEXT_LENGTH_MAX) : '';
  const { usages, constants } = readUsage(text, name);
  const examples: SkillExample[] = [];
  const skipped = new Map<string, number>();
  const expectations = expectationsOf(snippet).slice(0, 1_000);
  for (const [index, { expr, expected }] of expectations.entries()) {
    const torn: Usage | undefined = usages.length === expectations.length ? usages[index] : undefined;
    const whole = usages.find((usage) => 'args' in usage.call && sameText(usage.comment, expected)) ?? torn;
    // A call over several lines, or one with `//` in a string, is torn here and whole in the usage text.
    const own = readCall(expr, name, constants);
    const isTorn = 'failure' in own && whole !== undefined && 'args' in whole.call;
    const [call, answer] = isTorn ? [whole.call, whole.comment] : [own, expected];
    const example = exampleOf(call, answer, adapter);
    if (typeof example === 'string') skipped.set(example, (skipped.get(example) ?? 0) + 1);
    else if (examples.length < EXAMPLES_MAX) examples.push(example);
  }
  return { examples, skipped };
}

/** An example, or why there is none. */
function exampleOf(call: ReadCall, expected: string, adapter: Adapter): SkillExample | string {
  if ('failure' in call) {
    return call.failure === 'no-call' ? 'not one call of the function' : 'an argument is not JSON data';
  }
  const inputs = adapter.inputs(call.args);
  if (inputs === undefined) return 'more arguments than parameters';
  const approximate = /^\s*~\s*(-?\d+(?:\.(\d+))?)[\s;]*$/.exec(expected);
  if (approximate !== null) {
    const output = Number(approximate[1]);
    const step = 10 ** -(approximate[2]?.length ?? 0);
    return { inputs, output, tolerance: output === 0 ? 1 : Math.min(1, step / Math.abs(output)) };
  }
  const literal = readLiteral(expected.replace(/(?<![\s;])[\s;]+$/, ''));
  return literal === undefined ? 'the expected value is not JSON data' : { inputs, output: literal.value };
}

function sameText(left: string, right: string): boolean {
  const plain = (text: string): string => text.replace(/[\s;]+/g, ' ').trim();
  return plain(left) !== '' && plain(left) === plain(right);
}
