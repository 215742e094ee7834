/** Runs code in real workers, through the real template. */
import { performance } from 'node:perf_hooks';
import type { SkillCacheError } from '../../src/errors.ts';
import type { RunGrants } from '../../src/grants.ts';
import { planInjection } from '../../src/inject/planner.ts';
import { buildTemplate } from '../../src/inject/template.ts';
import { resolveOptions } from '../../src/options.ts';
import { decodeValue, encodeValue } from '../../src/sandbox/codec.ts';
import type { Program } from '../../src/sandbox/protocol.ts';
import type { DispatcherOptions, DispatchLimits, RunReport } from '../../src/workers/dispatch-types.ts';
import { Dispatcher } from '../../src/workers/dispatch.ts';

export const MIB = 1024 * 1024;
const LIMITS: DispatchLimits = {
  timeoutMs: 20_000,
  memoryBytesMax: 128 * MIB,
  outputBytesMax: 10 * MIB,
  logBytesMax: 64 * 1024,
};

export function dispatcher(
  workers: Partial<DispatcherOptions['workers']> = {},
  options: Partial<DispatcherOptions> = {},
): Dispatcher & AsyncDisposable {
  const made = new Dispatcher({
    workers: { ...resolveOptions({}).workers, ...workers },
    require: 'permission',
    ...options,
  });
  return Object.assign(made, { [Symbol.asyncDispose]: () => made.close(0) });
}

let nth = 0;

/** A program of `code`, and of the skills it requires by name. */
export function programOf(code: string, requires: Readonly<Record<string, string>> = {}): Program {
  const names = Object.keys(requires);
  const unit = (text: string, fileName: string, links: readonly string[]) => {
    const { plan, source } = planInjection(text);
    return { ...buildTemplate(source, plan, fileName, links), parameters: '{}' };
  };
  nth += 1;
  return {
    digest: `test-${nth}`,
    units: [
      {
        ...unit(code, 'skill:main@1', names),
        requires: Object.fromEntries(names.map((name, i) => [name, i + 1])),
      },
      ...names.map((name) =>
        Object.assign(unit(requires[name] as string, `skill:${name}@1`, []), { requires: {} }),
      ),
    ],
  };
}

export interface Given {
  readonly inputs?: unknown;
  readonly context?: unknown;
  readonly parameters?: unknown;
  readonly limits?: Partial<DispatchLimits>;
  readonly seed?: number;
  readonly tenant?: string;
  readonly grants?: RunGrants;
  readonly now?: number;
  readonly signal?: AbortSignal;
}
export interface Ran {
  readonly output: unknown;
  readonly logs: string;
  readonly report: RunReport;
}

export async function run(workers: Dispatcher, code: string | Program, given: Given = {}): Promise<Ran> {
  const { inputs = {}, context = {}, parameters = {}, limits = {}, ...rest } = given;
  const program = typeof code === 'string' ? programOf(code) : code;
  const data = encodeValue({ inputs, context, parameters });
  const { output, logs, report } = await workers.run({
    program,
    data,
    limits: { ...LIMITS, ...limits },
    ...rest,
  });
  return { output: decodeValue(output), logs, report };
}

/** The error that a run ends with, and how long it took from the call. */
export async function failure(
  workers: Dispatcher,
  code: string | Program,
  given: Given = {},
): Promise<{ error: SkillCacheError; details: Record<string, never>; tookMs: number }> {
  const startedMs = performance.now();
  try {
    const { output } = await run(workers, code, given);
    throw new Error(`the run succeeded: ${String(output)}`);
  } catch (error) {
    if (!(error instanceof Error) || !('code' in error)) throw error;
    const found = error as SkillCacheError;
    return {
      error: found,
      details: found.details as Record<string, never>,
      tookMs: performance.now() - startedMs,
    };
  }
}
