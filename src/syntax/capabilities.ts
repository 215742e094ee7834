/** The capability report: what a source may reach, read off its syntax tree. Advisory. */
import type { File, Node } from '@babel/types';
import { ConfigurationError, SkillSyntaxError, type SourcePlace } from '../errors.ts';
import { Bindings } from './bindings.ts';
import type { CapabilityFlag } from './capability-flags.ts';
import { reportCalls } from './calls.ts';
import { reportEndlessLoops } from './control-flow.ts';
import { reportModuleState } from './module-state.ts';
import { parseEither, placeOf, type SourceLanguage } from './parse.ts';
import { reportPollution } from './pollution.ts';
import { reportNames } from './reach.ts';
import { Values } from './values.ts';
import { globalsWritten, reportWrites } from './writes.ts';

export interface CapabilityReport {
  /** Sorted by flag, then place; each flag at each place once. */
  readonly flags: readonly {
    readonly flag: CapabilityFlag;
    readonly line: number;
    readonly column: number;
  }[];
  /** Names used freely that are neither standard nor provided, sorted. */
  readonly freeNames: readonly string[];
}

export interface CapabilityOptions {
  /** Absent: JavaScript if it parses as that, else TypeScript. */
  language?: SourceLanguage;
  /** Globals to take as provided. */
  knownGlobals?: readonly string[];
}

/** What the rules look at, and where they put what they find. */
export interface Inspection {
  readonly bindings: Bindings;
  readonly values: Values;
  readonly knownGlobals: ReadonlySet<string>;
  readonly freeNames: Set<string>;
  /** Properties of the global object that the code sets itself. */
  readonly globalsWritten: ReadonlySet<string>;
  readonly raise: (flag: CapabilityFlag, node: Node) => void;
}

/**
 * Reports what `code` may reach, with lines and columns from 1.
 * @throws {SkillSyntaxError} when the code is no string or does not parse.
 * @throws {ConfigurationError} for options that are unknown or of the wrong type.
 */
export function reportCapabilities(code: string, options: CapabilityOptions = {}): CapabilityReport {
  if (typeof code !== 'string')
    throw new SkillSyntaxError(`the code is not a string but of type ${typeof code}`);
  checkOptions(options);
  return reportCapabilitiesOf(parseEither(code, options.language).tree, options);
}

/** The same, of a syntax tree that is already there. */
export function reportCapabilitiesOf(file: File, options: CapabilityOptions = {}): CapabilityReport {
  const found = new FlagPlaces();
  const freeNames = new Set<string>();
  try {
    const bindings = new Bindings(file);
    const values = new Values(bindings);
    const inspection: Inspection = {
      bindings,
      values,
      globalsWritten: globalsWritten(bindings, values),
      knownGlobals: new Set(options.knownGlobals),
      freeNames,
      raise(flag, node) {
        if (!node.loc) throw new Error(`invariant: a ${node.type} node has no place`);
        found.add(flag, placeOf(node.loc.start));
      },
    };
    reportNames(inspection);
    reportCalls(inspection);
    reportWrites(inspection);
    reportModuleState(inspection);
    reportPollution(inspection);
    reportEndlessLoops(inspection);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new SkillSyntaxError('the code is nested too deeply to be read', { cause: error });
  }
  return { flags: found.sorted(), freeNames: [...freeNames].sort() };
}

/** What each option takes; callers without types learn of a wrong one by its name. */
const OPTIONS: Readonly<Record<string, readonly [isRight: (value: unknown) => boolean, expected: string]>> = {
  language: [(value) => value === 'javascript' || value === 'typescript', "'javascript' or 'typescript'"],
  knownGlobals: [
    (value) => Array.isArray(value) && value.every((name) => typeof name === 'string'),
    'an array of strings',
  ],
};

function checkOptions(options: unknown): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new ConfigurationError('wrong options: expected an object', {
      details: { issues: [{ path: '', message: 'expected an object' }] },
    });
  }
  const issues: { path: string; message: string }[] = [];
  for (const [path, value] of Object.entries(options)) {
    const [isRight, expected] = (Object.hasOwn(OPTIONS, path) && OPTIONS[path]) || [];
    if (isRight === undefined) issues.push({ path, message: 'unknown option' });
    else if (value !== undefined && !isRight(value)) issues.push({ path, message: `expected ${expected}` });
  }
  if (issues.length === 0) return;
  const text = issues.map(({ path, message }) => `${path}: ${message}`).join('; ');
  throw new ConfigurationError(`wrong options: ${text}`, { details: { issues } });
}

/** Which flag is raised where, each place once. */
class FlagPlaces {
  /** Lines and columns as one number. */
  readonly #places = new Map<CapabilityFlag, Set<number>>();

  add(flag: CapabilityFlag, { line, column }: SourcePlace): void {
    let places = this.#places.get(flag);
    if (places === undefined) this.#places.set(flag, (places = new Set()));
    places.add(line * COLUMNS_MAX + column);
  }

  sorted(): CapabilityReport['flags'] {
    const flags: { flag: CapabilityFlag; line: number; column: number }[] = [];
    for (const flag of [...this.#places.keys()].sort()) {
      for (const place of Float64Array.from(this.#places.get(flag) ?? []).sort()) {
        flags.push({ flag, line: Math.floor(place / COLUMNS_MAX), column: place % COLUMNS_MAX });
      }
    }
    return flags;
  }
}

/** More than a text that is parsed has columns. */
const COLUMNS_MAX = 2 ** 25;
