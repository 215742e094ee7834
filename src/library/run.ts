/** A run from the outside: its request, its path, what its caller gets, and what is kept of it. */
import { randomUUID } from 'node:crypto';
import type { CompiledSkill } from '../cache/compile.ts';
import { AbortedError, abortError, SkillCacheError, toError } from '../errors.ts';
import { Execution, type RunFound } from './execution.ts';
import type { LibraryGate } from './gate.ts';
import type { LibraryParts } from './parts.ts';
import type { RunSignal, RunSignals } from './run-signals.ts';
import type { SkillRun } from './types.ts';
import { checkRunOptions, type RunOptions } from '../run-options.ts';
import { decodeValue } from '../sandbox/codec.ts';
import type { RunRecord } from '../store/store.ts';
import type { DispatchResult } from '../workers/dispatch-types.ts';

/** A run that has begun, until it is disposed of. What a known answer does not need is made when it is asked for. */
export class RunRequest implements Disposable {
  readonly id: string;
  /** `performance.now()` at its start. */
  readonly startMs: number = performance.now();
  readonly options: RunOptions;
  readonly #signals: RunSignals;
  #lent: RunSignal | undefined;
  /** How long it was held back at the door. */
  heldMs = 0;

  /** @throws {ConfigurationError} for a wrong option; {AbortedError} when a signal has fired already. */
  constructor(options: RunOptions, signals: RunSignals) {
    this.options = checkRunOptions(options);
    this.id = options.id ?? randomUUID();
    this.#signals = signals;
    this.refuseGone();
  }

  /** @throws {AbortedError} when a signal has fired. */
  refuseGone(): void {
    const { signal } = this.options;
    const { closing } = this.#signals;
    if (signal?.aborted) throw abortError(signal);
    if (closing.aborted) throw abortError(closing);
  }

  /** Fires when the caller leaves, or the library is closed for good. */
  get signal(): AbortSignal {
    this.#lent ??= this.#signals.lend(this.options.signal);
    return this.#lent;
  }

  /** Wall time. */
  get startedAtMs(): number {
    return Math.round(Date.now() - (performance.now() - this.startMs));
  }

  [Symbol.dispose](): void {
    if (this.#lent) this.#signals.giveBack(this.#lent);
    this.#lent = undefined;
  }
}

/** Where a run's compiled skill comes from: at once, or in time. */
export interface SkillSource {
  now(): CompiledSkill | undefined;
  load(request: RunRequest): Promise<CompiledSkill>;
}

/** The whole request path. A known answer is given at once: nothing is built for it to wait with. */
export function run(
  parts: LibraryParts,
  gate: LibraryGate,
  inputs: object,
  options: RunOptions,
  source: SkillSource,
): Promise<SkillRun> {
  let request: RunRequest;
  try {
    gate.refuseClosed();
    request = new RunRequest(options, gate.signals);
  } catch (error) {
    return Promise.reject(error as Error);
  }
  const { watch } = parts;
  watch.runStarted();
  let skill: CompiledSkill | undefined;
  try {
    const clock = watch.hitStages(options.onStage);
    skill = source.now();
    if (!skill)
      return gate.work(() => entered(parts, request, () => loadAndRun(parts, request, source, inputs)));
    clock?.lap('load');
    const execution = new Execution(parts, skill, inputs, request);
    clock?.lap('validate');
    const result = execution.known();
    clock?.lap('lookup');
    if (result) return Promise.resolve(ended(parts, request, skill, { result }));
    const begun = skill;
    return gate.work(() => entered(parts, request, () => finish(parts, request, begun, execution)));
  } catch (thrown) {
    return Promise.reject(failed(parts, request, skill, thrown));
  }
}

/** What no answer was known for, once it may begin. */
async function entered(
  { doorway, turns }: LibraryParts,
  request: RunRequest,
  run: () => Promise<SkillRun>,
): Promise<SkillRun> {
  const held = doorway.enter(request.options.signal);
  if (held) {
    const sinceMs = performance.now();
    await held;
    // All who were held back may begin in the same moment.
    const turn = turns.next();
    if (turn) await turn;
    request.heldMs = performance.now() - sinceMs;
  }
  try {
    return await run();
  } finally {
    doorway.leave();
  }
}

async function loadAndRun(
  parts: LibraryParts,
  request: RunRequest,
  source: SkillSource,
  inputs: object,
): Promise<SkillRun> {
  const { watch } = parts;
  let skill: CompiledSkill | undefined;
  let execution: Execution;
  try {
    const clock = watch.stages(request.options.onStage);
    // It may have been held back until now.
    request.refuseGone();
    skill = await source.load(request);
    // All who wait for one skill have it at the same moment.
    const turn = parts.turns.next();
    if (turn) await turn;
    clock?.lap('load');
    execution = new Execution(parts, skill, inputs, request);
    clock?.lap('validate');
  } catch (thrown) {
    throw failed(parts, request, skill, thrown);
  }
  return finish(parts, request, skill, execution);
}

async function finish(
  parts: LibraryParts,
  request: RunRequest,
  skill: CompiledSkill,
  execution: Execution,
): Promise<SkillRun> {
  try {
    return ended(parts, request, skill, await execution.answer());
  } catch (thrown) {
    throw failed(parts, request, skill, thrown);
  }
}

function ended(parts: LibraryParts, request: RunRequest, skill: CompiledSkill, found: RunFound): SkillRun {
  const answer = runAnswer(request, skill, found);
  parts.watch.runEnded(request, skill, found, answer.durationMs);
  request[Symbol.dispose]();
  return answer;
}

/** The error its caller gets. */
function failed(
  parts: LibraryParts,
  request: RunRequest,
  skill: CompiledSkill | undefined,
  thrown: unknown,
): Error {
  const error = parts.watch.runFailed(request, skill, thrown);
  request[Symbol.dispose]();
  return error;
}

/** What the caller gets. */
function runAnswer(request: RunRequest, skill: CompiledSkill, { result, dispatched }: RunFound): SkillRun {
  const { name, version } = skill.version;
  const output = decodeValue(result.text);
  const cached = result.cached === 'memory' || result.cached === 'store';
  const rest = {
    output,
    cached,
    durationMs: performance.now() - request.startMs,
    logs: dispatched?.logs ?? '',
  };
  const run = version > 0 ? { id: request.id, skill: name, version, ...rest } : { id: request.id, ...rest };
  return request.options.explain ? { ...run, explain: result.why } : run;
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
