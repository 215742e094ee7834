/** The OpenAPI 3.1 document, made of the routes and of the schemas that check their requests. */
import { z } from 'zod';
import { ERROR_KINDS, type ErrorCode } from '../errors.ts';
import { titleOf } from './problem.ts';
import type { Answer, Route } from './route.ts';

/** What any request may end with. */
const ALWAYS: readonly ErrorCode[] = [
  'REQUEST_INVALID',
  'MISDIRECTED',
  'FORBIDDEN',
  'RATE_LIMITED',
  'REQUEST_TIMEOUT',
  'HEADERS_TOO_LARGE',
  'INTERNAL',
  'OVERLOADED',
]; // in every operation
const WITH_BODY: readonly ErrorCode[] = ['BODY_TOO_LARGE', 'MEDIA_TYPE'];

const TAGS = [
  { name: 'Skills', description: 'Stored, found, told about, rolled back, removed.' },
  { name: 'Runs', description: 'Answered when they are done, or later.' },
  { name: 'Batches', description: 'One skill over many inputs: followed, stopped, resumed, read.' },
  { name: 'Code', description: 'Code with data in it.' },
  { name: 'Operation', description: 'Whether the service is well, its numbers, and this document.' },
];

export function openApiDocument(
  routes: readonly Route[],
  { version, url }: { version: string; url: string },
): object {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const one of routes) {
    const path = one.url.replace(/:(\w+)/g, '{$1}');
    (paths[path] ??= {})[one.method.toLowerCase()] = operationOf(one);
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'skillcache',
      version,
      summary: 'Skills for LLM agents: stored, found, filled with data, run confined.',
      description: 'Every error is an RFC 9457 problem document whose `code` says what happened.',
      license: { name: 'MIT', identifier: 'MIT' },
      contact: { name: 'skillcache', url: 'https://www.npmjs.com/package/skillcache' },
    },
    servers: [{ url }],
    tags: TAGS,
    security: [{ key: [] }],
    paths,
    components: {
      securitySchemes: {
        key: {
          type: 'http',
          scheme: 'bearer',
          description: 'A key `sk_…` made by `skillcache keys create`.',
        },
      },
      schemas: { Problem: PROBLEM },
    },
  };
}

const PROBLEM = {
  type: 'object',
  description: 'RFC 9457. `code` is stable; `errors.ts` is where it comes from.',
  properties: {
    type: { type: 'string' },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string' },
    code: { type: 'string', enum: Object.keys(ERROR_KINDS) },
    retryable: { type: 'boolean' },
    issues: {
      type: 'array',
      items: {
        type: 'object',
        properties: { path: { type: 'string' }, message: { type: 'string' } },
      },
    },
  },
  required: ['type', 'title', 'status', 'detail', 'code', 'retryable'],
  additionalProperties: true,
};

function operationOf(one: Route): object {
  const { id: operationId, summary, description = summary, tag, scope, body } = one;
  return {
    operationId,
    summary,
    description: `${description.replace(/\.?$/, '.')}${scope === undefined ? '' : ` Scope: \`${scope}\`.`}`,
    tags: [tag],
    ...(scope === undefined && { security: [] }),
    parameters: parametersOf(one),
    ...(body && { requestBody: bodyOf(one) }),
    responses: responsesOf(one),
  };
}

function parametersOf({ params, query, headers = {}, examples = {}, method }: Route): object[] {
  const of = (schema: z.ZodType | undefined, place: 'path' | 'query'): object[] => {
    if (!schema) return [];
    const { properties = {}, required = [] } = jsonSchemaOf(schema) as {
      properties?: Record<string, { description?: string }>;
      required?: string[];
    };
    return Object.entries(properties).map(([name, { description = name, ...schema }]) => {
      const isRequired = place === 'path' || required.includes(name);
      return { name, in: place, required: isRequired, description, schema, example: examples[name] };
    });
  };
  const repeats = isRepeatable(method) ? { 'Idempotency-Key': IDEMPOTENCY } : {};
  const named = Object.entries({ ...headers, ...repeats }).map(([name, description]) => ({
    name,
    in: 'header',
    required: false,
    description,
    schema: { type: 'string' },
  }));
  return [...of(params, 'path'), ...of(query, 'query'), ...named];
}

const isRepeatable = (method: Route['method']): boolean => method === 'POST' || method === 'PUT';

/** Of whatever asks for a key. */
const LIMITS = {
  'RateLimit-Policy': 'Most requests of one caller: `"caller";q=1000;w=60`, in a window of so many seconds.',
  RateLimit: 'What is left of them, and the seconds until they are all back: `"caller";r=999;t=60`.',
};

const IDEMPOTENCY = 'Chosen by the caller: the same request again gets the first answer, for 24 hours.';

function bodyOf({ body, bodySchema, bodyExample }: Route): object {
  const schema = bodySchema ?? jsonSchemaOf(body as z.ZodType);
  const { $schema: _dialect, ...shown } = schema as Record<string, unknown>;
  return {
    required: body?.safeParse(null).success !== true,
    content: {
      'application/json': { schema: shown, ...(bodyExample !== undefined && { example: bodyExample }) },
    },
  };
}

function responsesOf({ answers, errors, body, scope, method }: Route): object {
  const responses: Record<string, object> = {};
  for (const answer of answers) responses[answer.status] = answerOf(answer, scope !== undefined);
  const codes = [
    ...ALWAYS,
    ...errors,
    ...(body ? WITH_BODY : []),
    ...(isRepeatable(method) ? (['IDEMPOTENCY_CONFLICT'] as const) : []),
    ...(scope ? (['UNAUTHORIZED'] as const) : []),
  ];
  for (const [status, held] of grouped(codes)) responses[status] ??= problemsOf(status, held);
  return responses;
}

function grouped(codes: readonly ErrorCode[]): [number, ErrorCode[]][] {
  const byStatus = new Map<number, ErrorCode[]>();
  for (const code of new Set(codes)) {
    const { httpStatus } = ERROR_KINDS[code];
    byStatus.set(httpStatus, [...(byStatus.get(httpStatus) ?? []), code]);
  }
  return [...byStatus].toSorted(([left], [right]) => left - right);
}

function answerOf(
  { status, description, schema, example, type = 'application/json', headers = {} }: Answer,
  isLimited: boolean,
): object {
  return {
    description,
    ...headersOf({ ...(isLimited && LIMITS), ...headers }),
    ...(schema !== undefined &&
      status !== 304 && {
        content: {
          [type]: {
            schema: schema instanceof z.ZodType ? jsonSchemaOf(schema) : schema,
            ...(example !== undefined && { example }),
          },
        },
      }),
  };
}

function problemsOf(status: number, codes: readonly ErrorCode[]): object {
  const examples = Object.fromEntries(codes.map((code) => [code, { value: problemExample(status, code) }]));
  const named = status === 429 || status === 503 ? { 'Retry-After': 'Seconds.' } : {};
  return {
    description: codes.map((code) => `\`${code}\``).join(', '),
    ...headersOf(named),
    content: {
      'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' }, examples },
    },
  };
}

function problemExample(status: number, code: ErrorCode): object {
  const title = titleOf(code);
  const { retryable } = ERROR_KINDS[code];
  return { type: `/docs#${code}`, title, status, detail: title, code, retryable };
}

function headersOf(named: Readonly<Record<string, string>>): object {
  const headers = Object.entries(named).map(([name, description]) => [
    name,
    { description, schema: { type: 'string' } },
  ]);
  return headers.length === 0 ? {} : { headers: Object.fromEntries(headers) };
}

function jsonSchemaOf(schema: z.ZodType): Record<string, unknown> {
  const { $schema: _dialect, ...rest } = z.toJSONSchema(schema, {
    io: 'input',
    unrepresentable: 'any',
  }) as Record<string, unknown>;
  return rest;
}
