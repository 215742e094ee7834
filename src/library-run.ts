/** One run: the request's life, and the steps between a compiled skill and its answer. */
import { randomUUID } from 'node:crypto';
import type { CompiledSkill } from './cache/compile.ts';
import { resultKey } from './cache/keys.ts';
import type { CachedResult } from './cache/result-cache.ts';
import {
  AbortedError,
  abortError,
  InputValidationError,
  OutputValidationError,
  SkillCacheError,
  toError,
} from './errors.ts';
import { checkTargets } from './inject/data.ts';
import type { LibraryParts } from './library-parts.ts';
import type { SkillRun } from './library-types.ts';
import { checkRunOptions, limitsFor, nowMs, type RunLimits, type RunOptions } from './run-options.ts';
import { decodeValue, encodeValue } from './sandbox/codec.ts';
import type { ValidationIssue } from './skills/validate.ts';
import type { RunRecord } from './store/store.ts';
import { asInjectionError } from './workers/codec-error.ts';
import type { DispatchResult } from './workers/dispatch.ts';

/** What may change an answer beside the skill and its data. */
const SANDBOX_VERSION = `1/${process.version}`;

/** A run that has begun. */
export interface RunRequest {
  readonly id: string;
  readonly startedAtMs: number;
  readonly startMs: number;
  readonly options: RunOptions;
  /** Fires when the caller leaves, or the library is closed for good. */
  readonly signal: AbortSignal;
}

export interface RunData {
  readonly inputs: object;
  readonly context: object;
  readonly parameters: object;
}

/** @throws {ConfigurationError} for a wrong option; {AbortedError} when the signal has fired already. */
export function openRequest(options: RunOptions, closing: AbortSignal): RunRequest {
  const checked = checkRunOptions(options);
  const signal = checked.signal ? AbortSignal.any([checked.signal, closing]) : closing;
  if (signal.aborted) throw abortError(signal);
  return { id: randomUUID(), startedAtMs: Date.now(), startMs: performance.now(), options: checked, signal };
}

/** An answer, and the worker's own account of it where one ran. */
export interface RunFound {
  readonly result: CachedResult;
  readonly dispatched?: DispatchResult;
}

/** The steps from a compiled skill to its answer: data, schema, result cache, worker. */
export async function answer(
  parts: LibraryParts,
  skill: CompiledSkill,
  inputs: object,
  request: RunRequest,
): Promise<RunFound> {
  const { options, signal } = request;
  const { definition, analysis, digest } = skill.version;
  const parameters = options.parameters
    ? { ...definition.parameters, ...options.parameters }
    : definition.parameters;
  const data: RunData = { inputs, context: options.context ?? {}, parameters };
  checkTargets(analysis.plan, data);
  checkInputs(skill, inputs);
  const limits = limitsFor(options, definition.limits, parts.options.run);
  const execution = new Execution(parts, skill, data, limits, request);
  const result = await parts.results.getOrRun(
    skill.pure ? execution.key() : undefined,
    (stop) => execution.run(stop),
    {
      digest,
      mode: options.cache ?? 'use',
      signal,
      shareIf: JSON.stringify(limits),
      ...(!skill.pure && { notPure: skill.pureBecause }),
    },
  );
  return { result, ...(execution.dispatched && { dispatched: execution.dispatched }) };
}

/** Takes the data to a worker, at most once, and encodes it at most once. */
class Execution {
  readonly #parts: LibraryParts;
  readonly #skill: CompiledSkill;
  readonly #data: RunData;
  readonly #limits: RunLimits;
  readonly #replay: { seed?: number; now?: number };
  #text: string | undefined;
  dispatched: DispatchResult | undefined;

  constructor(
    parts: LibraryParts,
    skill: CompiledSkill,
    data: RunData,
    limits: RunLimits,
    request: RunRequest,
  ) {
    this.#parts = parts;
    this.#skill = skill;
    this.#data = data;
    this.#limits = limits;
    const { seed } = request.options;
    const now = nowMs(request.options.now);
    this.#replay = { ...(seed !== undefined && { seed }), ...(now !== undefined && { now }) };
  }

  key(): string | undefined {
    const parts = {
      digest: this.#skill.version.digest,
      sandboxVersion: SANDBOX_VERSION,
      keyOrder: this.#skill.seesKeyOrder ? ('given' as const) : ('any' as const),
      ...this.#replay,
    };
    return resultKey({ ...parts, data: this.#data }) ?? resultKey({ ...parts, dataText: this.#dataText() });
  }

  async run(signal: AbortSignal): Promise<string> {
    this.dispatched = await this.#parts.workers.run({
      program: this.#skill.program,
      data: this.#dataText(),
      limits: this.#limits,
      signal,
      ...this.#replay,
    });
    checkOutput(this.#skill, this.dispatched.output);
    return this.dispatched.output;
  }

  #dataText(): string {
    const { depthMax, bytesMax } = this.#parts.options.injection;
    try {
      // The object around inputs, context and parameters is not the caller's.
      this.#text ??= encodeValue(this.#data, { depthMax: depthMax + 1, bytesMax });
    } catch (thrown) {
      throw asInjectionError(thrown);
    }
    return this.#text;
  }
}

function checkInputs(skill: CompiledSkill, inputs: object): void {
  const issues = skill.inputValidator?.(inputs);
  if (!issues) return;
  throw new InputValidationError(
    `inputs of ${skill.version.name} do not fit its schema: ${sentence(issues)}`,
    {
      details: { issues },
    },
  );
}

function checkOutput(skill: CompiledSkill, text: string): void {
  if (!skill.outputValidator) return;
  const issues = skill.outputValidator(decodeValue(text));
  if (!issues) return;
  throw new OutputValidationError(
    `the output of ${skill.version.name} does not fit its schema: ${sentence(issues)}`,
    {
      details: { issues },
    },
  );
}

function sentence(issues: readonly ValidationIssue[]): string {
  return issues.map((issue) => `${issue.path} ${issue.message}`).join('; ');
}

/** What the caller gets. */
export function runAnswer(
  request: RunRequest,
  skill: CompiledSkill,
  { result, dispatched }: RunFound,
): SkillRun {
  const { name, version } = skill.version;
  return {
    id: request.id,
    ...(version > 0 && { skill: name, version }),
    output: decodeValue(result.text),
    cached: result.cached === 'memory' || result.cached === 'store',
    durationMs: performance.now() - request.startMs,
    logs: dispatched?.logs ?? '',
    ...(request.options.explain && { explain: result.why }),
  };
}

/** What the store keeps of a run that was executed, or failed. */
export function runRecord(
  request: RunRequest,
  skill: CompiledSkill,
  outcome: { dispatched?: DispatchResult; error?: unknown },
): RunRecord {
  const { name, version, digest } = skill.version;
  const { dispatched, error } = outcome;
  const report = dispatched ? { ...dispatched.report } : reportOf(error);
  return {
    id: request.id,
    ...(version > 0 && { skill: name, version }),
    digest,
    startedAtMs: request.startedAtMs,
    durationMs: performance.now() - request.startMs,
    cached: false,
    outcome: error === undefined ? 'ok' : 'error',
    ...(error !== undefined && { errorCode: codeOf(error) }),
    ...(report && { report, ...(typeof report['tier'] === 'string' && { tier: report['tier'] }) }),
  };
}

function reportOf(error: unknown): Readonly<Record<string, unknown>> | undefined {
  const report = error instanceof SkillCacheError ? error.details['report'] : undefined;
  return typeof report === 'object' && report !== null ? (report as Record<string, unknown>) : undefined;
}

export function codeOf(error: unknown): string {
  return error instanceof SkillCacheError ? error.code : 'INTERNAL';
}

/** A `DOMException` of an aborted signal as ours; every other error as it is. */
export function typedError(thrown: unknown, signal: AbortSignal): Error {
  if (thrown instanceof SkillCacheError) return thrown;
  if (signal.aborted) return abortError(signal);
  const error = toError(thrown);
  return error.name === 'AbortError' ? new AbortedError('the caller aborted', { cause: error }) : error;
}
