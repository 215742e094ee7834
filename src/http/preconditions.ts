/** Entity tags of skills: the digest of the version, in quotes. */
import type { IncomingHttpHeaders } from 'node:http';
import { SkillCacheError } from '../errors.ts';

/** What the document says of them. */
export const IF_MATCH = {
  'If-Match': 'The `ETag` that the skill must still have: no change of another’s is lost. `*`: any.',
};
export const ETAG = { ETag: 'Names the content of the version.' };

export function etagOf(digest: string): string {
  return `"${digest}"`;
}

/** Whether `If-None-Match` names the digest. */
export function isKnown(header: string | undefined, digest: string): boolean {
  if (header === undefined) return false;
  return header.trim() === '*' || tagsOf(header).includes(digest);
}

/** What the caller takes a skill to be: a digest, `*` for any version, null for none, undefined for whatever it is. */
export function expectationOf(headers: IncomingHttpHeaders): string | null | undefined {
  const { 'if-match': match, 'if-none-match': noneMatch } = headers;
  if (noneMatch !== undefined) {
    if (noneMatch.trim() === '*' && match === undefined) return null;
    throw refusal('If-None-Match', 'of a change can only be *');
  }
  if (match === undefined) return undefined;
  if (match.trim() === '*') return '*';
  const [digest, ...others] = tagsOf(match);
  if (digest !== undefined && others.length === 0) return digest;
  throw refusal('If-Match', 'must be one ETag of a skill, or *');
}

function tagsOf(header: string): string[] {
  return Array.from(header.slice(0, 4_096).matchAll(/(?:W\/)?"([^"]*)"/g), ([, tag = '']) => tag);
}

function refusal(name: string, message: string): SkillCacheError {
  return new SkillCacheError('REQUEST_INVALID', `${name} ${message}`, {
    details: { issues: [{ path: `headers.${name}`, message }] },
  });
}
