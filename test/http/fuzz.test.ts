/** Requests made of the service's own document, good ones and such as nobody would write. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import { DOUBLE, startTestService } from './service.ts';

const REQUESTS = Number(process.env['SKILLCACHE_FUZZ_REQUESTS'] ?? 300);

interface Schema {
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly minimum?: number;
  readonly maximum?: number;
}

interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query' | 'header';
  readonly schema: Schema;
  readonly example?: unknown;
}

interface Operation {
  readonly operationId: string;
  readonly parameters: readonly Parameter[];
  readonly requestBody?: {
    readonly content: Readonly<Record<string, { schema: Schema; example?: unknown }>>;
  };
  readonly responses: Readonly<Record<string, unknown>>;
}

interface Request {
  readonly method: string;
  readonly path: string;
  readonly body: unknown;
  readonly headers: Record<string, string>;
}

const CODE = [
  '1',
  'const n = 1; n * 2',
  'throw 1',
  'for (;;) {}',
  'export default',
  'import x from "y"',
  '({}).x.y',
];
const NAMES = ['double', 'double@1', 'none', 'x'.repeat(64), 'a@0', '__proto__'];

/** A value that fits a schema, more or less. */
function valueOf(schema: Schema, key = ''): fc.Arbitrary<unknown> {
  const fitting = fittingOf(schema, key);
  return fc.oneof({ arbitrary: fitting, weight: 9 }, { arbitrary: fc.jsonValue({ maxDepth: 3 }), weight: 1 });
}

function fittingOf(schema: Schema, key: string): fc.Arbitrary<unknown> {
  if (key === 'code') return fc.oneof(fc.constantFrom(...CODE), fc.string({ unit: 'binary', maxLength: 50 }));
  if (key === 'timeoutMs') return fc.integer({ min: 1, max: 200 });
  if (schema.enum) return fc.constantFrom(...schema.enum);
  if (schema.const !== undefined) return fc.constant(schema.const);
  if (schema.anyOf) return fc.oneof(...schema.anyOf.map((one) => valueOf(one)));
  switch (schema.type) {
    case 'string':
      return fc.oneof(fc.constantFrom(...NAMES), fc.string({ unit: 'binary', maxLength: 80 }));
    case 'integer':
      return fc.integer({ min: (schema.minimum ?? 0) - 1, max: Math.min(schema.maximum ?? 1_000, 2 ** 40) });
    case 'number':
      return fc.double();
    case 'boolean':
      return fc.boolean();
    case 'array':
      return fc.array(valueOf(schema.items ?? {}), { maxLength: 4 });
    case 'object': {
      const { properties = {} } = schema;
      const entries = Object.entries(properties).map(([name, one]) => [name, valueOf(one, name)] as const);
      const rest = fc.dictionary(fc.string({ maxLength: 8 }), fc.jsonValue({ maxDepth: 3 }), { maxKeys: 3 });
      return entries.length > 0
        ? fc.record(Object.fromEntries(entries), {
            requiredKeys: entries.length > 3 ? [] : Object.keys(properties),
          })
        : rest;
    }
    default:
      return fc.jsonValue({ maxDepth: 3 });
  }
}

/** Lone surrogates cannot be in an address. */
const wellFormed = (text: string): string => Buffer.from(text, 'utf8').toString('utf8');

function requestOf(path: string, method: string, operation: Operation): fc.Arbitrary<Request> {
  const parameters = fc.tuple(
    ...operation.parameters.map((one) => {
      const good =
        one.example === undefined
          ? valueOf(one.schema)
          : fc.oneof(fc.constant(one.example), valueOf(one.schema));
      return one.in === 'path' ? good : fc.option(good, { nil: undefined });
    }),
  );
  const content = operation.requestBody?.content['application/json'];
  const body = content
    ? fc.oneof(
        valueOf(content.schema),
        fc.constant(content.example),
        fc.constant({ ...(content.example as object), timeoutMs: 100 }),
        fc.string({ unit: 'binary', maxLength: 40 }),
      )
    : fc.constant(undefined);
  return fc.record({ values: parameters, body }).map(({ values, body }) => {
    let filled = path;
    const query = new URLSearchParams();
    const headers: Record<string, string> = {};
    for (const [at, one] of operation.parameters.entries()) {
      const value = values[at];
      if (value === undefined) continue;
      const text = typeof value === 'string' ? value : JSON.stringify(value);
      if (one.in === 'path') filled = filled.replace(`{${one.name}}`, encodeURIComponent(wellFormed(text)));
      else if (one.in === 'query') query.append(one.name, wellFormed(text));
      else headers[one.name.toLowerCase()] = text.replace(/[^\x20-\x7e]/g, '?').slice(0, 300);
    }
    return {
      method: method.toUpperCase(),
      path: query.size > 0 ? `${filled}?${query}` : filled,
      body,
      headers,
    };
  });
}

test(
  'no request made of the document ends in 500, or in what it does not tell',
  { timeout: 600_000 },
  async () => {
    const batchesFolder = mkdtempSync(join(tmpdir(), 'skillcache-test-'));
    onTestFinished(() => rmSync(batchesFolder, { recursive: true, force: true }));
    await using service = await startTestService({
      http: { keptRunsMax: 10_000, runTimeoutMsMax: 200, batchesFolder },
      library: { run: { timeoutMs: 200 }, workers: { min: 0, max: 4, concurrency: 2 } },
    });
    await service.ask('PUT', '/v1/skills/double', DOUBLE);
    const { body } = await service.ask('GET', '/openapi.json');
    const { paths } = body as unknown as { paths: Record<string, Record<string, Operation>> };
    const requests = Object.entries(paths).flatMap(([path, methods]) =>
      Object.entries(methods)
        .filter(([, { operationId }]) => operationId !== 'docs' && operationId !== 'openapi')
        .map(([method, operation]) =>
          requestOf(path, method, operation).map((request) => ({ request, operation })),
        ),
    );
    await fc.assert(
      fc.asyncProperty(fc.oneof(...requests), async ({ request, operation }) => {
        const { method, path, headers } = request;
        const answer = await service.ask(method, path, request.body, headers);
        expect(answer.status, answer.text).not.toBe(500);
        // An empty name is another address.
        if (answer.body['code'] === 'ROUTE_NOT_FOUND' || answer.body['code'] === 'METHOD_NOT_ALLOWED') return;
        expect(Object.keys(operation.responses), answer.text).toContain(String(answer.status));
        if (answer.status >= 400 && answer.status !== 503) {
          expect(answer.headers['content-type']).toBe('application/problem+json; charset=utf-8');
        }
      }),
      { numRuns: REQUESTS, endOnFailure: true },
    );
    expect(service.lines.filter(({ level, code }) => level === 'error' && code === 'INTERNAL')).toEqual([]);
  },
);
