/** Batches: one skill over many inputs, as a job that is followed, stopped, resumed and read. */
import { createReadStream } from 'node:fs';
import { z } from 'zod';
import { SkillCacheError, type ErrorCode } from '../errors.ts';
import {
  batchBody,
  batchId,
  batchListQuery,
  batchPage,
  batchView,
  EXAMPLE_BATCH_ID,
  outputQuery,
  resumeBody,
  resumeBounds,
  type BatchBody,
} from './batch-schemas.ts';
import { expectSkill } from './caller.ts';
import type { ServiceContext } from './context.ts';
import { EventLog } from './event-log.ts';
import { lastEventId } from './event-stream.ts';
import { streamEvents } from './follow.ts';
import { route, type Answer, type Call, type Route } from './route.ts';
import type { ResumeBounds } from '../batch/batch-types.ts';
import type { BatchEnded, BatchRequest, BatchView } from './served-batches.ts';

const ONE_BATCH = z.object({ id: batchId });
const examples = { id: EXAMPLE_BATCH_ID };
const KNOWN: readonly ErrorCode[] = ['BATCH_NOT_FOUND', 'BATCH_REFUSED', 'CLOSED'];
const BEGUN: readonly ErrorCode[] = [
  'SKILL_NOT_FOUND',
  'BATCH_REFUSED',
  'BATCH_BUSY',
  'OUTPUT_UNWRITABLE',
  'CLOSED',
  'DATABASE_CONNECTION',
  'DATABASE_CORRUPT',
]; // beside those of the requests

const EXAMPLE = {
  id: EXAMPLE_BATCH_ID,
  skill: 'moving-average@1',
  status: 'running',
  createdAtMs: 1_790_000_000_000,
  done: 0,
  failed: 0,
  cached: 0,
  outputBytes: 0,
};
const RUNS: Answer = {
  status: 202,
  description: 'It runs; its address is in `Location`.',
  schema: batchView,
  example: EXAMPLE,
  headers: { Location: 'Where the batch is.' },
};

const IS_COMPLETE: Answer = {
  status: 200,
  description: 'It is complete already.',
  schema: batchView,
  example: { ...EXAMPLE, status: 'completed', done: 100, outputBytes: 3_200 },
};

export function batchRoutes(context: ServiceContext): Route[] {
  return [...jobRoutes(context), ...oneRoutes(context), ...readRoutes(context)];
}

function jobRoutes(context: ServiceContext): Route[] {
  const { batches, options } = context;
  return [
    route({
      id: 'startBatch',
      audit: 'batch.start',
      method: 'POST',
      url: '/v1/batches',
      summary: 'Run a skill over many inputs',
      description:
        'The inputs are an array, or text (`ndjson`, `json`, `csv`). Each has a line in the output, in its order.',
      tag: 'Batches',
      scope: 'run',
      body: batchBody(options),
      answers: [RUNS],
      errors: [...BEGUN, 'CONFIGURATION', 'FILE_NOT_FOUND'],
      bodyExample: { skill: 'moving-average', inputs: [{ prices: [1, 2, 3], window: 2 }], onError: 'skip' },
      handle: async ({ caller, body, request, reply }) => {
        expectSkill(caller, body.skill);
        const asked = requestOf(body, options.batchInputsFolder !== '');
        const view = await batches.start(caller, asked, endedOf(context, request));
        request.target = view.id;
        return begun(reply, view);
      },
    }),
    route({
      id: 'listBatches',
      method: 'GET',
      url: '/v1/batches',
      summary: 'The batches, the latest first',
      tag: 'Batches',
      scope: 'read',
      query: batchListQuery,
      answers: [
        {
          status: 200,
          description: 'A page of batches.',
          schema: batchPage,
          example: { batches: [RUNS.example], next: null },
        },
      ],
      errors: ['CLOSED'],
      examples: { limit: 20, cursor: EXAMPLE_BATCH_ID },
      handle: async ({ caller, query }) => {
        const found = await batches.list(caller, { limit: query.limit + 1, after: query.cursor });
        const page = found.slice(0, query.limit);
        return { batches: page, next: found.length > page.length ? (page.at(-1)?.id ?? null) : null };
      },
    }),
  ];
}

function oneRoutes(context: ServiceContext): Route[] {
  const { batches } = context;
  return [
    route({
      id: 'getBatch',
      method: 'GET',
      url: '/v1/batches/:id',
      summary: 'Where a batch stands',
      tag: 'Batches',
      scope: 'read',
      params: ONE_BATCH,
      answers: [{ status: 200, description: 'The batch.', schema: batchView, example: RUNS.example }],
      errors: KNOWN,
      examples,
      handle: ({ caller, params }) => batches.view(caller, params.id),
    }),
    route({
      id: 'resumeBatch',
      audit: 'batch.resume',
      method: 'POST',
      url: '/v1/batches/:id/resume',
      summary: 'Go on with a batch that was interrupted',
      description:
        'From its last checkpoint. What is said of failures, time and items holds for this attempt. One that is complete stays so, unless it ended at its `itemsMax` and a larger one is given.',
      tag: 'Batches',
      scope: 'run',
      params: ONE_BATCH,
      body: resumeBody,
      bodySchema: z.toJSONSchema(resumeBounds, { io: 'input' }),
      answers: [RUNS, IS_COMPLETE],
      errors: [...KNOWN, ...BEGUN],
      examples,
      bodyExample: { failuresMax: 100 },
      handle: async ({ caller, params, body, request, reply }) => {
        const view = await batches.resume(
          caller,
          params.id,
          (body ?? {}) as ResumeBounds,
          endedOf(context, request),
        );
        return view.status === 'completed' ? view : begun(reply, view);
      },
    }),
    route({
      id: 'cancelBatch',
      audit: 'batch.cancel',
      method: 'POST',
      url: '/v1/batches/:id/cancel',
      summary: 'End a batch for good',
      description: 'What runs is finished first. It cannot be resumed; its output stays.',
      tag: 'Batches',
      scope: 'run',
      params: ONE_BATCH,
      answers: [{ status: 202, description: 'It is being ended.', schema: batchView, example: RUNS.example }],
      errors: [...KNOWN, 'BATCH_BUSY'],
      examples,
      handle: async ({ caller, params, reply }) =>
        reply.code(202).send(await batches.cancel(caller, params.id)),
    }),
    route({
      id: 'removeBatch',
      audit: 'batch.remove',
      method: 'DELETE',
      url: '/v1/batches/:id',
      summary: 'Remove a batch with its inputs and output',
      description: 'One that runs has to be cancelled first.',
      tag: 'Batches',
      scope: 'run',
      params: ONE_BATCH,
      answers: [{ status: 204, description: 'It is gone.' }],
      errors: [...KNOWN, 'BATCH_BUSY'],
      examples,
      handle: async ({ caller, params, reply }) => {
        await batches.remove(caller, params.id);
        return reply.code(204).send();
      },
    }),
  ];
}

function readRoutes(context: ServiceContext): Route[] {
  const { batches } = context;
  return [
    route({
      id: 'followBatch',
      method: 'GET',
      url: '/v1/batches/:id/events',
      summary: 'Follow a batch',
      description: 'Server-Sent Events: `status`, `progress`, and `outcome`, which is the last.',
      tag: 'Batches',
      scope: 'read',
      params: ONE_BATCH,
      answers: [
        {
          status: 200,
          description: 'The events.',
          type: 'text/event-stream',
          schema: { type: 'string' },
          example: 'id: 2\nevent: progress\ndata: {"done":100,"failed":0}\n\n',
        },
      ],
      errors: KNOWN,
      headers: { 'Last-Event-ID': 'The last event that was seen; those behind it are sent.' },
      examples,
      handle: async ({ caller, params, request, reply }) => {
        const view = await batches.view(caller, params.id);
        const log = batches.served(caller, params.id) ?? told(view);
        const after = lastEventId(request.headers['last-event-id']);
        streamEvents(context, reply, (follower) => log.follow(after, follower));
        return reply;
      },
    }),
    route({
      id: 'readBatchOutput',
      method: 'GET',
      url: '/v1/batches/:id/output',
      summary: 'The output of a batch',
      description: 'NDJSON, a line an input, up to the last checkpoint: what no resumption will change.',
      tag: 'Batches',
      scope: 'read',
      params: ONE_BATCH,
      query: outputQuery,
      answers: [
        {
          status: 200,
          description: 'The lines.',
          type: 'application/x-ndjson',
          schema: { type: 'string' },
          example: '{"index":0,"output":[1.5,2.5]}\n',
        },
      ],
      errors: KNOWN,
      examples: { ...examples, offset: 0 },
      handle: async ({ caller, params, query, reply }) => {
        const { path, bytes } = await batches.output(caller, params.id);
        reply
          .type('application/x-ndjson; charset=utf-8')
          .header('content-length', Math.max(0, bytes - query.offset));
        if (query.offset >= bytes) return reply.send('');
        return reply.send(createReadStream(path, { start: query.offset, end: bytes - 1 }));
      },
    }),
  ];
}

function requestOf({ inputs, file, format, run, ...rest }: BatchBody, hasFiles: boolean): BatchRequest {
  if (file !== undefined && !hasFiles) {
    throw new SkillCacheError('REQUEST_INVALID', 'body.file: this service takes inputs from the body only');
  }
  const text = Array.isArray(inputs) ? inputs.map((input) => `${JSON.stringify(input)}\n`).join('') : inputs;
  // The file in which text is kept has no ending that says what it is.
  const said = format ?? (file === undefined ? 'ndjson' : undefined);
  const asked = {
    ...rest,
    ...(said && { format: said }),
    ...(run && { run }),
    inputs: file === undefined ? { text: text ?? '' } : { file },
  };
  return asked as BatchRequest;
}

function begun(reply: Call['reply'], view: BatchView): unknown {
  return reply.code(202).header('location', `/v1/batches/${view.id}`).send(view);
}

/** What was run by a process that is gone has no events, only where it stands. */
function told({ status, done, failed, cached, problem }: BatchView): EventLog {
  const log = new EventLog({ eventsMax: 1, eventBytesMax: Infinity });
  log.tell(status === 'running' ? 'status' : 'outcome', { status, done, failed, cached, problem });
  log.end();
  return log;
}

function endedOf(context: ServiceContext, request: Call['request']): BatchEnded {
  return (id, thrown) => context.batchEnded(request, id, thrown);
}
