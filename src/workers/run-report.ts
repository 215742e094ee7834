/** What a run tells of itself. */
import type { DispatchRequest, RunReport } from './dispatch-types.ts';
import type { TaskEnd } from './worker.ts';

export function reportOf(
  end: TaskEnd,
  times: Pick<RunReport, 'tier' | 'start' | 'queueMs' | 'startMs' | 'wallMs'>,
  { data, limits }: DispatchRequest,
): RunReport {
  const header = end.kind === 'outcome' ? end.outcome.header : undefined;
  return {
    ...times,
    cpuMs: (header?.cpuUs ?? 0) / 1_000,
    ...(header === undefined ? {} : { memoryPeakBytes: header.memoryPeakBytes }),
    bytesIn: Buffer.byteLength(data),
    bytesOut: end.kind === 'outcome' ? Buffer.byteLength(end.outcome.output) : 0,
    logBytes: header?.logBytes ?? Buffer.byteLength(end.logs),
    logsCut: end.logsCut,
    limits,
  };
}
