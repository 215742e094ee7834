/** What a run tells of itself. */
import type { RunGrants } from '../grants.ts';
import type { TaskGrants } from '../sandbox/protocol.ts';
import type { Broker } from './broker.ts';
import type { DispatchRequest, GrantUse, RunReport } from './dispatch-types.ts';
import type { TaskEnd } from './task.ts';

export function reportOf(
  end: TaskEnd,
  times: Pick<RunReport, 'tier' | 'start' | 'queueMs' | 'startMs' | 'wallMs'>,
  { data, limits, grants }: DispatchRequest,
  broker?: Broker,
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
    ...(grants && { grants: namesOf(grants), granted: useOf(header?.withheld ?? [], broker) }),
  };
}

/** What the worker must know of the grants. */
export function taskGrants(grants: RunGrants, broker: Broker | undefined): TaskGrants {
  const { fetch, files, random, clock } = grants;
  return {
    fetch: fetch !== undefined,
    files: files !== undefined,
    random,
    clock,
    bodyBytesMax: broker?.bodyBytesMax ?? 0,
  };
}

function namesOf(grants: RunGrants): string[] {
  return Object.entries(grants)
    .filter(([, given]) => given !== false && given !== undefined)
    .map(([name]) => name);
}

/** What the realm refused by itself is told beside what the parent did. */
function useOf(withheld: readonly string[], broker: Broker | undefined): GrantUse {
  const use = broker?.use ?? { requests: 0, requestBytes: 0, fileBytes: 0, refusals: 0, refused: [] };
  const own = withheld.map((request) => ({ request, reason: 'it is withheld' }));
  return { ...use, refusals: use.refusals + own.length, refused: [...use.refused, ...own] };
}
