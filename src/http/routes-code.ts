/** Code with data in it. */
import { SkillCacheError } from '../errors.ts';
import { expectSkill } from './caller.ts';
import type { ServiceContext } from './context.ts';
import { route, type Route } from './route.ts';
import { injectBody, injected } from './schemas.ts';

export function codeRoutes(context: ServiceContext): Route[] {
  return [
    route({
      id: 'inject',
      method: 'POST',
      url: '/v1/inject',
      summary: 'Put data into code',
      description:
        'The source text of `code`, or of a stored `skill`, with the data in the place of its holes.',
      tag: 'Code',
      scope: 'read',
      body: injectBody,
      answers: [
        {
          status: 200,
          description: 'The code, what was filled, and what filled nothing.',
          schema: injected,
          example: { code: 'const n = 21;\nexport const result = n * 2;', injected: ['n'], unused: [] },
        },
      ],
      errors: [
        'PARSE_ERROR',
        'UNSUPPORTED_TARGET',
        'UNSUPPORTED_SYNTAX',
        'INVALID_INPUTS',
        'UNSERIALIZABLE_VALUE',
        'LIMIT_EXCEEDED',
        'SKILL_NOT_FOUND',
        'CLOSED',
      ],
      bodyExample: { code: 'const n = 1;\nexport const result = n * 2;', inputs: { n: 21 } },
      handle: async ({ caller, body }) => {
        const library = await context.libraryOf(caller);
        const { skill, code, ...request } = body;
        if (skill === undefined) return library.inject(code ?? '', request as object);
        expectSkill(caller, skill);
        const { definition } = await library.get(skill);
        if (request.language !== undefined && request.language !== definition.language) {
          throw new SkillCacheError('REQUEST_INVALID', `body.language: ${skill} is ${definition.language}`);
        }
        return library.inject(definition.code, { ...(request as object), language: definition.language });
      },
    }),
  ];
}
