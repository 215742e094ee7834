/** How a run ended badly, as the error that its caller acts on. Details carry the limit, what was used, and the report. */
import {
  ExecutionMemoryError,
  InjectionError,
  OutputLimitError,
  SandboxUnavailableError,
  SkillRuntimeError,
  WorkerCrashedError,
  type SkillCacheError,
} from '../errors.ts';
import type { OutcomeHeader } from '../sandbox/protocol.ts';
import type { RunReport } from './dispatch-types.ts';
import type { Death } from './task.ts';

export interface Circumstances {
  readonly logs: string;
  readonly report: RunReport;
}

/** V8 and Node say these on their way out; the last ones are places where the collector cannot go on without memory. */
const OUT_OF_MEMORY =
  /heap out of memory|Allocation failed|OOM error|out of memory|std::bad_alloc|FatalProcessOutOfMemory|PublishPushSegment|MarkCompactCollector/i;

const MIB = 1024 * 1024;
const inMib = (bytes: number) => `${Math.round((bytes / MIB) * 10) / 10} MiB`;

export function deathError(death: Death, { logs, report }: Circumstances): SkillCacheError {
  const { exitCode, signal } = death;
  const { memoryBytesMax } = report.limits;
  if (OUT_OF_MEMORY.test(death.stderr)) return memoryError({ logs, report });
  const how = signal === null ? `with exit code ${exitCode}` : `by ${signal}`;
  const why = death.cause === undefined ? '' : `: ${death.cause}`;
  const last = death.stderr.trim().slice(0, 2_000);
  return new WorkerCrashedError(`the worker ended ${how} after ${Math.round(report.wallMs)} ms${why}`, {
    details: { exitCode, signal, memoryBytesMax, ...(last === '' ? {} : { stderr: last }), logs, report },
  });
}

/** A worker that ended before its first word. */
export function neverReady(death: Death): Error {
  const how = death.signal ?? `exit code ${death.exitCode}`;
  const why = [death.cause, death.stderr.trim().slice(-500)].filter(Boolean).join('; ');
  const message = `a worker ended before it was ready (${how}): ${why || 'it said nothing'}`;
  return death.cause === undefined ? new WorkerCrashedError(message) : new SandboxUnavailableError(message);
}

export function outcomeError(
  header: Exclude<OutcomeHeader, { kind: 'value' }>,
  circumstances: Circumstances,
): SkillCacheError {
  const { logs, report } = circumstances;
  switch (header.kind) {
    case 'memory':
      return memoryError(circumstances);
    case 'thrown':
    case 'pending': {
      const { name, message } = header.error;
      const text = header.kind === 'pending' ? message : `the skill threw ${name}: ${message}`;
      return new SkillRuntimeError(text.slice(0, 2_000), { details: { error: header.error, logs, report } });
    }
    case 'refused':
      return refusedAnswer(header, circumstances);
    default:
      throw new Error(`unreachable: ${header satisfies never}`);
  }
}

function memoryError({ logs, report }: Circumstances): SkillCacheError {
  const { memoryBytesMax } = report.limits;
  const { memoryPeakBytes } = report;
  const held = memoryPeakBytes === undefined ? '' : `, its process holding ${inMib(memoryPeakBytes)}`;
  const message = `the skill ran out of its memory of ${inMib(memoryBytesMax)} after ${Math.round(report.wallMs)} ms${held}`;
  return new ExecutionMemoryError(message, { details: { memoryBytesMax, memoryPeakBytes, logs, report } });
}

function refusedAnswer(
  { reason, path, message }: { reason: string; path: string; message: string },
  { logs, report }: Circumstances,
): SkillCacheError {
  const { outputBytesMax } = report.limits;
  if (reason === 'LIMIT_EXCEEDED' && message.includes('larger'))
    return new OutputLimitError(`the answer is larger than ${outputBytesMax} bytes`, {
      details: { outputBytesMax, logs, report },
    });
  const code = reason === 'LIMIT_EXCEEDED' ? 'LIMIT_EXCEEDED' : 'UNSERIALIZABLE_VALUE';
  return new InjectionError(code, `the answer cannot be carried: ${message}`, {
    details: { path, logs, report },
  });
}
