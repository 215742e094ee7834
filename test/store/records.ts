/** Versions, results and runs to put into a store. */
import { createHash } from 'node:crypto';
import type { PinnedRequirement } from '../../src/skills/analyse.ts';
import type { SkillDefinition } from '../../src/skills/skill.ts';
import type { NewSkillVersion, RunRecord, StoredResult } from '../../src/store/store.ts';

export const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

export function skillVersion(
  definition: Partial<SkillDefinition> & { name: string },
  requires: readonly PinnedRequirement[] = [],
): NewSkillVersion {
  const whole: SkillDefinition = {
    description: `What ${definition.name} does`,
    code: 'export const result = 1;',
    language: 'javascript',
    parameters: {},
    tags: [],
    requires: requires.map((required) => required.name),
    examples: [],
    pure: 'auto',
    capabilities: [],
    limits: {},
    ...definition,
  };
  return {
    name: whole.name,
    digest: sha256(JSON.stringify(whole)),
    definition: whole,
    analysis: {
      plan: {
        format: 1,
        language: 'javascript',
        holes: [],
        refused: [],
        answers: [],
        imports: [],
        hasTopLevelAwait: false,
        boundNames: [],
        names: { scope: '$s', answer: '$a' },
        edits: [],
      },
      capabilities: { flags: [], freeNames: [] },
      pure: { decided: true, because: [] },
      requires,
    },
  };
}

export function storedResult(key: string, output = '1', digest = sha256('x')): StoredResult {
  const createdAtMs = Date.now();
  return { key: sha256(key), digest, output, createdAtMs, expiresAtMs: createdAtMs + 60_000 };
}

export function runRecord(id: string, more: Partial<RunRecord> = {}): RunRecord {
  return {
    id,
    digest: sha256('x'),
    startedAtMs: Date.now(),
    durationMs: 2.5,
    cached: false,
    outcome: 'ok',
    ...more,
  };
}

export const SQLITE_OPTIONS = {
  readonly: false,
  readers: {
    min: 0,
    max: 2,
    overflowMax: 0,
    acquireTimeoutMs: 5_000,
    waitingMax: 1_000,
    idleTimeoutMs: 300_000,
    usesMax: 10_000,
    ageMaxMs: 3_600_000,
    leakThresholdMs: 60_000,
    revokeLeaks: false,
  },
  busyTimeoutMs: 10_000,
  writesWaitingMax: 10_000,
  runsMax: 100_000,
  runAgeMaxMs: 3_600_000_000,
  resultsMax: 100_000,
  resultBytesMax: 1_000_000,
  versionsMax: 1_000,
  versionAgeMaxMs: 3_600_000_000,
  auditMax: 1_000,
  answersMax: 100,
  answerBytesMax: 1_000_000,
};
