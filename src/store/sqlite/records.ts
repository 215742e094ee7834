/** Rows to records and back. What comes from disk is compared with its checksum before anybody sees it. */
import { hash } from 'node:crypto';
import { DatabaseCorruptError } from '../../errors.ts';
import type { SkillAnalysis } from '../../skills/analyse.ts';
import type { SkillDefinition } from '../../skills/skill.ts';
import type { RunRecord, SkillSummary, SkillVersion, StoredResult } from '../store.ts';

export interface VersionRow {
  readonly name: string;
  readonly version: number;
  readonly digest: string;
  readonly created_at_ms: number;
  readonly checksum: string;
  readonly body: string;
}

export interface SkillRow {
  readonly name: string;
  readonly version: number;
  readonly digest: string;
  readonly created_at_ms: number;
  readonly summary: string;
  readonly checksum: string;
}

export interface ResultRow {
  readonly key: string;
  readonly digest: string;
  readonly created_at_ms: number;
  readonly expires_at_ms: number;
  readonly checksum: string;
  readonly output: string;
}

interface Summary {
  readonly description: string;
  readonly tags: readonly string[];
  readonly language: 'javascript' | 'typescript';
  readonly pure: boolean;
}

type Unsummed<Row> = Omit<Row, 'checksum'>;

// No part but the last can contain the separator: names, numbers and hex digits.
export function versionChecksum(row: Unsummed<VersionRow>): string {
  return hash('sha256', `${row.name}\n${row.version}\n${row.digest}\n${row.created_at_ms}\n${row.body}`);
}

export function skillChecksum(row: Unsummed<SkillRow>): string {
  return hash('sha256', `${row.name}\n${row.version}\n${row.digest}\n${row.created_at_ms}\n${row.summary}`);
}

export function resultChecksum(row: Unsummed<ResultRow>): string {
  return hash(
    'sha256',
    `${row.key}\n${row.digest}\n${row.created_at_ms}\n${row.expires_at_ms}\n${row.output}`,
  );
}

/** @throws {DatabaseCorruptError} naming the version. */
export function toSkillVersion(row: VersionRow, path: string): SkillVersion {
  if (versionChecksum(row) !== row.checksum) {
    const what = `skill ${row.name}@${row.version}`;
    throw damaged(what, path, { skill: row.name, version: row.version });
  }
  const { definition, analysis } = JSON.parse(row.body) as {
    definition: SkillDefinition;
    analysis: SkillAnalysis;
  };
  const { name, version, digest, created_at_ms: createdAtMs } = row;
  return { name, version, digest, createdAtMs, definition, analysis };
}

/** @throws {DatabaseCorruptError} naming the skill. */
export function toSkillSummary(row: SkillRow, path: string): SkillSummary {
  if (skillChecksum(row) !== row.checksum)
    throw damaged(`the entry of skill ${row.name}`, path, { skill: row.name });
  const { description, tags, language, pure } = JSON.parse(row.summary) as Summary;
  const { name, version, digest, created_at_ms: createdAtMs } = row;
  return { name, version, digest, description, tags, language, pure, createdAtMs };
}

export function summaryText(definition: SkillDefinition, analysis: SkillAnalysis): string {
  const { description, tags, language } = definition;
  return JSON.stringify({ description, tags, language, pure: analysis.pure.decided } satisfies Summary);
}

/** @throws {DatabaseCorruptError} naming the result. */
export function toStoredResult(row: ResultRow, path: string): StoredResult {
  if (resultChecksum(row) !== row.checksum) throw damaged(`result ${row.key}`, path, { result: row.key });
  const { key, digest, output, created_at_ms: createdAtMs, expires_at_ms: expiresAtMs } = row;
  return { key, digest, output, createdAtMs, expiresAtMs };
}

export function toRunRecord(row: { readonly record: string }): RunRecord {
  return JSON.parse(row.record) as RunRecord;
}

export function damaged(
  what: string,
  path: string,
  details: Readonly<Record<string, unknown>>,
): DatabaseCorruptError {
  const message = `${what} in ${path} is not what was written: restore a backup, or remove and add it again`;
  return new DatabaseCorruptError(message, { details: { path, ...details } });
}
