/** How much one answer of the store holds. */
import { statSync } from 'node:fs';

export const SEARCH_LIMIT = 10;
export const LIST_LIMIT = 100;
export const AUDIT_PAGE = 1_000;
const LIMIT_MAX = 1_000;

export function bounded(limit: number | undefined, otherwise: number): number {
  if (limit === undefined) return otherwise;
  return Math.min(LIMIT_MAX, Math.max(0, Math.trunc(limit) || 0));
}

/** 0 where there is no such file. */
export function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}
