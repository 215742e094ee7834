/** One run's data on its way: checked, named by its key, and taken to a worker when nothing known answers it. */
import type { CompiledSkill } from '../cache/compile.ts';
import { resultKey } from '../cache/keys.ts';
import type { CachedResult } from '../cache/result-cache-types.ts';
import { InputValidationError, OutputValidationError } from '../errors.ts';
import { grantsFor, type RunGrants } from '../grants.ts';
import { checkTargets, dataObject } from '../inject/data.ts';
import type { LibraryParts } from './parts.ts';
import type { RunRequest } from './run.ts';
import { limitsFor, nowMs, type OnStage, type RunLimits, type RunOptions } from '../run-options.ts';
import { decodeValue, encodeValue } from '../sandbox/codec.ts';
import type { ValidationIssue } from '../skills/validate.ts';
import { asInjectionError } from '../workers/codec-error.ts';
import type { DispatchResult } from '../workers/dispatch-types.ts';

/** What may change an answer beside the skill and its data. */
const SANDBOX_VERSION = `1/${process.version}`;

const NOTHING = Object.freeze({});

/** Of the caller: a check of the answer that is made beside the run tells nobody. */
type Listeners = Pick<RunOptions, 'onLog' | 'onStage'>;

export interface RunData {
  readonly context: object;
  readonly inputs: object;
  readonly parameters: object;
}

/** An answer, and the worker's own account of it where one ran. */
export interface RunFound {
  readonly result: CachedResult;
  readonly dispatched?: DispatchResult;
}

/** The data of one run. It is encoded at most once, its key made at most once, and a worker asked at most once. */
export class Execution {
  readonly #parts: LibraryParts;
  readonly #skill: CompiledSkill;
  readonly #data: RunData;
  readonly #request: RunRequest;
  #key: string | undefined;
  #text: string | undefined;
  #limits: RunLimits | undefined;
  #dispatched: DispatchResult | undefined;
  readonly #grants: RunGrants | undefined;

  /** @throws {InjectionError}, {InputValidationError} for data that does not fit the skill. */
  constructor(parts: LibraryParts, skill: CompiledSkill, inputs: object, request: RunRequest) {
    const { context, parameters } = request.options;
    const { definition, analysis } = skill.version;
    this.#parts = parts;
    this.#skill = skill;
    this.#request = request;
    this.#grants = grantsFor(request.options.grants, definition.grants, parts.options.sandbox.grants);
    this.#data = {
      // In this order the whole is in canonical order where its parts are.
      context: context ? dataObject('context', context) : NOTHING,
      inputs: dataObject('inputs', inputs),
      parameters: parameters ? { ...definition.parameters, ...parameters } : definition.parameters,
    };
    // The skill's own parameters were looked at when it was added, and the rest is an object of data by now.
    const isOwn = parameters === undefined && analysis.plan.refused.length === 0;
    if (!isOwn) checkTargets(analysis.plan, this.#data);
    if (skill.inputValidator) this.#checkInputs();
  }

  /**
   * The answer where it is in memory: what a cached run costs is this.
   * @throws {InjectionError} for data that cannot be given to a skill.
   */
  known(): CachedResult | undefined {
    const { cache } = this.#request.options;
    if (!this.#isPure() || (cache !== undefined && cache !== 'use')) return undefined;
    const known = this.#parts.results.getNow(this.#keyOf());
    if (known) this.#checkNowAndThen(known);
    return known;
  }

  /** The answer out of the store, of an equal run under way, or of a worker. */
  async answer(): Promise<RunFound> {
    const { options, signal } = this.#request;
    const mode = options.cache ?? 'use';
    const isPure = this.#isPure();
    const key = this.#isNamed() ? this.#keyOf() : undefined;
    const result = await this.#parts.results.getOrRun(key, (stop) => this.#run(stop, options), {
      digest: this.#skill.version.digest,
      mode,
      signal,
      ...(key !== undefined && { shareIf: JSON.stringify(this.#limitsOf()) }),
      ...(!isPure && { notPure: this.#parts.purity.because(this.#skill) }),
    });
    if (result.why === 'hit') this.#checkNowAndThen(result);
    return { result, ...(this.#dispatched && { dispatched: this.#dispatched }) };
  }

  /** Named or encoded first: that refuses accessors and proxies, which must not run while a schema is applied. */
  #checkInputs(): void {
    if (this.#isNamed()) this.#keyOf();
    else this.#dataText();
    checkInputs(this.#skill, this.#data.inputs);
  }

  /** Whether its answer may be known by a key, or become so. */
  #isNamed(): boolean {
    return this.#request.options.cache !== 'bypass' && this.#isPure();
  }

  #isPure(): boolean {
    // What comes from outside may be another thing each time.
    if (this.#grants?.fetch || this.#grants?.files) return false;
    return this.#skill.pure && !this.#parts.purity.isImpure(this.#skill.version.digest);
  }

  #checkNowAndThen(known: CachedResult): void {
    if (!this.#parts.purity.isDue()) return;
    this.#parts.purity.check(this.#skill, known.text, (signal) => this.#run(signal));
  }

  #keyOf(): string {
    this.#key ??= this.#makeKey();
    return this.#key;
  }

  #makeKey(): string {
    const { seed } = this.#request.options;
    const now = nowMs(this.#request.options.now);
    const parts = {
      digest: this.#skill.version.digest,
      sandboxVersion: this.#grants ? SANDBOX_VERSION + JSON.stringify(this.#grants) : SANDBOX_VERSION,
      keyOrder: this.#skill.seesKeyOrder ? ('given' as const) : ('any' as const),
      data: this.#data,
      ...(seed !== undefined && { seed }),
      ...(now !== undefined && { now }),
    };
    const key = resultKey(parts, this.#parts.aliases);
    return key ?? (resultKey({ ...parts, dataText: this.#dataText() }) as string);
  }

  async #run(signal: AbortSignal, { onLog, onStage }: Listeners = NOTHING): Promise<string> {
    const { watch, workers } = this.#parts;
    const { seed, tenant } = this.#request.options;
    const now = nowMs(this.#request.options.now);
    const clock = watch.stages(onStage);
    const data = this.#dataText();
    clock?.lap('encode');
    const dispatched = await workers.run({
      program: this.#skill.program,
      data,
      limits: this.#limitsOf(),
      signal,
      heldMs: this.#request.heldMs,
      ...(seed !== undefined && { seed }),
      ...(now !== undefined && { now }),
      ...(tenant !== undefined && { tenant }),
      ...(this.#grants && { grants: this.#grants }),
      ...(onLog && { onLog }),
    });
    clock?.lap('execute');
    if (onStage) tellStages(onStage, dispatched.report);
    this.#dispatched ??= dispatched;
    checkOutput(this.#skill, dispatched.output);
    clock?.lap('check');
    return dispatched.output;
  }

  #limitsOf(): RunLimits {
    const { options } = this.#request;
    this.#limits ??= limitsFor(options, this.#skill.version.definition.limits, this.#parts.options.run);
    return this.#limits;
  }

  #dataText(): string {
    const { depthMax, bytesMax } = this.#parts.options.injection;
    try {
      // A value of depth 0 is the third container here: the whole and `inputs` are around it.
      this.#text ??= encodeValue(this.#data, { depthMax: depthMax + 3, bytesMax });
    } catch (thrown) {
      throw asInjectionError(thrown);
    }
    return this.#text;
  }
}

/** What happened to a run before it came back, one after the other. */
function tellStages(told: OnStage, { queueMs, startMs, wallMs }: DispatchResult['report']): void {
  told('queue', queueMs, startMs + wallMs);
  told('start', startMs, wallMs);
  told('run', wallMs, 0);
}

function checkInputs(skill: CompiledSkill, inputs: object): void {
  const issues = skill.inputValidator?.(inputs);
  if (!issues) return;
  throw new InputValidationError(
    `inputs of ${skill.version.name} do not fit its schema: ${sentence(issues)}`,
    { details: { issues } },
  );
}

function checkOutput(skill: CompiledSkill, text: string): void {
  if (!skill.outputValidator) return;
  const issues = skill.outputValidator(decodeValue(text));
  if (!issues) return;
  throw new OutputValidationError(
    `the output of ${skill.version.name} does not fit its schema: ${sentence(issues)}`,
    { details: { issues } },
  );
}

function sentence(issues: readonly ValidationIssue[]): string {
  return issues.map((issue) => `${issue.path} ${issue.message}`).join('; ');
}
