/** Runs: answered when they are done, or later. */
import { z } from 'zod';
import type { ErrorCode } from '../errors.ts';
import type { SkillRun } from '../library/types.ts';
import type { RunOptions } from '../run-options.ts';
import { jsonAnswer } from '../json-answer.ts';
import { expectEverySkill, expectSkill } from './caller.ts';
import { route, type Answer, type Call, type Route } from './route.ts';
import type { ServiceContext } from './context.ts';
import { stateText } from './routes-kept-runs.ts';
import { stageSpans } from './tracing.ts';
import {
  EXAMPLE_RUN_ID,
  EXAMPLE_RUNNING,
  runAnswer,
  runBody,
  runCodeBody,
  runState,
  skillReference,
} from './schemas.ts';

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

/** An answer of more characters waits for no other, and none for it. */
const TOGETHER_LENGTH_MAX = 16_384;

const PREFER = {
  Prefer: '`respond-async`: answer 202 at once; the run is at `/v1/runs/{id}`.',
};

const EXAMPLE_RUN = {
  id: EXAMPLE_RUN_ID,
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
    example: EXAMPLE_RUNNING,
    headers: { Location: 'Where the run is.', 'Preference-Applied': '`respond-async`' },
  },
];

/** Of code that has no name. */
const CODE_ANSWERS = RUN_ANSWERS.map(({ example, ...answer }): Answer => {
  const { skill: _skill, version: _version, ...nameless } = example as typeof EXAMPLE_RUN;
  return { ...answer, example: nameless };
});

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
          library.run(call.params.name, inputs ?? {}, optionsOf(rest, how)),
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
      answers: CODE_ANSWERS,
      errors: [...RUN_ERRORS, 'SKILL_INVALID', 'SKILL_SYNTAX', 'UNSUPPORTED_SYNTAX', 'SECURITY_VALIDATION'],
      headers: PREFER,
      bodyExample: { code: 'const n = 1;\nexport const result = n * 2;', inputs: { n: 21 } },
      handle: (call) => {
        expectEverySkill(call.caller);
        const { code } = call.body;
        return answerRun(context, call, undefined, (library, { inputs, ...rest }, how) => {
          const { code: _code, ...runOptions } = rest as RunOptions & { code?: string };
          return library.runCode(code, inputs ?? {}, optionsOf(runOptions, how));
        });
      },
    }),
  ];
}

type How = Pick<RunOptions, 'id' | 'signal' | 'onLog' | 'onStage'>;
type Run = (
  library: Awaited<ReturnType<ServiceContext['libraryOf']>>,
  body: RunOptions & { inputs?: object },
  how: How,
) => Promise<SkillRun>;

/** Into what the body said: to copy it once more takes a twentieth of what a known answer takes. */
function optionsOf(own: RunOptions, { id, signal, onLog, onStage }: How): RunOptions {
  if (id !== undefined) own.id = id;
  if (signal) own.signal = signal;
  if (onLog) own.onLog = onLog;
  if (onStage) own.onStage = onStage;
  return own;
}

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
    const turn = context.turns.next();
    if (turn) await turn;
    const opened = context.libraryOf(caller);
    const library = opened instanceof Promise ? await opened : opened;
    if (!isLater) {
      const { text, isKnown } = await runNow(context, request, reply, (how) => run(library, body, how));
      mayLeave = false;
      admission.leave(caller);
      const together = text.length > TOGETHER_LENGTH_MAX ? undefined : turnOf(context, isKnown);
      if (together) await together;
      return reply.send(text);
    }
    const onSpan = stageSpans(request);
    const kept = context.keptRuns.start({ id: request.id, owner: caller.tenant, skill }, async (one) => {
      try {
        const ended = await run(library, body, {
          id: one.id,
          signal: one.signal,
          onLog: (text) => one.log(text),
          onStage: (stage, durationMs, endedAgoMs) => {
            one.progress(stage, durationMs);
            onSpan?.(stage, durationMs, endedAgoMs);
          },
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
  run: (how: How) => Promise<SkillRun>,
): Promise<{ readonly text: string; readonly isKnown: boolean }> {
  const onStage = stageSpans(request);
  const ended = await run({ id: request.id, signal: clients.signalOf(request), ...(onStage && { onStage }) });
  reply.type('application/json; charset=utf-8');
  return { text: jsonAnswer(ended, options.runOutputBytesMax * 2), isKnown: ended.cached };
}

function turnOf({ admission, bursts, groups }: ServiceContext, isKnown: boolean): Promise<void> | undefined {
  return isKnown ? bursts.next() : groups.next(admission.running);
}

function prefersLater(header: unknown): boolean {
  return typeof header === 'string' && /(?:^|[,;\s])respond-async(?:$|[,;\s])/i.test(header);
}
