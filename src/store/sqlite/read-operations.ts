/** What a reader connection can be asked, in its thread. Each answer is plain data. */
import type { SkillDefinition } from '../../skills/skill.ts';
import type { RunRecord, SearchHit, SkillSummary, StoreCheck, VersionSummary } from '../store.ts';
import { checkDatabase } from './check.ts';
import { readDefinitions, type DefinitionsArguments } from './definitions.ts';
import { list, type ListArguments } from './list.ts';
import { toRunRecord } from './records.ts';
import { search, type SearchArguments } from './search.ts';
import { serviceReads, type ServiceReads } from './service-operations.ts';
import type { Statements } from './statements.ts';

export interface ReadContext {
  readonly statements: Statements;
  readonly path: string;
  /** Throws where the caller does not want the answer any longer; long loops ask it. */
  keepGoing(): void;
}

export interface StoreCounts {
  readonly skills: number;
  readonly versions: number;
  readonly results: number;
  readonly resultBytes: number;
  readonly runs: number;
}

type Operation<Arguments, Answer> = (context: ReadContext, given: Arguments) => Answer;

/** Name → arguments and answer. */
export interface ReadOperations extends ServiceReads {
  search: Operation<SearchArguments, SearchHit[]>;
  list: Operation<ListArguments, SkillSummary[]>;
  definitions: Operation<DefinitionsArguments, SkillDefinition[]>;
  versions: Operation<{ name: string }, VersionSummary[]>;
  listRuns: Operation<{ limit: number; skill: string | undefined }, RunRecord[]>;
  count: Operation<Record<never, never>, StoreCounts>;
  check: Operation<{ deep: boolean }, StoreCheck>;
}

export const readOperations: ReadOperations = {
  ...serviceReads,
  search: (context, given) => search(context, given),
  list: (context, given) => list(context, given),
  definitions: (context, given) => readDefinitions(context, given),
  versions({ statements }, { name }) {
    const rows = statements.all<{ version: number; digest: string; createdAtMs: number; current: number }>(
      `SELECT v.version, v.digest, v.created_at_ms AS createdAtMs, v.version = s.version AS current
       FROM skills s JOIN versions v ON v.skill_id = s.id WHERE s.name = ? ORDER BY v.version`,
      name,
    );
    return rows.map(({ version, digest, createdAtMs, current }) => ({
      version,
      digest,
      createdAtMs,
      current: current === 1,
    }));
  },
  listRuns({ statements }, { limit, skill }) {
    const rows =
      skill === undefined
        ? statements.all<{ record: string }>('SELECT record FROM runs ORDER BY seq DESC LIMIT ?', limit)
        : statements.all<{ record: string }>(
            'SELECT record FROM runs WHERE skill = ? ORDER BY seq DESC LIMIT ?',
            skill,
            limit,
          );
    return rows.map(toRunRecord);
  },
  count({ statements }) {
    const rows = statements.all<{ name: string; value: number }>('SELECT name, value FROM counters');
    const counters = new Map(rows.map(({ name, value }) => [name, value]));
    const [runs = 0] = statements.column<number>('SELECT count(*) FROM runs');
    return {
      skills: counters.get('skills') ?? 0,
      versions: counters.get('versions') ?? 0,
      results: counters.get('results') ?? 0,
      resultBytes: counters.get('result_bytes') ?? 0,
      runs,
    };
  },
  check: (context, { deep }) => checkDatabase(context, deep),
};
