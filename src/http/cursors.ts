/** Where a page of a list begins: behind a name or a number, told to the caller as something to hand back. */
import { SkillCacheError } from '../errors.ts';
import { skillName } from './schemas.ts';

export const toCursor = (text: string): string => Buffer.from(text, 'utf8').toString('base64url');
const fromCursor = (cursor: string): string => Buffer.from(cursor, 'base64url').toString('utf8');

/** @throws {SkillCacheError} REQUEST_INVALID */
export function nameOf(cursor: string): string {
  const name = fromCursor(cursor);
  return skillName.safeParse(name).success ? name : refuseCursor();
}

/** @throws {SkillCacheError} REQUEST_INVALID */
export function numberOf(cursor: string): number {
  const text = fromCursor(cursor);
  return /^\d{1,9}$/.test(text) ? Number(text) : refuseCursor();
}

function refuseCursor(): never {
  throw new SkillCacheError('REQUEST_INVALID', 'query.cursor: is none of this list', {
    details: { issues: [{ path: 'query.cursor', message: 'is none of this list' }] },
  });
}
