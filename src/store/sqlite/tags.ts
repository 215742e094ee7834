/** Skills by the tags that they carry. */
import type { Statements } from './statements.ts';

/** An `AND` for each tag, to be bound in their order. */
export function hasTags(tags: readonly string[], id = 's.id'): string {
  return tags.map(() => `AND EXISTS (SELECT 1 FROM tags t WHERE t.skill_id = ${id} AND t.tag = ?)`).join(' ');
}

/** The tag that the fewest skills carry, if they are no more than `few`. */
export function rareTag(statements: Statements, tags: readonly string[], few: number): string | undefined {
  const counted = tags.map((tag) => {
    const sql = 'SELECT count(*) AS skills FROM (SELECT 1 FROM tags WHERE tag = ? LIMIT ?)';
    return { tag, ...(statements.get(sql, tag, few + 1) as { skills: number }) };
  });
  const [rarest] = counted.toSorted((left, right) => left.skills - right.skills);
  return rarest === undefined || rarest.skills > few ? undefined : rarest.tag;
}

/** Those that carry all of `tags`, of which `tag` is one, in the order in which they came. */
export function taggedIds(statements: Statements, tag: string, tags: readonly string[]): number[] {
  return statements.column<number>(
    `SELECT g.skill_id FROM tags g WHERE g.tag = ? AND (g.skill_id % 64 != 0 OR keep_going()) ${hasTags(tags, 'g.skill_id')}`,
    tag,
    ...tags,
  );
}
