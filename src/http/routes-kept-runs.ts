/** Runs that are answered later, and records of runs: where they stand, how they are followed and cancelled. */
import { z } from 'zod';
import { SkillCacheError } from '../errors.ts';
import { maySee, type Caller } from './caller.ts';
import type { ServiceContext } from './context.ts';
import { lastEventId } from './event-stream.ts';
import { streamEvents } from './follow.ts';
import type { KeptRun } from './kept-run.ts';
import { route, type Route } from './route.ts';
import { EXAMPLE_RUN_ID, EXAMPLE_RUNNING, runId, runState } from './schemas.ts';

const EXAMPLE_STATE = { ...EXAMPLE_RUNNING, status: 'succeeded', durationMs: 4.2 };

const ONE_RUN = z.object({ id: runId });

export function keptRunRoutes(context: ServiceContext): Route[] {
  const { keptRuns } = context;
  return [
    route({
      id: 'getRun',
      method: 'GET',
      url: '/v1/runs/:id',
      summary: 'Where a run stands',
      description: 'Of a run that was answered later: also what it answered, while that is kept.',
      tag: 'Runs',
      scope: 'read',
      params: ONE_RUN,
      answers: [{ status: 200, description: 'The run.', schema: runState, example: EXAMPLE_STATE }],
      errors: ['RUN_NOT_FOUND', 'DATABASE_CONNECTION', 'CLOSED'],
      examples: { id: EXAMPLE_RUN_ID },
      handle: async ({ caller, params, reply }) => {
        const kept = keptRuns.get(caller.tenant, params.id);
        const isSeen = kept && (kept.skill === undefined ? !caller.skills : maySee(caller, kept.skill));
        const text = isSeen ? stateText(kept) : await recordText(context, caller, params.id);
        return reply.type('application/json; charset=utf-8').send(text);
      },
    }),
    route({
      id: 'cancelRun',
      audit: 'run.cancel',
      method: 'DELETE',
      url: '/v1/runs/:id',
      summary: 'Cancel a run',
      description: 'Ends it at once where it still runs. Doing so twice is no error.',
      tag: 'Runs',
      scope: 'run',
      params: ONE_RUN,
      answers: [
        { status: 202, description: 'It is being ended.', schema: runState, example: EXAMPLE_RUNNING },
      ],
      errors: ['RUN_NOT_FOUND'],
      examples: { id: EXAMPLE_RUN_ID },
      handle: async ({ caller, params, reply }) => {
        const kept = expectKept(context, caller, params.id);
        kept.cancel(new SkillCacheError('ABORTED', 'the run was cancelled'));
        return reply.code(202).type('application/json; charset=utf-8').send(stateText(kept));
      },
    }),
    route({
      id: 'followRun',
      method: 'GET',
      url: '/v1/runs/:id/events',
      summary: 'Follow a run',
      description:
        'Server-Sent Events: `status`, `progress` with each part that has ended, `log` as the skill writes, and `outcome`, which is the last.',
      tag: 'Runs',
      scope: 'read',
      params: ONE_RUN,
      answers: [
        {
          status: 200,
          description: 'The events.',
          type: 'text/event-stream',
          schema: { type: 'string' },
          example: 'id: 1\nevent: status\ndata: {"status":"running"}\n\n',
        },
      ],
      errors: ['RUN_NOT_FOUND', 'OVERLOADED'],
      headers: { 'Last-Event-ID': 'The last event that was seen; those behind it are sent.' },
      examples: { id: EXAMPLE_RUN_ID },
      handle: ({ caller, params, request, reply }) => {
        const kept = expectKept(context, caller, params.id);
        const after = lastEventId(request.headers['last-event-id']);
        streamEvents(context, reply, (follower) => kept.follow(after, follower));
        return reply;
      },
    }),
  ];
}

/** As JSON. */
export function stateText(kept: KeptRun): string {
  const { id, skill, startedAtMs, durationMs, state } = kept;
  const rest = {
    id,
    status: state.kind,
    ...(skill !== undefined && { skill: skill.split('@')[0] }),
    startedAtMs,
    ...(durationMs !== undefined && { durationMs }),
  };
  switch (state.kind) {
    case 'running':
      return JSON.stringify(rest);
    case 'succeeded':
      return `${JSON.stringify(rest).slice(0, -1)},"result":${state.text}}`;
    case 'failed':
    case 'cancelled':
      return JSON.stringify({ ...rest, problem: state.problem });
    default:
      throw new Error(`unreachable: ${state satisfies never}`);
  }
}

/** What the store keeps of a run: that it was, not what it answered. */
async function recordText(context: ServiceContext, caller: Caller, id: string): Promise<string> {
  const record = await (await context.libraryOf(caller)).getRun(id);
  const isSeen = record && (record.skill === undefined ? !caller.skills : maySee(caller, record.skill));
  if (!isSeen) throw noRun(id);
  const { skill, version, startedAtMs, durationMs, outcome, errorCode } = record;
  const status = outcome === 'ok' ? 'succeeded' : errorCode === 'ABORTED' ? 'cancelled' : 'failed';
  const problem = errorCode === undefined ? undefined : { code: errorCode };
  return JSON.stringify({ id, status, skill, version, startedAtMs, durationMs, problem });
}

function expectKept({ keptRuns }: ServiceContext, caller: Caller, id: string): KeptRun {
  const kept = keptRuns.get(caller.tenant, id);
  if (kept && (kept.skill === undefined ? !caller.skills : maySee(caller, kept.skill))) return kept;
  throw noRun(id);
}

function noRun(id: string): SkillCacheError {
  return new SkillCacheError('RUN_NOT_FOUND', `no run ${id} is kept here`, { details: { run: id } });
}
