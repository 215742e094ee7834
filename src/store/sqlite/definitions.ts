/** Whole definitions for an export, read in a reader's thread: the event loop is given little at a time. */
import type { SkillDefinition } from '../../skills/skill.ts';
import type { ReadContext } from './read-operations.ts';
import { damaged, toSkillVersion, type VersionRow } from './records.ts';

export interface DefinitionsArguments {
  readonly limit: number;
  readonly after: string | undefined;
}

/** Of one page, in characters: what takes the event loop about a millisecond to receive. */
const PAGE_LENGTH_MAX = 256 * 1024;

interface CurrentRow extends VersionRow {
  readonly pointer_name: string;
  readonly pointer_version: number;
  readonly pointer_digest: string;
}

/** At least one where there is one. @throws {DatabaseCorruptError} naming the skill that is not what was written. */
export function readDefinitions(
  { statements, path, keepGoing }: ReadContext,
  { limit, after }: DefinitionsArguments,
): SkillDefinition[] {
  const definitions: SkillDefinition[] = [];
  let length = 0;
  const rows = statements.iterate<CurrentRow>(
    `SELECT v.name, v.version, v.digest, v.created_at_ms, v.checksum, v.body,
       s.name AS pointer_name, s.version AS pointer_version, s.digest AS pointer_digest
     FROM skills s LEFT JOIN versions v ON v.skill_id = s.id AND v.version = s.version
     WHERE s.name > ? ORDER BY s.name LIMIT ?`,
    after ?? '',
    limit,
  );
  for (const row of rows) {
    keepGoing();
    if (row.digest !== row.pointer_digest) {
      const { pointer_name: skill, pointer_version: version } = row;
      throw damaged(`the pointer of skill ${skill} to version ${version}`, path, { skill, version });
    }
    definitions.push(toSkillVersion(row, path).definition);
    length += row.body.length;
    if (length > PAGE_LENGTH_MAX) break;
  }
  return definitions;
}
