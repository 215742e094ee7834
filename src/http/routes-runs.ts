/** Runs: answered when they are done, or later. */
import { z } from 'zod';
import { SkillCacheError, type ErrorCode } from '../errors.ts';
import type { SkillRun } from '../library/types.ts';
import type { RunOptions } from '../run-options.ts';
import { expectEverySkill, expectSkill, maySee, type Caller } from './caller.ts';
import { EventStream, lastEventId } from './event-stream.ts';
import { jsonAnswer } from '../json-answer.ts';
import type { KeptRun } from './kept-run.ts';
import { route, type Answer, type Call, type Route } from './route.ts';
import { runAnswer, runBody, runCodeBody, runId, runState, skillReference } from './schemas.ts';
import type { ServiceContext } from './context.ts';

const RUN_ERRORS: readonly ErrorCode[] = [
  'INPUT_VALIDATION',
  'OUTPUT_VALIDATION',
  'INVALID_INPUTS',
  'UNSERIALIZABLE_VALUE',
  'LIMIT_EXCEEDED',
  'REQUIREMENT',
  'SECURITY_VALIDATION',
  'SKILL_RUNTIME',
  'EXECUTION_TIMEOUT',
  'EXECUTION_MEMORY',
  'OUTPUT_LIMIT',
  'WORKER_CRASHED',
  'SANDBOX_UNAVAILABLE',
  'POOL_EXHAUSTED',
  'OVERLOADED',
  'ABORTED',
  'CLOSED',
  'DATABASE_CONNECTION',
  'DATABASE_CORRUPT',
]; // of any run

const PREFER = {
  Prefer: '`respond-async`: answer 202 at once; the run is at `/v1/runs/{id}`.',
};

const EXAMPLE_RUN = {
  id: '0b9cbe1e-7a53-4c8e-9d5e-3f0e4c1d2a10',
  skill: 'moving-average',
  version: 1,
  output: [15, 40, 50],
  cached: false,
  durationMs: 4.2,
  logs: '',
};

const RUN_ANSWERS: readonly Answer[] = [
  { status: 200, description: 'The answer of the run.', schema: runAnswer, example: EXAMPLE_RUN },
  {
    status: 202,
    description: 'It runs; its address is in `Location`.',
    schema: runState,
    example: {
      id: EXAMPLE_RUN.id,
      status: 'running',
      skill: 'moving-average',
      startedAtMs: 1_790_000_000_000,
    },
    headers: { Location: 'Where the run is.', 'Preference-Applied': '`respond-async`' },
  },
];

const ONE_RUN = z.object({ id: runId });

export function runRoutes(context: ServiceContext): Route[] {
  const { options } = context;
  return [
    route({
      id: 'runSkill',
      audit: 'run',
      method: 'POST',
      url: '/v1/skills/:name/run',
      summary: 'Run a skill',
      description: 'Runs the current version, or the one named (`median@2`), with fresh data.',
      tag: 'Runs',
      scope: 'run',
      params: z.object({ name: skillReference }),
      body: runBody(options),
      answers: RUN_ANSWERS,
      errors: [...RUN_ERRORS, 'SKILL_NOT_FOUND'],
      headers: PREFER,
      examples: { name: 'moving-average' },
      bodyExample: { inputs: { prices: [10, 20, 60, 40], window: 2 } },
      handle: (call) => {
        expectSkill(call.caller, call.params.name);
        return answerRun(context, call, call.params.name, (library, { inputs, ...rest }, how) =>
          library.run(call.params.name, inputs ?? {}, { ...rest, ...how }),
        );
      },
    }),
    route({
      id: 'runCode',
      audit: 'run.code',
      method: 'POST',
      url: '/v1/run',
      summary: 'Run code that is not stored',
      tag: 'Runs',
      scope: 'run',
      body: runCodeBody(options),
      answers: RUN_ANSWERS.map(({ example: _example, ...answer }) => answer),
      errors: [...RUN_ERRORS, 'SKILL_INVALID', 'SKILL_SYNTAX', 'UNSUPPORTED_SYNTAX', 'SECURITY_VALIDATION'],
      headers: PREFER,
      bodyExample: { code: 'const n = 1;\nexport const result = n * 2;', inputs: { n: 21 } },
      handle: (call) => {
        expectEverySkill(call.caller);
        const { code } = call.body;
        return answerRun(context, call, undefined, (library, { inputs, ...rest }, how) => {
          const { code: _code, ...runOptions } = rest as RunOptions & { code?: string };
          return library.runCode(code, inputs ?? {}, { ...runOptions, ...how });
        });
      },
    }),
    ...keptRunRoutes(context),
  ];
}

function keptRunRoutes(context: ServiceContext): Route[] {
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
      answers: [{ status: 200, description: 'The run.', schema: runState }],
      errors: ['RUN_NOT_FOUND', 'DATABASE_CONNECTION', 'CLOSED'],
      examples: { id: EXAMPLE_RUN.id },
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
      answers: [{ status: 202, description: 'It is being ended.', schema: runState }],
      errors: ['RUN_NOT_FOUND'],
      examples: { id: EXAMPLE_RUN.id },
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
        'Server-Sent Events: `status`, `log` as the skill writes, and `outcome`, which is the last.',
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
      examples: { id: EXAMPLE_RUN.id },
      handle: ({ caller, params, request, reply }) => {
        const kept = expectKept(context, caller, params.id);
        followRun(context, kept, lastEventId(request.headers['last-event-id']), reply);
        return reply;
      },
    }),
  ];
}

type Run = (
  library: Awaited<ReturnType<ServiceContext['libraryOf']>>,
  body: RunOptions & { inputs?: object },
  how: Pick<RunOptions, 'id' | 'signal' | 'onLog'>,
) => Promise<SkillRun>;

/** At once or later, as the caller prefers. What `run` throws before it begins is an answer in any case. */
async function answerRun(
  context: ServiceContext,
  { request, reply, caller, body }: Call<unknown, unknown, object>,
  skill: string | undefined,
  run: Run,
): Promise<unknown> {
  const { admission, options } = context;
  admission.enter(caller);
  const isLater = prefersLater(request.headers.prefer);
  let mayLeave = true;
  try {
    const opened = context.libraryOf(caller);
    const library = opened instanceof Promise ? await opened : opened;
    if (!isLater) return reply.send(await runNow(context, request, reply, (how) => run(library, body, how)));
    const kept = context.keptRuns.start({ id: request.id, owner: caller.tenant, skill }, async (one) => {
      try {
        const ended = await run(library, body, {
          id: one.id,
          signal: one.signal,
          onLog: (text) => one.log(text),
        });
        return { run: ended, text: jsonAnswer(ended, options.runOutputBytesMax * 2) };
      } catch (thrown) {
        context.runFailed(request, skill, thrown);
        throw thrown;
      } finally {
        admission.leave(caller);
      }
    });
    mayLeave = false;
    reply.code(202).header('location', `/v1/runs/${kept.id}`).header('preference-applied', 'respond-async');
    return reply.type('application/json; charset=utf-8').send(stateText(kept));
  } finally {
    if (mayLeave) admission.leave(caller);
  }
}

async function runNow(
  { clients, options }: ServiceContext,
  request: Call['request'],
  reply: Call['reply'],
  run: (how: Pick<RunOptions, 'id' | 'signal'>) => Promise<SkillRun>,
): Promise<string> {
  const waiting = clients.wait(request);
  let isUnheard = false;
  try {
    const ended = await run({ id: request.id, signal: waiting.signal });
    isUnheard = ended.cached;
    reply.type('application/json; charset=utf-8');
    return jsonAnswer(ended, options.runOutputBytesMax * 2);
  } finally {
    clients.done(request, waiting, isUnheard);
  }
}

function prefersLater(header: unknown): boolean {
  return typeof header === 'string' && /(?:^|[,;\s])respond-async(?:$|[,;\s])/i.test(header);
}

function stateText(kept: KeptRun): string {
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

function followRun(context: ServiceContext, kept: KeptRun, afterId: number, reply: Call['reply']): void {
  const { options, streams } = context;
  if (streams.open >= options.eventStreamsMax) {
    throw new SkillCacheError('OVERLOADED', `${streams.open} event streams are open: try again later`, {
      details: { retryAfterSeconds: 5 },
    });
  }
  streams.open += 1;
  let unfollow = (): unknown => undefined;
  const stream = new EventStream(reply, {
    heartbeatMs: options.heartbeatMs,
    onClose: () => {
      streams.open -= 1;
      unfollow();
    },
  });
  unfollow = kept.follow(afterId, { event: (event) => stream.send(event), end: () => stream.end() });
}
