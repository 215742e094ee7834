/** What a run tells of itself. */
import type { RunGrants } from '../grants.ts';
import type { TaskGrants } from '../sandbox/protocol.ts';
import type { Broker } from './broker.ts';
import type { DispatchRequest, GrantUse, RunReport } from './dispatch-types.ts';
import type { ProcessUse } from './process-use.ts';
import type { TaskEnd } from './task.ts';

export function reportOf(
  end: TaskEnd,
  times: Pick<RunReport, 'tier' | 'start' | 'queueMs' | 'startMs' | 'wallMs' | 'bytesIn'>,
  { limits, grants }: DispatchRequest,
  broker?: Broker,
  stopped?: { readonly use: ProcessUse | undefined; readonly cpuMsBefore: number },
): RunReport {
  const { tier, start, queueMs, startMs, wallMs, bytesIn } = times;
  const { logsCut } = end;
  const given = grants && { grants: namesOf(grants), granted: useOf(end.withheld, broker) };
  if (end.kind === 'outcome') {
    const { header, outputBytes: bytesOut } = end.outcome;
    const { memoryPeakBytes, logBytes } = header;
    const cpuMs = header.cpuUs / 1_000;
    // Of every good run: a literal is several times cheaper than what is spread together.
    const report = {
      tier,
      start,
      queueMs,
      startMs,
      wallMs,
      cpuMs,
      memoryPeakBytes,
      bytesIn,
      bytesOut,
      logBytes,
      logsCut,
      limits,
    };
    return given ? { ...report, ...given } : report;
  }
  // What the kernel told at its end is exact; what was read before it was killed is in steps of 10 ms.
  const use = useUntilStop(end.death.use ?? stopped?.use, stopped?.cpuMsBefore ?? 0, wallMs);
  const logBytes = Buffer.byteLength(end.logs);
  return { ...times, ...use, bytesOut: 0, logBytes, logsCut, limits, ...given };
}

/** The kernel counts a process from its start, so that what its earlier runs took is left out. */
function useUntilStop(
  use: ProcessUse | undefined,
  cpuMsBefore: number,
  wallMs: number,
): Pick<RunReport, 'cpuMs' | 'memoryPeakBytes'> {
  if (use === undefined) return { cpuMs: 0 };
  const { cpuMs, memoryPeakBytes } = use;
  return { cpuMs: Math.max(0, Math.min(cpuMs - cpuMsBefore, wallMs)), memoryPeakBytes };
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
