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

/** What it pins must be there, and the index follows. */
export function pointAt(
  context: WriteContext,
  skillId: number,
  { name, version, digest, createdAtMs, definition, analysis }: PointedVersion,
  status: 'added' | 'restored',
  isNew = false,
): AddedVersion {
  const { statements } = context;
  requireAll(statements, name, analysis.requires);
  if (!isNew) supersede(statements, skillId, version);
  const summary = summaryText(definition, analysis);
  const checksum = skillChecksum({ name, version, digest, created_at_ms: createdAtMs, summary });
  statements.run(
    'UPDATE skills SET name = ?, version = ?, digest = ?, created_at_ms = ?, summary = ?, checksum = ? WHERE id = ?',
    name,
    version,
    digest,
    createdAtMs,
    summary,
    checksum,
    skillId,
  );
  if (!isNew) {
    statements.run('DELETE FROM tags WHERE skill_id = ?', skillId);
    statements.run('DELETE FROM skill_index WHERE rowid = ?', skillId);
  }
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
  if (status === 'added' && !isNew) dropExcessVersions(context, skillId);
  countPointerMove(statements);
  return { name, version, digest, status };
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

export function countPointerMove(statements: Statements): void {
  statements.run(`UPDATE counters SET value = value + 1 WHERE name = 'pointer_epoch'`);
}
