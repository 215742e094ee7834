/** Inputs and outputs against JSON Schema 2020-12: ajv, compiled once per version, in bounded time. */
import type { Ajv2020, ErrorObject, ValidateFunction } from 'ajv/dist/2020.js';
import { loadAjv } from './ajv.ts';
import { boundedFormats } from './formats.ts';
import { joinPath, shorten, toPlainJson, type JsonIssue } from './plain-json.ts';
import { compilePattern, PatternWorkError, type BoundedPattern } from './pattern.ts';
import { COST, guardSchema, type SchemaCost } from './schema-guard.ts';
import type { JsonSchema } from './skill.ts';
import { hasRepeats } from './unique-items.ts';

/** One thing that is wrong: `path` as in `inputs.rows[3].price`. */
export type ValidationIssue = JsonIssue;
/** The issues of a value, at most 20, or nothing when it fits. */
export type Validator = (value: unknown) => ValidationIssue[] | undefined;

const ISSUES_MAX = 20;
const ERRORS_MAX = 200;
const VALIDATION_MS_MAX = 2_000;
const CLOCK_EVERY_STEPS = 200_000;
/** What calling a pattern costs, however short the text. */
const PATTERN_STEPS = 20;

export interface ValidatorOptions {
  /** Begins the path of each issue. Default `inputs`. */
  root?: string;
  /** Longest time one value may take, in ms; beyond it the value is refused. Default 2000. */
  timeoutMs?: number;
}

/** Thrown out of ajv's generated code: enough is known, or too much was spent. */
class Stop extends Error {
  readonly errors: readonly ErrorObject[] | undefined;

  constructor(message: string, errors?: readonly ErrorObject[]) {
    super(message);
    this.errors = errors;
  }
}

/**
 * Compiles a schema. Values are never changed: no coercion, no defaults. A schema sees what is no
 * JSON as JavaScript does: a Date, Map or Set is an object without members, NaN and the infinities
 * are no numbers, a BigInt has no type, a member that is `undefined` is absent.
 * @throws {RangeError} if the schema is not one that `schemaIssues` passes.
 */
export function compileValidator(schema: JsonSchema, options: ValidatorOptions = {}): Validator {
  const { root = 'inputs', timeoutMs = VALIDATION_MS_MAX } = options;
  const { schema: guarded, issues } = guardSchema(plain(schema, root), root);
  if (issues.length > 0)
    throw new RangeError(issues.map((issue) => `${issue.path}: ${issue.message}`).join('; '));
  const budget = new Budget(timeoutMs);
  const first = compile(guarded, budget, false);
  // Compiled when a value first fails: telling everything that is wrong costs more than the verdict.
  let all: ValidateFunction | undefined;

  return (value) => {
    budget.start();
    try {
      if (first(value)) return undefined;
      const [verdict] = toIssues(first.errors ?? [], value, root);
      const compileAll = (): ValidateFunction => (all ??= compile(guarded, budget, true));
      return everyIssue(
        compileAll,
        value,
        root,
        verdict ?? { path: root, message: 'does not fit the schema' },
      );
    } catch (error) {
      return [{ path: root, message: whyStopped(error) }];
    }
  };
}

/** What is wrong with a schema itself; `root` begins the paths. An empty list: it compiles. */
export function schemaIssues(schema: unknown, root: string): JsonIssue[] {
  const issues: JsonIssue[] = [];
  const copy = toPlainJson(schema, root, issues);
  if (issues.length > 0) return issues;
  const guarded = guardSchema(copy, root);
  if (guarded.issues.length > 0) return [...guarded.issues];
  const check = (metaAjv ??= new (loadAjv().Ajv2020)({ strict: false, logger: false, allErrors: true }));
  if (check.validateSchema(copy as object) !== true) return toIssues(check.errors ?? [], copy, root);
  try {
    compile(guarded.schema, new Budget(VALIDATION_MS_MAX), false);
    return [];
  } catch (error) {
    if (error instanceof RangeError)
      return [{ path: root, message: 'is too large to compile, or its references run in a circle' }];
    return [{ path: root, message: shorten(error instanceof Error ? error.message : String(error), 300) }];
  }
}

let metaAjv: Ajv2020 | undefined;

function plain(schema: JsonSchema, root: string): unknown {
  const issues: JsonIssue[] = [];
  const copy = toPlainJson(schema, root, issues);
  const [issue] = issues;
  if (issue !== undefined) throw new RangeError(`${issue.path}: ${issue.message}`);
  return copy;
}

/** Counts what checking costs, and looks at the clock now and then. */
class Budget {
  readonly #timeoutMs: number;
  #stepsLeft = 0;
  #deadline = 0;

  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
  }

  start(): void {
    this.#stepsLeft = CLOCK_EVERY_STEPS;
    this.#deadline = performance.now() + this.#timeoutMs;
  }

  readonly spend = (data: unknown, fixed: number, perMember: number, perCharacter: number): void => {
    let steps = fixed;
    if (typeof data === 'string') steps += perCharacter * (data.length >> 3);
    else if (perMember > 0 && typeof data === 'object' && data !== null) {
      steps += perMember * (Array.isArray(data) ? data.length : Object.keys(data).length);
    }
    this.#stepsLeft -= steps;
    if (this.#stepsLeft > 0) return;
    this.#stepsLeft = CLOCK_EVERY_STEPS;
    if (performance.now() > this.#deadline) {
      throw new Stop(`could not be checked against the schema within ${this.#timeoutMs} ms`);
    }
  };
}

type RegExpEngine = ((source: string) => BoundedPattern) & { code: string };

/** One ajv for each schema, so that no `$id` of one skill is seen by another. */
function compile(schema: unknown, budget: Budget, allErrors: boolean): ValidateFunction {
  const { _, Ajv2020, Name } = loadAjv();
  const ajv = new Ajv2020({
    allErrors,
    strict: false,
    logger: false,
    meta: false,
    validateSchema: false,
    addUsedSchema: false,
    // Inlining repeats text: a few references to a large definition would make megabytes of code.
    inlineRefs: false,
    // `{ required: ['toString'] }` must not be met by every object's prototype.
    ownProperties: true,
    strictNumbers: true,
    code: { regExp: regExpWithin(budget), optimize: false },
  });
  for (const [name, format] of boundedFormats()) ajv.addFormat(name, format);
  ajv.removeKeyword('uniqueItems');
  ajv.addKeyword({
    keyword: 'uniqueItems',
    type: 'array',
    schemaType: 'boolean',
    error: { message: 'must not repeat an item' },
    validate: (isWanted: boolean, items: readonly unknown[]) =>
      !isWanted || !hasRepeats(items, (steps) => budget.spend(undefined, steps, 0, 0)),
  });
  ajv.addKeyword({
    keyword: COST,
    before: '$ref',
    code({ gen, data, it, schema: cost }) {
      const [fixed, perMember, perCharacter] = cost as SchemaCost;
      const spend = gen.scopeValue('func', { ref: budget.spend });
      gen.code(_`${spend}(${data}, ${fixed}, ${perMember}, ${perCharacter})`);
      if (!allErrors) return;
      // Errors inside `anyOf` and its like may yet be forgiven; only the others are worth showing.
      const isFinal = it.compositeRule !== true && it.schemaEnv === it.schemaEnv.root;
      const stop = gen.scopeValue('func', { ref: isFinal ? stopWith : giveUp });
      gen.if(_`${new Name('errors')} > ${ERRORS_MAX}`, () => gen.code(_`${stop}(${new Name('vErrors')})`));
    },
  });
  return ajv.compile(schema as object);
}

/** Patterns that spend too: a loop over many keys and patterns is one step to the schema around it. */
function regExpWithin(budget: Budget): RegExpEngine {
  const engine = (source: string): BoundedPattern => {
    const pattern = compilePattern(source);
    const test = (text: string): boolean => {
      budget.spend(undefined, PATTERN_STEPS + pattern.stepsMax(text.length), 0, 0);
      return pattern.test(text);
    };
    return { ...pattern, test };
  };
  return Object.assign(engine, { code: 'compilePattern' });
}

function giveUp(): never {
  throw new Stop('too many errors');
}

function stopWith(errors: readonly ErrorObject[] | undefined): never {
  throw new Stop('too many errors', errors);
}

function everyIssue(
  compileAll: () => ValidateFunction,
  value: unknown,
  root: string,
  verdict: ValidationIssue,
): ValidationIssue[] {
  let errors: readonly ErrorObject[] | null | undefined;
  try {
    const validate = compileAll();
    validate(value);
    errors = validate.errors;
  } catch (error) {
    // The verdict stands already; what was collected until the stop is still worth telling.
    errors = error instanceof Stop ? error.errors : undefined;
  }
  const issues = toIssues(errors ?? [], value, root);
  return issues.length > 0 ? issues : [verdict];
}

function whyStopped(error: unknown): string {
  if (error instanceof Stop || error instanceof PatternWorkError) return error.message;
  if (error instanceof RangeError) return 'is nested too deeply to be checked against the schema';
  throw error;
}

/** ajv's errors as ours: each place and message once, those that only frame others left out. */
function toIssues(errors: readonly ErrorObject[], value: unknown, root: string): ValidationIssue[] {
  const issues = new Map<string, ValidationIssue>();
  const framed = errors.some((error) => error.keyword !== 'if');
  for (const error of errors) {
    if (issues.size >= ISSUES_MAX) break;
    if (error.keyword === 'if' && framed) continue;
    const issue = toIssue(error, value, root);
    issues.set(`${issue.path}\n${issue.message}`, issue);
  }
  return [...issues.values()];
}

function toIssue(error: ErrorObject, value: unknown, root: string): ValidationIssue {
  const params = error.params as Record<string, unknown>;
  const path = pointerPath(error.instancePath, value, root);
  const member = (name: unknown): string => joinPath(path, shorten(String(name), 64));
  if (error.keyword === 'required')
    return { path: member(params['missingProperty']), message: 'is required' };
  if (error.keyword === 'additionalProperties' || error.keyword === 'unevaluatedProperties') {
    return {
      path: member(params['additionalProperty'] ?? params['unevaluatedProperty']),
      message: 'is not expected',
    };
  }
  if (error.keyword === 'enum') {
    const allowed = JSON.stringify(params['allowedValues']);
    return { path, message: shorten(`must be one of ${allowed}`, 300) };
  }
  if (error.keyword === 'const') {
    return { path, message: shorten(`must be ${JSON.stringify(params['allowedValue'])}`, 300) };
  }
  return { path, message: shorten(error.message ?? `fails "${error.keyword}"`, 300) };
}

/** `/rows/3/price` as `inputs.rows[3].price`: whether `3` is an index is asked of the value. */
function pointerPath(pointer: string, value: unknown, root: string): string {
  let path = root;
  let at = value;
  for (const segment of pointer.split('/').slice(1)) {
    const key = segment.replaceAll('~1', '/').replaceAll('~0', '~');
    path = joinPath(path, Array.isArray(at) ? Number(key) : key);
    at = typeof at === 'object' && at !== null ? (at as Record<string, unknown>)[key] : undefined;
  }
  return shorten(path, 300);
}
