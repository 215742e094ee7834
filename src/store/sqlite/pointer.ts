/** Moves the pointer of a skill: the one place where its list entry, tags and search index change. */
import { RequirementError } from '../../errors.ts';
import type { PinnedRequirement, SkillAnalysis } from '../../skills/analyse.ts';
import type { SkillDefinition } from '../../skills/skill.ts';
import type { AddedVersion } from '../store.ts';
import { skillChecksum, summaryText } from './records.ts';
import { dropExcessVersions } from './retention.ts';
import { indexedText } from './search-text.ts';
import type { Statements } from './statements.ts';
import type { WriteContext } from './write-operations.ts';

export interface PointedVersion {
  readonly name: string;
  readonly version: number;
  readonly digest: string;
  readonly createdAtMs: number;
  readonly definition: SkillDefinition;
  readonly analysis: SkillAnalysis;
}

/** Moves a pointer that is there. What it pins must be there, and the index follows. */
export function pointAt(
  context: WriteContext,
  skillId: number,
  target: PointedVersion,
  status: 'added' | 'restored',
): AddedVersion {
  const { statements } = context;
  const { name, version, digest } = target;
  requireAll(statements, name, target.analysis.requires);
  supersede(statements, skillId, version);
  statements.run(
    'UPDATE skills SET name = ?, version = ?, digest = ?, created_at_ms = ?, summary = ?, checksum = ? WHERE id = ?',
    ...entryOf(target),
    skillId,
  );
  statements.run('DELETE FROM tags WHERE skill_id = ?', skillId);
  statements.run('DELETE FROM skill_index WHERE rowid = ?', skillId);
  describe(statements, skillId, target);
  if (status === 'added') dropExcessVersions(context, skillId);
  countPointerMove(context);
  return { name, version, digest, status };
}

/** The pointer of a skill that was not there, and what it is found by; its id. The version itself is still to come. */
export function insertPointer(context: WriteContext, target: PointedVersion): number {
  const { statements } = context;
  const skillId = statements.insert(
    'INSERT INTO skills (name, version, digest, created_at_ms, summary, checksum) VALUES (?, ?, ?, ?, ?, ?)',
    ...entryOf(target),
  );
  describe(statements, skillId, target);
  countPointerMove(context, 1);
  return skillId;
}

function entryOf({ name, version, digest, createdAtMs, definition, analysis }: PointedVersion): unknown[] {
  const summary = summaryText(definition, analysis);
  const checksum = skillChecksum({ name, version, digest, created_at_ms: createdAtMs, summary });
  return [name, version, digest, createdAtMs, summary, checksum];
}

function describe(
  statements: Statements,
  skillId: number,
  { definition, analysis }: Pick<PointedVersion, 'definition' | 'analysis'>,
): void {
  for (const tag of definition.tags) {
    statements.run('INSERT OR IGNORE INTO tags (tag, skill_id) VALUES (?, ?)', tag, skillId);
  }
  const text = indexedText(definition, analysis);
  statements.run(
    'INSERT INTO skill_index (rowid, name, description, tags, parameters, code) VALUES (?, ?, ?, ?, ?, ?)',
    skillId,
    text.name,
    text.description,
    text.tags,
    text.parameters,
    text.code,
  );
}

// The version that is current now makes room for `next`.
function supersede(statements: Statements, skillId: number, next: number): void {
  statements.run(
    `INSERT OR REPLACE INTO superseded SELECT v.id, ? FROM skills s
     JOIN versions v ON v.skill_id = s.id AND v.version = s.version WHERE s.id = ?`,
    Date.now(),
    skillId,
  );
  statements.run(
    'DELETE FROM superseded WHERE version_id = (SELECT id FROM versions WHERE skill_id = ? AND version = ?)',
    skillId,
    next,
  );
}

export function requireAll(statements: Statements, by: string, requires: readonly PinnedRequirement[]): void {
  for (const required of requires) requirePinned(statements, by, required);
}

function requirePinned(statements: Statements, by: string, required: PinnedRequirement): void {
  const found = statements.get(
    `SELECT 1 FROM skills s JOIN versions v ON v.skill_id = s.id
     WHERE s.name = ? AND v.version = ? AND v.digest = ?`,
    required.name,
    required.version,
    required.digest,
  );
  if (found !== undefined) return;
  const { name, version, digest } = required;
  const message = `${by} requires ${name}@${version}, which is no longer there`;
  throw new RequirementError(message, { details: { skill: by, requires: name, version, digest } });
}

/** `skills`: how many there are more, or fewer. */
export function countPointerMove(context: WriteContext, skills = 0): void {
  const { changed } = context;
  context.changed = { ...changed, isPointerMoved: true, skills: changed.skills + skills };
}
