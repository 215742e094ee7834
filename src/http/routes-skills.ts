/** Skills: stored, found, told about, rolled back, removed. */
import { z } from 'zod';
import { SkillCacheError, type ErrorCode } from '../errors.ts';
import { skillDefinitionJsonSchema } from '../library/definition-schema.ts';
import type { StoredSkill } from '../library/types.ts';
import { expectSkill, maySee } from './caller.ts';
import type { ServiceContext } from './context.ts';
import { nameOf, numberOf, toCursor } from './cursors.ts';
import { ETAG, etagOf, expectationOf, IF_MATCH, isKnown } from './preconditions.ts';
import { route, type Route } from './route.ts';
import { EXAMPLE_ADDED, EXAMPLE_STORED, EXAMPLE_SUMMARY, EXAMPLE_VERSIONS } from './skill-examples.ts';
import {
  addedSkill,
  listQuery,
  pageQuery,
  rollbackBody,
  skillBody,
  skillName,
  skillPage,
  skillReference,
  storedSkill,
  verifyQuery,
  versionList,
} from './schemas.ts';

const STORE_ERRORS: readonly ErrorCode[] = [
  'DATABASE_CONNECTION',
  'DATABASE_CORRUPT',
  'DATABASE_FULL',
  'DATABASE_READONLY',
  'POOL_EXHAUSTED',
  'CLOSED',
]; // of any write

const EXAMPLE = { name: 'moving-average' };

export function skillRoutes(context: ServiceContext): Route[] {
  return [listSkills(context), getSkill(context), putSkill(context), ...changes(context), versions(context)];
}

function listSkills(context: ServiceContext): Route {
  return route({
    id: 'listSkills',
    method: 'GET',
    url: '/v1/skills',
    summary: 'Find or list skills',
    description: 'With `query` those that fit, best first; without it all, by name. A page at a time.',
    tag: 'Skills',
    scope: 'read',
    query: listQuery,
    answers: [
      {
        status: 200,
        description: 'One page.',
        schema: skillPage,
        example: { skills: [EXAMPLE_SUMMARY], next: null },
      },
    ],
    errors: ['POOL_EXHAUSTED', 'DATABASE_CONNECTION', 'CLOSED', 'ABORTED'],
    examples: { query: 'average of a price series', tag: 'finance', limit: 20, cursor: 'bWVkaWFu' },
    handle: async ({ caller, query, request }) => {
      const library = await context.libraryOf(caller);
      const { limit, cursor } = query;
      const tags = query.tag === undefined ? [] : [query.tag].flat();
      const signal = context.clients.signalOf(request);
      const isSeen = ({ name }: { name: string }): boolean => maySee(caller, name);
      if (query.query === undefined) {
        const after = cursor === undefined ? {} : { after: nameOf(cursor) };
        const page = await library.list({ limit, tags, signal, ...after });
        const last = page.at(-1);
        return {
          skills: page.filter(isSeen),
          next: page.length < limit || !last ? null : toCursor(last.name),
        };
      }
      const from = cursor === undefined ? 0 : Math.min(SEARCH_MAX, numberOf(cursor));
      const until = Math.min(SEARCH_MAX, from + limit);
      const words = query.query;
      const hits = await library.search(words, { limit: until, tags, signal });
      const next = hits.length < until || until === SEARCH_MAX ? null : toCursor(String(until));
      return { skills: hits.slice(from).filter(isSeen), next };
    },
  });
}

/** A search ranks no more than this. */
const SEARCH_MAX = 1_000;

function getSkill(context: ServiceContext): Route {
  return route({
    id: 'getSkill',
    method: 'GET',
    url: '/v1/skills/:name',
    summary: 'All about a skill',
    tag: 'Skills',
    scope: 'read',
    params: z.object({ name: skillReference }),
    answers: [
      {
        status: 200,
        description: 'The version.',
        schema: storedSkill,
        headers: ETAG,
        example: EXAMPLE_STORED,
      },
      { status: 304, description: 'It is what `If-None-Match` names.' },
    ],
    errors: ['SKILL_NOT_FOUND', 'DATABASE_CONNECTION', 'DATABASE_CORRUPT', 'CLOSED'],
    headers: { 'If-None-Match': 'An `ETag` that the caller has already.' },
    examples: EXAMPLE,
    handle: async ({ caller, params, request, reply }) => {
      expectSkill(caller, params.name);
      const stored = await (await context.libraryOf(caller)).get(params.name);
      reply.header('etag', etagOf(stored.digest)).header('cache-control', 'no-cache');
      if (isKnown(request.headers['if-none-match'], stored.digest)) return reply.code(304).send();
      return reply.send(shown(stored));
    },
  });
}

function shown({ name, version, digest, createdAtMs, definition, analysis }: StoredSkill): object {
  return {
    name,
    version,
    digest,
    createdAtMs,
    definition,
    pure: analysis.pure.decided,
    holes: analysis.plan.holes.map((hole) => hole.name),
    requires: analysis.requires.map(({ name, version, digest }) => ({ name, version, digest })),
  };
}

function putSkill(context: ServiceContext): Route {
  return route({
    id: 'putSkill',
    audit: 'skill.put',
    method: 'PUT',
    url: '/v1/skills/:name',
    summary: 'Store a skill',
    description:
      'Stores a version and makes it the current one when it parses and its examples hold. The same content again changes nothing.',
    tag: 'Skills',
    scope: 'write',
    params: z.object({ name: skillName }),
    query: verifyQuery,
    body: skillBody,
    bodySchema: skillDefinitionJsonSchema(),
    answers: [
      {
        status: 201,
        description: 'A new version.',
        schema: addedSkill,
        example: EXAMPLE_ADDED,
        headers: ETAG,
      },
      {
        status: 200,
        description: 'It was there: current already, or current again.',
        schema: addedSkill,
        example: { ...EXAMPLE_ADDED, status: 'unchanged' },
        headers: ETAG,
      },
    ],
    errors: [
      'SKILL_INVALID',
      'SKILL_SYNTAX',
      'SKILL_VERIFICATION',
      'REQUIREMENT',
      'SECURITY_VALIDATION',
      'PARSE_ERROR',
      'UNSUPPORTED_SYNTAX',
      'UNSUPPORTED_TARGET',
      'PRECONDITION_FAILED',
      'OVERLOADED',
      'ABORTED',
      ...STORE_ERRORS,
    ],
    headers: { ...IF_MATCH, 'If-None-Match': '`*`: only where there is no skill of that name.' },
    examples: { name: 'double', verify: 'true' },
    bodyExample: {
      description: 'Doubles a number. Use when a number is to be doubled.',
      code: 'const n = 1;\nexport const result = n * 2;',
      examples: [{ inputs: { n: 21 }, output: 42 }],
    },
    handle: async ({ caller, params, query, body, request, reply }) => {
      expectSkill(caller, params.name);
      const { name } = params;
      if (body['name'] !== undefined && body['name'] !== name) {
        throw new SkillCacheError('REQUEST_INVALID', `body.name: must be ${name}, as in the address`, {
          details: { issues: [{ path: 'body.name', message: `must be ${name}, as in the address` }] },
        });
      }
      const library = await context.libraryOf(caller);
      // Its examples are runs.
      context.admission.enter(caller);
      try {
        const verify = query.verify === 'true';
        const expected = expectationOf(request.headers);
        const signal = context.clients.signalOf(request);
        const added = await library.add({ ...body, name }, { verify, signal, expected });
        const { version, digest, status, verified, warnings } = added;
        reply.code(status === 'added' ? 201 : 200).header('etag', etagOf(digest));
        reply.header('location', `/v1/skills/${added.name}`);
        return { name: added.name, version, digest, status, verified, warnings };
      } finally {
        context.admission.leave(caller);
      }
    },
  });
}

function changes(context: ServiceContext): Route[] {
  return [
    route({
      id: 'deleteSkill',
      audit: 'skill.delete',
      method: 'DELETE',
      url: '/v1/skills/:name',
      summary: 'Remove a skill',
      description: 'With all its versions and results; refused while another skill requires it.',
      tag: 'Skills',
      scope: 'write',
      params: z.object({ name: skillName }),
      answers: [{ status: 204, description: 'It is gone.' }],
      errors: ['SKILL_NOT_FOUND', 'SKILL_IN_USE', 'PRECONDITION_FAILED', ...STORE_ERRORS],
      headers: IF_MATCH,
      examples: EXAMPLE,
      handle: async ({ caller, params, request, reply }) => {
        expectSkill(caller, params.name);
        const expected = expectationOf(request.headers);
        await (await context.libraryOf(caller)).remove(params.name, { expected });
        return reply.code(204).send();
      },
    }),
    route({
      id: 'rollbackSkill',
      audit: 'skill.rollback',
      method: 'POST',
      url: '/v1/skills/:name/rollback',
      summary: 'Make an older version current',
      tag: 'Skills',
      scope: 'write',
      params: z.object({ name: skillName }),
      body: rollbackBody,
      answers: [
        {
          status: 200,
          description: 'The version that is current now.',
          schema: addedSkill,
          headers: ETAG,
          example: { ...EXAMPLE_ADDED, status: 'restored' },
        },
      ],
      errors: ['SKILL_NOT_FOUND', 'REQUIREMENT', 'PRECONDITION_FAILED', ...STORE_ERRORS],
      headers: IF_MATCH,
      examples: EXAMPLE,
      bodyExample: { version: 1 },
      handle: async ({ caller, params, body, request, reply }) => {
        expectSkill(caller, params.name);
        const expected = expectationOf(request.headers);
        const library = await context.libraryOf(caller);
        const moved = await library.rollback(params.name, body.version, { expected });
        reply.header('etag', etagOf(moved.digest));
        return moved;
      },
    }),
  ];
}

function versions(context: ServiceContext): Route {
  return route({
    id: 'listVersions',
    method: 'GET',
    url: '/v1/skills/:name/versions',
    summary: 'The versions of a skill',
    description: 'Newest first, a page at a time.',
    tag: 'Skills',
    scope: 'read',
    params: z.object({ name: skillName }),
    query: pageQuery,
    answers: [{ status: 200, description: 'One page.', schema: versionList, example: EXAMPLE_VERSIONS }],
    errors: ['SKILL_NOT_FOUND', 'POOL_EXHAUSTED', 'DATABASE_CONNECTION', 'CLOSED'],
    examples: { ...EXAMPLE, limit: 20, cursor: toCursor('7') },
    handle: async ({ caller, params, query: { limit, cursor } }) => {
      expectSkill(caller, params.name);
      const before = cursor === undefined ? Infinity : numberOf(cursor);
      const all = await (await context.libraryOf(caller)).versions(params.name);
      const older = all.filter(({ version }) => version < before);
      const page = older.slice(0, limit);
      const last = page.at(-1);
      return { versions: page, next: last && older.length > limit ? toCursor(String(last.version)) : null };
    },
  });
}
