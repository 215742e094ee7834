/** Plan + data → source text: initialisers replaced by literals, every other byte kept. */
import { ConfigurationError } from '../errors.ts';
import { lineEnds } from '../syntax/source-text.ts';
import { mergeData, readDatum, refuseTargets, type InjectionData, type MergedData } from './data.ts';
import type { Hole, InjectionPlan, SourceLanguage } from './injection-plan.ts';
import { literal } from './literal.ts';
import { planInjection } from './planner.ts';

export interface InjectionLimits {
  /** Deepest nesting of a value; the value itself is at depth 0. Default 1000. */
  depthMax?: number;
  /** Most bytes of literal text in all. Default 64 MB. */
  bytesMax?: number;
}

export interface InjectOptions extends InjectionData {
  /** Absent: JavaScript if it parses as that, else TypeScript. */
  language?: SourceLanguage;
  limits?: InjectionLimits;
}

export interface Injected {
  /** JavaScript; for TypeScript the code with its types blanked. */
  readonly code: string;
  /** The names that were filled, in source order. */
  readonly injected: string[];
  /** The keys of the data that filled nothing, in the order of the data. */
  readonly unused: string[];
}

const DEFAULTS = { depthMax: 1_000, bytesMax: 64_000_000 } satisfies InjectionLimits;

/**
 * Puts data into the module-level `const|let|var` declarators of the same names.
 * @throws {InjectionError} with the place in the code or the path of the value; {ConfigurationError} for a
 * wrong option.
 */
export function injectData(code: string, options: InjectOptions = {}): Injected {
  checkOptions(options);
  const { language, limits, ...data } = options;
  const { plan, source } = planInjection(code, language === undefined ? {} : { language });
  return injectWithPlan(source, plan, data, limits);
}

const OPTIONS = new Set(['inputs', 'context', 'parameters', 'language', 'limits']);
const LANGUAGES = new Set<unknown>([undefined, 'javascript', 'typescript']);

function checkOptions(options: InjectOptions): void {
  const unknown = Object.keys(options).filter((key) => !OPTIONS.has(key));
  if (unknown.length > 0) refuse(unknown[0] ?? '', `unknown; expected one of ${[...OPTIONS].join(', ')}`);
  if (!LANGUAGES.has(options.language)) refuse('language', 'expected javascript or typescript');
  for (const [name, value] of Object.entries(options.limits ?? {})) {
    if (!Object.hasOwn(DEFAULTS, name)) refuse(`limits.${name}`, 'unknown; expected depthMax or bytesMax');
    if (!Number.isInteger(value) || value < 1)
      refuse(`limits.${name}`, 'expected a whole number of at least 1');
  }
}

function refuse(path: string, message: string): never {
  throw new ConfigurationError(`wrong injection option ${path}: ${message}`, {
    details: { issues: [{ path, message }] },
  });
}

/** The same for a source that was planned before: no parser runs. */
export function injectWithPlan(
  source: string,
  plan: InjectionPlan,
  data: InjectionData,
  limits: InjectionLimits = {},
): Injected {
  const merged = mergeData(data);
  refuseTargets(plan, merged);
  const write = literalWriter(plan, merged, { ...DEFAULTS, ...limits });
  const injected = new Set<string>();
  let code = '';
  let from = 0;
  for (const hole of plan.holes) {
    const text = write(hole.name);
    if (text === undefined) continue;
    injected.add(hole.name);
    code += source.slice(from, hole.start) + filling(hole, text, source);
    from = hole.end;
  }
  const unused = [...merged.byKey.keys()].filter((key) => !injected.has(key));
  return { code: code + source.slice(from), injected: [...injected], unused };
}

/** The line ends of the replaced initialiser follow the literal, so that no later line moves. */
function filling({ start, end, needsSemicolon }: Hole, text: string, source: string): string {
  const assignment = start === end ? ' = ' : '';
  return `${assignment}${text}${needsSemicolon ? ';' : ''}${lineEnds(source.slice(start, end)).join('')}`;
}

/** The literal for a name, or undefined where there is no data for it; each value is written once. */
function literalWriter(
  plan: InjectionPlan,
  { byKey, whole }: MergedData,
  { depthMax, bytesMax }: Required<InjectionLimits>,
): (name: string) => string | undefined {
  const written = new Map<string, string>();
  let bytesLeft = bytesMax;
  return (name) => {
    const datum = whole.get(name) ?? byKey.get(name);
    if (!datum) return undefined;
    const known = written.get(name);
    if (known !== undefined) return known;
    const { value, path } = readDatum(datum);
    const { text, bytes } = literal(value, {
      root: path,
      boundNames: plan.boundNames,
      depthMax,
      bytesMax: bytesLeft,
    });
    bytesLeft -= bytes;
    written.set(name, text);
    return text;
  };
}
